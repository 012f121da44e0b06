"""Networks that were made of graphs of NIR."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import nengo
from nengo.exceptions import ValidationError


class NamedNodes(list):
    """
    The nodes of a network as Nengo lists them, and objects by their name in NIR.

    Parameters
    ----------
    nodes : iterable of nengo.Node
        What the list holds.
    by_name : mapping from str to Nengo object
        What a name stands for.
    """

    def __init__(self, nodes: Iterable[nengo.Node], by_name: Mapping[str, Any]) -> None:
        super().__init__(nodes)
        self._by_name = by_name

    def __getitem__(self, key: Any) -> Any:
        """Return a node by its place, or an object by its name."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self._by_name:
            known = ", ".join(map(repr, self._by_name))
            raise ValidationError(
                f"expected the name of a node of the graph ({known}), got {key!r}",
                attr="nodes",
            )
        return self._by_name[key]

    def keys(self) -> list[str]:
        """Return the names of all nodes of the graph."""
        return list(self._by_name)


class NIRNetwork(nengo.Network):
    """
    A network that was made of a graph of NIR.

    Attributes
    ----------
    inputs, outputs : dict from str to nengo.Node
        By the names of the graph.
    nodes : list of nengo.Node
        As of any network. ``nodes[name]`` is the object that stands for a node of the
        graph: a ``nengo.Ensemble``, a ``nengo.Node`` or a ``nengo.Connection``, or for
        neurons with several time constants a ``nengo.Network`` of ensembles, with
        ``input`` and ``output``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inputs: dict[str, nengo.Node] = {}
        self.outputs: dict[str, nengo.Node] = {}
        self.by_name: dict[str, Any] = {}

    @property
    def nodes(self) -> NamedNodes:
        """The nodes, and objects by name."""
        return NamedNodes(self.objects[nengo.Node], self.by_name)
