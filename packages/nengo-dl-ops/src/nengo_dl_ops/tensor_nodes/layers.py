"""Short ways to put TensorFlow code into a model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from math import prod
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf
from nengo.connection import Connection
from nengo.ensemble import Ensemble
from nengo.exceptions import ValidationError
from nengo.network import Network
from nengo.neurons import NeuronType
from nengo.params import BoolParam
from nengo.transforms import Transform

from ..checks import check_boolean
from .arguments import check_input, given, item_shape
from .node import TensorNode


def reshaped(shape_in: tuple[int, ...]) -> Callable[[Callable], Callable]:
    """
    Let a function of shaped input serve as ``tensor_func``.

    Parameters
    ----------
    shape_in : tuple of int
        The shape of one item of the function's input.

    Returns
    -------
    decorator : callable
        Turns ``func(t, x)`` for ``x`` of shape ``(minibatch, *shape_in)`` into a
        function that takes ``(minibatch, size_in)`` and returns
        ``(minibatch, size_out)``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``shape_in`` is not such a tuple.
    """
    shape = item_shape("shape_in", shape_in)
    if shape is None:
        raise ValidationError("Expected the shape of one item, got None", "shape_in")

    def decorate(func: Callable) -> Callable:
        @functools.wraps(func)
        def reshaped_func(t: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
            batch = x.shape[0]
            y = func(t, tf.reshape(x, (batch, *shape)))
            return tf.reshape(y, (batch, -1))

        return reshaped_func

    return decorate


def tensor_layer(
    input: Any,
    layer_func: Callable | NeuronType,
    shape_in: tuple[int, ...] | None = None,
    synapse: Any = None,
    transform: Any = 1,
    return_conn: bool = False,
    **layer_args: Any,
) -> Any:
    """
    Append a layer to an object of a model.

    Parameters
    ----------
    input : nengo object
        What the layer's input comes from.
    layer_func : callable, keras.Layer or nengo.neurons.NeuronType
        A function of ``x``, ``(minibatch, *shape_in)``, that returns
        ``(minibatch, ...)``; a Keras layer, or a class of such; or a neuron type, for
        a layer of such neurons.
    shape_in : tuple of int, optional
        The shape of one item of ``x`` (by default a vector of the input's size).
    synapse : nengo.synapses.Synapse or float, optional
        The synapse of the connection from ``input`` (by default none).
    transform : array_like or nengo.transforms.Transform
        The transform of this connection.
    return_conn : bool
        Whether to return the connection too.
    **layer_args
        Arguments for the function or the class of Keras layers, or for the
        ``nengo.Ensemble`` of neurons.

    Returns
    -------
    layer : TensorNode or nengo.ensemble.Neurons
        The layer.
    conn : nengo.Connection
        The connection from ``input`` to it, if ``return_conn``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a Keras layer (an object, not a class) is given arguments, or if shapes do
        not fit.
    """
    check_input(input)
    check_boolean("return_conn", return_conn)
    shape_in = item_shape("shape_in", given(shape_in))
    size_in = _size_in(input, shape_in, transform)
    if isinstance(layer_func, NeuronType):
        layer = _neurons(size_in, layer_func, layer_args)
    else:
        func = _bind(layer_func, layer_args)
        shape = (size_in,) if shape_in is None else shape_in
        layer = _tensor_node(func, shape, {})
    conn = Connection(input, layer, synapse=synapse, transform=transform)
    return (layer, conn) if return_conn else layer


class Layer:
    """
    Appends layers to the objects of a model, in the manner of Keras.

    ``Layer(f)(x)`` does what ``tensor_layer(x, f)`` does, but that further arguments
    go to the object that is made, and that the connection to it is not trained.

    Parameters
    ----------
    layer_func : callable, keras.Layer or nengo.neurons.NeuronType
        A function of ``x``, ``(minibatch, *shape_in)``, that returns
        ``(minibatch, ...)``; a Keras layer; or a neuron type, for a layer of such
        neurons.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is none of these.

    Examples
    --------
    >>> import nengo
    >>> with nengo.Network() as net:
    ...     pixels = nengo.Node([0.0] * 16)
    ...     hidden = Layer(keras.layers.Dense(8))(pixels)
    ...     rates = Layer(nengo.LIFRate())(hidden, gain=nengo.dists.Choice([1]))
    >>> rates.size_out
    8
    """

    def __init__(self, layer_func: Callable | NeuronType) -> None:
        is_class = inspect.isclass(layer_func)
        if is_class or not (callable(layer_func) or isinstance(layer_func, NeuronType)):
            raise ValidationError(
                "Expected a function, a Keras layer (an object, not its class) or a "
                f"neuron type, got {layer_func!r}",
                attr="layer_func",
            )
        self.layer_func = layer_func

    def __str__(self) -> str:
        name = getattr(self.layer_func, "name", None)
        name = name or getattr(self.layer_func, "__name__", None)
        return f"Layer({name or type(self.layer_func).__name__})"

    def __call__(
        self,
        input: Any,
        transform: Any = None,
        shape_in: tuple[int, ...] | None = None,
        synapse: Any = None,
        return_conn: bool = False,
        **layer_args: Any,
    ) -> Any:
        """
        Append the layer to an object.

        Parameters
        ----------
        input : nengo object
            What the layer's input comes from.
        transform : array_like or nengo.transforms.Transform, optional
            The transform of the connection from ``input`` (by default none).
        shape_in : tuple of int, optional
            The shape of one item of ``x`` (by default a vector of the input's size).
        synapse : nengo.synapses.Synapse or float, optional
            The synapse of the connection (by default none).
        return_conn : bool
            Whether to return the connection too.
        **layer_args
            Arguments for the `TensorNode`, or for the ``nengo.Ensemble`` of neurons.

        Returns
        -------
        layer : TensorNode or nengo.ensemble.Neurons
            The layer.
        conn : nengo.Connection
            The connection from ``input`` to it, if ``return_conn``. It is not
            trained, unless ``net.config[conn].trainable = True``.

        Raises
        ------
        nengo.exceptions.ValidationError
            If shapes do not fit, or an argument is wrong.
        """
        check_input(input)
        check_boolean("return_conn", return_conn)
        shape_in = item_shape("shape_in", given(shape_in))
        size_in = _size_in(input, shape_in, transform)
        if isinstance(self.layer_func, NeuronType):
            layer = _neurons(size_in, self.layer_func, layer_args)
        else:
            shape = (size_in,) if shape_in is None else shape_in
            layer = _tensor_node(self.layer_func, shape, layer_args)
        conn = Connection(input, layer, synapse=synapse, transform=transform)
        _leave_untrained(conn)
        return (layer, conn) if return_conn else layer


def _size_in(input: Any, shape_in: tuple[int, ...] | None, transform: Any) -> int:
    if isinstance(transform, Transform):
        return int(transform.size_out)
    if isinstance(transform, (str, bytes)):
        raise ValidationError(
            f"Expected numbers or a Transform, got {transform!r}", attr="transform"
        )
    if np.ndim(transform) > 0:
        return len(transform)
    return input.size_out if shape_in is None else prod(shape_in)


def _neurons(size: int, neuron_type: NeuronType, arguments: dict[str, Any]) -> Any:
    own = {"n_neurons", "dimensions", "neuron_type"}
    _check_known(arguments, _keywords(Ensemble) - own)
    return Ensemble(size, 1, neuron_type=neuron_type, **arguments).neurons


def _tensor_node(func: Callable, shape: Any, arguments: dict[str, Any]) -> TensorNode:
    _check_known(arguments, _keywords(TensorNode) - {"tensor_func"})
    # A Keras layer may want the time: that, TensorNode finds out.
    pass_time = None if isinstance(func, keras.Layer) else False
    return TensorNode(func, **{"shape_in": shape, "pass_time": pass_time, **arguments})


def _keywords(kind: Any) -> set[str]:
    """Return what an object of a network may be made with."""
    return {*inspect.signature(kind.__init__).parameters, "add_to_container"} - {"self"}


def _check_known(arguments: dict[str, Any], known: Collection[str]) -> None:
    for name in arguments:
        if name not in known:
            raise ValidationError(
                f"Expected one of {', '.join(sorted(known))}, got {name!r}: arguments "
                "of a function or of a class of layers are given to tensor_layer, or "
                "before (functools.partial, keras.layers.Dense(3))",
                attr="layer_args",
            )


def _leave_untrained(conn: Connection) -> None:
    """Set ``trainable`` for a connection, where any other setting may override it."""
    *outer, nearest = Network.context
    config = next((n for n in outer if nearest in n.all_networks), nearest).config
    if Connection not in config.params:
        config.configures(Connection)
    if "trainable" not in config.params[Connection].extra_params:
        param = BoolParam("trainable", default=None, optional=True)
        config.params[Connection].set_param("trainable", param)
    config[conn].trainable = False


def _bind(layer_func: Callable, layer_args: dict[str, Any]) -> Callable:
    if inspect.isclass(layer_func) and issubclass(layer_func, keras.Layer):
        try:
            return cast(Callable, layer_func(**layer_args))
        except (TypeError, ValueError) as error:
            raise ValidationError(
                f"Expected arguments of keras.layers.{layer_func.__name__}, got "
                f"{layer_args}: {error}",
                attr="layer_args",
            ) from error
    if inspect.isclass(layer_func) or not callable(layer_func):
        raise ValidationError(
            "Expected a function, a Keras layer or a neuron type (an object, not its "
            f"class), got {layer_func!r}",
            attr="layer_func",
        )
    if not layer_args:
        return layer_func
    if isinstance(layer_func, keras.Layer):
        raise ValidationError(
            f"Expected no arguments for a Keras layer, got {sorted(layer_args)}",
            attr="layer_args",
        )
    return functools.partial(layer_func, **layer_args)
