"""What a simulator answers for attributes that are gone, or are not to be set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nengo.exceptions import ReadonlyError

from ..removed import REPLACEMENTS, RemovedError


class Attributes:
    """Explains removed attributes; refuses to set properties that have no setter."""

    if not TYPE_CHECKING:  # so that type checkers go on finding misspelled names

        def __getattr__(self, name: str) -> Any:
            if name in REPLACEMENTS:
                raise RemovedError(name, self)
            # Again, for the error of what was not found (in a property: its own).
            return super().__getattribute__(name)

        def __setattr__(self, name: str, value: Any) -> None:
            place = getattr(type(self), name, None)
            if isinstance(place, property) and place.fset is None:
                raise ReadonlyError(attr=name, obj=self)
            super().__setattr__(name, value)
