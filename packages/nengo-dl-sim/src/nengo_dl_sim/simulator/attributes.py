"""What a simulator answers for attributes that are gone, or are not to be set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nengo.exceptions import ReadonlyError

from ..checks import check_jit_compile, check_seed
from ..legacy import REPLACEMENTS, RemovedError

#: What a simulator is built with, or of: another value would have no effect.
_SET_ONCE = frozenset(
    {"data", "device", "minibatch_size", "model", "signals", "unroll"}
)

#: What may be set at any time.
_CHECKS = {"jit_compile": check_jit_compile, "seed": check_seed}


class ReadOnlyAttributes:
    """Explains removed attributes; refuses to set what would have no effect."""

    if not TYPE_CHECKING:  # so that type checkers go on finding misspelled names

        def __getattr__(self, name: str) -> Any:
            if name in REPLACEMENTS:
                raise RemovedError(name, self)
            # Again, for the error of what was not found (in a property: its own).
            return super().__getattribute__(name)

        def __setattr__(self, name: str, value: Any) -> None:
            place = getattr(type(self), name, None)
            is_set = name in _SET_ONCE and name in self.__dict__
            if is_set or (isinstance(place, property) and place.fset is None):
                raise ReadonlyError(attr=name, obj=self)
            if name in _CHECKS:
                _CHECKS[name](value)
            super().__setattr__(name, value)
