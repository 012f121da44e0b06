"""Restarting: all that a simulation and its training go on from."""

from __future__ import annotations

import os

from ..checks import check_path
from ..saving import checkpoint_files
from ..saving.checkpoints import Restart, warn_of_memory
from .save import SaveMixin


class CheckpointMixin(SaveMixin):
    """The methods of a simulator that write and read checkpoints."""

    def save_checkpoint(self, path: str | os.PathLike) -> None:
        r"""
        Save everything that the simulation and its training go on from.

        That is parameters and state, the states of optimizers, random numbers and
        processes, and the position in the data. What probes have recorded is not part
        of it. `train` saves checkpoints on its way, if it is asked to.

        Parameters
        ----------
        path : str or path-like
            A folder; made if there is none. It holds one checkpoint (of
            ``tf.train.Checkpoint``), in files whose names begin with ``nengo_dl-``;
            one that was there before is removed when the new one is complete. Other
            files are left alone, also those of a ``tf.train.CheckpointManager``. One
            process at a time writes to a folder; others wait. Any number may read.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        nengo.exceptions.ValidationError
            If the path cannot be that of a folder (or has one of the characters
            ``*?[]\\``, which TensorFlow takes for patterns).
        OSError
            If the folder cannot be written to. The checkpoint that was there before
            is still there then, and nothing that was begun.

        Warns
        -----
        UserWarning
            If Python code of the user takes part in each step, whose memory cannot be
            saved.
        """
        self._check_open("save_checkpoint")
        check_path("path", path, "folder")
        warn_of_memory(self._engine)
        checkpoint_files.write_checkpoint(path, self._everything().arrays(self.seed))

    def restore_checkpoint(self, path: str | os.PathLike) -> None:
        """
        Go on from where a simulator of the same network was.

        Training continues bit for bit as it would have. If the checkpoint was saved
        in the middle of a call of `train`, the same call, made again, finishes that
        one: it begins in the middle of an epoch, if need be. What probes have recorded
        is cleared.

        Optimizers that this simulator was trained with return to what they were.
        New ones become what their counterparts were, learning rates included: the
        first one that of the interrupted call, if there is one; the others by the
        order of their first use.

        Parameters
        ----------
        path : str or path-like
            The folder.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        nengo.exceptions.ValidationError
            If there is no checkpoint, or one of another network, or of other settings
            (``dt``, ``minibatch_size``, ``dtype``, planner). Nothing is changed then.
            (`train` raises it if its optimizer is of another kind than its
            counterpart.)

        Notes
        -----
        Processes of nodes are run again from their beginning, for as many steps as
        they were asked for. Functions of nodes are called with the time only: what
        they remember otherwise is not restored. To go on from the parameters only,
        with another optimizer or ``minibatch_size``, use `save_params` and
        `load_params`.
        """
        self._check_open("restore_checkpoint")
        check_path("path", path, "folder")
        found = checkpoint_files.read_checkpoint(path)
        with self._working():
            everything = self._everything()
            everything.check_network(path, found)
            relies = everything.relies_on_others(found)
            if relies and not everything.is_planned_alike(found):
                # It may be of a simulator that was planned anew itself.
                self._planned_anew(path, found, self._state, is_loaded=False)
                relies = False
            everything.check(path, found, self.seed)
            state = everything.state(found)
            if relies:
                state = self._planned_anew(path, found, state, is_loaded=True)
            self.seed = everything.restore(found, state)
        for probe in self._engine.probes:
            probe.clear()

    def _everything(self) -> Restart:
        return Restart(self._engine, self._simulation, self._trainer)
