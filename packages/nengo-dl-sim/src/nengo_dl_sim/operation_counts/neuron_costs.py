"""What an update of a neuron costs in operations."""

from __future__ import annotations

import nengo

from nengo_dl_ops import (
    EulerLIF,
    ExactLIF,
    ExponentialLIF,
    IntegrateAndFire,
    SpikingLeakyReLU,
)

#: Additions, multiplications, divisions, powers and logarithms in the equations of a
#: type that has a voltage, with its reset, for an update without a spike: comparisons
#: and choices are none, and the reset is a multiplication and an addition. NeuroBench
#: counts the types of snnTorch so.
OPERATIONS: dict[type, int] = {
    IntegrateAndFire: 4,
    EulerLIF: 5,
    ExponentialLIF: 5,
    ExactLIF: 7,
    nengo.SpikingRectifiedLinear: 3,
    SpikingLeakyReLU: 3,
    nengo.LIF: 9,
    nengo.AdaptiveLIF: 14,
    nengo.Izhikevich: 18,
}


def operations_of(kind: nengo.neurons.NeuronType) -> int | None:
    """Return what an update of a neuron costs; None if that is not known."""
    return OPERATIONS.get(type(kind))
