"""Layers that are an activation."""

from __future__ import annotations

from typing import Any

import keras
import nengo
import numpy as np

from nengo_dl_ops import LeakyReLU

from .converter import Converter
from .elementwise import multiply
from .layer_converter import LayerConverter

_DIFFERENCE = "is the difference of two groups of neurons, each with its own spikes"


@Converter.register(keras.layers.Activation)
class ConvertActivation(LayerConverter):
    """Convert the activation of each element."""

    over_time = True

    @classmethod
    def as_activation(cls, layer: Any, converter: Any) -> Any:
        """Return its activation, if that is all that it does."""
        if cls.convertible(layer, converter)[0]:
            return cls.activation(layer, converter)
        return super().as_activation(layer, converter)

    def convert(self, node_id: int) -> Any:
        """Apply it."""
        activation = self.activation(self.layer, self.converter)
        if activation is None:
            return self.get_input_obj(node_id)
        output = self.add_nengo_obj(node_id, activation=activation)
        self.add_connection(node_id, output)
        return output


@Converter.register(keras.layers.ReLU)
class ConvertReLU(ConvertActivation):
    """Convert rectification, with a slope and a maximum, but without threshold."""

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """Whether neurons compute it exactly."""
        if layer.threshold:
            return False, f"threshold={layer.threshold} has no counterpart in Nengo"
        if layer.max_value is not None and not all(
            isinstance(part, nengo.neurons.NeuronType)
            for part in cls._parts(layer, converter)
        ):
            return False, "rectification was exchanged for a function"
        return super().convertible(layer, converter)

    @classmethod
    def activation(cls, layer: Any, converter: Any) -> Any:
        """Return neurons that rectify."""
        if layer.negative_slope:
            exact = LeakyReLU(negative_slope=float(layer.negative_slope))
            return converter.exchanges.resolve(keras.activations.leaky_relu, exact)
        return converter.exchanges.resolve(keras.activations.relu)

    @classmethod
    def as_activation(cls, layer: Any, converter: Any) -> Any:
        """Return neurons, if one group of them is enough."""
        if layer.max_value is None:
            return super().as_activation(layer, converter)
        return converter.exchanges.resolve(layer)

    @classmethod
    def _parts(cls, layer: Any, converter: Any) -> list[Any]:
        """Return what rectifies all of the input, and what is above the maximum."""
        above = converter.exchanges.resolve(keras.activations.relu)
        return [cls.activation(layer, converter), above]

    def convert(self, node_id: int) -> Any:
        """Add neurons; subtract others that get what is above the maximum."""
        if self.layer.max_value is None:
            return super().convert(node_id)
        parts = [
            self.add_nengo_obj(node_id, activation=part)
            for part in self._parts(self.layer, self.converter)
        ]
        self._subtract_maximum(node_id, parts[1])
        output = self.add_nengo_obj(node_id)
        for part, factor in zip(parts, (1, -1), strict=True):
            self.add_connection(node_id, part)
            self.connect(part, output, transform=factor)
        return output

    def _subtract_maximum(self, node_id: int, obj: Any) -> None:
        maximum = np.array([float(self.layer.max_value)])
        shape = self.output_shape(node_id)
        self.converter.builder.bias(self.layer, obj, -maximum, shape)
        self.remark(f"max_value={maximum[0]:g} {_DIFFERENCE}")


@Converter.register(keras.layers.LeakyReLU)
class ConvertLeakyReLU(ConvertActivation):
    """Convert rectification with a slope for negative numbers."""

    @classmethod
    def activation(cls, layer: Any, converter: Any) -> Any:
        """Return neurons with that slope."""
        exact = LeakyReLU(negative_slope=float(layer.negative_slope))
        return converter.exchanges.resolve(keras.activations.leaky_relu, exact)


@Converter.register(keras.layers.Softmax)
class ConvertSoftmax(ConvertActivation):
    """Convert to a TensorNode, at an output."""

    kind = "special"

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """Whether it is over the last axis."""
        if layer.axis != -1:
            return False, f"axis={layer.axis} has no counterpart in Nengo"
        return super().convertible(layer, converter)

    @classmethod
    def activation(cls, layer: Any, converter: Any) -> Any:
        """Return the function."""
        return converter.exchanges.resolve(keras.activations.softmax)


@Converter.register(keras.layers.PReLU)
class ConvertPReLU(LayerConverter):
    """Convert to neurons for positive and others for negative inputs."""

    has_weights = True

    @classmethod
    def activation(cls, layer: Any, converter: Any) -> Any:
        """Return neurons that rectify."""
        return converter.exchanges.resolve(keras.activations.relu)

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """Whether rectification is computed by neurons."""
        activation = cls.activation(layer, converter)
        if not isinstance(activation, nengo.neurons.NeuronType):
            return False, "rectification was exchanged for a function"
        return super().convertible(layer, converter)

    def convert(self, node_id: int) -> Any:
        """Add both parts, the negative one by the slope of each element."""
        neurons = self.activation(self.layer, self.converter)
        positive, negative = (
            self.add_nengo_obj(node_id, activation=neurons) for _ in range(2)
        )
        self.add_connection(node_id, positive)
        self.add_connection(node_id, negative, transform=-1)
        output = self.add_nengo_obj(node_id)
        self.connect(positive, output)
        alpha, shape = self.layer.alpha, self.output_shape(node_id)
        multiply(self, negative, output, alpha, alpha.shape, shape, sign=-1)
        return output
