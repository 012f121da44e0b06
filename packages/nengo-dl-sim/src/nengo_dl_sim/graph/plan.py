"""Merge operators into groups, and put the groups in order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

from nengo.builder.operator import Operator
from nengo.exceptions import BuildError

from .dependencies import Dependencies

#: Tells which operators may share a group.
MergeKey = Callable[[Operator], Hashable]

#: Groups of merged operators, in the order in which they run.
Plan = list[tuple[Operator, ...]]


def greedy_planner(ops: Sequence[Operator], merge_key: MergeKey) -> Plan:
    """
    Merge as many ready operators as possible at a time.

    Among the kinds of operators that are ready, one of which all remaining operators
    are ready goes first: nothing is gained by waiting for more of them. If there is
    none, the kind with the largest share of ready operators goes. The time is linear
    in the number of operators, but for a factor of kinds of operators per group.

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
    remaining = Counter(keys)
    graph = Dependencies(ops)
    ready: dict[Hashable, list[int]] = defaultdict(list)
    _release(graph, [i for i, n in enumerate(graph.n_waiting) if n == 0], keys, ready)
    plan: Plan = []
    while ready:
        key = max(ready, key=lambda k: (len(ready[k]) / remaining[k], len(ready[k])))
        group = ready.pop(key)
        remaining[key] -= len(group)
        plan.append(tuple(ops[i] for i in group))
        _release(graph, _finish(graph, group), keys, ready)
    _check_complete(ops, plan)
    return plan


def noop_planner(ops: Sequence[Operator], merge_key: MergeKey) -> Plan:
    """
    Put operators in order without merging any.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    merge_key : callable
        Not needed; here so that all planners are called alike.

    Returns
    -------
    plan : list of tuple of nengo.builder.Operator
        Groups of one operator.

    Raises
    ------
    nengo.exceptions.BuildError
        If the operators wait for each other in a cycle.
    """
    del merge_key
    return greedy_planner(ops, id)


def _release(
    graph: Dependencies,
    nodes: list[int],
    keys: list[Hashable],
    ready: dict[Hashable, list[int]],
) -> None:
    """File operators that need not wait any more; pass through gates at once."""
    nodes = list(nodes)
    while nodes:
        node = nodes.pop()
        if node < graph.n_ops:
            ready[keys[node]].append(node)
        else:
            nodes.extend(_finish(graph, [node]))


def _finish(graph: Dependencies, nodes: list[int]) -> list[int]:
    """Mark nodes as done, and return those that waited for nothing else."""
    released = []
    for node in nodes:
        for successor in graph.successors[node]:
            graph.n_waiting[successor] -= 1
            if graph.n_waiting[successor] == 0:
                released.append(successor)
    return released


def _check_complete(ops: Sequence[Operator], plan: Plan) -> None:
    planned = {op for group in plan for op in group}
    left = [op for op in ops if op not in planned]
    if left:
        shown = ", ".join(str(op) for op in left[:5])
        raise BuildError(
            f"Cycle detected: {len(left)} operators wait for each other, among them "
            f"{shown}. A loop in the network needs a synapse somewhere along it."
        )
