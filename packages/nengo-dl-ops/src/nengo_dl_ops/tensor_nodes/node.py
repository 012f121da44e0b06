"""Nodes that compute with TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import keras
import numpy as np
from nengo.exceptions import SimulationError, ValidationError
from nengo.node import Node
from nengo.params import BoolParam, Parameter, ShapeParam

from ..checks import check_count_or_none
from .arguments import given, item_shape
from .checks import infer_shape
from .functions import takes_time, tensor_function


class TensorFuncParam(Parameter):
    """A parameter whose value can be called."""

    def coerce(self, instance: TensorNode, func: Any) -> Callable:  # noqa: D102
        func = super().coerce(instance, func)
        if isinstance(func, type) and issubclass(func, keras.Layer):
            raise ValidationError(
                f"Expected a Keras layer, got its class: make an object of it, "
                f"{func.__name__}(...)",
                attr=self.name,
                obj=instance,
            )
        if not callable(func):
            raise ValidationError(
                f"Expected a function or a Keras layer, got {type(func).__name__}",
                attr=self.name,
                obj=instance,
            )
        return func


def needs_nengo_dl(t: float, *x: np.ndarray) -> None:
    """
    Refuse to compute a `TensorNode` in a simulator that knows only plain nodes.

    ``t`` in seconds.
    """
    del t, x
    raise SimulationError("A TensorNode can only be simulated by nengo_dl.Simulator")


class TensorNode(Node):
    """
    A node whose output a function of TensorFlow tensors or a Keras layer computes.

    Its computation is compiled, differentiated and batched together with the rest of
    the model.

    Parameters
    ----------
    tensor_func : callable or keras.Layer
        ``func(t)`` if there is no input, else ``func(t, x)``; with
        ``pass_time=False``, as for most Keras layers and models, ``func(x)``. A Keras
        layer that takes the time is called with a list, ``func([t, x])``.
        ``t`` is the time in seconds, a tensor of no axes, and ``x`` is
        ``(minibatch, *shape_in)``; the result is ``(minibatch, *shape_out)``, of the
        simulation's type. (Keras layers compute in their own precision.) If there is
        no input, a result of one batch item is shared by all.
    size_in : int
        The number of elements of the input; 0 for no input.
    size_out : int, optional
        The number of elements of the output. By default the function is tried to find
        out.
    label : str, optional
        A name for the node.
    shape_in, shape_out : tuple of int, optional
        The shapes of one item of input and output, instead of the sizes.
    pass_time : bool, optional
        Whether ``func`` takes the time. By default functions do, and those Keras layers
        that take the list ``[t, x]`` and do not take ``x``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the arguments contradict each other, or the function fails when it is tried.

    Notes
    -----
    Any argument may be ``nengo.Default``: it is then as if it were left out.

    A ``tensor_func`` may have two hooks. ``pre_build(shape_in, shape_out)`` is called
    once for each simulator, before anything is computed, with the shapes including the
    batch axis (``shape_in`` is None if there is no input): the place to make
    variables. ``post_build(rng)`` is called when the simulator is built and after each
    reset, with a ``numpy.random.RandomState``: the place to set them.

    Variables that ``tensor_func`` holds are trained and saved like any other
    parameter: those of a Keras layer or model, those that an object lists as
    ``trainable_variables`` (as a ``tf.Module`` does), or else the ``tf.Variable`` and
    ``keras.Variable`` objects among its attributes. Of a variable held elsewhere, for
    example by a closure, a simulation knows nothing: it keeps the value that it has
    when the simulation is compiled, and is not trained.
    """

    tensor_func: Any = TensorFuncParam("tensor_func")
    shape_in = ShapeParam("shape_in", default=None, optional=True, low=1)
    shape_out = ShapeParam("shape_out", default=None, optional=True, low=1)
    pass_time = BoolParam("pass_time")

    def __init__(
        self,
        tensor_func: Callable,
        size_in: int = 0,
        size_out: int | None = None,
        label: str | None = None,
        *,
        shape_in: tuple[int, ...] | None = None,
        shape_out: tuple[int, ...] | None = None,
        pass_time: bool | None = None,
    ) -> None:
        is_layer = isinstance(tensor_func, keras.Layer)
        self.tensor_func = tensor_func
        self.shape_in = self._shape("in", given(size_in, 0), given(shape_in))
        self.shape_out = self._shape("out", given(size_out), given(shape_out))
        pass_time = given(pass_time)
        if pass_time is None:
            pass_time = not is_layer or takes_time(tensor_func, self.shape_in)
        self.pass_time = pass_time
        function = tensor_function(tensor_func, self.shape_in, self.pass_time)
        if self.shape_out is None:
            self.shape_out = infer_shape(function, self.shape_in)
            if not is_layer and given(shape_in) is None and len(self.shape_out) != 1:
                raise ValidationError(
                    "Expected an output of shape (batch, size_out), got "
                    f"{('batch', *self.shape_out)}",
                    attr="tensor_func",
                    obj=self,
                )
        super().__init__(
            needs_nengo_dl,
            size_in=0 if self.shape_in is None else prod(self.shape_in),
            size_out=prod(self.shape_out),
            label=label,
        )

    def _shape(
        self, which: str, size: int | None, shape: tuple[int, ...] | None
    ) -> tuple[int, ...] | None:
        """Return the shape of one item; None if there is none, or it is not known."""
        if isinstance(size, (tuple, list)):  # the order of arguments of NengoDL 3
            size, shape = None, tuple(size)
        size, shape = (
            check_count_or_none(f"size_{which}", size),
            item_shape(f"shape_{which}", shape),
        )
        if shape is None:
            return None if size is None or size == 0 else (size,)
        if size not in (None, 0, prod(shape)):
            raise ValidationError(
                f"Expected {prod(shape)} elements as in shape_{which}={shape}, "
                f"got {size}",
                attr=f"size_{which}",
                obj=self,
            )
        return shape
