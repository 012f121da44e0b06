"""Copies of Nengo's frozen objects, with other values of some attributes."""

from __future__ import annotations

from typing import Any, TypeVar

from nengo.params import FrozenObject

T = TypeVar("T", bound=FrozenObject)


def with_values(obj: T, **values: Any) -> T:
    """
    Return a copy of a frozen object with other values.

    ``obj``: a synapse or type of neurons, of the user's, too. ``values``: of attributes
    that are parameters of Nengo; they are checked by these.
    """
    state = {**obj.__getstate__(), **values}
    state["_FrozenObject__argreprs"] = None  # how the other one is shown
    other = object.__new__(type(obj))
    other.__setstate__(state)
    return other
