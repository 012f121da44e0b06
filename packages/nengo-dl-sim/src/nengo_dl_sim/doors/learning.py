"""Learning: gradient descent, and the values of objectives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import check_count
from ..errors import python_errors
from ..optimizers import check_optimizer
from ..training import Objectives, TrainingData
from .base import Door


class Learning(Door):
    """The methods of a simulator that optimise parameters."""

    @property
    def training_step(self) -> int | None:
        """The number of minibatches trained on; None if built for inference only."""
        return None if self._parts.inference_only else self._training.n_trained

    def train(
        self,
        data: TrainingData,
        optimizer: Any,
        n_epochs: int = 1,
        objective: Objectives | None = None,
        shuffle: bool = True,
        progress_bar: bool | None = None,
    ) -> None:
        """
        Optimise the trainable parameters.

        Spiking neurons take part as their rate approximation. The state of the
        simulation is not touched: every minibatch starts from the initial state.

        Parameters
        ----------
        data : dict or int
            Values for nodes and targets for probes,
            ``(n_items, n_steps, size) array``; or a number of steps, to train on the
            nodes' own output.
        optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer
            What turns gradients into changes. An optimizer that is used again
            continues from where it was.
        n_epochs : int
            How often to go through the data.
        objective : dict, optional
            For each probe, or tuple of probes, a function of the outputs
            ``(minibatch_size, n_steps, size) tf.Tensor`` and, if it takes two
            arguments, of the targets. It returns a scalar, or a value for each item,
            whose sum is minimised. ``None`` in place of a function: the target is the
            gradient itself. Default: the mean squared error of every probe in
            ``data``.
        shuffle : bool
            Whether items are put into minibatches in a new random order each epoch.
        progress_bar : bool, optional
            Whether to show a progress bar. None: as the simulator was told.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here. Nothing is trained then.
        nengo.exceptions.SimulationError
            If the objective is not a finite number. The parameters keep the values
            of the minibatch before.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Warns
        -----
        UserWarning
            If the number of items is not a multiple of the minibatch size: the rest
            is left out. If one step is trained through synapses.
        """
        self._check_open("train")
        check_optimizer(optimizer)
        check_count("n_epochs", n_epochs)
        self._snapshot.check()
        training_set = self._training.training_set(data, objective)
        bar = self._bar("Training", n_epochs * training_set.n_batches, progress_bar)
        program = self._parts.program
        with bar as shown, self._on_device(), python_errors(program):
            self._training.train(training_set, optimizer, n_epochs, shuffle, shown)

    def loss(
        self,
        data: TrainingData,
        objective: Objectives | None = None,
        combine: Callable = np.mean,
        training: bool = False,
        progress_bar: bool | None = None,
    ) -> float:
        """
        Compute the value of an objective, without changing anything.

        Parameters
        ----------
        data : dict or int
            As in `train`.
        objective : dict, optional
            As in `train`.
        combine : callable
            Makes one value from those of all minibatches.
        training : bool
            Whether spiking neurons are replaced by their rate approximation.
        progress_bar : bool, optional
            Whether to show a progress bar. None: as the simulator was told.

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
        """
        self._check_open("loss")
        self._snapshot.check()
        training_set = self._training.training_set(data, objective)
        bar = self._bar("Calculating loss", training_set.n_batches, progress_bar)
        program = self._parts.program
        with bar as shown, self._on_device(), python_errors(program):
            return self._training.loss(training_set, combine, training, shown)
