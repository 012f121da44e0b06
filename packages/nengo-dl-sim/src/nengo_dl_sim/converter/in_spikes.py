"""The methods of a converter about what a network does in spikes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from ..progress import ProgressBarLike
from .accuracy_curve import AccuracyCurve
from .calibrate import calibrate
from .classify import accuracy_curve
from .diagnose import diagnose
from .diagnosis import Diagnosis
from .to_keras import to_keras


class InSpikesMixin:
    """What a converter offers for networks that spike."""

    @abstractmethod
    def _rescale(self, scales: Mapping[Any, float]) -> None:
        """Make the network anew, with other scales of firing rates for some layers."""

    def diagnose(
        self,
        data: Any,
        n_steps: int,
        *,
        minibatch_size: int = 32,
        progress_bar: ProgressBarLike = True,
    ) -> Diagnosis:
        """
        Say which layer loses accuracy in spikes, and what to change.

        Each layer that has neurons, and each output, is compared with the same layer
        of the Keras model: its mean output over all steps (of 1 ms) with the
        activation.

        Parameters
        ----------
        data : array_like or list of array_like
            ``(n_items, ...)``, as for the Keras model.
        n_steps : int
            For how many steps each item is shown.
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
        n_steps: int = 32,
        target_rate: float | None = None,
        *,
        minibatch_size: int = 32,
        progress_bar: ProgressBarLike = True,
    ) -> None:
        """
        Let neurons fire as fast as a number of steps allows, and make up for errors.

        The network is made anew, from the Keras model: ``net``, ``inputs``,
        ``outputs`` and ``layers`` are others afterwards. Changes of scales leave what
        parameters mean, and what is computed in rates, as it was; shifts of biases do
        not.

        Parameters
        ----------
        data : array_like or list of array_like
            ``(n_items, ...)``, as for the Keras model: a few hundred items will do.
        method : {"percentile", "max", "bias"} or list of them
            What is fitted. ``"percentile"``: the scale of firing rates of each layer
            whose neurons spike, so that a percentile of its activations in the Keras
            model becomes the target rate. ``"max"``: so that the largest one does.
            ``"bias"``: the bias of each layer, which is shifted by the mean error of
            its output in spikes, from the first layer to the last. One of the first
            two may be given with ``"bias"``.
        percentile : float
            For ``"percentile"``.
        n_steps : int
            For ``"bias"``: for how many steps (of 1 ms) each item is shown. A neuron
            at the default target rate spikes as often.
        target_rate : float, optional
            In Hz; by default, a spike each step, or after the refractory period.
        minibatch_size : int
            How many items are computed at once.
        progress_bar : bool or nengo.utils.progress.ProgressBar or None
            Whether to show one, as in `Simulator`.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here, or is not finite; if no
            neurons spike. Then the network is left as it was.
        """
        calibrate(
            self,
            self._rescale,
            data,
            method,
            percentile,
            n_steps,
            target_rate,
            minibatch_size,
            progress_bar,
        )

    def accuracy_curve(
        self,
        x: Any,
        y: Any,
        n_steps: int,
        *,
        average: bool = True,
        minibatch_size: int = 32,
        progress_bar: ProgressBarLike = True,
    ) -> AccuracyCurve:
        """
        Say how accurate the network in spikes is after each step.

        Parameters
        ----------
        x : array_like or list of array_like
            ``(n_items, ...)``, as for the Keras model.
        y : array_like
            The class of each item: a whole number, or a 1 among zeros.
        n_steps : int
            For how many steps (of 1 ms) each item is shown.
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
