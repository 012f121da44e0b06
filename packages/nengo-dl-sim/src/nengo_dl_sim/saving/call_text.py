"""What a method was called with, as text that is the same in all processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError
from nengo.probe import Probe

from ..data.names import Names

#: Attributes of optimizers, losses and metrics that make no difference.
_OTHERS = "name", "built"

_PLAIN = bool, int, float, str, range, np.number, np.bool_


def call_text(method: str, arguments: Mapping[str, Any], names: Names) -> str:
    """Describe a call: a line for the method, and one for each argument."""
    lines = [f"{key}={_text(value, names)}" for key, value in arguments.items()]
    return "\n".join([f"sim.{method}", *lines])


def _text(value: Any, names: Names) -> str:
    """Describe an argument by names and numbers, and by no address in memory."""
    if isinstance(value, Mapping):
        pairs = [f"{_text(k, names)}: {_text(v, names)}" for k, v in value.items()]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_text(one, names) for one in value) + "]"
    if value is None or isinstance(value, _PLAIN):
        return f"{value}"
    if isinstance(value, Probe):
        return _name(value, names)
    if hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    return f"{type(value).__name__}({', '.join(_settings(value))})"


def _name(probe: Probe, names: Names) -> str:
    try:
        return names.of(probe)
    except ValidationError:  # the call itself says what is wrong with it
        return "Probe"


def _settings(value: Any) -> list[str]:
    """List what an optimizer, loss or metric has been set to, where it is plain."""
    found = {
        key: setting
        for key, setting in getattr(value, "__dict__", {}).items()
        if not key.startswith("_") and key not in _OTHERS
    }
    found = {key: value for key, value in found.items() if isinstance(value, _PLAIN)}
    rate = getattr(value, "learning_rate", None)
    if rate is not None:
        found["learning_rate"] = np.asarray(rate)
    return [f"{key}={setting}" for key, setting in sorted(found.items())]
