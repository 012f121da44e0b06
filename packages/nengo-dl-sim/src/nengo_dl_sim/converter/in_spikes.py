"""The methods of a converter about what a network does in spikes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ..progress import ProgressBarLike
from .accuracy_curve import AccuracyCurve
from .calibrate import calibrate
from .classify import accuracy_curve
from .diagnose import diagnose
from .diagnosis import Diagnosis
from .options import Options
from .to_keras import to_keras


class InSpikesMixin:
    """What a converter offers for networks that spike."""

    @abstractmethod
    def _convert_anew(
        self, scales: Mapping[Any, Any], initial_voltage: float | None
    ) -> None:
        """Make the network anew, with what is given in place of what was."""

    @abstractmethod
    def _in_rates(self, synapse: Any) -> Any:
        """Convert the model again, into a network in rates with another synapse."""

    @abstractmethod
    def _kept_on_error(self) -> AbstractContextManager:
        """Leave everything as it was if what is done in the context fails."""

    def diagnose(
        self,
        data: Any,
        n_steps: int | None = None,
        *,
        minibatch_size: int = 32,
        progress_bar: ProgressBarLike = True,
    ) -> Diagnosis:
        """
        Say which layer loses accuracy in spikes, and what to change.

        Each layer that has neurons, and each output, is compared with the same layer
        of the Keras model: its mean output over all steps (of 1 ms) with the
        activation; if that is one over time, with its mean.

        Parameters
        ----------
        data : array_like or list of array_like or dict
            ``(n_items, ...)``, as for the Keras model, or ``(n_items, n_steps, ...)``
            if it is one over time; a dictionary by the names of inputs, Keras tensors
            or nodes.
        n_steps : int, optional
            For how many steps each item is shown; of a model over time, as many as
            it has, which is the default.
        minibatch_size : int
            How many items are computed at once.
        progress_bar : bool or nengo.utils.progress.ProgressBar or None
            Whether to show one, as in `Simulator`.

        Returns
        -------
        diagnosis : Diagnosis
            A table; ``print(diagnosis)`` shows it, with advice. Its ``rows`` have the
            figures.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here, or is not finite.
        """
        return diagnose(self, data, n_steps, minibatch_size, progress_bar)

    def calibrate(
        self,
        data: Any,
        method: str | Sequence[str] = "percentile",
        percentile: float = 99.9,
        n_steps: int | None = None,
        target_rate: float | None = None,
        *,
        per_channel: bool = False,
        initial_voltage: float | None = None,
        minibatch_size: int = 32,
        progress_bar: ProgressBarLike = True,
    ) -> None:
        """
        Let neurons fire as fast as a number of steps allows, and make up for errors.

        The network is made anew, from the Keras model: ``net``, ``inputs``,
        ``outputs`` and ``layers`` are others afterwards. It keeps its seed and its
        settings. Changes of scales leave what parameters mean, and what is computed in
        rates, as it was; shifts of biases do not.

        Parameters
        ----------
        data : array_like or list of array_like or dict
            ``(n_items, ...)``, as for the Keras model, or ``(n_items, n_steps, ...)``
            if it is one over time; a dictionary by the names of inputs, Keras tensors
            or nodes: a few hundred items will do.
        method : {"percentile", "max", "bias"} or list of them
            What is fitted. ``"percentile"``: the scale of firing rates of each layer
            whose neurons spike, so that a percentile of its activations in the Keras
            model becomes the target rate. ``"max"``: so that the largest one does.
            ``"bias"``: the bias of each layer, which is shifted by the mean error of
            its output in spikes, from the first layer to the last [1]_. One of the
            first two may be given with ``"bias"``.
        percentile : float
            For ``"percentile"``. Memory grows with the number of activations above it.
        n_steps : int, optional
            For how many steps (of 1 ms) each item will be shown: by default 32; of a
            model over time, as many as it has. ``"bias"`` fits the mean over so many.
            The target rate must be at least a spike in so many; the report says into
            how many levels they divide outputs.
        target_rate : float, optional
            In Hz; by default a spike each step, or after the refractory period,
            whatever ``n_steps`` is: fewer spikes are never more exact. More of them,
            several in a step, are possible for ``SpikingRectifiedLinear`` and
            ``RegularSpiking``, and pay where steps are few.
        per_channel : bool
            Whether to choose a scale for each channel (the last axis of the layer's
            output, or the first with ``channels_first``; of a dense layer, each unit)
            instead of each layer. A node behind the neurons divides by it.
        initial_voltage : float, optional
            Where neurons that spike begin, as a part of their threshold: every run,
            minibatch and ``reset``. By default it is left as it is: as the neuron type
            says, which is mostly random. With 0.5, numbers of spikes are rounded to
            the nearest, which is right in the mean from the first step on. But neurons
            that get the same then spike in the same steps.
        minibatch_size : int
            How many items are computed at once.
        progress_bar : bool or nengo.utils.progress.ProgressBar or None
            Whether to show one, as in `Simulator`.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here, or is not finite; if no
            neurons spike, or some have no voltage and threshold that
            ``initial_voltage`` could be for. After this, or any other interruption,
            the network is as it was.

        References
        ----------
        .. [1] Li, Y., Deng, S., Dong, X., Gong, R., & Gu, S. (2021). A free lunch from
           ANN: Towards efficient, accurate spiking neural networks calibration.
           ICML 2021. (https://arxiv.org/abs/2106.06984)
        """
        options = Options(
            method, percentile, n_steps, target_rate, per_channel, initial_voltage
        )
        with self._kept_on_error():
            calibrate(
                self,
                self._convert_anew,
                self._in_rates,
                data,
                options,
                minibatch_size,
                progress_bar,
            )

    def accuracy_curve(
        self,
        x: Any,
        y: Any,
        n_steps: int | None = None,
        *,
        average: bool = True,
        minibatch_size: int = 32,
        progress_bar: ProgressBarLike = True,
    ) -> AccuracyCurve:
        """
        Say how accurate the network in spikes is after each step.

        Parameters
        ----------
        x : array_like or list of array_like or dict
            ``(n_items, ...)``, as for the Keras model, or ``(n_items, n_steps, ...)``
            if it is one over time; a dictionary by the names of inputs, Keras tensors
            or nodes.
        y : array_like
            The class of each item: a whole number, or a 1 among zeros.
        n_steps : int, optional
            For how many steps (of 1 ms) each item is shown; of a model over time, as
            many as it has, which is the default.
        average : bool
            Whether the class is that of the largest mean score over the steps so far;
            else of the largest score in each step, as suits long synapses.
        minibatch_size : int
            How many items are computed at once. Memory depends on neither the number
            of items nor that of steps.
        progress_bar : bool or nengo.utils.progress.ProgressBar or None
            Whether to show one, as in `Simulator`.

        Returns
        -------
        curve : AccuracyCurve
            Accuracy, firing rates, and the accuracy of the Keras model;
            ``curve.plot()`` draws them.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here, or is not finite; if the
            model has not one output of several classes.
        """
        return accuracy_curve(
            self, x, y, n_steps, average, minibatch_size, progress_bar
        )

    def to_keras(self, sim: Any) -> Any:
        """
        Make a Keras model with the parameters that a simulator has now.

        Parameters
        ----------
        sim : Simulator
            A simulator of ``net``, trained or not.

        Returns
        -------
        model : keras.Model
            A new model of the same shape, which is not compiled. Where layers are
            converted exactly it computes what the network does in rates.

        Raises
        ------
        nengo.exceptions.ValidationError
            If the simulator is one of another network; if something was learned that
            has no place in the layers of Keras. The message names the layer.
        """
        return to_keras(self, sim)
