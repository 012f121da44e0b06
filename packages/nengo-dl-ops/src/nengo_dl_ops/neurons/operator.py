"""The operator that runs neurons."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, ClassVar

import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.neurons import NeuronType

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, repeat_batch

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import Memoryless, OpBuilder
from ..operators.materialize import materialized
from ..operators.process_parameters import join_elements
from ..operators.transformed_parameters import Bounds
from ..random_numbers import fold_in, step_seed
from .base import NeuronBuilder, NeuronState, NeuronStep
from .recomputed import recomputed
from .tf_adapter import AdaptedNeuronBuilder
from .tf_native import NATIVE_BUILDERS
from .training import BEGUN, neuron_parameters, trained_starts, training_mode

#: Gives the step of neurons.
StepOf = Callable[[NeuronBuilder], NeuronStep]


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
    3. reads ``[J]``, and those of `SimTrainedNeurons`
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
        self.parameters = _join_parameters(ops, layout)
        self.starts = {
            name: layout.concat([trained_starts(op)[name] for op in ops])
            for name in trained_starts(ops[0])
        }
        # Those that are built are as good as any to say what a step needs.
        built = {name: self.neurons.parameter(name) for name in self.parameters}
        self._built = self._with_parameters(built)
        self._set_steps(_in_run, training_mode(ops[0]).step_of)

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
        trained = tuple(sorted(neuron_parameters(op))), tuple(trained_starts(op))
        return builder, names, op.J.ndim, training_mode(op), trained

    @classmethod
    def trainable_parameters(
        cls, neuron_type: NeuronType, dt: float
    ) -> Mapping[str, Bounds]:
        """Say which parameters of a neuron type may be trained."""
        builder = cls._builder(neuron_type)
        return {} if builder is None else builder.trainable_parameters(dt)

    @classmethod
    def trainable_starts(cls, neuron_type: NeuronType) -> Mapping[str, Bounds]:
        """Say which states of a neuron type may start from what is trained."""
        builder = cls._builder(neuron_type)
        return {} if builder is None else builder.trainable_starts(neuron_type)

    @classmethod
    def _builder(cls, neuron_type: NeuronType) -> type[NeuronBuilder] | None:
        """Return what is registered with `Builder` for a type, if that computes it."""
        kind = type(neuron_type)
        if cls._adapted(kind) is not None or not Builder.has(kind):
            return None
        found: type[NeuronBuilder] = Builder.find(kind)
        return found

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

    @classmethod
    def packed(cls, op: Operator) -> Mapping[Signal, Callable[[tf.Tensor], tf.Tensor]]:
        """One state, if the neurons say so; what starts from trained values is not."""
        builder = cls._builder(op.neurons)
        name = None if builder is None else builder.packed_state(op.neurons)
        if builder is None or name is None or trained_starts(op):
            return {}
        return {op.state[name]: builder.unpacked}

    def build_step(self, signals: SignalDict) -> None:
        """Compute outputs and new states of all neurons at once."""
        self._compute(signals, training=False)

    def build_training_step(self, signals: SignalDict) -> None:
        """Compute what stands in for that in training."""
        self._compute(signals, training=True)

    def in_rates(self) -> SimNeuronsBuilder:
        """Return the same neurons, but that they give rates in a run."""
        other, mode = copy(self), training_mode(self.ops[0])
        other._set_steps(mode.in_rates().step_of, mode.step_of)
        return other

    def _set_steps(self, in_run: StepOf, in_training: StepOf) -> None:
        """Set what gives the steps of neurons; it refuses what it cannot give."""
        self._step_of = {False: in_run, True: in_training}
        self._memoryless = {
            training: step_of(self._built).memoryless
            for training, step_of in self._step_of.items()
        }

    def memoryless(self, training: bool) -> Memoryless | None:
        """Rates follow from the current alone; spikes, and what adapts, do not."""
        if self.mixes_items:
            return None
        has_state = bool(self.state or self.generators)
        if has_state and not self._memoryless[training]:
            return None
        reads = [
            sig for op in self.ops for sig in (op.J, *neuron_parameters(op).values())
        ]
        return Memoryless(reads, [op.output for op in self.ops])

    def _with_parameters(self, values: Mapping[str, Any]) -> NeuronBuilder:
        return self.neurons.with_parameters(values) if values else self.neurons

    def _compute(self, signals: SignalDict, training: bool) -> None:
        J, state = signals.gather(self.J), {}
        if self.memoryless(training) is None:
            state = self._start_or_state(signals)
            state.update(self._seeds(signals.key))
            J = repeat_batch(J, self.config.minibatch_size)
        values = {name: signals.gather(sig) for name, sig in self.parameters.items()}
        name = self._packed_name(signals)
        if name is not None and not training:
            self._compute_packed(signals, name, J, state, values)
            return
        compute = partial(self._step, training)
        if training and state:
            output, new_state = recomputed(compute, J, state, values)
        else:
            output, new_state = compute(J, state, values)
        signals.scatter(self.output, output)
        if BEGUN in state:
            new_state = {**new_state, BEGUN: tf.ones_like(state[BEGUN])}
        for name, values in new_state.items():
            signals.scatter(self._state_signal(name), values)

    def _packed_name(self, signals: SignalDict) -> str | None:
        """Name the state that the loop carries in another form, if there is one."""
        found = [n for n, s in self.state.items() if s.rows.tobytes() in signals.packed]
        return found[0] if found and self._step_of[False] is _in_run else None

    def _compute_packed(
        self,
        signals: SignalDict,
        name: str,
        J: tf.Tensor,
        state: NeuronState,
        parameters: Mapping[str, tf.Tensor],
    ) -> None:
        key = self.state[name].rows.tobytes()
        rows = signals.packed[key].shape
        neurons = self._with_parameters(parameters)
        before = {each: tf.reshape(value, rows) for each, value in state.items()}
        packed = neurons.in_rows(rows).packed_step(
            tf.reshape(materialized(J, signals.key), rows),
            {**before, name: signals.packed[key]},
        )
        signals.packed[key] = packed
        output, new_state = neurons.from_packed(tf.reshape(packed, J.shape), state)
        signals.scatter(self.output, output)
        for each, values in new_state.items():
            signals.scatter(self._state_signal(each), values)

    def _step(
        self,
        training: bool,
        J: tf.Tensor,
        state: NeuronState,
        parameters: Mapping[str, tf.Tensor],
    ) -> tuple[tf.Tensor, Mapping[str, tf.Tensor]]:
        neurons = self._with_parameters(parameters)
        return self._step_of[training](neurons).compute(J, state)

    def _start_or_state(self, signals: SignalDict) -> dict[str, tf.Tensor]:
        """Return the state after the previous step; if there was none, the start."""
        state = {name: signals.gather(sig) for name, sig in self.state.items()}
        for name, sig in self.starts.items():
            start = signals.gather(sig)
            state[name] = tf.where(state[BEGUN] > 0, state[name], start)
        return state

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


def _in_run(neurons: NeuronBuilder) -> NeuronStep:
    return NeuronStep(neurons.step)


def _join_parameters(
    ops: Sequence[Operator], layout: SignalLayout
) -> dict[str, TensorSignal]:
    """Join those parameters of a group that are signals, (n_neurons or 1,)."""
    sizes = [op.J.size for op in ops]
    return {
        name: join_elements(
            [layout[neuron_parameters(op)[name]] for op in ops], sizes, ()
        )
        for name in neuron_parameters(ops[0])
    }
