"""What is not exact in a graph: an error, or a warning."""

from __future__ import annotations

from typing import Any

from nengo.exceptions import ValidationError

from nengo_dl_ops.user_warnings import warn_user


class Lossy:
    """
    Refuses what NIR does not have.

    Parameters
    ----------
    warns : bool
        Whether an approximation is taken where there is one, with a warning.
    """

    def __init__(self, warns: bool) -> None:
        self.warns = warns

    def refuse(self, obj: Any, what: str, why: str, instead: str = "") -> None:
        """Raise a ValidationError, or warn if there is something to take instead."""
        text = f"{obj}: {what}: {why}"
        if self.warns and instead:
            warn_user(f"{text}; exported as {instead}")
            return
        help_ = (
            f"on_lossy='warn' exports {instead} instead"
            if instead
            else "there is no approximation"
        )
        raise ValidationError(
            f"expected a network that NIR can hold, got {text}; {help_}",
            attr="network_or_sim",
        )
