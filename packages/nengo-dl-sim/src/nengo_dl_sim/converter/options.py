"""What to fit in a calibration: checks of the arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from nengo.exceptions import ValidationError

from ..checks import check_boolean

_METHODS = ("max", "percentile", "bias")
_PERCENTILE = 99.9
_N_STEPS = 32


class Options(NamedTuple):
    """
    The arguments of `Converter.calibrate` that say what to fit.

    Parameters
    ----------
    method, percentile, n_steps, target_rate, per_channel, initial_voltage
        As there.
    """

    method: Any
    percentile: Any
    n_steps: Any
    target_rate: Any
    per_channel: Any
    initial_voltage: Any

    def checked(self, temporal_model: bool) -> Options:
        """Return them with defaults filled in; the method is a tuple of names."""
        methods = _methods(self.method)
        percentile = _number("percentile", self.percentile, 100)
        check_boolean("per_channel", self.per_channel)
        self._check_unused(methods, percentile)
        target_rate, voltage = self.target_rate, self.initial_voltage
        if target_rate is not None:
            target_rate = _number("target_rate", target_rate, np.inf)
        if voltage is not None:
            voltage = _voltage(voltage)
        return Options(
            methods,
            100.0 if "max" in methods else percentile,
            self.n_steps if self.n_steps is not None or temporal_model else _N_STEPS,
            target_rate,
            self.per_channel,
            voltage,
        )

    def _check_unused(self, methods: tuple[str, ...], percentile: float) -> None:
        wrong = []
        if "percentile" not in methods and percentile != _PERCENTILE:
            wrong.append(f"percentile={percentile:g} for 'percentile' only")
        if methods == ("bias",):
            asked = {"target_rate": self.target_rate, "per_channel": self.per_channel}
            given = [k for k, v in asked.items() if v is not None and v is not False]
            wrong += [f"{name} for 'max' or 'percentile' only" for name in given]
        if wrong:
            raise ValidationError(
                f"expected {' and '.join(wrong)}, got {self.method!r:.100}",
                attr="method",
            )


def _methods(method: Any) -> tuple[str, ...]:
    methods = tuple(method) if isinstance(method, (list, tuple)) else (method,)
    known = all(isinstance(name, str) and name in _METHODS for name in methods)
    if not methods or not known or {"max", "percentile"} <= set(methods):
        raise ValidationError(
            "expected 'max' or 'percentile', 'bias', or a list of one of the first two "
            f"and 'bias', got {method!r:.100}",
            attr="method",
        )
    return tuple(sorted(set(methods)))


def _number(name: str, value: Any, most: float) -> float:
    if not _is_number(value) or not 0 < value <= most or not np.isfinite(value):
        limit = "a finite number" if np.isinf(most) else f"at most {most:g}"
        raise ValidationError(
            f"expected more than 0 and {limit}, got {value!r:.100}", attr=name
        )
    return float(value)


def _voltage(value: Any) -> float:
    if not _is_number(value) or not 0 <= value < 1:
        raise ValidationError(
            "expected a part of the threshold, at least 0 and below 1, got "
            f"{value!r:.100}",
            attr="initial_voltage",
        )
    return float(value)


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float, np.number))
    return is_number and not isinstance(value, bool)
