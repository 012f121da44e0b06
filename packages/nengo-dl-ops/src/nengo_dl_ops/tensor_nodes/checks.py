"""Trials of what a TensorNode's function returns."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from nengo.exceptions import ValidationError

from .functions import TensorFunction


def validate_output(
    output: Any,
    minibatch_size: int | None = None,
    output_d: int | tuple[int, ...] | None = None,
    dtype: str | tf.DType | None = None,
) -> None:
    """
    Check what the function of a `.TensorNode` returned.

    Parameters
    ----------
    output : object
        What it returned.
    minibatch_size : int, optional
        The number of items that the first axis must have (by default any).
    output_d : int or tuple of int, optional
        The shape that each item must have: a number of elements, or all its axes (by
        default any number of elements along one axis).
    dtype : str or tf.DType, optional
        The type that the values must have (by default any).

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``output`` is not a tensor, or its rank, shape or type is another.
    """
    if not tf.is_tensor(output):
        raise _error(f"expected a tf.Tensor, got {type(output).__name__}")
    item = output_d if isinstance(output_d, tuple) else (output_d,)
    expected = tf.TensorShape((minibatch_size, *item))
    if not output.shape.is_compatible_with(expected):
        raise _error(
            f"expected shape {_describe(expected)} (the batch first), "
            f"got {_describe(output.shape)}"
        )
    if dtype is not None and output.dtype != tf.as_dtype(dtype):
        raise _error(f"expected {tf.as_dtype(dtype).name}, got {output.dtype.name}")


def _describe(shape: tf.TensorShape) -> str:
    lengths = ["any" if length is None else str(length) for length in shape]
    return f"({', '.join(lengths)})"


def _error(problem: str) -> ValidationError:
    return ValidationError(f"Output of the function: {problem}", attr="tensor_func")


def trace(
    function: TensorFunction,
    shape_in: tuple[int, ...] | None,
    minibatch_size: int,
    dtype: str,
    shape_out: tuple[int, ...] | None = None,
) -> Any:
    """
    Try a function, without computing anything and without leaving a trace.

    ``shape_out``: the shape that one item of the output must have; its type must be
    ``dtype``. Returns what it computes; its ``structured_outputs`` say the type and
    shape.
    """

    def call(t: tf.Tensor, x: tf.Tensor | None = None) -> tf.Tensor:
        values = [tf.convert_to_tensor(variable) for variable in function.variables]
        y, _ = function(values, t, x, False)
        if shape_out is not None:
            check_output(y, x, minibatch_size, shape_out, dtype)
        elif not tf.is_tensor(y):
            validate_output(y)
        return y

    arguments = [tf.TensorSpec((), dtype)]
    if shape_in is not None:
        arguments.append(tf.TensorSpec((minibatch_size, *shape_in), dtype))
    try:
        traced = tf.function(call, autograph=False).get_concrete_function(*arguments)
    except ValidationError:
        raise
    except Exception as error:
        shape = None if shape_in is None else (minibatch_size, *shape_in)
        raise ValidationError(
            f"The function failed for an input of type {dtype} and shape {shape}: "
            f"{_reason(error)}",
            attr="tensor_func",
        ) from error
    return traced


def _reason(error: Exception) -> str:
    if isinstance(error, NotImplementedError) and "symbolic" in str(error):
        return (
            "it asks for the values of tensors, which are not known while it is "
            "compiled (use tf or keras.ops in place of NumPy; a nengo.Node computes "
            "with NumPy)"
        )
    return str(error)


def check_output(
    y: Any,
    x: tf.Tensor | None,
    minibatch_size: int,
    shape_out: tuple[int, ...],
    dtype: str,
) -> None:
    """Check the output of a function in a simulation."""
    shared = x is None and tf.is_tensor(y) and y.shape.rank and y.shape[0] == 1
    validate_output(y, 1 if shared else minibatch_size, shape_out, dtype)


def adds_losses(
    layer: keras.Layer, shape_in: tuple[int, ...], pass_time: bool, dtype: str
) -> bool:
    """
    Find out whether a layer adds losses, without computing anything.

    Parameters
    ----------
    layer : keras.Layer
        A layer that was built.
    shape_in : tuple of int
        The shape of one item of its input.
    pass_time : bool
        Whether it takes the list ``[t, x]``.
    dtype : str
        The type of the input.

    Returns
    -------
    adds : bool
        Whether training it in Keras would minimise more than what is computed from
        its output and its weights: because of ``add_loss``, or of a regularizer of
        activities inside of it. Its own ``activity_regularizer`` is one of the output
        (a layer that calls another one, and passes the outputs on, says in
        ``n_activity_losses`` how many of them are regularized).
    """
    own = int(getattr(layer, "activity_regularizer", None) is not None)
    n_of_outputs = getattr(layer, "n_activity_losses", own)
    weights = layer.trainable_weights
    n_regularized = sum(getattr(v, "regularizer", None) is not None for v in weights)

    def losses(x: tf.Tensor) -> list[tf.Tensor]:
        # Without values of its own, a scope hides weights from their regularisers.
        values = [(v, tf.convert_to_tensor(v)) for v in layer.variables]
        with keras.StatelessScope(state_mapping=values, collect_losses=True):
            layer([tf.zeros((), dtype), x] if pass_time else x, training=True)
            # Those of weights come last.
            return list(layer.losses)[: -n_regularized or None]

    spec = tf.TensorSpec((1, *shape_in), dtype)
    traced = tf.function(losses, autograph=False).get_concrete_function(spec)
    return len(traced.structured_outputs) > n_of_outputs


def infer_shape(
    function: TensorFunction, shape_in: tuple[int, ...] | None
) -> tuple[int, ...]:
    """
    Find out the shape of one item of a function's output, by trying it on one item.

    Raises a ``ValidationError`` if the function fails, or its output is not a tensor of
    known shape.
    """
    y = trace(function, shape_in, 1, "float32").structured_outputs
    if not y.shape.rank or None in y.shape[1:]:
        raise _error(
            f"expected a known shape (batch, ...), got {y.shape} (give the shape)"
        )
    return tuple(y.shape[1:])
