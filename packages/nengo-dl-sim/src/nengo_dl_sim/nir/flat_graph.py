"""A graph of NIR without nested graphs, checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from nengo.exceptions import ValidationError

from .package import nir_package

#: The names of nested graphs and of a node in the last of them.
Name = tuple[str, ...]

_MAX_DEPTH = 32


class FlatGraph(NamedTuple):
    """
    Nodes of all nested graphs, and the edges between them.

    ``inputs`` and ``outputs`` are those of the outermost graph; the others pass values
    on. ``aliases`` gives for the name of a nested graph its output.
    """

    nodes: dict[Name, Any]
    edges: list[tuple[Name, Name]]
    inputs: list[Name]
    outputs: list[Name]
    aliases: dict[Name, Name]

    def into(self, name: Name) -> list[Name]:
        """Return where the edges into a node come from."""
        return [pre for pre, post in self.edges if post == name]

    def out_of(self, name: Name) -> list[Name]:
        """Return where the edges out of a node go."""
        return [post for pre, post in self.edges if pre == name]


def shown(name: Name) -> str:
    """Write the name of a node."""
    return ".".join(name)


def flatten(graph: Any) -> FlatGraph:
    """Take nested graphs apart; raise a ValidationError if something is missing."""
    flat = FlatGraph({}, [], [], [], {})
    _add(flat, graph, (), 0)
    nir = nir_package()
    outermost = [name for name in flat.nodes if len(name) == 1]
    flat.inputs.extend(n for n in outermost if isinstance(flat.nodes[n], nir.Input))
    flat.outputs.extend(n for n in outermost if isinstance(flat.nodes[n], nir.Output))
    for kind, names in (("Input", flat.inputs), ("Output", flat.outputs)):
        if not names:
            raise _wrong(
                f"a graph with a node of type {kind}, got none among", outermost
            )
    _check_names(flat)
    return flat


def _add(flat: FlatGraph, graph: Any, path: Name, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise _wrong(f"graphs nested up to {_MAX_DEPTH} deep, got", [path])
    # In the order of the edges: files keep it, but not that of the nodes. Sums of three
    # and more values are then the same to the last bit.
    ends = [key for edge in graph.edges for key in edge if key in graph.nodes]
    for key in dict.fromkeys([*ends, *graph.nodes]):
        node = graph.nodes[key]
        if isinstance(node, nir_package().NIRGraph):
            _add(flat, node, (*path, key), depth + 1)
        else:
            _check_values(node, (*path, key))
            flat.nodes[(*path, key)] = node
    for edge, count in Counter(map(tuple, graph.edges)).items():
        if count > 1:
            raise _wrong("each edge once, got several from and to", [*map(_one, edge)])
        flat.edges.append(_ends(flat, graph, path, edge))


def _one(key: Any) -> Name:
    return (str(key),)


def _ends(flat: FlatGraph, graph: Any, path: Name, edge: Any) -> tuple[Name, Name]:
    """Return the nodes that an edge joins."""
    nir = nir_package()
    pre, post = edge
    for key in edge:
        if key not in graph.nodes:
            known = ", ".join(map(repr, graph.nodes))
            raise ValidationError(
                f"expected edges between nodes of the graph ({known}), got the edge "
                f"{edge} with {key!r}, which is none",
                attr="edges",
            )
    if isinstance(graph.nodes[post], nir.Input) or isinstance(
        graph.nodes[pre], nir.Output
    ):
        raise _wrong("no edge into an Input or out of an Output, got", [(*path, post)])
    ends = (
        _end(flat, graph.nodes[pre], (*path, pre), nir.Output),
        _end(flat, graph.nodes[post], (*path, post), nir.Input),
    )
    return ends


def _end(flat: FlatGraph, node: Any, name: Name, kind: Any) -> Name:
    """Return a node, or the input or output of a nested graph."""
    if not isinstance(node, nir_package().NIRGraph):
        return name
    found = [key for key, inner in node.nodes.items() if isinstance(inner, kind)]
    if len(found) != 1:
        raise _wrong(
            f"one {kind.__name__} in a nested graph with edges, got {len(found)} in",
            [name],
        )
    if kind is nir_package().Output:
        flat.aliases[name] = (*name, found[0])
    return (*name, found[0])


def _check_names(flat: FlatGraph) -> None:
    written = Counter(map(shown, [*flat.nodes, *flat.aliases]))
    if twice := [name for name, count in written.items() if count > 1]:
        raise _wrong("nodes with names that differ, got several named", [(twice[0],)])


def _check_values(node: Any, name: Name) -> None:
    """Refuse types that are not known, and values that are no finite numbers."""
    nir = nir_package()
    if type(node) not in nir.NIRNode.__subclasses__():
        raise ValidationError(
            f"expected nodes of NIR, got {type(node).__name__} for {shown(name)!r}",
            attr="graph",
        )
    for key, value in vars(node).items():
        if isinstance(value, np.ndarray) and not (
            value.dtype.kind in "biuf" and np.all(np.isfinite(value))
        ):
            raise _wrong(f"finite numbers as {key}, got others for", [name])


def _wrong(text: str, names: Sequence[Name]) -> ValidationError:
    listed = ", ".join(repr(shown(name)) for name in names) or "no nodes"
    return ValidationError(f"expected {text} {listed}", attr="graph")
