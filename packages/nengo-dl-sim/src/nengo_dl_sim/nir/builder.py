"""A graph of NIR while it is made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .flat_graph import Name
from .package import nir_package


class GraphBuilder:
    """Nodes by the path of their networks, and edges between them."""

    def __init__(self) -> None:
        self.nodes: dict[Name, Any] = {}
        self.edges: list[tuple[Name, Name]] = []
        self._taken: set[Name] = set()

    def reserve(self, path: Name, label: str) -> Name:
        """Return a name that no other node has."""
        label = re.sub(r"[/.\s]+", "_", label) or "node"
        number, name = 1, (*path, label)
        while name in self._taken:
            number += 1
            name = (*path, f"{label}_{number}")
        self._taken.add(name)
        return name

    def add(self, name: Name, node: Any, before: Iterable[Name] = ()) -> Name:
        """Add a node of a reserved name, with edges into it."""
        self.nodes[name] = node
        for pre in before:
            self.connect(pre, name)
        return name

    def connect(self, pre: Name, post: Name) -> None:
        """Add an edge; NIR has only one between two nodes, so a second gets a node."""
        if (pre, post) in self.edges:
            size = int(np.prod(next(iter(self.nodes[pre].output_type.values()))))
            name = self.reserve(post[:-1], f"{pre[-1]}_again")
            self.add(name, nir_package().Scale(np.ones(size)), [pre])
            pre = name
        self.edges.append((pre, post))

    def chain(self, pre: Name, nodes: Sequence[Any], path: Name, label: str) -> Name:
        """Add nodes one behind the other; return the last, or what was before them."""
        for node in nodes:
            kind = type(node).__name__.lower()
            name = self.reserve(path, f"{label}_{kind}")
            pre = self.add(name, node, [pre])
        return pre


def without_passing(builder: GraphBuilder) -> None:
    """Leave out nodes that hand on what they get, where edges can take their place."""
    for name, node in list(builder.nodes.items()):
        is_scale = isinstance(node, nir_package().Scale)
        if not is_scale or np.any(node.scale != 1):
            continue
        before = [pre for pre, post in builder.edges if post == name]
        after = [post for pre, post in builder.edges if pre == name]
        new = [(pre, post) for pre in before for post in after]
        is_plain = name not in before and not set(new) & set(builder.edges)
        if new and is_plain and min(len(before), len(after)) == 1:
            others = [edge for edge in builder.edges if name not in edge]
            builder.edges[:] = [*others, *new]
            del builder.nodes[name]


def nested(builder: GraphBuilder, metadata: dict[str, Any]) -> Any:
    """Make the graph; networks with one way in and one way out become nested graphs."""
    nodes, edges = dict(builder.nodes), list(builder.edges)
    paths = {name[:i] for name in nodes for i in range(1, len(name))}
    for path in sorted(paths, key=len, reverse=True):
        _nest(nodes, edges, path)
    named = {name: ".".join(name) for name in nodes}
    return nir_package().NIRGraph(
        nodes={named[name]: node for name, node in nodes.items()},
        edges=[(named[pre], named[post]) for pre, post in edges],
        metadata=metadata,
        type_check=False,
    )


def _nest(nodes: dict[Name, Any], edges: list[tuple[Name, Name]], path: Name) -> None:
    """Replace the nodes of a network by a graph, if edges allow it."""
    nir = nir_package()
    inner = [name for name in nodes if name[: len(path)] == path and name != path]
    into = {post for pre, post in edges if post in inner and pre not in inner}
    out = {pre for pre, post in edges if pre in inner and post not in inner}
    is_end = any(isinstance(nodes[n], (nir.Input, nir.Output)) for n in inner)
    if len(into) != 1 or len(out) != 1 or is_end or path in nodes:
        return
    (first,), (last,) = into, out
    short = {name: ".".join(name[len(path) :]) for name in inner}
    own = [(short[a], short[b]) for a, b in edges if a in inner and b in inner]
    shape_in = next(iter(nodes[first].input_type.values()))
    shape_out = next(iter(nodes[last].output_type.values()))
    names = set(short.values())
    first_name, last_name = (_unused(name, names) for name in ("input", "output"))
    graph = nir.NIRGraph(
        nodes={
            first_name: nir.Input({"input": np.array(shape_in)}),
            **{short[name]: nodes[name] for name in inner},
            last_name: nir.Output({"output": np.array(shape_out)}),
        },
        edges=[(first_name, short[first]), *own, (short[last], last_name)],
        type_check=False,
    )
    outer = [
        (path if pre in inner else pre, path if post in inner else post)
        for pre, post in edges
        if not (pre in inner and post in inner)
    ]
    for name in inner:
        del nodes[name]
    nodes[path] = graph
    edges[:] = outer


def _unused(name: str, names: set[str]) -> str:
    while name in names:
        name = f"{name}_"
    return name
