"""The base class of all that turns one layer into Nengo objects, and the registry."""

from __future__ import annotations

import inspect
from math import prod
from typing import Any, ClassVar

import keras
import nengo
import numpy as np

from nengo_dl_ops import TensorNode

from .weights import Weight

#: From classes of layers to those that convert them.
REGISTRY: dict[type, type[LayerConverter]] = {}


def find_converter(layer: Any) -> type[LayerConverter] | None:
    """Return the class registered for exactly the type of a layer."""
    return REGISTRY.get(type(layer))


class LayerConverter:
    """
    Turns one Keras layer into Nengo objects; to be implemented: `convert`.

    Parameters
    ----------
    layer : keras.Layer
        The layer.
    converter : Converter
        What it is a part of.

    Attributes
    ----------
    unsupported_args : list
        Names of arguments of the layer that must be None or False, or pairs of a name
        and the value that it must have; else the layer becomes a TensorNode.
    unsupported_training_args : list
        The same, unless ``inference_only=True``.
    has_weights : bool
        Whether the layer has parameters, which several calls would share.
    allow_fallback : bool
        Whether it may become a TensorNode.
    kind : str
        Its class in the report.
    over_time : bool
        Whether it computes each step by itself, or from those before, so that it may
        be part of a model over time.

    Examples
    --------
    ::

        @nengo_dl.Converter.register(Twice)
        class ConvertTwice(nengo_dl.converter.LayerConverter):
            def convert(self, node_id):
                output = self.add_nengo_obj(node_id)
                self.add_connection(node_id, output, transform=2)
                return output
    """

    unsupported_args: ClassVar[list] = []
    unsupported_training_args: ClassVar[list] = []
    has_weights: ClassVar[bool] = False
    allow_fallback: ClassVar[bool] = True
    kind: ClassVar[str] = "native"
    over_time: ClassVar[bool] = False

    def __init__(self, layer: Any, converter: Any) -> None:
        self.layer = layer
        self.converter = converter

    def convert(self, node_id: int) -> Any:
        """
        Make the objects of one call of the layer.

        Parameters
        ----------
        node_id : int
            The number of the call.

        Returns
        -------
        obj : nengo.Node or nengo.ensemble.Neurons, or a list of them
            What holds each output.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement convert")

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str]:
        """
        Say whether a layer can be converted natively.

        Parameters
        ----------
        layer : keras.Layer
            The layer.
        converter : Converter
            What it is a part of.

        Returns
        -------
        convertible : bool
            Whether it can.
        why : str
            If not: why not.
        """
        wrong = list(cls.unsupported_args)
        if not converter.inference_only:
            wrong += cls.unsupported_training_args
        for entry in wrong:
            name, value = entry if isinstance(entry, tuple) else (entry, None)
            found = getattr(layer, name, value)
            if found != value and (value is not None or found is not False):
                return False, f"{name}={found!r:.50} has no counterpart in Nengo"
        return True, ""

    @classmethod
    def activation(cls, layer: Any, converter: Any) -> Any:
        """Return the activation of a layer: a neuron type, a function, or None."""
        function = getattr(layer, "activation", None)
        known = find_converter(function)
        if known is not None:  # a layer, given as the activation of another one
            return known.as_activation(function, converter)
        return converter.exchanges.resolve(function)

    @classmethod
    def as_activation(cls, layer: Any, converter: Any) -> Any:
        """Return what computes a layer that is the activation of another one."""
        return converter.exchanges.resolve(layer)

    # -- what `convert` is written with

    def input_shape(self, node_id: int, tensor_idx: int = 0) -> tuple[int, ...]:
        """Return the shape of an input, without the batch axis."""
        return self.converter.shape(self._call(node_id).inputs[tensor_idx])

    def output_shape(self, node_id: int, tensor_idx: int = 0) -> tuple[int, ...]:
        """Return the shape of an output, without the batch axis."""
        return self.converter.shape(self._call(node_id).outputs[tensor_idx])

    def get_input_obj(self, node_id: int, tensor_idx: int = 0) -> Any:
        """Return the object that holds an input."""
        return self.converter.object_of(self._call(node_id).inputs[tensor_idx])

    def n_inputs(self, node_id: int) -> int:
        """Return the number of inputs."""
        return len(self._call(node_id).inputs)

    def add_nengo_obj(
        self, node_id: int, biases: Any = None, activation: Any = None
    ) -> Any:
        """
        Make the object that holds the output.

        Parameters
        ----------
        node_id : int
            The number of the call.
        biases : array_like or Weight, optional
            Added to the input; of any shape that extends to that of the output. An
            array is trained if any variable of the layer is.
        activation : NeuronType or callable, optional
            A neuron type, or a function that becomes a TensorNode.

        Returns
        -------
        obj : nengo.Node or nengo.ensemble.Neurons
            A node that passes its input on, if there is no activation.
        """
        shape = self.output_shape(node_id)
        obj = self.converter.builder.population(self.layer, shape, activation)
        if biases is not None:
            trainable = bool(getattr(self.layer, "trainable_weights", ()))
            self.converter.builder.bias(
                self.layer, obj, biases, shape, trainable=trainable
            )
        return obj

    def add_connection(
        self,
        node_id: int,
        obj: Any,
        input_idx: int = 0,
        trainable: bool = False,
        weight: Weight | None = None,
        **kwargs: Any,
    ) -> nengo.Connection:
        """
        Connect an input to an object.

        Parameters
        ----------
        node_id : int
            The number of the call.
        obj : nengo.Node or nengo.ensemble.Neurons
            What `add_nengo_obj` returned.
        input_idx : int
            The number of the input.
        trainable : bool
            Whether training changes the weights, if the layer is trainable, and it
            is not said what they stand for.
        weight : Weight, optional
            What the weights stand for.
        **kwargs
            Arguments of ``nengo.Connection``.

        Returns
        -------
        conn : nengo.Connection
            The connection, with the synapse of the conversion after neurons.
        """
        pre = self.get_input_obj(node_id, input_idx)
        return self.connect(pre, obj, trainable=trainable, weight=weight, **kwargs)

    def connect(
        self,
        pre: Any,
        obj: Any,
        trainable: bool = False,
        weight: Weight | None = None,
        **kwargs: Any,
    ) -> nengo.Connection:
        """Connect any object to one that `add_nengo_obj` returned."""
        return self.converter.builder.connect(
            self.layer, pre, obj, trainable=trainable, weight=weight, **kwargs
        )

    def select(self, node_id: int, rows: np.ndarray) -> Any:
        """Make a node of chosen elements of the input."""
        node = self.add_nengo_obj(node_id)
        pre = self.get_input_obj(node_id)
        rows = np.asarray(rows).ravel()
        same = rows.size == pre.size_out and np.array_equal(rows, np.arange(rows.size))
        self.connect(pre if same else pre[rows.tolist()], node)
        return node

    def positions(self, node_id: int, tensor_idx: int = 0) -> np.ndarray:
        """Number the elements of an input, in its shape."""
        shape = self.input_shape(node_id, tensor_idx)
        return np.arange(prod(shape)).reshape(shape)

    def set_trainable(self, obj: Any, trainable: bool) -> None:
        """Set whether training changes an object."""
        self.converter.net.config[obj].trainable = trainable

    def remark(self, text: str, warn: bool = False) -> None:
        """Put something that is lossy into the report."""
        self.converter.remark(self.layer, text, warn=warn)

    def _call(self, node_id: int) -> Any:
        return self.converter.calls[self.layer][node_id]


class FallbackConverter(LayerConverter):
    """Turns any layer into a TensorNode."""

    kind = "TensorNode"

    def convert(self, node_id: int) -> Any:
        """Make the TensorNode, and a node for each of several outputs."""
        if getattr(
            self.layer, "mask_zero", isinstance(self.layer, keras.layers.Masking)
        ):
            self.remark("its mask does not reach other layers", warn=True)
        call = self._call(node_id)
        shapes = [self.input_shape(node_id, i) for i in range(len(call.inputs))]
        sizes = [prod(shape) for shape in shapes]
        ends = np.cumsum([0, *sizes])
        out_shapes = [self.converter.shape(t) for t in call.outputs]
        out_ends = np.cumsum([0, *(prod(s) for s in out_shapes)])
        node = TensorNode(
            LayerCall(call, shapes),
            shape_in=(int(ends[-1]),),
            shape_out=(int(out_ends[-1]),),
            pass_time=False,
            label=self.layer.name,
        )
        for i, start in enumerate(ends[:-1]):
            where = node[int(start) : int(ends[i + 1])]
            self.connect(self.get_input_obj(node_id, i), where)
        if len(out_shapes) == 1:
            return node
        return [
            self._part(node, i, out_ends, shape) for i, shape in enumerate(out_shapes)
        ]

    def _part(self, node: Any, i: int, ends: Any, shape: tuple[int, ...]) -> Any:
        part = nengo.Node(size_in=prod(shape), label=f"{self.layer.name}.{i}")
        self.connect(node[int(ends[i]) : int(ends[i + 1])], part)
        return part


class LayerCall(keras.Layer):
    """
    A call of a layer as a layer of one flat input and one flat output.

    Parameters
    ----------
    call : Call
        The call.
    shapes : list of tuple of int
        The shapes of its inputs.

    Attributes
    ----------
    n_activity_losses : int
        How many of its outputs the layer regularizes: what that adds to losses.
    """

    def __init__(self, call: Any, shapes: list[tuple[int, ...]]) -> None:
        policy = getattr(call.layer, "dtype_policy", call.outputs[0].dtype)
        super().__init__(dtype=policy, name=f"{call.layer.name}_call")
        self.wrapped = call.layer
        is_regularized = getattr(call.layer, "activity_regularizer", None) is not None
        self.n_activity_losses = len(call.outputs) if is_regularized else 0
        # In a closure: Keras would take lists and dictionaries apart.
        self._fill = lambda values: keras.tree.map_structure(
            lambda leaf: values.get(id(leaf), leaf), (call.args, call.kwargs)
        )
        function = getattr(call.layer, "call", call.layer)
        self._takes_training = "training" in inspect.signature(function).parameters
        self._ids = [id(tensor) for tensor in call.inputs]
        self._dtypes = [tensor.dtype for tensor in call.inputs]
        self._shapes = shapes
        self.built = True

    def call(self, x: Any, training: bool = False) -> Any:
        """Compute the flat output."""
        ops, values, start = keras.ops, {}, 0
        for key, shape, dtype in zip(
            self._ids, self._shapes, self._dtypes, strict=True
        ):
            end = start + prod(shape)
            part = ops.reshape(x[:, start:end], (-1, *shape))
            values[key] = part if "float" in dtype else ops.cast(ops.round(part), dtype)
            start = end
        args, kwargs = self._fill(values)
        if self._takes_training:
            kwargs = {**kwargs, "training": training}
        results = keras.tree.flatten(self.wrapped(*args, **kwargs))
        flat = [
            ops.cast(ops.reshape(y, (-1, prod(y.shape[1:]))), x.dtype) for y in results
        ]
        return flat[0] if len(flat) == 1 else ops.concatenate(flat, axis=1)
