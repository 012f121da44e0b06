"""How fast neurons of a network fire, by what they give out, and where they begin."""

from __future__ import annotations

from typing import Any

import nengo
from nengo.ensemble import Neurons
from nengo.neurons import NeuronType

from nengo_dl_ops import SpikingLeakyReLU

from .activations import changed
from .gains import Gains

#: The length of a step, in seconds, as `Simulator` has it by default.
DT = 0.001

#: Types that spike when their voltage reaches 1.
_THRESHOLD_IS_ONE = (
    nengo.LIF,
    nengo.SpikingRectifiedLinear,
    nengo.RegularSpiking,
    SpikingLeakyReLU,
)


def is_spiking(obj: Any) -> bool:
    """Whether an object is neurons that spike."""
    return isinstance(obj, Neurons) and bool(obj.ensemble.neuron_type.spiking)


def amplitude(neurons: Any) -> float:
    """Return what neurons give out per spike and second."""
    return float(getattr(neurons.ensemble.neuron_type, "amplitude", 1))


def spike_height(converter: Any, obj: Any) -> Any:
    """Return what an object that holds spikes gives out per spike and second."""
    process = getattr(obj, "output", None)
    factors = process.factors if isinstance(process, Gains) else 1.0
    return amplitude(converter.builder.neurons(obj)) * factors


def fastest(neurons: Any) -> float:
    """Return the rate, in Hz, that leaves neurons one spike a step at most."""
    tau_ref = getattr(neurons.ensemble.neuron_type, "tau_ref", 0)
    return float(1 / max(DT, tau_ref))


def has_threshold(neuron_type: NeuronType) -> bool:
    """Whether neurons spike when their voltage reaches 1."""
    return isinstance(neuron_type, _THRESHOLD_IS_ONE)


def with_voltage(neuron_type: NeuronType, voltage: float | None) -> NeuronType:
    """Let neurons that have a threshold begin with a part of it."""
    if voltage is None or not has_threshold(neuron_type):
        return neuron_type
    state = {
        **(neuron_type.initial_state or {}),
        "voltage": nengo.dists.Choice([voltage]),
    }
    return changed(neuron_type, initial_state=state)
