"""Lets a neuron builder in the manner of NengoDL 3 take part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from nengo.builder.operator import Operator
from nengo.exceptions import BuildError

from ..config import BuildConfig
from .base import NeuronBuilder, NeuronState
from .tf_builder import NeuronSignals, TFBuildConfig
from .training import SoftLIFRates, training_mode


class AdaptedNeuronBuilder(NeuronBuilder):
    """
    Computes neurons by a `TFNeuronBuilder`, which has the batch axis first.

    Parameters
    ----------
    kind : type
        The class of the builder.
    ops : list of nengo.builder.neurons.SimNeurons
        The operators of the group.
    config : BuildConfig
        The settings of the simulation.

    Raises
    ------
    nengo.exceptions.BuildError
        If the class is none in the manner of NengoDL 3.
    """

    mixes_items = True  # it may hold constants of the minibatch's shape

    def __init__(
        self, kind: type, ops: Sequence[Operator], config: BuildConfig
    ) -> None:
        super().__init__([op.neurons for op in ops], [op.J.size for op in ops], config)
        self.name = kind.__name__
        self.builder = _made(kind, ops)
        self.signals = NeuronSignals(ops, config)
        self.settings = TFBuildConfig(_lif_smoothing(ops[0]))
        self.builder.build_pre(self.signals, self.settings)
        if hasattr(self.builder, "build_post"):
            self.builder.build_post(self.signals)

    def step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Let the builder compute a step."""
        return self._compute(J, state, training=False)

    def training_step(
        self, J: tf.Tensor, state: NeuronState
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Let the builder compute a step of training."""
        return self._compute(J, state, training=True)

    def _compute(
        self, J: tf.Tensor, state: NeuronState, training: bool
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        names = list(self.signals.ops[0].state)
        self.signals.training = self.settings.training = training
        before = {"J": tf.transpose(J)}
        before.update({name: tf.transpose(state[name]) for name in names})
        self.signals.values = dict(before)
        self.builder.build_step(self.signals)
        values, self.signals.values = self.signals.values, {}
        if "output" not in values:
            raise BuildError(f"{self.name}: expected build_step to set output_data")
        changed = [name for name in names if values[name] is not before[name]]
        shape = before["J"].shape
        output = self._checked("output", values["output"], shape)
        return output, {n: self._checked(n, values[n], shape) for n in changed}

    def _checked(self, name: str, value: Any, shape: tf.TensorShape) -> tf.Tensor:
        """Return (n_neurons, batch) values; they may have come as one for all."""
        value = tf.convert_to_tensor(value)
        if value.dtype != self.signals.dtype:
            raise BuildError(
                f"{self.name}: expected {name} of type {self.signals.dtype.name}, got "
                f"{value.dtype.name} (cast it with tf.cast)"
            )
        try:
            return tf.transpose(tf.broadcast_to(value, shape))
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            raise BuildError(
                f"{self.name}: expected {name} of shape (minibatch_size, n_neurons) = "
                f"{tuple(shape)}, got {tuple(value.shape)}"
            ) from error


def _lif_smoothing(op: Operator) -> float | None:
    """Return what NengoDL 3 knows by a number, and we by a choice of training."""
    mode = training_mode(op)
    return mode.sigma if isinstance(mode, SoftLIFRates) else None


def _made(kind: type, ops: Sequence[Operator]) -> Any:
    try:
        builder = kind(ops)
    except TypeError as error:
        raise BuildError(
            f"{kind.__name__}: expected a neuron builder in the manner of NengoDL 3, "
            "which is made from the operators alone (__init__(self, ops), then "
            f"build_pre(signals, config)), but it cannot be: {error}"
        ) from error
    missing = [m for m in ("build_pre", "build_step") if not hasattr(builder, m)]
    if missing:
        raise BuildError(
            f"{kind.__name__} has no {' and no '.join(missing)}: derive it from "
            "nengo_dl.neuron_builders.TFNeuronBuilder"
        )
    return builder
