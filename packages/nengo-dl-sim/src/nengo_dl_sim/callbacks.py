"""Callbacks for ``fit``, ``evaluate`` and ``predict``, beside those of Keras."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from nengo.connection import Connection
from nengo.ensemble import Ensemble, Neurons
from nengo.exceptions import ValidationError

from .checks import check_path
from .saving.writing import writing
from .simulator.simulator import Simulator
from .spike_counts import SpikeCounts as SpikeCounts
from .tensorboard.summaries import summary_entries


class NengoSummaries(keras.callbacks.Callback):
    """
    Writes parameters of Nengo objects for TensorBoard, after each epoch.

    Parameters
    ----------
    log_dir : str or path-like
        The directory that TensorBoard reads. It is made if there is none.
    sim : Simulator
        The simulator that is trained.
    objects : list of nengo.Ensemble or nengo.ensemble.Neurons or nengo.Connection
        Of ensembles their encoders are written, of neurons their biases, of
        connections their weights: as histograms.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an object is something else, not in the network, or has no such parameter.
    """

    #: Of several workers, the chief alone calls it.
    only_in_chief = True

    def __init__(
        self, log_dir: str | os.PathLike, sim: Simulator, objects: Sequence[Any]
    ) -> None:
        super().__init__()
        check_path("log_dir", log_dir, "folder")
        _check_simulator(sim)
        if not isinstance(objects, (list, tuple)):
            raise ValidationError(
                f"expected a list of objects of the network, got {objects!r:.100}",
                attr="objects",
            )
        for obj in objects:
            if not isinstance(obj, (Ensemble, Neurons, Connection)):
                raise ValidationError(
                    f"expected Ensembles, Neurons or Connections, got {obj!r}",
                    attr="objects",
                )
        try:
            self._entries = summary_entries(list(objects), sim.data, (), ())
        except ValidationError as error:
            raise ValidationError(error.args[0], attr="objects") from error
        self._log_dir = os.fspath(log_dir)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Open a file."""
        self._writer = tf.summary.create_file_writer(self._log_dir)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write the parameters."""
        with writing(self._log_dir, "summaries"):
            with self._writer.as_default(step=epoch):
                for write in self._entries:
                    write(np.zeros(0))
            self._writer.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close the file."""
        with writing(self._log_dir, "summaries"):
            self._writer.close()


class TensorBoard(keras.callbacks.TensorBoard):
    """
    Keras's callback of that name, which profiles prediction, too.

    Parameters
    ----------
    *args, **kwargs
        As in ``keras.callbacks.TensorBoard``. Minibatches of ``predict`` and
        ``evaluate`` whose numbers (counted from 1) are in ``profile_batch`` are
        profiled as those of ``fit`` are.

    Notes
    -----
    It needs the package ``tensorboard``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = inspect.signature(keras.callbacks.TensorBoard).bind(*args, **kwargs)
        first, last = _batches(given.arguments.get("profile_batch", 0))
        self._profiled = range(first, last + 1) if first else range(0)
        self._profile_dir = str(Path(self.log_dir) / "inference")
        self._is_in_fit = self._is_profiling = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Begin training: validation is not profiled."""
        self._is_in_fit = True
        super().on_train_begin(logs)

    def on_train_end(self, logs: dict | None = None) -> None:
        """End training."""
        super().on_train_end(logs)
        self._is_in_fit = False

    def on_predict_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Begin a profile, if it is time."""
        self._begin(batch)

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """End a profile, if it is time."""
        self._end(batch)

    def on_predict_end(self, logs: dict | None = None) -> None:
        """End a profile that goes on."""
        self._stop()

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Begin a profile, if it is time."""
        super().on_test_batch_begin(batch, logs)
        if not self._is_in_fit:
            self._begin(batch)

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """End a profile, if it is time."""
        super().on_test_batch_end(batch, logs)
        self._end(batch)

    def on_test_end(self, logs: dict | None = None) -> None:
        """End a profile that goes on."""
        super().on_test_end(logs)
        self._stop()

    def _begin(self, batch: int) -> None:
        if self._profiled and batch + 1 == self._profiled[0]:
            tf.profiler.experimental.start(self._profile_dir)
            self._is_profiling = True

    def _end(self, batch: int) -> None:
        if self._profiled and batch + 1 == self._profiled[-1]:
            self._stop()

    def _stop(self) -> None:
        if self._is_profiling:
            tf.profiler.experimental.stop()
            self._is_profiling = False


class IsolateState(keras.callbacks.Callback):
    """
    Undoes what a stateful ``fit``, ``evaluate`` or ``predict`` does to the simulation.

    Within one call the state goes on from minibatch to minibatch; after it, state and
    time are what they were before. (Processes of nodes go on.)

    Parameters
    ----------
    sim : Simulator
        The simulator.
    """

    def __init__(self, sim: Simulator) -> None:
        super().__init__()
        _check_simulator(sim)
        self._simulation = sim._simulation
        self._before: list[tuple[Any, int]] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Remember where the simulation is."""
        self._before.append((self._simulation.state, self._simulation.n_steps))

    def on_train_end(self, logs: dict | None = None) -> None:
        """Return to where it was."""
        self._simulation.state, self._simulation.n_steps = self._before.pop()

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Remember where the simulation is."""
        self.on_train_begin(logs)

    def on_test_end(self, logs: dict | None = None) -> None:
        """Return to where it was."""
        self.on_train_end(logs)

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Remember where the simulation is."""
        self.on_train_begin(logs)

    def on_predict_end(self, logs: dict | None = None) -> None:
        """Return to where it was."""
        self.on_train_end(logs)


def _batches(profile_batch: Any) -> tuple[int, int]:
    """Return the first and the last number; Keras has checked them."""
    if isinstance(profile_batch, str):
        profile_batch = [int(part) for part in profile_batch.split(",")]
    if isinstance(profile_batch, int):
        return profile_batch, profile_batch
    return profile_batch[0], profile_batch[-1]


def _check_simulator(sim: Any) -> None:
    if not isinstance(sim, Simulator):
        raise ValidationError(
            f"expected a nengo_dl.Simulator, got {sim!r:.100}", attr="sim"
        )
