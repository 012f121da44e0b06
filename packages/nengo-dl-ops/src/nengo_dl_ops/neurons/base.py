"""How a neuron type is computed, and the operator that runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.neurons import NeuronType

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, repeat_batch

from ..builder import Builder, Instant, OpBuilder
from ..config import BuildConfig
from ..random_numbers import fold_in, step_seed

#: The state of neurons by Nengo's names: of each variable the values, (n_neurons,
#: batch); of each random generator a seed, (), which is another one in every step.
NeuronState = Mapping[str, tf.Tensor]


class NeuronBuilder(ABC):
    """
    Computes one neuron type, for all neurons of a merged group at once.

    To be implemented by subclasses: `step`, and `training_step` if the type spikes.
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

    #: Whether `training_step` needs no state: rates follow from the current alone.
    forgets_in_training: bool = False

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

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """
        Compute the differentiable step that stands in for `step` in training.

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


@Builder.register(SimNeurons)
class SimNeuronsBuilder(OpBuilder):
    """
    Compute neurons: ``output, state = neurons.step(dt, J, state)``.

    In training, types that spike give rates instead, and keep the state that belongs
    to the spikes.

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
        self.generators = sorted(ops[0].state_extra)
        self.stream = int(self.output.rows.min())
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
        names = tuple(sorted(op.state)), tuple(sorted(op.state_extra))
        return Builder.find(type(op.neurons)), names, op.J.ndim

    @classmethod
    def previous(cls, op: Operator) -> list[Signal]:
        """Neurons continue from their previous state."""
        return list(op.state.values())

    def build_step(self, signals: SignalDict) -> None:
        """Compute outputs and new states of all neurons at once."""
        self._compute(self.neurons.step, signals, training=False)

    def build_training_step(self, signals: SignalDict) -> None:
        """Compute the rate approximation of all neurons at once."""
        self._compute(self.neurons.training_step, signals, training=True)

    def instant(self, training: bool) -> Instant | None:
        """Rates follow from the current alone; spikes, and what adapts, do not."""
        has_state = bool(self.state or self.generators)
        if has_state and not (training and self.neurons.forgets_in_training):
            return None
        return Instant([op.J for op in self.ops], [op.output for op in self.ops])

    def _compute(self, step: Callable, signals: SignalDict, training: bool) -> None:
        J, state = signals.gather(self.J), {}
        if self.instant(training) is None:
            state = {name: signals.gather(sig) for name, sig in self.state.items()}
            state.update(self._seeds(signals.key))
            J = repeat_batch(J, self.config.minibatch_size)
        output, new_state = step(J, state)
        signals.scatter(self.output, output)
        for name, values in new_state.items():
            signals.scatter(self._state_signal(name), values)

    def _state_signal(self, name: str) -> TensorSignal:
        if name not in self.state:
            raise BuildError(
                f"{type(self.neurons).__name__}: expected a step to return state named "
                f"{sorted(self.state)}, got {name!r}"
            )
        return self.state[name]

    def _seeds(self, key: tf.Tensor) -> dict[str, tf.Tensor]:
        """Make a seed for every random generator."""
        return {
            name: fold_in(step_seed(key, self.stream), tf.constant(i, tf.uint64))
            for i, name in enumerate(self.generators)
        }
