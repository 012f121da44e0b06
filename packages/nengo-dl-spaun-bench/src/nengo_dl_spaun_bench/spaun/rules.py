"""
The rules of all tasks: when which action is taken.

A condition is the name of a signal, or several of which one holds ("a or b"). A rule
whose conditions all hold has the utility of its weight; each that does not takes the
weight away. The action of largest utility is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Which task it is; X: the next symbol says which.
TASKS = ("X", "0", "1", "2", "3", "4", "5", "6", "7")

#: What is going on: nothing, a list is read into one of three memories, a number is
#: recalled, counted, an answer is drawn.
STATES = ("idle", "list 1", "list 2", "list 3", "prepare", "count", "draw")

#: How the answer is found in the list: forward, in reverse, by position or by kind.
MODES = ("forward", "reverse", "position", "kind")

#: Utility of doing nothing.
DEFAULT = 0.3

#: Weight of rules about what to do for long: those about events go first.
LASTING = 0.6

#: How many arms the bandit has.
N_ARMS = 3


@dataclass(frozen=True)
class Rule:
    """
    When to do what.

    Parameters
    ----------
    conditions : tuple of str
        What must hold.
    effects : tuple of str
        What happens.
    weight : float
        Utility while all conditions hold.
    """

    conditions: tuple[str, ...]
    effects: tuple[str, ...]
    weight: float = 1.0


def _either(kind: str, names: str) -> str:
    return " or ".join(f"{kind} {name}" for name in names)


READING = (
    Rule(("see A",), ("task X", "state idle", "mode forward")),
    *(Rule(("task X", f"see {k}"), (f"task {k}",)) for k in "01234567"),
    Rule(("see [", "state idle"), ("state list 1", "clear 1")),
    Rule(("see [", "state list 1"), ("state list 2", "clear 2")),
    Rule(("see [", "state list 2", "task 6"), ("state list 1", "clear 1")),
    Rule(("see [", "state list 2", "task 7"), ("state list 3", "clear 3")),
    Rule(("see [", "state list 3"), ("state list 1", "clear 1")),
    Rule(("see R",), ("mode reverse",)),
    Rule(("see P",), ("mode position",)),
    Rule(("see K",), ("mode kind",)),
)

ANSWERING = (
    Rule(("see ?", _either("task", "01367")), ("state draw",)),
    Rule(("see ?", _either("task", "45")), ("state prepare",)),
    *(
        Rule(("see ?", "task 2"), ("state draw", f"value {k}", f"arm {k}"))
        for k in range(N_ARMS)
    ),
    Rule(("tick", "state prepare", "task 4"), ("state count",)),
    Rule(("tick", "state prepare", "task 5"), ("state draw",)),
    Rule(("tick", "state count", "counted"), ("state draw", "recall 2")),
    Rule(("tick", "state draw", _either("task", "245")), ("state idle",)),
    Rule(("tick", "state draw", _either("task", "013"), "ended"), ("state idle",)),
    Rule(("tick", "state draw", _either("task", "67"), "empty"), ("state idle",)),
)

ROUTES = (
    Rule(("state list 2",), ("first 2", "second 1"), LASTING),
    Rule(("state list 3",), ("first 3", "second 2"), LASTING),
    Rule(("state draw", _either("task", "0135")), ("recall 1",), LASTING),
    Rule(("state prepare", "task 4"), ("recall 1",), LASTING),
    Rule(("state prepare", "task 5"), ("recall 2",), LASTING),
    Rule(("state count",), ("recall 2",), LASTING),
    Rule(
        ("state draw", "task 6"), ("first 1", "second average", "recall made"), LASTING
    ),
    Rule(
        ("state draw", "task 7"), ("first 2", "second average", "recall made"), LASTING
    ),
)

RULES = READING + ANSWERING + ROUTES
