"""Which operators can run now, kind by kind, while a plan is made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from nengo.builder.operator import Operator
from nengo.exceptions import BuildError

from .dependencies import Dependencies

#: Tells which operators may share a group.
MergeKey = Callable[[Operator], Hashable]

#: Groups of merged operators, in the order in which they run.
Plan = list[tuple[Operator, ...]]


class Taken(NamedTuple):
    """
    What became of a `Schedule` when a group was taken.

    Parameters
    ----------
    kind : int
        The kind of operators.
    group : list of int
        The operators.
    done : list of int
        They, and the gates that opened.
    released : list of int
        The operators that became ready.
    """

    kind: int
    group: list[int]
    done: list[int]
    released: list[int]


class Schedule:
    """
    The operators that can run now, by kind.

    Operators and kinds go by numbers: operators in the order in which they are given,
    kinds in the order in which they come up.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    merge_key : callable
        Operators with equal keys are of one kind. It is called once for each.

    Attributes
    ----------
    n_left : int
        How many operators have not been taken.
    ready : dict from int to list of int
        The operators of each kind that wait for nothing any more.
    """

    def __init__(self, ops: Sequence[Operator], merge_key: MergeKey) -> None:
        numbers: dict[Hashable, int] = {}
        self._ops = ops
        self._kinds = [numbers.setdefault(merge_key(op), len(numbers)) for op in ops]
        self._remaining = [0] * len(numbers)
        for kind in self._kinds:
            self._remaining[kind] += 1
        self._graph = Dependencies(ops)
        self.n_left = len(ops)
        self.ready: dict[int, list[int]] = defaultdict(list)
        for op, n_waiting in enumerate(self._graph.n_waiting[: len(ops)]):
            if n_waiting == 0:
                self.ready[self._kinds[op]].append(op)

    def is_complete(self, kind: int) -> bool:
        """Tell whether all remaining operators of a kind are ready."""
        return len(self.ready[kind]) == self._remaining[kind]

    def promise(self, kind: int) -> tuple[float, int, int]:
        """Return what to compare ready kinds by: their share, size, and number."""
        n_ready = len(self.ready[kind])
        return n_ready / self._remaining[kind], n_ready, -kind

    def take(self, kind: int) -> Taken:
        """Let all ready operators of a kind be done."""
        group = self.ready.pop(kind)
        # Gates open at once, operators wait until their kind is taken.
        done, released = list(group), list[int]()
        n_ops, n_waiting = self._graph.n_ops, self._graph.n_waiting
        for node in done:  # which grows where a gate opens
            for successor in self._graph.successors[node]:
                n_waiting[successor] -= 1
                if n_waiting[successor] == 0:
                    (released if successor < n_ops else done).append(successor)
        for op in released:
            self.ready[self._kinds[op]].append(op)
        self._count(kind, -len(group))
        return Taken(kind, group, done, released)

    def undo(self, taken: Taken) -> None:
        """Take back what the last `take` did."""
        for op in reversed(taken.released):
            kind = self._kinds[op]
            self.ready[kind].pop()
            if not self.ready[kind]:
                del self.ready[kind]
        for node in taken.done:
            for successor in self._graph.successors[node]:
                self._graph.n_waiting[successor] += 1
        self.ready[taken.kind] = taken.group
        self._count(taken.kind, len(taken.group))

    def plan(self, groups: Sequence[Sequence[int]]) -> Plan:
        """
        Return the operators of all groups.

        Raises a ``BuildError`` if some operators are in none: they wait for each other
        in a cycle.
        """
        plan = [tuple(self._ops[i] for i in group) for group in groups]
        check_complete(self._ops, plan)
        return plan

    def _count(self, kind: int, n: int) -> None:
        self._remaining[kind] += n
        self.n_left += n


def check_complete(ops: Sequence[Operator], plan: Plan) -> None:
    """Check that all operators are part of a plan."""
    planned = {op for group in plan for op in group}
    left = [op for op in ops if op not in planned]
    if left:
        shown = ", ".join(str(op) for op in left[:5])
        raise BuildError(
            f"Cycle detected: {len(left)} operators wait for each other, among them "
            f"{shown}. A loop in the network needs a synapse somewhere along it."
        )
