"""How a neuron type is computed, and the operator that runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.neurons import NeuronType

from nengo_dl_signals import SignalDict, SignalLayout, repeat_batch

from ..builder import Builder, OpBuilder
from ..config import BuildConfig

#: The state of neurons: the name of each variable and its values, (n_neurons, batch).
NeuronState = Mapping[str, tf.Tensor]


class NeuronBuilder(ABC):
    """
    Computes one neuron type, for all neurons of a merged group at once.

    To be implemented by subclasses: `step`, and `training_output` if the type
    spikes. Register them with ``@Builder.register(MyNeuronType)``.

    Parameters
    ----------
    types : list of nengo.neurons.NeuronType
        The neuron type of every operator of the group; parameters may differ.
    sizes : list of int
        The number of neurons of every operator.
    config : BuildConfig
        The settings of the simulation.
    """

    def __init__(
        self, types: Sequence[NeuronType], sizes: Sequence[int], config: BuildConfig
    ) -> None:
        self.types = types
        self.sizes = sizes
        self.config = config

    def parameter(self, name: str) -> float | np.ndarray:
        """
        Return a parameter of the neuron types.

        Parameters
        ----------
        name : str
            The attribute of the neuron types, for example ``"tau_rc"``.

        Returns
        -------
        value : float or (n_neurons, 1) array
            One number if all operators agree, else one for each neuron.
        """
        values = [getattr(neuron_type, name) for neuron_type in self.types]
        if all(value == values[0] for value in values):
            return float(values[0])
        per_neuron = np.repeat(np.asarray(values, self.config.dtype), self.sizes)
        return per_neuron[:, None]

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
        state : mapping from str to (n_neurons, batch) tf.Tensor
            The state after the previous step, by Nengo's names.

        Returns
        -------
        output : (n_neurons, batch) tf.Tensor
            Rates or spikes (in Hz).
        state : dict from str to (n_neurons, batch) tf.Tensor
            The state after this step, with the same names.
        """

    def training_output(self, J: tf.Tensor) -> tf.Tensor:
        """
        Compute the differentiable output that stands in for `step` in training.

        Parameters
        ----------
        J : (n_neurons, batch) tf.Tensor
            The input current.

        Returns
        -------
        output : (n_neurons, batch) tf.Tensor
            The firing rate that a constant current would give (in Hz); for types
            that do not spike, what `step` gives.
        """
        return self.step(J, {})[0]


@Builder.register(SimNeurons)
class SimNeuronsBuilder(OpBuilder):
    """
    Compute neurons: ``output, state = neurons.step(dt, J, state)``.

    In training the state stays as it is and the output is the rate approximation.

    Notes
    -----
    1. sets ``[output] + state``
    2. incs ``[]``
    3. reads ``[J]``
    4. updates ``[]``
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.J = layout.concat([op.J for op in ops])
        self.output = layout.concat([op.output for op in ops])
        self.state = {
            name: layout.concat([op.state[name] for op in ops]) for name in ops[0].state
        }
        types = [op.neurons for op in ops]
        builder = Builder.find(type(types[0]))
        self.neurons: NeuronBuilder = builder(types, [op.J.size for op in ops], config)

    @classmethod
    def supports(cls, op: Operator) -> bool:
        """Neurons of a type that has a builder."""
        return Builder.has(type(op.neurons))

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Neurons merge if one builder computes them; parameters may differ."""
        if op.state_extra:
            raise BuildError(
                f"{op}: expected state made of arrays, got the random generators "
                f"{sorted(op.state_extra)}, which a compiled step cannot use"
            )
        return Builder.find(type(op.neurons)), tuple(sorted(op.state)), op.J.ndim

    @classmethod
    def previous(cls, op: Operator) -> list[Signal]:
        """Neurons continue from their previous state."""
        return list(op.state.values())

    def build_step(self, signals: SignalDict) -> None:
        """Compute outputs and new states of all neurons at once."""
        batch = self.config.minibatch_size
        J = signals.gather(self.J)
        state = {name: signals.gather(sig) for name, sig in self.state.items()}
        if state:
            J = repeat_batch(J, batch)
        output, new_state = self.neurons.step(J, state)
        signals.scatter(self.output, output)
        for name, sig in self.state.items():
            signals.scatter(sig, new_state[name])

    def build_training_step(self, signals: SignalDict) -> None:
        """Compute the rate approximation of all neurons at once."""
        output = self.neurons.training_output(signals.gather(self.J))
        signals.scatter(self.output, output)
