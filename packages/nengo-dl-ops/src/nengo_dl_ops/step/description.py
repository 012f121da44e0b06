"""What a program does, in words: for whoever looks for a mistake."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from ..op_builder import OpBuilder
from .state import ParameterArray, StateArray

#: What operators do with signals, in the order in which it happens.
ACCESSES = ("sets", "incs", "reads", "updates")


def describe_program(
    groups: Sequence[OpBuilder],
    parameters: Sequence[ParameterArray],
    states: Sequence[StateArray],
) -> Iterator[str]:
    """Yield a line for every array, and for every group in order."""
    for number, array in enumerate(parameters):
        suffix = ", trainable" if array.trainable else ""
        yield f"parameters {number}: {describe_signals(array.bases)}{suffix}"
    for number, state in enumerate(states):
        yield f"state {number}: {describe_signals(state.bases)}, batch of {state.batch}"
    for number, group in enumerate(groups):
        yield f"group {number}: {describe_group(group.ops)}"


def describe_group(ops: Sequence[Operator]) -> str:
    """Say how many operators of which types a group has, and what they access."""
    kinds = Counter(type(op).__name__ for op in ops)
    types = ", ".join(f"{n} {name}" for name, n in kinds.items())
    return "; ".join([types, *_describe_accesses(ops)])


def _describe_accesses(ops: Sequence[Operator]) -> Iterator[str]:
    """Name what operators set, increment, read and update, one slot after another."""
    for access in ACCESSES:
        slots = zip_longest(*(getattr(op, access) for op in ops))
        found = [[sig for sig in slot if sig is not None] for slot in slots]
        if found:
            yield f"{access} {', '.join(map(describe_signals, found))}"


def describe_signals(sigs: Sequence[Signal]) -> str:
    """Name the first of some signals, count the others, and their values."""
    different = list(dict.fromkeys(sigs))
    others = f" and {len(different) - 1} more" if len(different) > 1 else ""
    n_values = sum(sig.size for sig in different)
    plural = "" if n_values == 1 else "s"
    return f"{different[0].name}{others} ({n_values} value{plural})"


def describe_xla_error(error: str) -> str:
    """Say in a few words what XLA has no code for."""
    ops = dict.fromkeys(re.findall(r"(\w+) \(No registered", error))
    if not ops and "is_initialized" in error:  # a variable, as XLA takes it for one
        return " (a resource that is no variable, such as a table)"
    return f" ({', '.join(ops)})" if ops else f": {error.splitlines()[0][:200]}"
