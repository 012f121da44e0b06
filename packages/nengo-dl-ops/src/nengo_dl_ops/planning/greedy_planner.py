"""Merge operators into groups as they become ready, and put the groups in order."""

from __future__ import annotations

from collections.abc import Sequence

from nengo.builder.operator import Operator

from .schedule import MergeKey, Plan, Schedule


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
    schedule = Schedule(ops, merge_key)
    groups = []
    while schedule.ready:
        kind = max(schedule.ready, key=schedule.promise)
        groups.append(schedule.take(kind).group)
    return schedule.plan(groups)


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
    schedule = Schedule(ops, id)
    groups = []
    while schedule.ready:
        groups.append(schedule.take(next(iter(schedule.ready))).group)
    return schedule.plan(groups)
