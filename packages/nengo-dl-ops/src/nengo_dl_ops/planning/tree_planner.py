"""Look ahead before a kind of operators is torn into several groups."""

from __future__ import annotations

from collections.abc import Sequence

from nengo.builder.operator import Operator

from ..checks import check_count
from .schedule import MergeKey, Plan, Schedule

#: How many of the most promising kinds are looked into at each level.
MAX_BRANCHES = 4


def tree_planner(
    ops: Sequence[Operator], merge_key: MergeKey, max_depth: int = 3
) -> Plan:
    """
    Merge like `greedy_planner`, but try out which kind is best torn.

    While there is a kind of which all remaining operators are ready, nothing is lost
    by taking it. Where there is none, some kind must get more than one group: here
    the planner looks up to ``max_depth`` such choices ahead, and makes the one after
    which the fewest operators remain.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    merge_key : callable
        Operators with equal keys may share a group.
    max_depth : int
        How many choices to look ahead. With 1 it is the same as `greedy_planner`;
        every further one makes planning up to four times slower.

    Returns
    -------
    plan : list of tuple of nengo.builder.Operator
        The groups in order.

    Raises
    ------
    nengo.exceptions.BuildError
        If the operators wait for each other in a cycle.
    nengo.exceptions.ValidationError
        If ``max_depth`` is not an integer above 0.
    """
    max_depth = check_count("max_depth", max_depth, low=1)
    schedule = Schedule(ops, merge_key)
    groups = []
    while schedule.ready:
        kind = max(schedule.ready, key=schedule.promise)
        if not schedule.is_complete(kind):
            kind = _choose(schedule, max_depth)
        groups.append(schedule.take(kind).group)
    return schedule.plan(groups)


def _choose(schedule: Schedule, depth: int) -> int:
    """Return the kind after which fewest operators remain, ``depth`` choices on."""
    kinds = sorted(schedule.ready, key=schedule.promise, reverse=True)
    if depth == 1 or len(kinds) == 1:
        return kinds[0]
    return min(kinds[:MAX_BRANCHES], key=lambda k: _n_left(schedule, k, depth))


def _n_left(schedule: Schedule, kind: int, depth: int) -> int:
    """Try out a choice; return how many operators remain ``depth`` choices on."""
    taken = [schedule.take(kind)]
    while schedule.ready:
        kind = max(schedule.ready, key=schedule.promise)
        if not schedule.is_complete(kind):
            if depth == 1:
                break
            depth -= 1
            kind = _choose(schedule, depth)
        taken.append(schedule.take(kind))
    n_left = schedule.n_left
    for one in reversed(taken):
        schedule.undo(one)
    return n_left
