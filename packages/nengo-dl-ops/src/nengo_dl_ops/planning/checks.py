"""Checks of what a user's planner, sorter and simplifications return."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError, ValidationError

from .dependencies import Dependencies
from .greedy_planner import greedy_planner, noop_planner
from .schedule import MergeKey, Plan
from .simplify import DEFAULT_SIMPLIFICATIONS, RUN_ONLY_SIMPLIFICATIONS
from .sorters import noop_order_signals, order_signals
from .transitive_planner import transitive_planner
from .tree_planner import tree_planner

#: What needs no check, as it is not the user's.
OURS = frozenset(
    {
        *(greedy_planner, noop_planner, transitive_planner, tree_planner),
        *(order_signals, noop_order_signals),
        *(*DEFAULT_SIMPLIFICATIONS, *RUN_ONLY_SIMPLIFICATIONS),
    }
)


def checked_plan(
    setting: str, found: Any, ops: Collection[Operator], merge_key: MergeKey
) -> Plan:
    """
    Check a plan that a planner or sorter made.

    Raises a ``ValidationError`` if it is not a list of groups; if operators are
    missing, come twice, share a group though they cannot be merged, or come before
    others that they wait for.
    """
    try:
        plan = [tuple(group) for group in found]
        given = [op for group in plan for op in group]
        is_plan = all(isinstance(op, Operator) for op in given)
    except TypeError:
        is_plan = False
    if not is_plan or not all(plan):
        raise _wrong(setting, "a list of tuples of operators", f"{found!r:.100}")
    missing = set(ops) - set(given)
    if missing:
        raise _wrong(
            setting,
            f"all {len(ops)} operators in groups",
            f"a plan without {len(missing)} of them, such as {min(map(str, missing))}",
        )
    if len(given) != len(ops):
        raise _wrong(
            setting,
            f"each of {len(ops)} operators once",
            f"a plan with {len(given)}: some come twice, or are others",
        )
    for group in plan:
        if len({merge_key(op) for op in group}) > 1:
            raise _wrong(
                setting,
                "groups of operators that merge (with equal merge_key)",
                f"one with {group[0]} and {group[-1]}",
            )
    _check_order(setting, plan)
    return plan


def _check_order(setting: str, plan: Plan) -> None:
    """Check that no group waits for a later one."""
    ops = [op for group in plan for op in group]
    dependencies, position = Dependencies(ops), 0
    waiting = list(dependencies.n_waiting)
    for group in plan:
        numbers = range(position, position + len(group))
        for number in numbers:
            if waiting[number]:
                raise _wrong(
                    setting,
                    "operators after those that they wait for",
                    f"{ops[number]} too early",
                )
        done, position = list(numbers), numbers.stop
        while done:
            for successor in dependencies.successors[done.pop()]:
                waiting[successor] -= 1
                if not waiting[successor] and successor >= dependencies.n_ops:
                    done.append(successor)


def called(setting: str, function: Callable, *arguments: Any) -> Any:
    """
    Call a function that the user gave as a setting.

    Raises a ``ValidationError`` if it fails, whatever the reason; its own exception is
    the cause.
    """
    try:
        return function(*arguments)
    except (BuildError, ValidationError):
        raise
    except Exception as error:
        name = getattr(function, "__name__", repr(function))
        raise ValidationError(
            f"{name} raised {type(error).__name__}: {error}", attr=setting
        ) from error


def checked_simplification(function: Callable) -> Callable:
    """
    Let a simplification of the user name itself if it is wrong.

    ``function``: the simplification; those of this package are not looked at. Returns
    the same, but that it raises a `nengo.exceptions.ValidationError` if it fails or
    returns no operators.
    """
    if function in OURS:
        return function

    def simplification(ops: list[Operator], fixed: Collection[Signal]) -> Sequence:
        found = called("simplifications", function, ops, fixed)
        name = getattr(function, "__name__", repr(function))
        is_list = isinstance(found, (list, tuple))
        if not is_list or not all(isinstance(op, Operator) for op in found):
            raise _wrong(
                "simplifications",
                f"a list of operators from {name}",
                f"{found!r:.100}",
            )
        return found

    return simplification


def _wrong(setting: str, expected: str, got: str) -> ValidationError:
    return ValidationError(f"expected {expected}, got {got}", attr=setting)
