"""Objects with a state of their own, which all items of a minibatch would share."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import NengoWarning
from nengo.params import FrozenObject

from nengo_dl_ops import TensorNode
from nengo_dl_ops.user_warnings import warn_user


def warn_of_shared_callables(
    nodes: Iterable[nengo.Node], minibatch_size: int | None
) -> None:
    """
    Warn if items of a minibatch share an object that may remember something.

    Parameters
    ----------
    nodes : iterable of nengo.Node
        The nodes of a network.
    minibatch_size : int or None
        The number of items that are simulated at once.

    Warns
    -----
    nengo.exceptions.NengoWarning
        If the output of a node with input is an object, or a method of one.
    """
    if (minibatch_size or 1) == 1:
        return
    found = [node for node in nodes if _is_shared(node)]
    if found:
        first, n_more = found[0], len(found) - 1
        more = f" (and those of {n_more} more nodes)" if n_more else ""
        warn_user(
            f"{first}: its output, {first.output!r}{more}, is one object for all "
            f"{minibatch_size} items of a minibatch: it is called for one item after "
            "another, and what it remembers of one the next one sees. Let a "
            "nengo.Process be the output: its make_step is called for each item (see "
            '"State in Python code" in the guide)',
            NengoWarning,
        )


def _is_shared(node: nengo.Node) -> bool:
    if isinstance(node, TensorNode) or node.size_in == 0:
        return False  # without input it is called once in a step, for all items
    output = node.output
    is_function = callable(output) and not isinstance(output, nengo.Process)
    return is_function and _remembers(output)


def _remembers(function: Any) -> bool:
    """Tell whether a callable is an object with attributes, or a method of one."""
    # What a plain function refers to is its author's business: most refer to constants.
    if isinstance(function, functools.partial):
        return _remembers(function.func)
    if isinstance(function, np.vectorize):
        return _remembers(function.pyfunc)
    if hasattr(function, "__wrapped__"):
        return _remembers(function.__wrapped__)
    if isinstance(function, (types.FunctionType, np.ufunc, type)):
        return False
    if isinstance(function, types.MethodType):
        return _has_attributes(function.__self__)
    if isinstance(function, types.BuiltinFunctionType):  # or a method of a list
        owner = function.__self__
        return owner is not None and not isinstance(owner, types.ModuleType)
    return _has_attributes(function)


def _has_attributes(owner: Any) -> bool:
    if isinstance(owner, (type, FrozenObject)):
        return False
    slots = any(getattr(kind, "__slots__", ()) for kind in type(owner).__mro__)
    return slots or bool(getattr(owner, "__dict__", True))
