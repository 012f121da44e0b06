"""Merge operators kind by kind, each into as few groups as the others allow."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from nengo.builder.operator import Operator

from .dependencies import Dependencies
from .schedule import MergeKey, Plan, check_complete


class _Graph(NamedTuple):
    """Groups of operators, and which groups wait for which."""

    #: The operators of each node, by number; empty for gates.
    members: list[list[int]]

    #: The nodes that wait for each node.
    successors: list[list[int]]


def transitive_planner(ops: Sequence[Operator], merge_key: MergeKey) -> Plan:
    """
    Merge one kind of operators after the other, the most frequent first.

    Two operators can share a group unless one waits for the other, be it through any
    number of others. So the operators of a kind are sorted by how many of their kind
    lie before them at most, on any path: those with equal counts merge. That is the
    smallest number of groups for this kind, given how the kinds before it were
    merged. The time is that of going through the graph once for every kind.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    merge_key : callable
        Operators with equal keys may share a group.

    Returns
    -------
    plan : list of tuple of nengo.builder.Operator
        The groups in order.

    Raises
    ------
    nengo.exceptions.BuildError
        If the operators wait for each other in a cycle.
    """
    keys = [merge_key(op) for op in ops]
    n_alike: dict[Hashable, int] = {}
    for key in keys:
        n_alike[key] = n_alike.get(key, 0) + 1
    successors = Dependencies(ops).successors
    members = [[i] if i < len(ops) else [] for i in range(len(successors))]
    graph = _Graph(members, successors)
    check_complete(ops, _plan(ops, graph))
    for key in sorted(n_alike, key=n_alike.__getitem__, reverse=True):
        if n_alike[key] > 1:
            graph = _merge_kind(graph, keys, key)
    return _plan(ops, graph)


def _merge_kind(graph: _Graph, keys: list[Hashable], key: Hashable) -> _Graph:
    """Merge the nodes of one kind that are equally deep."""
    alike = [bool(ops) and keys[ops[0]] == key for ops in graph.members]
    depth = [0] * len(alike)
    for node in _order(graph):
        reached = depth[node] + alike[node]
        for successor in graph.successors[node]:
            depth[successor] = max(depth[successor], reached)
    number: dict[tuple, int] = {}
    merged = [
        number.setdefault((depth[node],) if alike[node] else (node, None), len(number))
        for node in range(len(alike))
    ]
    return _contract(graph, merged, len(number))


def _contract(graph: _Graph, merged: list[int], n_nodes: int) -> _Graph:
    """Let the nodes that get the same number be one node."""
    members: list[list[int]] = [[] for _ in range(n_nodes)]
    successors: list[dict[int, None]] = [{} for _ in range(n_nodes)]
    for node, number in enumerate(merged):
        members[number].extend(graph.members[node])
        successors[number].update((merged[s], None) for s in graph.successors[node])
    return _Graph(members, [list(s) for s in successors])


def _order(graph: _Graph) -> list[int]:
    """Return all nodes that need not wait for themselves, each after its causes."""
    n_waiting = [0] * len(graph.successors)
    for successors in graph.successors:
        for successor in successors:
            n_waiting[successor] += 1
    order = [node for node, n in enumerate(n_waiting) if n == 0]
    for node in order:  # which grows meanwhile
        for successor in graph.successors[node]:
            n_waiting[successor] -= 1
            if n_waiting[successor] == 0:
                order.append(successor)
    return order


def _plan(ops: Sequence[Operator], graph: _Graph) -> Plan:
    groups = (graph.members[node] for node in _order(graph))
    return [tuple(ops[i] for i in group) for group in groups if group]
