"""Calls of compiled functions: at little cost, or for any shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from .function_cache import shared_function


class CompiledCall:
    """
    A function compiled for arguments of certain types and shapes.

    Parameters
    ----------
    function : callable
        Takes and returns nested structures of tensors. Outputs may be None.
    arguments : tuple
        Arguments of the types and shapes that every call will have.
    jit_compile : bool
        Whether XLA compiles the function.

    Notes
    -----
    A ``tf.function`` binds and checks its arguments in every call, which takes longer
    than a time step of a small network. The operation that it runs in the end is
    public, and was measured to be five times faster to call (80 us, not 420). That
    operation itself never compiles, but what it calls may be compiled: so there is a
    function around the one that XLA compiles.
    """

    def __init__(self, function: Callable, arguments: tuple, jit_compile: bool) -> None:
        inner = tf.function(function, jit_compile=jit_compile, autograph=False)
        outer = tf.function(lambda *args: inner(*args), autograph=False)
        traced = outer.get_concrete_function(*arguments)
        self._function = self._found(traced)
        self._captured = list(traced.captured_inputs)
        self._types = [output.dtype for output in traced.outputs]
        self._structure = traced.structured_outputs

    def _found(self, traced: Any) -> Any:
        """Return the function to call: one that another simulator may call, too."""
        return shared_function(traced)

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        outputs = tf.raw_ops.StatefulPartitionedCall(
            args=[*tf.nest.flatten(arguments), *self._captured],
            Tout=self._types,
            f=self._function,
        )
        return _pack(self._structure, iter(outputs))


class ReleasedCall(CompiledCall):
    """
    A compiled function of which TensorFlow keeps nothing once it is dropped.

    Notes
    -----
    TensorFlow keeps for the life of the process what an operation was made ready to
    call. Functions called by their own name go when they do; such a call takes longer
    (by 0.2 ms). What XLA has compiled stays in either case.
    """

    def _found(self, traced: Any) -> Any:
        """Return the function to call: that of this simulator alone."""
        return traced

    def __call__(self, *arguments: Any) -> Any:
        """Call the function, as a `CompiledCall` does."""
        function = self._function.inference_fn
        return function.call_with_captures(arguments, {}, tuple(self._captured))


class CompiledForShapes:
    """
    A function that is compiled for each combination of shapes it is called with.

    Parameters
    ----------
    function : callable
        Takes nested structures of tensors, and values that are part of what is
        compiled; returns a nested structure of tensors.
    jit_compile : bool
        Whether XLA compiles the function.

    Attributes
    ----------
    jit_compile : bool
        The same.

    Notes
    -----
    A ``tf.function`` does so, too, but warns of it: after five calls with new shapes,
    even if these were to functions of five simulators.
    """

    def __init__(self, function: Callable, jit_compile: bool = False) -> None:
        self.jit_compile = jit_compile
        self._function = tf.function(
            lambda *arguments: function(*arguments),  # optional ones are not asked for
            jit_compile=jit_compile,
            autograph=False,
        )

    def traced(self, *arguments: Any) -> Any:
        """Return what is compiled for some arguments."""
        return self._function.get_concrete_function(*arguments)

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        return self.traced(*arguments)(*arguments)


def _pack(structure: Any, leaves: Iterator[tf.Tensor]) -> Any:
    """Put leaves into a structure (``tf.nest.pack_sequence_as`` takes 0.5 ms)."""
    if structure is None:
        return None
    if not isinstance(structure, (list, tuple)):
        return next(leaves)
    parts = [_pack(part, leaves) for part in structure]
    if hasattr(structure, "_fields"):
        return type(structure)(*parts)
    return tuple(parts) if isinstance(structure, tuple) else parts
