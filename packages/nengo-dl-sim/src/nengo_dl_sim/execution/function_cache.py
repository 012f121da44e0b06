"""One compiled function for all simulators that compute the same."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..lru_cache import LRUCache

#: So many functions are kept for simulators to come. (What XLA has compiled stays for
#: the life of the process in any case.)
N_FUNCTIONS = 32

#: What says nothing of what is computed: names, and how to differentiate it.
_IGNORED = {"_user_specified_name", "_gradient_op_type", "_output_shapes"}

#: Operations that belong to one simulator: Python functions, and random numbers that
#: TensorFlow draws from a state of its own.
_UNSHARED = ("PyFunc", "EagerPyFunc", "Random", "TruncatedNormal", "Multinomial")

_functions: LRUCache[Any] = LRUCache(N_FUNCTIONS)
_lock = threading.Lock()


def shared_function(function: Any) -> Any:
    """
    Find a function that computes the same, and may be compiled already.

    Parameters
    ----------
    function : concrete function of TensorFlow
        What is to be called.

    Returns
    -------
    function : concrete function of TensorFlow
        One of the same graph, which takes the same arguments in the same order; those
        that it captured itself have to be passed, too.

    Notes
    -----
    Values of parameters are arguments. So all networks of one architecture have the
    same graph, and XLA, which keeps what it has compiled by the name of a function,
    compiles it once for a loop over simulators.
    """
    digest = _GraphDigest(function).digest()
    if digest is None:
        return function
    with _lock:
        return _functions.get(digest, lambda: function)


class _GraphDigest:
    """A digest of all that a function computes, whatever it is called."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._graph = function.graph.as_graph_def()
        self._library = {f.signature.name: f for f in self._graph.library.function}
        self._known: dict[str, bytes] = {}

    def digest(self) -> bytes | None:
        """Return the digest; None if the function belongs to one simulator."""
        bodies = (self._graph.node, *(f.node_def for f in self._library.values()))
        if any(node.op.startswith(_UNSHARED) for nodes in bodies for node in nodes):
            return None
        text = hashlib.blake2b(digest_size=16)
        names = self._add_nodes(text, self._graph.node, [])
        for tensor in (*self._function.inputs, *self._function.outputs):
            place = _renamed(tensor.name, names)
            text.update(f"{place} {tensor.dtype.name} {tensor.shape};".encode())
        return text.digest()

    def _of_function(self, name: str) -> bytes:
        """Return the digest of a function that is called."""
        if name not in self._known:
            self._known[name] = self._of_definition(self._library[name])
        return self._known[name]

    def _of_definition(self, function: Any) -> bytes:
        text = hashlib.blake2b(digest_size=16)
        inputs, outputs = function.signature.input_arg, function.signature.output_arg
        for argument in (*inputs, *outputs):
            text.update(f"{argument.type};".encode())
        names = self._add_nodes(text, function.node_def, [a.name for a in inputs])
        for place in (
            *(function.ret[argument.name] for argument in outputs),
            *sorted(function.control_ret.values()),
        ):
            text.update(_renamed(place, names).encode())
        self._add_attributes(text, function.attr)
        return text.digest()

    def _add_nodes(
        self, text: Any, nodes: Sequence[Any], arguments: Iterable[str]
    ) -> dict[str, str]:
        """Add operations, by number; return the number of each name."""
        names = {name: f"a{i}" for i, name in enumerate(arguments)}
        names.update((node.name, f"n{i}") for i, node in enumerate(nodes))
        for node in nodes:
            is_call = node.op in self._library
            text.update(self._of_function(node.op) if is_call else node.op.encode())
            inputs = ";".join(_renamed(name, names) for name in node.input)
            text.update(f"({inputs}){node.device};".encode())
            self._add_attributes(text, node.attr)
        return names

    def _add_attributes(self, text: Any, attributes: Mapping[str, Any]) -> None:
        for key in sorted(attributes):
            if key in _IGNORED or key.endswith("function_name"):
                continue
            value = attributes[key]
            text.update(key.encode())
            if value.HasField("func"):
                text.update(self._of_function(value.func.name))
            elif value.list.func:
                for func in value.list.func:
                    text.update(self._of_function(func.name))
            else:
                text.update(value.SerializeToString(deterministic=True))


def _renamed(place: str, names: Mapping[str, str]) -> str:
    """Replace the name of an operation in the place of one of its outputs."""
    control = "^" if place.startswith("^") else ""
    name, colon, output = place.removeprefix("^").partition(":")
    return f"{control}{names[name]}{colon}{output}"
