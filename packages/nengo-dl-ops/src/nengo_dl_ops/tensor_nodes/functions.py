"""What a TensorNode computes, as a function of all that it depends on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf
from nengo.exceptions import ValidationError

from .seeds import seed_generators, take_note_of_build
from .variables import HeldVariables

#: What a step of a function gives: the output and the variables' new values.
Result = tuple[tf.Tensor, list[tf.Tensor]]


class TensorFunction(ABC):
    """
    A function of time, of an input and of the values of its variables.

    Attributes
    ----------
    variables : list of keras.Variable or tf.Variable
        The variables that it has.
    """

    variables: list[keras.Variable | tf.Variable]

    @abstractmethod
    def __call__(
        self,
        values: Sequence[tf.Tensor],
        t: tf.Tensor,
        x: tf.Tensor | None,
        training: bool,
    ) -> Result:
        """
        Compute the output, without reading or writing a variable.

        Shapes: ``x`` (batch, *shape_in). ``t`` in seconds. ``y``: the output: (batch,
        *shape_out) tf.Tensor unless the function is wrong.
        """


class PlainFunction(TensorFunction):
    """
    A user's function of TensorFlow tensors: ``func(t)``, ``func(t, x)``, ``func(x)``.

    Parameters
    ----------
    func : callable
        The function.
    shape_in : tuple of int or None
        The shape of one item of its input, if it has one.
    pass_time : bool
        Whether it takes the time.
    """

    def __init__(
        self, func: Callable, shape_in: tuple[int, ...] | None, pass_time: bool
    ) -> None:
        self.func = func
        self.shape_in = shape_in
        self.pass_time = pass_time
        states = [generator.state for generator in seed_generators(func)]
        self._held = HeldVariables(func, states)
        self.variables = self._held.variables

    def __call__(
        self,
        values: Sequence[tf.Tensor],
        t: tf.Tensor,
        x: tf.Tensor | None,
        training: bool,
    ) -> Result:
        """Call the function while its variables stand for the values."""
        del training  # a plain function computes the same in training
        arguments = ((t,) if self.pass_time else ()) + (() if x is None else (x,))
        with self._held.replaced(values) as new_values:
            y = self.func(*arguments)
        return y, new_values


class LayerFunction(TensorFunction):
    """
    A Keras layer or model.

    Parameters
    ----------
    layer : keras.Layer
        The layer. It is built for the input if it was not.
    shape_in : tuple of int
        The shape of one item of its input.
    pass_time : bool
        Whether it takes the list ``[t, x]``, not ``x``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the layer cannot be built for the input.
    """

    def __init__(
        self, layer: keras.Layer, shape_in: tuple[int, ...], pass_time: bool
    ) -> None:
        self.layer = layer
        self.pass_time = pass_time
        if not layer.built:
            error = _failure(layer, shape_in, pass_time)
            if error is not None:
                raise ValidationError(
                    f"Keras layer '{layer.name}' does not take an input of shape "
                    f"(batch, {', '.join(map(str, shape_in))})"
                    f"{' in a list [t, x]' if pass_time else ''}: {error}",
                    attr="tensor_func",
                ) from error
        self.variables = [*layer.trainable_variables, *layer.non_trainable_variables]

    def __call__(
        self,
        values: Sequence[tf.Tensor],
        t: tf.Tensor,
        x: tf.Tensor | None,
        training: bool,
    ) -> Result:
        """Call the layer (in its own precision) while its variables have the values."""
        mapping = list(zip(self.variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            y = self.layer([t, x] if self.pass_time else x, training=training)
        new_values = [scope.get_current_value(variable) for variable in self.variables]
        if x is not None and tf.is_tensor(y):
            y = tf.cast(y, x.dtype)
        return y, new_values


def takes_time(layer: keras.Layer, shape_in: tuple[int, ...] | None) -> bool:
    """
    Find out whether a layer takes ``[t, x]``, as many made for NengoDL 3 do.

    ``layer``: the layer. It may be built on the way. Returns whether it takes that, and
    does not take ``x`` alone.
    """
    if shape_in is None or _failure(layer, shape_in, pass_time=False) is None:
        return False
    return _failure(layer, shape_in, pass_time=True) is None


def _failure(
    layer: keras.Layer, shape_in: tuple[int, ...], pass_time: bool
) -> Exception | None:
    """Call a layer without computing anything, which builds it; return its error."""
    x = keras.KerasTensor((None, *shape_in), dtype=layer.compute_dtype)
    t = keras.KerasTensor((), dtype=layer.compute_dtype)
    inputs = [t, x] if pass_time else x
    try:
        if layer.built:
            layer.compute_output_spec(inputs)
        else:
            layer(inputs)
            take_note_of_build(layer)
    except Exception as error:
        return error
    return None


def tensor_function(
    func: Callable, shape_in: tuple[int, ...] | None, pass_time: bool
) -> TensorFunction:
    """
    Describe what a TensorNode computes.

    Raises a ``ValidationError`` if the function would get no argument, or a Keras layer
    no input.
    """
    if isinstance(func, keras.Layer):
        if shape_in is None:
            raise ValidationError(
                f"Expected an input (shape_in=...) for Keras layer '{func.name}', got "
                "none",
                attr="tensor_func",
            )
        return LayerFunction(func, shape_in, pass_time)
    if shape_in is None and not pass_time:
        raise ValidationError(
            "Expected an input (size_in or shape_in) or the time (pass_time) for the "
            "function, got neither",
            attr="tensor_func",
        )
    return PlainFunction(func, shape_in, pass_time)
