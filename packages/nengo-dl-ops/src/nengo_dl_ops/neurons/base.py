"""How a neuron type is computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import NamedTuple, Self

import numpy as np
import tensorflow as tf
from nengo.neurons import NeuronType

from ..config import BuildConfig
from ..operators.transformed_parameters import Bounds
from .spike_function import SPIKES, SpikeFunction

#: The state of neurons by Nengo's names: of each variable the values, (n_neurons,
#: batch); of each random generator a seed, (), which is another one in every step.
NeuronState = Mapping[str, tf.Tensor]


class NeuronStep(NamedTuple):
    """
    One step of neurons, in a run or in training.

    Parameters
    ----------
    compute : callable
        Takes the current and the state, and returns the output and the new state, as
        `NeuronBuilder.step` does.
    memoryless : bool
        Whether it needs the current alone: the state is then not given (and stays).
        Many steps may be computed at once.
    """

    compute: Callable[[tf.Tensor, NeuronState], tuple[tf.Tensor, dict[str, tf.Tensor]]]
    memoryless: bool = False


class NeuronBuilder(ABC):
    """
    Computes one neuron type, for all neurons of a merged group at once.

    To be implemented by subclasses: `step`; if the type spikes `training_step`, and
    `rate_step` if that needs no state.
    Register them with ``@Builder.register(MyNeuronType)``.

    Parameters
    ----------
    types : list of nengo.neurons.NeuronType
        The neuron type of every operator of the group; parameters may differ.
    sizes : list of int
        The number of neurons of every operator.
    config : BuildConfig
        The settings of the simulation.
    """

    #: Whether it must see exactly one minibatch at a time: no part, and no more.
    mixes_items: bool = False

    _given: Mapping[str, tf.Tensor] = MappingProxyType({})
    _shape: tuple[int, ...] = (-1, 1)

    def __init__(
        self, types: Sequence[NeuronType], sizes: Sequence[int], config: BuildConfig
    ) -> None:
        self.types = types
        self.sizes = sizes
        self.config = config

    @classmethod
    def trainable_parameters(cls, dt: float) -> Mapping[str, Bounds]:
        """
        Say which parameters of the neuron type may be trained.

        Parameters
        ----------
        dt : float
            The length of a time step, in seconds.

        Returns
        -------
        bounds : mapping from str to Bounds
            By the names of attributes that a step asks for by `parameter`, and nowhere
            else; between which values they stay. By default there are none.
        """
        del dt
        return {}

    @classmethod
    def trainable_starts(cls, neuron_type: NeuronType) -> Mapping[str, Bounds]:
        """
        Say which states may start from values that are trained.

        Parameters
        ----------
        neuron_type : nengo.neurons.NeuronType
            A neuron type that is registered.

        Returns
        -------
        bounds : mapping from str to Bounds
            By Nengo's names of the states; between which values their starts stay. By
            default there are none.
        """
        del neuron_type
        return {}

    def with_parameters(self, values: Mapping[str, tf.Tensor]) -> Self:
        """
        Return the same neurons with other parameters.

        Parameters
        ----------
        values : mapping from str to (n_neurons or 1, 1) tf.Tensor
            Some of `trainable_parameters`: values of a program.

        Returns
        -------
        neurons : NeuronBuilder
            `parameter` returns these values.
        """
        neurons = copy(self)
        neurons._given = dict(values)
        return neurons

    def parameter(self, name: str) -> float | np.ndarray | tf.Tensor:
        """
        Return a parameter of the neuron types.

        Parameters
        ----------
        name : str
            The attribute of the neuron types, for example ``"tau_rc"``.

        Returns
        -------
        value : float or (n_neurons, 1) array, or (n_neurons or 1, 1) tf.Tensor
            One number if all operators agree, else one for each neuron. A tensor if
            the parameter is trained.
        """
        if name in self._given:
            given = self._given[name]
            return given if given.shape[0] == 1 else tf.reshape(given, self._shape)
        values = [getattr(neuron_type, name) for neuron_type in self.types]
        if all(value == values[0] for value in values):
            return float(values[0])
        per_neuron = np.repeat(np.asarray(values, self.config.dtype), self.sizes)
        return per_neuron.reshape(self._shape)

    def in_rows(self, shape: Sequence[int]) -> Self:
        """
        Return the same neurons for values in another shape.

        Parameters
        ----------
        shape : (n_neurons, batch) or (n_ops, n_neurons, batch)
            The shape of what a step gets.

        Returns
        -------
        neurons : NeuronBuilder
            `parameter` returns arrays that broadcast with it.
        """
        neurons = copy(self)
        neurons._shape = (*shape[:-1], 1)
        return neurons

    @abstractmethod
    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """
        Compute one time step.

        Parameters
        ----------
        J : (n_neurons, batch) tf.Tensor
            The input current.
        state : mapping from str to tf.Tensor
            The state after the previous step, by Nengo's names: (n_neurons, batch)
            values, or for a random generator a seed to draw from (see
            `.random_numbers.uniform`).

        Returns
        -------
        output : (n_neurons, batch) tf.Tensor
            Rates or spikes (in Hz).
        state : dict from str to (n_neurons, batch) tf.Tensor
            The values after this step; what is left out keeps its values.
        """

    @classmethod
    def packed_state(cls, neuron_type: NeuronType) -> str | None:
        """
        Name the state that loops which XLA compiles carry in another form.

        XLA computes each array that a step hands on in a loop over all neurons of its
        own, in which it computes again all that this array needs. So it pays to hand on
        one from which the output and the rest of the state follow by little arithmetic.

        Parameters
        ----------
        neuron_type : nengo.neurons.NeuronType
            A neuron type that is registered.

        Returns
        -------
        name : str or None
            Nengo's name of the state. By default None: all are carried as they are, and
            nobody calls `packed_step`.
        """
        del neuron_type
        return None

    def packed_step(self, J: tf.Tensor, state: NeuronState) -> tf.Tensor:
        """
        Compute one time step of a run of neurons that have a `packed_state`.

        Parameters
        ----------
        J : (n_neurons, batch) or (n_ops, n_neurons, batch) tf.Tensor
            The input current.
        state : mapping from str to tf.Tensor
            As in `step`, in the shape of the current; but `packed_state` has the form
            that the step before gave it. Values as they are must be good, too.

        Returns
        -------
        packed : (n_neurons, batch) or (n_ops, n_neurons, batch) tf.Tensor
            The next `packed_state`. All that takes long belongs here.
        """
        raise NotImplementedError(f"{type(self).__name__} has no packed state")

    def from_packed(
        self, packed: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """
        Return what follows from a packed step.

        Parameters
        ----------
        packed : (n_neurons, batch) tf.Tensor
            What `packed_step` returned.
        state : mapping from str to tf.Tensor
            As in `step`: the state before.

        Returns
        -------
        output, state
            As in `step`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no packed state")

    @classmethod
    def unpacked(cls, values: tf.Tensor) -> tf.Tensor:
        """
        Return the values of `packed_state`, whatever their form is.

        Parameters
        ----------
        values : (n_neurons, batch) tf.Tensor
            What `packed_step` returns, or values as they are.

        Returns
        -------
        values : (n_neurons, batch) tf.Tensor
            The values as they are; by default the same.
        """
        return values

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """
        Compute the rates that stand in for `step` in training.

        Neurons may be set to train in another way; then nobody calls it.

        Parameters
        ----------
        J : (n_neurons, batch) tf.Tensor
            The input current.
        state : mapping from str to tf.Tensor
            As in `step`.

        Returns
        -------
        output : (n_neurons, batch) tf.Tensor
            Firing rates (in Hz). By default, right for all types that do not spike,
            what `step` gives.
        state : dict from str to (n_neurons, batch) tf.Tensor
            As in `step`.
        """
        return self.step(J, state)

    @property
    def has_rates(self) -> bool:
        """Whether there is a `training_step` that is not just `step`."""
        return type(self).training_step is not NeuronBuilder.training_step

    def rate_step(self) -> NeuronStep:
        """
        Return the step in rates.

        Returns
        -------
        step : NeuronStep
            By default `training_step`, which is given the state. Types whose rates
            follow from the current alone say so: many steps are then computed at once.
        """
        return NeuronStep(self.training_step)


class SpikingNeuronBuilder(NeuronBuilder):
    """
    Computes a type of neurons that spike, in runs and in training with surrogates.

    To be implemented by subclasses: `spiking_step` (in place of `step`), and what else
    `NeuronBuilder` asks for. Builders of spiking types that implement `step` itself
    can be trained in rates, not with surrogate gradients.
    """

    @abstractmethod
    def spiking_step(
        self, J: tf.Tensor, state: NeuronState, function: SpikeFunction
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """
        Compute one time step.

        Parameters
        ----------
        J, state
            As in `step`.
        function : SpikeFunction
            Is asked for spikes and for what they reset: in training these have a
            gradient.

        Returns
        -------
        output, state
            As in `step`.
        """

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the spikes of a run."""
        return self.spiking_step(J, state, SPIKES)
