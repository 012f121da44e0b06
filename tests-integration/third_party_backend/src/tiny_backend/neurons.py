"""A neuron type that neither Nengo nor NengoDL knows."""

import numpy as np
import tensorflow as tf
from nengo.neurons import NeuronType
from nengo.params import NumberParam

from nengo_dl_ops import Builder, NeuronBuilder


class Quadratic(NeuronType):
    """``rate = amplitude * max(J, 0) ** 2``, in Hz."""

    negative = False
    amplitude = NumberParam("amplitude", low=0, low_open=True)

    def __init__(self, amplitude=1):
        super().__init__()
        self.amplitude = amplitude

    def gain_bias(self, max_rates, intercepts):
        max_current = np.sqrt(np.asarray(max_rates) / self.amplitude)
        gain = max_current / (1 - np.asarray(intercepts))
        return gain, -np.asarray(intercepts) * gain

    def max_rates_intercepts(self, gain, bias):
        return self.amplitude * (gain + bias) ** 2, -bias / gain

    def step(self, dt, J, output):
        output[...] = self.amplitude * np.maximum(J, 0) ** 2


@Builder.register(Quadratic)
class QuadraticBuilder(NeuronBuilder):
    """The same in TensorFlow, for all neurons of a merged group."""

    def step(self, J, state):
        return self.parameter("amplitude") * tf.square(tf.nn.relu(J)), {}
