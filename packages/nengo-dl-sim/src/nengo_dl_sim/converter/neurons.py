"""How fast neurons of a network fire, by what they give out."""

from __future__ import annotations

from typing import Any

from nengo.ensemble import Neurons

#: The length of a step, in seconds, as `Simulator` has it by default.
DT = 0.001


def is_spiking(obj: Any) -> bool:
    """Whether an object is neurons that spike."""
    return isinstance(obj, Neurons) and bool(obj.ensemble.neuron_type.spiking)


def amplitude(obj: Any) -> float:
    """Return what neurons give out per spike and second."""
    return float(getattr(obj.ensemble.neuron_type, "amplitude", 1))


def fastest(obj: Any) -> float:
    """Return the rate, in Hz, that leaves neurons one spike a step at most."""
    tau_ref = getattr(obj.ensemble.neuron_type, "tau_ref", 0)
    return float(1 / max(DT, tau_ref))
