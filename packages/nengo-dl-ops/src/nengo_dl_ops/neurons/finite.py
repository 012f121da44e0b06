"""Parameters that must be finite numbers."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import NumberParam


def check_finite(obj: Any, **values: Any) -> None:
    """Check parameters of an object: of some, Nengo would take NaN."""
    for name, value in values.items():
        is_number = isinstance(value, numbers.Real) or np.ndim(value) == 0
        try:
            is_finite = is_number and not isinstance(
                value, (bool, np.bool_, str, bytes)
            )
            is_finite = is_finite and bool(np.isfinite(float(value)))
        except (TypeError, ValueError):
            is_finite = False
        if not is_finite:
            raise ValidationError(
                f"expected a finite number, got {value!r:.100}", attr=name, obj=obj
            )


class FiniteParam(NumberParam):
    """A number that is neither infinite nor NaN, which no bound keeps out."""

    def coerce(self, instance: Any, num: Any) -> Any:
        """Return the number, or raise a ValidationError that names the parameter."""
        if num is not None or not self.optional:
            check_finite(instance, **{self.name: num})
        return super().coerce(instance, num)
