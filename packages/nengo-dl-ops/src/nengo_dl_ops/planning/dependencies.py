"""Which operator must wait for which others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

#: Within one step a signal is first set, then incremented, read, and updated.
_PHASES = ("sets", "incs", "reads", "updates")

#: The part of a base signal that a view covers: first element, end.
_Span = tuple[int, int]


class Dependencies:
    """
    The order in which Nengo's operators may run, as a graph.

    Nodes ``0 ... n_ops - 1`` are the operators. Further nodes are *gates* that stand
    for "all of these are done": with them the number of edges stays near linear in
    the number of operators, where edges from every writer to every reader of a busy
    signal would be their product.

    As in Nengo, an operator that reads what it writes waits for itself: it can never
    run, like any other cycle.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.

    Attributes
    ----------
    n_ops : int
        The number of operators.
    successors : list of list of int
        The nodes that wait for each node.
    n_waiting : list of int
        How many nodes each node waits for.
    """

    def __init__(self, ops: Sequence[Operator]) -> None:
        self.n_ops = len(ops)
        self.successors: list[list[int]] = [[] for _ in ops]
        self.n_waiting = [0] * len(ops)
        for users in _users_by_base(ops).values():
            self._connect_users(users)

    # Signals are ordered one base at a time: operators that share no base need not wait
    # for each other, and views wait only for those that they overlap.
    def _connect_users(self, users: dict[_Span, list[list[int]]]) -> None:
        """Order all users of one base signal."""
        done: dict[tuple[_Span, int], list[int]] = {}
        for span, others in _overlaps(list(users)):
            for phase in range(1, len(_PHASES)):
                waiting = users[span][phase]
                if waiting:
                    first = [
                        node
                        for other in others
                        for earlier in range(phase)
                        for node in self._done(done, users, other, earlier)
                    ]
                    self._connect(first, waiting)

    def _done(
        self,
        done: dict[tuple[_Span, int], list[int]],
        users: dict[_Span, list[list[int]]],
        span: _Span,
        phase: int,
    ) -> list[int]:
        """Return the node that is done when one phase of one view is."""
        key = span, phase
        if key not in done:
            nodes = users[span][phase]
            done[key] = nodes if len(nodes) < 2 else [self._gate(nodes)]
        return done[key]

    def _connect(self, first: list[int], then: list[int]) -> None:
        if len(first) > 1 and len(then) > 1:
            first = [self._gate(first)]
        for node in first:
            for waiting in then:
                self._add_edge(node, waiting)

    def _gate(self, nodes: list[int]) -> int:
        gate = len(self.successors)
        self.successors.append([])
        self.n_waiting.append(0)
        for node in nodes:
            self._add_edge(node, gate)
        return gate

    def _add_edge(self, node: int, waiting: int) -> None:
        self.successors[node].append(waiting)
        self.n_waiting[waiting] += 1


def _users_by_base(
    ops: Sequence[Operator],
) -> dict[Signal, dict[_Span, list[list[int]]]]:
    """Collect, for every base and every view of it, its users in each phase."""
    users: dict[Signal, dict[_Span, list[list[int]]]] = defaultdict(dict)
    for index, op in enumerate(ops):
        for phase, name in enumerate(_PHASES):
            for sig in getattr(op, name):
                views = users[sig.base]
                views.setdefault(_span(sig), [[], [], [], []])[phase].append(index)
    return users


def _span(sig: Signal) -> _Span:
    """Return the stretch of the base that a view lies in."""
    if sig is sig.base or sig.size == 0:
        return 0, sig.size
    steps = [(n - 1) * s for n, s in zip(sig.shape, sig.elemstrides, strict=True)]
    low = sig.elemoffset + sum(min(step, 0) for step in steps)
    high = sig.elemoffset + sum(max(step, 0) for step in steps)
    return low, high + 1


def _overlaps(spans: list[_Span]) -> Iterator[tuple[_Span, list[_Span]]]:
    """Yield every span with all spans that overlap it (itself included)."""
    if len(spans) == 1:
        yield spans[0], spans
        return
    lows, highs = np.array(spans).T
    by_low = np.argsort(lows, kind="stable")
    # Spans that begin before this one ends, less those that end before it begins.
    ends = np.searchsorted(lows[by_low], highs, side="left")
    reach = np.maximum.accumulate(highs[by_low])
    begins = np.searchsorted(reach, lows, side="right")
    for i, span in enumerate(spans):
        near = by_low[begins[i] : ends[i]]
        yield span, [spans[j] for j in near if highs[j] > lows[i]]
