"""Cycles of a graph: which edges take a step."""

from __future__ import annotations

from collections.abc import Container

from .flat_graph import FlatGraph, Name

Edge = tuple[Name, Name]


def delayed_edges(
    graph: FlatGraph, late: Container[Name], neurons: Container[Name]
) -> set[Edge]:
    """
    Choose edges that take a step, so that no cycle is without one.

    Nodes that are ``late`` give what they were given a step before, or earlier: cycles
    through them need no more. Of a cycle, the first edge out of ``neurons`` is chosen,
    as seen from the inputs; if there are none, the one that closes it.
    """
    chosen: set[Edge] = set()
    while cycle := _find_cycle(graph, late, chosen):
        out_of_neurons = [edge for edge in cycle if edge[0] in neurons]
        chosen.add(out_of_neurons[0] if out_of_neurons else cycle[-1])
    return chosen


def _find_cycle(
    graph: FlatGraph, late: Container[Name], chosen: set[Edge]
) -> list[Edge] | None:
    """Search in depth, beginning at the inputs."""
    following: dict[Name, list[Name]] = {name: [] for name in graph.nodes}
    for edge in graph.edges:
        if edge not in chosen and edge[1] not in late:
            following[edge[0]].append(edge[1])
    done: set[Name] = set()
    for start in [*graph.inputs, *graph.nodes]:
        path, open_ = [start], [iter(following[start])]
        while path and start not in done:
            post = next(open_[-1], None)
            if post is None:
                open_.pop()
                done.add(path.pop())
            elif post in path:
                nodes = [*path[path.index(post) :], post]
                return list(zip(nodes[:-1], nodes[1:], strict=True))
            elif post not in done:
                path.append(post)
                open_.append(iter(following[post]))
    return None
