"""What a simulator answers for attributes that are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..removed import REPLACEMENTS, RemovedError


class Attributes:
    """Explains removed attributes."""

    if not TYPE_CHECKING:  # so that type checkers go on finding misspelled names

        def __getattr__(self, name: str) -> Any:
            if name in REPLACEMENTS:
                raise RemovedError(name, self)
            # Again, for the error of what was not found (in a property: its own).
            return super().__getattribute__(name)
