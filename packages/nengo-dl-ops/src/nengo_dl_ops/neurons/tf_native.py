"""The neuron builders of NengoDL 3, for those that users derive from them."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import tensorflow as tf

from . import leaky_relu, lif, rates_to_spikes, rectified_linear, sigmoid, soft_lif
from . import tanh as tanh_
from .base import NeuronBuilder
from .tf_builder import NeuronSignals, TFBuildConfig, TFNeuronBuilder

#: Parameters of neuron types that become attributes of a builder.
_PARAMETERS = (
    *("amplitude", "tau_rc", "tau_ref", "min_voltage", "sigma"),
    "negative_slope",
)


class NativeNeuronBuilder(TFNeuronBuilder):
    """
    Computes what a `NeuronBuilder` does, with the parameters that this object has.

    Attributes
    ----------
    amplitude, tau_rc, tau_ref, ... : () or (1, n_neurons) tf.Tensor
        Those parameters that the neuron type has (from `build_pre` on).
    alpha : () or (1, n_neurons) tf.Tensor
        The height of a spike, if there is an amplitude.
    zero, one, epsilon : () tf.Tensor
        Numbers of the simulation's type.
    zeros : (minibatch_size, n_neurons) tf.Tensor
        The first of them for each neuron.
    """

    def build_pre(self, signals: NeuronSignals, config: TFBuildConfig) -> None:
        """Set the parameters of the neuron types."""
        super().build_pre(signals, config)
        tiny = np.finfo(signals.dtype.as_numpy_dtype).tiny
        self._settings = signals.config
        self.zero, self.one = signals.zero, signals.one
        self.epsilon = tf.constant(max(1e-15, float(tiny)), signals.dtype)
        self.zeros = tf.zeros(self.J_data.full_shape, signals.dtype)
        if config.lif_smoothing:
            self.sigma = tf.constant(config.lif_smoothing, signals.dtype)
        types, sizes = self._types(), [op.J.size for op in self.ops]
        for name in _PARAMETERS:
            if all(hasattr(kind, name) for kind in types):
                value = signals.op_constant(types, sizes, name, signals.dtype)
                setattr(self, name, value)
        if hasattr(self, "amplitude"):
            self.alpha = self.amplitude / signals.dt

    def _types(self) -> list[Any]:
        return [op.neurons for op in self.ops]

    def _compute(
        self, kind: type[NeuronBuilder], J: tf.Tensor, state: Any, training: bool
    ) -> Any:
        """Compute a step by a native builder, which has the batch axis last."""
        neurons = kind(self._types(), [op.J.size for op in self.ops], self._settings)
        neurons.parameter = self._parameter  # type: ignore[method-assign]
        before = {name: tf.transpose(value) for name, value in state.items()}
        is_smooth = self.config.lif_smoothing is not None
        if is_smooth and isinstance(neurons, lif.LIFBuilder):
            neurons = neurons.smoothed(self._parameter("sigma"))
        step = neurons.training_step if training else neurons.step
        output, new = step(tf.transpose(J), before)
        output = tf.transpose(output)
        if training or not before:
            return output
        return (output, *(tf.transpose(new.get(n, before[n])) for n in before))

    def _parameter(self, name: str) -> Any:
        """Return (n_neurons, 1) values of what a subclass may have changed."""
        value = getattr(self, name)
        if tf.is_tensor(value) and hasattr(value, "numpy"):  # it is not symbolic
            value = value.numpy()
        return tf.transpose(value) if tf.is_tensor(value) else np.transpose(value)


def _native(kind: type[NeuronBuilder], base: type, spiking: bool = False) -> Any:
    """Make the class of NengoDL 3 that computes what a `NeuronBuilder` does."""

    def step(self: Any, J: tf.Tensor, dt: tf.Tensor, **state: tf.Tensor) -> Any:
        del dt  # the native builder knows it
        return self._compute(kind, J, state, training=False)

    def training_step(self: Any, J: tf.Tensor, dt: tf.Tensor, **state: Any) -> Any:
        del dt
        return self._compute(kind, J, state, training=True)

    members: dict[str, Any] = {
        "__doc__": f"Computes neurons in the manner of NengoDL 3: `.{kind.__name__}`.",
        "__module__": __name__,
        "spiking": spiking,
        "step": step,
    }
    if spiking:
        members["training_step"] = training_step
    return type(kind.__name__, (base,), members)


RectifiedLinearBuilder = _native(
    rectified_linear.RectifiedLinearBuilder, NativeNeuronBuilder
)
SpikingRectifiedLinearBuilder = _native(
    rectified_linear.SpikingRectifiedLinearBuilder, RectifiedLinearBuilder, spiking=True
)
LeakyReLUBuilder = _native(leaky_relu.LeakyReLUBuilder, RectifiedLinearBuilder)
SpikingLeakyReLUBuilder = _native(
    leaky_relu.SpikingLeakyReLUBuilder, LeakyReLUBuilder, spiking=True
)
SigmoidBuilder = _native(sigmoid.SigmoidBuilder, NativeNeuronBuilder)
TanhBuilder = _native(tanh_.TanhBuilder, NativeNeuronBuilder)
LIFRateBuilder = _native(lif.LIFRateBuilder, NativeNeuronBuilder)
SoftLIFRateBuilder = _native(soft_lif.SoftLIFRateBuilder, LIFRateBuilder)
LIFBuilder = _native(lif.LIFBuilder, SoftLIFRateBuilder, spiking=True)
RegularSpikingBuilder = _native(
    rates_to_spikes.RegularSpikingBuilder, NativeNeuronBuilder, spiking=True
)

#: What the registry of NengoDL 3 holds before a user puts in anything.
NATIVE_BUILDERS: dict[type[nengo.neurons.NeuronType], type] = {
    nengo.RectifiedLinear: RectifiedLinearBuilder,
    nengo.SpikingRectifiedLinear: SpikingRectifiedLinearBuilder,
    leaky_relu.LeakyReLU: LeakyReLUBuilder,
    leaky_relu.SpikingLeakyReLU: SpikingLeakyReLUBuilder,
    nengo.Sigmoid: SigmoidBuilder,
    nengo.Tanh: TanhBuilder,
    nengo.LIFRate: LIFRateBuilder,
    soft_lif.SoftLIFRate: SoftLIFRateBuilder,
    nengo.LIF: LIFBuilder,
    nengo.RegularSpiking: RegularSpikingBuilder,
}
