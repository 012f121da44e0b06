"""Layers over time, where a step of the network is a step of the model."""

from __future__ import annotations

from math import prod
from typing import Any

import keras
import nengo
import numpy as np

from nengo_dl_ops import TensorNode

from .converter import Converter
from .dense import product
from .layer_converter import LayerConverter, find_converter
from .weights import Weight

_NEEDS_TIME = "it becomes one layer in every step only with temporal_model=True"


@Converter.register(keras.layers.TimeDistributed)
class ConvertTimeDistributed(LayerConverter):
    """Convert the layer that is applied in every step."""

    over_time = True

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """Whether that layer is convertible."""
        inner = find_converter(layer.layer)
        if not converter.temporal_model:
            return False, _NEEDS_TIME
        if inner is None:
            return False, f"no conversion is known for {type(layer.layer).__name__}"
        return inner.convertible(layer.layer, converter)

    @classmethod
    def activation(cls, layer: Any, converter: Any) -> Any:
        """Return that of the layer."""
        inner = find_converter(layer.layer)
        return None if inner is None else inner.activation(layer.layer, converter)

    def convert(self, node_id: int) -> Any:
        """Convert the layer."""
        inner = find_converter(self.layer.layer) or LayerConverter
        self.converter.stand_in(self.layer.layer, self.layer)
        return inner(self.layer.layer, self.converter).convert(node_id)


class ConvertRecurrent(LayerConverter):
    """What recurrent layers share."""

    over_time = True
    has_weights = True

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """Whether it goes forwards through a model over time."""
        if not converter.temporal_model:
            return False, _NEEDS_TIME
        for name in ("go_backwards", "return_state", "stateful"):
            if getattr(layer, name):
                return False, f"{name}=True has no counterpart in Nengo"
        return super().convertible(layer, converter)


@Converter.register(keras.layers.SimpleRNN)
class ConvertSimpleRNN(ConvertRecurrent):
    """Convert to neurons that are connected to themselves."""

    def convert(self, node_id: int) -> Any:
        """Connect the input, and the output of the step before."""
        cell = self.layer.cell
        activation = self.activation(self.layer, self.converter)
        bias = Weight(cell.bias) if self.layer.use_bias else None
        output = self.add_nengo_obj(node_id, biases=bias, activation=activation)
        size = tuple(cell.kernel.shape)
        self.add_connection(node_id, output, **product(1, cell.kernel, size))
        self.connect(
            output,
            output,
            **product(1, cell.recurrent_kernel, (size[1], size[1])),
            synapse=self.converter.synapse or 0,
            label=f"{self.layer.name}.recurrent",
        )
        return output


@Converter.register(keras.layers.LSTM)
@Converter.register(keras.layers.GRU)
class ConvertGated(ConvertRecurrent):
    """Convert to a TensorNode of one step, which gets its state of the step before."""

    kind = "special"

    @classmethod
    def activation(cls, layer: Any, converter: Any) -> Any:
        """No neurons compute it."""
        return None

    def convert(self, node_id: int) -> Any:
        """Compute a step, and carry the state to the next one."""
        size_in = prod(self.input_shape(node_id))
        sizes = [int(n) for n in np.atleast_1d(self.layer.cell.state_size)]
        node = TensorNode(
            CellStep(self.layer.cell, size_in, sizes),
            shape_in=(size_in + sum(sizes),),
            shape_out=(sum(sizes),),
            pass_time=False,
            label=f"{self.layer.name}.step",
        )
        self.connect(self.get_input_obj(node_id), node[:size_in])
        nengo.Connection(node, node[size_in:], synapse=0)
        output = self.add_nengo_obj(node_id)
        self.connect(node[: sizes[0]], output)
        return output


class CellStep(keras.Layer):
    """
    One step of a recurrent cell, from input and state to the new state.

    Parameters
    ----------
    cell : keras.Layer
        A cell whose output is the first part of its state.
    size_in : int
        The size of its input.
    sizes : list of int
        The sizes of the parts of its state.
    """

    def __init__(self, cell: Any, size_in: int, sizes: list[int]) -> None:
        super().__init__(dtype=cell.dtype_policy, name=f"{cell.name}_step")
        self.cell = cell
        self._ends = [int(n) for n in np.cumsum([size_in, *sizes])]
        self.built = True

    def call(self, x: Any) -> Any:
        """Return the parts of the new state side by side."""
        pairs = zip(self._ends, self._ends[1:], strict=False)
        states = [x[:, start:end] for start, end in pairs]
        _, new = self.cell(x[:, : self._ends[0]], states)
        new = new if isinstance(new, (list, tuple)) else [new]
        return keras.ops.concatenate(list(new), axis=1)
