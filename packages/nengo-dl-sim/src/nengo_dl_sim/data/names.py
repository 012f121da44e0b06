"""What nodes and probes are called where objects cannot serve as keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
from nengo.exceptions import ValidationError
from nengo.node import Node
from nengo.probe import Probe

from ..engine.engine import Engine

#: What an entry of the data may be called that is neither node nor probe.
RESERVED = "n_steps"


class Names:
    """
    Names of the input nodes and probes of a network, each one of its own.

    A name is the object's label, or else ``node`` or ``probe``; with ``_`` in place of
    what is neither letter, digit, ``.`` nor ``-``; with ``_1``, ``_2`` and so on at
    the end if an object before has the same name but for upper and lower case.

    Parameters
    ----------
    nodes : list of nengo.Node
        The input nodes.
    probes : list of nengo.Probe
        The probes.
    """

    def __init__(self, nodes: Sequence[Node], probes: Sequence[Probe]) -> None:
        self._names: dict[Node | Probe, str] = {}
        taken = {RESERVED}
        kinds = [("node", obj) for obj in nodes] + [("probe", obj) for obj in probes]
        for kind, obj in kinds:
            name = _free(_clean(obj.label or kind), taken)
            taken.add(name.lower())
            self._names[obj] = name
        self._objects = {name: obj for obj, name in self._names.items()}

    def of(self, obj: Node | Probe) -> str:
        """Return the name of an object."""
        # Not `in`: that would compare an array with every object.
        if not isinstance(obj, (Node, Probe)) or obj not in self._names:
            raise ValidationError(
                "expected a Node without input or a Probe of the simulated network, "
                f"got {obj!r}",
                attr="obj",
            )
        return self._names[obj]

    def by_object(
        self,
        attr: str,
        *mappings: Mapping[Any, Any],
        among: Collection[Any] | None = None,
    ) -> dict[Any, Any]:
        """
        Put objects in the place of names.

        Returns all of it by object. Keys that are no text are not looked at.
        """
        found: dict[Any, Any] = {}
        for entries in mappings:
            for key, value in entries.items():
                obj = self._find(attr, key, among) if isinstance(key, str) else key
                if obj in found:
                    raise ValidationError(
                        f"expected one entry for {obj}, got two (with the name "
                        f"{self.of(obj)!r}, it may be under that as well)",
                        attr=attr,
                    )
                found[obj] = value
        return found

    def _find(
        self, attr: str, name: str, among: Collection[Any] | None
    ) -> Node | Probe:
        if name not in self._objects:
            offered = [
                known
                for known, obj in self._objects.items()
                if among is None or obj in among
            ]
            raise ValidationError(
                f"expected one of the names {', '.join(offered) or '(there is none)'}, "
                f"got {name!r:.100}",
                attr=attr,
            )
        return self._objects[name]


def node_specs(engine: Engine, names: Names) -> dict[Node, keras.KerasTensor]:
    """
    Describe the values that may be given for nodes.

    Each has the shape ``(minibatch_size, n_steps, size_out)``, type and name; the
    number of steps is None, for any.
    """
    size, dtype = engine.config.minibatch_size, engine.config.dtype
    return {
        node: keras.KerasTensor((size, None, node.size_out), dtype, name=names.of(node))
        for node in engine.inputs.nodes
    }


def _clean(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", label)


def _free(name: str, taken: set[str]) -> str:
    """Return the name, with a number at the end if it is taken."""
    candidate, number = name, 0
    while candidate.lower() in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate
