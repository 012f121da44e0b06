"""Learning: gradient descent, and the values of objectives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops.user_warnings import warn_user

from ..calls import TRAIN_ARGUMENTS, check_one_dictionary, explained
from ..checks import check_boolean, check_callable, check_count, check_path
from ..data.batches import check_truncation, warn_uneven
from ..data.epoch_plan import EpochPlan
from ..data.from_train import Data, train_data
from ..evaluation.evaluator import BatchHook
from ..inspection.simulation_data import SimulationData
from ..legacy import refuse
from ..measures.measure import Measure
from ..measures.objectives import Objectives, resolve_objectives
from ..progress import ProgressBarLike
from ..saving.checkpoint_files import make_folder
from ..tensorboard.profiling import profiler
from ..tensorboard.summaries import Summaries, summary_entries
from ..training.optimizers import check_optimizer
from ..training.penalties import penalties
from .save import SaveMixin


class TrainMixin(SaveMixin):
    """The methods of a simulator that optimise parameters."""

    data: SimulationData

    @property
    def training_step(self) -> tf.Variable | None:
        """
        How often `train` has changed the parameters.

        A ``() tf.Variable`` of int64 (``int(sim.training_step)`` is a number), so
        that schedules of learning rates may depend on it. None if the network was
        built for inference only.
        """
        only_runs = self._engine.settings.inference_only
        return None if only_runs else self._trainer.step

    @explained(TRAIN_ARGUMENTS, check_one_dictionary)
    def train(
        self,
        data: Data,
        optimizer: Any,
        n_epochs: int = 1,
        objective: Objectives | None = None,
        shuffle: bool = True,
        truncation: int | None = None,
        summaries: Sequence[Any] | None = None,
        profile: bool | str = False,
        extra_feeds: Mapping | None = None,
        progress_bar: ProgressBarLike = None,
        checkpoint: str | os.PathLike | None = None,
        checkpoint_every: int = 100,
    ) -> None:
        """
        Optimise the trainable parameters.

        What is minimised is the objective, and what regularizers make of parameters:
        those that `.configure_settings` said, and those of Keras layers.

        Spiking neurons take part as their rate approximation. The state of the
        simulation is not touched: every minibatch starts from the initial state.

        Parameters
        ----------
        data : dict or int or tf.data.Dataset or iterable
            Values for nodes and targets for probes,
            ``(n_items, n_steps, size) array``; or a number of steps, to train on the
            nodes' own output.

            Or a data set, a generator or another iterable, for what does not fit into
            memory. Its elements are such dictionaries, or ``(x, y)`` as in `fit`, of
            one minibatch each, all with the same entries; keys may be names (see
            `get_name`). The next elements are made in the background.
        optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
            What turns gradients into changes. An optimizer that is used again
            continues from where it was.
        n_epochs : int
            How often to go through the data.
        objective : dict, optional
            For each probe, or tuple of probes, a function of the outputs
            ``(minibatch_size, n_steps, size) tf.Tensor`` and, if it takes two
            arguments, of the targets. It returns a scalar, or values for each item,
            whose sum is minimised. For a tuple it takes tuples. Also a Keras loss or
            its name, and functions whose arguments are called ``y_true`` and
            ``y_pred``: these take the targets first. ``None`` in place of a function:
            the target is the gradient itself. Default: the mean squared error of
            every probe in ``data``.
        shuffle : bool
            Whether items are put into minibatches in a new random order each epoch.
            (Data sets and generators come in their own order.)
        truncation : int, optional
            Back-propagate through so many steps only. They are trained as a block of
            their own; the state is carried on to the next block of the minibatch.
        summaries : list, optional
            What to write for TensorBoard after each change of the parameters:
            ``"loss"``; ensembles (their encoders), ``ens.neurons`` (biases) and
            connections (weights); functions without arguments, which may call
            ``tf.summary.scalar`` and the like (most of these need the package
            ``tensorboard``). Needs ``Simulator(tensorboard=...)``.
        profile : bool or str
            A directory for a trace that TensorBoard opens; True for
            ``"nengo_dl_profile"``.
        extra_feeds : None
            There are no placeholders to feed in TensorFlow 2.
        progress_bar : bool or nengo.utils.progress.ProgressBar, optional
            Whether to show a progress bar, or which one of Nengo's. None: as the
            simulator was told.
        checkpoint : str or path-like, optional
            A folder for checkpoints: if training is interrupted, make a simulator of
            the same network, call `restore_checkpoint`, and make the same call again.
            It ends with the parameters that it would have had. (Data sets and
            generators must give the same elements again, in every epoch: shuffle with
            ``reshuffle_each_iteration=False`` and a seed.)
        checkpoint_every : int
            After how many minibatches a checkpoint is saved; and at the end.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here, or nothing can be trained.
            Nothing is trained then.
        nengo.exceptions.SimulationError
            If the objective, a gradient or the learning rate is not a finite number:
            parameters and optimizer keep the values of the minibatch before. If a
            summary is of something else.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Warns
        -----
        UserWarning
            If the number of items is not a multiple of the minibatch size: the rest
            is left out. If the number of steps is not a multiple of ``truncation``:
            the last block is shorter. If one step is trained through synapses. If no
            gradient reaches some of the trainable parameters. If Keras layers add
            losses of their own, which are left out. If there are summaries, but no
            TensorBoard.
        """
        self._check_open("train")
        check_optimizer(optimizer)
        n_epochs = check_count("n_epochs", n_epochs)
        check_boolean("shuffle", shuffle)
        refuse("extra_feeds", extra_feeds)
        truncation = check_truncation(truncation)
        epoch_plan = EpochPlan(n_epochs, shuffle, truncation)
        every = _check_checkpoint(checkpoint, checkpoint_every)
        self._trainer.check_built()
        checked = train_data(self._engine, self._names, data, n_epochs)
        objectives = resolve_objectives(objective, self.model.probes, checked.probes)
        objectives += penalties(self._engine)
        warn_uneven(checked.n_steps, truncation)
        writers = self._summaries(summaries, objectives)
        bar = self._bar("Training", epoch_plan.n_blocks(checked), progress_bar)
        with self._working(), profiler(profile), bar as shown:
            self._check_workers(
                checked,
                "train",
                n_epochs=n_epochs,
                shuffle=shuffle,
                truncation=truncation,
                optimizer=optimizer,
                objective=objective,
            )
            show = [lambda result: shown.step(loss=float(result.values.sum()))]
            try:
                self._trainer.train(
                    checked,
                    objectives,
                    optimizer,
                    epoch_plan,
                    [*writers, *show],
                    self._batch_hook(checkpoint, every),
                )
            finally:
                self._state = self._evaluator.refreshed(self._state)
                for writer in writers:
                    writer.flush()

    @explained(TRAIN_ARGUMENTS, check_one_dictionary)
    def loss(
        self,
        data: Data,
        objective: Objectives | None = None,
        combine: Callable = np.mean,
        extra_feeds: Mapping | None = None,
        progress_bar: ProgressBarLike = None,
        training: bool = False,
    ) -> float:
        """
        Compute the value of an objective, without changing anything.

        Regularizers do not count: an objective may be anything, such as an error rate.

        Parameters
        ----------
        data : dict or int or tf.data.Dataset or iterable
            As in `train`.
        objective : dict, optional
            As in `train`.
        combine : callable
            Makes one value from those of all minibatches, ``(n_minibatches,) array``.
            By default their mean, in which a last minibatch of fewer items counts
            for less.
        extra_feeds : None
            There are no placeholders to feed in TensorFlow 2.
        progress_bar : bool or nengo.utils.progress.ProgressBar, optional
            Whether to show a progress bar, or which one of Nengo's. None: as the
            simulator was told.
        training : bool
            Whether spiking neurons do what they do in training: by default, give
            rates (see ``training_mode`` of `.configure_settings`).

        Returns
        -------
        loss : float
            The sum over the objectives.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Warns
        -----
        UserWarning
            If one step is computed through synapses.
        """
        self._check_open("loss")
        check_callable("combine", combine)
        check_boolean("training", training)
        refuse("extra_feeds", extra_feeds)
        checked = train_data(self._engine, self._names, data, keep_remainder=True)
        objectives = resolve_objectives(objective, self.model.probes, checked.probes)
        bar = self._bar("Calculating loss", checked.n_batches, progress_bar)
        with self._working(), bar as shown:
            self._check_workers(checked, "loss", objective=objective, training=training)
            losses, n_items = self._evaluator.losses(
                checked, objectives, training, [lambda result: shown.step()]
            )
        if combine is np.mean:
            return float(np.average(losses, axis=0, weights=n_items).sum())
        return float(sum(_combined(combine, values) for values in losses.T))

    def _batch_hook(self, path: str | os.PathLike | None, every: int) -> BatchHook:
        """Return what saves checkpoints between minibatches, if there is a path."""
        if path is None:
            return iter

        def saving(minibatches: Iterator) -> Iterator:
            for number, minibatch in enumerate(minibatches, start=1):
                yield minibatch  # comes back when it has been trained on
                if number % every == 0:
                    self.save_checkpoint(path)
            self.save_checkpoint(path)

        return saving

    def _summaries(
        self, summaries: Sequence[Any] | None, objectives: Sequence[Measure]
    ) -> list[Summaries]:
        """Make what writes the summaries, if there are any."""
        if summaries is None:
            return []
        entries = summary_entries(summaries, self.data, self.model.probes, objectives)
        if self._tensorboard is None and not self._engine.replicas.is_chief:
            return []
        if self._tensorboard is None:
            warn_user(
                "There are summaries, but no TensorBoard to write them for: use "
                "Simulator(tensorboard=directory)"
            )
            return []
        return [Summaries(entries, self._tensorboard, self._trainer.step)]


def _check_checkpoint(path: str | os.PathLike | None, every: Any) -> int:
    """Make the folder, and return after how many minibatches to write to it."""
    n_minibatches = check_count("checkpoint_every", every, low=1)
    if path is not None:
        check_path("checkpoint", path, "folder")
        make_folder(path)
    elif n_minibatches != 100:
        raise ValidationError(
            f"expected a folder for checkpoints, since checkpoint_every={every}, got "
            "None",
            attr="checkpoint",
        )
    return n_minibatches


def _combined(combine: Callable, values: np.ndarray) -> float:
    """Make one number of those of all minibatches."""
    found = combine(values)
    try:
        return float(found)
    except (TypeError, ValueError) as error:
        raise ValidationError(
            "expected a function that makes one number of those of all minibatches, "
            f"({len(values)},) array, got {combine!r}, which returned {found!r:.100}",
            attr="combine",
        ) from error
