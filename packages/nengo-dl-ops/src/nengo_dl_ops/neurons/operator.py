"""The operator that runs neurons."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from copy import copy
from typing import ClassVar

import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.neurons import NeuronType

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, repeat_batch

from ..builder import Builder, Memoryless, OpBuilder
from ..config import BuildConfig
from ..random_numbers import fold_in, step_seed
from .base import NeuronBuilder, NeuronStep
from .tf_adapter import AdaptedNeuronBuilder
from .tf_native import NATIVE_BUILDERS
from .training import training_mode


@Builder.register(SimNeurons)
class SimNeuronsBuilder(OpBuilder):
    """
    Compute neurons: ``output, state = neurons.step(dt, J, state)``.

    What they compute in training is asked of a `.TrainingMode`. By default types that
    spike give rates instead, and keep the state that belongs to the spikes.

    Notes
    -----
    1. sets ``[output] + state``
    2. incs ``[]``
    3. reads ``[J]``
    4. updates ``[]``

    Attributes
    ----------
    TF_NEURON_IMPL : dict from type to type
        The registry of NengoDL 3: builders of exactly these neuron types (see
        `nengo_dl_ops.neuron_builders`). What is put here goes before what is
        registered with `Builder`.
    """

    TF_NEURON_IMPL: ClassVar[dict[type[NeuronType], type]] = dict(NATIVE_BUILDERS)

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
        self.neurons = self._make_neurons(ops, config)
        self.mixes_items = self.neurons.mixes_items
        self._in_run = NeuronStep(self.neurons.step)
        self._in_training = training_mode(ops[0]).step_of(self.neurons)

    @classmethod
    def supports(cls, op: Operator) -> bool:
        """Neurons of a type that has a builder."""
        kind = type(op.neurons)
        return cls._adapted(kind) is not None or Builder.has(kind)

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """Neurons merge if one builder computes them alike; parameters may differ."""
        names = tuple(sorted(op.state)), tuple(sorted(op.state_extra))
        kind = type(op.neurons)
        adapted = cls._adapted(kind)
        builder = Builder.find(kind) if adapted is None else (adapted, kind)
        return builder, names, op.J.ndim, training_mode(op)

    @classmethod
    def _adapted(cls, kind: type[NeuronType]) -> type | None:
        """Return the builder in the manner of NengoDL 3 that was put in for a type."""
        builder = cls.TF_NEURON_IMPL.get(kind)
        return None if builder is NATIVE_BUILDERS.get(kind) else builder

    @classmethod
    def _make_neurons(
        cls, ops: Sequence[Operator], config: BuildConfig
    ) -> NeuronBuilder:
        adapted = cls._adapted(type(ops[0].neurons))
        if adapted is not None:
            return AdaptedNeuronBuilder(adapted, ops, config)
        types = [op.neurons for op in ops]
        neurons: NeuronBuilder = Builder.find(type(types[0]))(
            types, [op.J.size for op in ops], config
        )
        return neurons

    @classmethod
    def previous(cls, op: Operator) -> list[Signal]:
        """Neurons continue from their previous state."""
        return list(op.state.values())

    def build_step(self, signals: SignalDict) -> None:
        """Compute outputs and new states of all neurons at once."""
        self._compute(signals, training=False)

    def build_training_step(self, signals: SignalDict) -> None:
        """Compute what stands in for that in training."""
        self._compute(signals, training=True)

    def in_rates(self) -> SimNeuronsBuilder:
        """Return the same neurons, but that they give rates in a run."""
        other = copy(self)
        other._in_run = training_mode(self.ops[0]).in_rates().step_of(self.neurons)
        return other

    def memoryless(self, training: bool) -> Memoryless | None:
        """Rates follow from the current alone; spikes, and what adapts, do not."""
        if self.mixes_items:
            return None
        has_state = bool(self.state or self.generators)
        if has_state and not self._step(training).memoryless:
            return None
        return Memoryless([op.J for op in self.ops], [op.output for op in self.ops])

    def _step(self, training: bool) -> NeuronStep:
        return self._in_training if training else self._in_run

    def _compute(self, signals: SignalDict, training: bool) -> None:
        J, state = signals.gather(self.J), {}
        if self.memoryless(training) is None:
            state = {name: signals.gather(sig) for name, sig in self.state.items()}
            state.update(self._seeds(signals.key))
            J = repeat_batch(J, self.config.minibatch_size)
        output, new_state = self._step(training).compute(J, state)
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
