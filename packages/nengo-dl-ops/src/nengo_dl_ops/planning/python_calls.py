"""Calls of Python: which operators share one, and in which order they are stepped."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from heapq import heappop, heappush

from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.utils.graphs import toposort
from nengo.utils.simulator import operator_dependency_graph

from ..builder import Builder
from .dependencies import Dependencies
from .schedule import Plan


class PythonCall(Operator):
    """
    Operators that one call of Python steps one after another, as a single operator.

    So planners see them: none of the operators waits for another, and the call before
    has to be done.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators, in the order in which they are stepped.
    after : list of nengo.builder.Signal
        What has to be set before.
    done : nengo.builder.Signal
        What is set when they are done.
    """

    def __init__(
        self, ops: Sequence[Operator], after: Sequence[Signal], done: Signal
    ) -> None:
        super().__init__(tag=f"Python call of {len(ops)} operators")
        self.ops = tuple(ops)
        self.sets = [*_signals(ops, "sets"), done]
        self.incs = _signals(ops, "incs")
        self.reads = [*_signals(ops, "reads"), *after]
        self.updates = _signals(ops, "updates")


def nengo_order(operators: Sequence[Operator]) -> dict[Operator, int]:
    """
    Return the position of each operator in a step of Nengo.

    Returns those of ``nengo.Simulator(..., optimize=False)``. (What ``optimize=True``
    merges comes in an order that depends on addresses in memory.) Empty if the
    operators wait for each other in a cycle.
    """
    try:
        order = toposort(operator_dependency_graph(operators))
    except BuildError:  # to be raised where groups are made, with the names
        return {}
    return {op: position for position, op in enumerate(order)}


def join_python_calls(
    ops: Sequence[Operator], model_operators: Sequence[Operator], clock: Signal
) -> list[Operator]:
    """
    Join operators that run in Python, so that they are stepped in Nengo's order.

    Python code may share what no signal shows: an object that one node changes and
    another reads. So not only the dependencies count.

    Returns all others, then as few `PythonCall` as the order allows. Where a
    simplification made an operator wait for one that comes later in Nengo, its
    dependencies count.
    """
    python = [i for i, op in enumerate(ops) if Builder.of(op).python]
    if not python:
        return list(ops)
    positions = nengo_order(model_operators) if len(python) > 1 else {}
    last = len(positions)
    calls = _calls(ops, {i: (positions.get(ops[i], last), i) for i in python})
    if sum(map(len, calls)) < len(python):  # a cycle, which whoever plans will name
        return list(ops)
    joined: list[Operator] = []
    first = [clock] if any(sig is clock for op in ops for sig in op.sets) else []
    before: list[Signal] = []
    for number, call in enumerate(calls):
        done = Signal(shape=(), name=f"Python call {number}")
        joined.append(PythonCall([ops[i] for i in call], [*first, *before], done))
        before = [done]
    others = set(python)
    return [op for i, op in enumerate(ops) if i not in others] + joined


def split_python_calls(plan: Plan) -> Plan:
    """Undo `join_python_calls` in the groups that were made: a call is a group."""
    return [
        group[0].ops if isinstance(group[0], PythonCall) else group for group in plan
    ]


def _calls(
    ops: Sequence[Operator], python: Mapping[int, tuple[int, int]]
) -> list[list[int]]:
    """Order those that run in Python, and begin a call where one waits for another."""
    graph = Dependencies(ops)
    n_waiting = list(graph.n_waiting)
    # The number of the last call that must be done before each node; of those that
    # run in Python, in the end, the call that they are part of.
    number = [-1] * len(n_waiting)
    ready, waiting = deque[int](), list[tuple[tuple[int, int], int]]()
    calls: list[list[int]] = []
    written = set[Signal]()

    def release(nodes: Collection[int]) -> None:
        for node in nodes:
            if node in python:
                heappush(waiting, (python[node], node))
            else:
                ready.append(node)

    release([node for node, n in enumerate(n_waiting) if n == 0])
    while ready or waiting:
        if ready:
            node = ready.popleft()
        else:
            _, node = heappop(waiting)
            # Within a call nobody sees what others add to a signal.
            alone = any(sig.base in written for sig in ops[node].incs)
            if alone or number[node] == len(calls) - 1:
                calls.append([])
                written = set()
            calls[-1].append(node)
            written.update(sig.base for sig in _written(ops[node]))
            number[node] = len(calls) - 1
        released = []
        for successor in graph.successors[node]:
            number[successor] = max(number[successor], number[node])
            n_waiting[successor] -= 1
            if n_waiting[successor] == 0:
                released.append(successor)
        release(released)
    return calls


def _written(op: Operator) -> list[Signal]:
    return [*op.sets, *op.incs, *op.updates]


def _signals(ops: Sequence[Operator], name: str) -> list[Signal]:
    return [*dict.fromkeys(sig for op in ops for sig in getattr(op, name))]
