"""What of Nengo is in a graph of NIR, and what cannot be."""

from __future__ import annotations

from typing import NamedTuple

import nengo
from nengo import learning_rules, neurons, synapses, transforms

from nengo_dl_ops import (
    Delay,
    EulerLIF,
    ExactLIF,
    ExponentialLIF,
    Heaviside,
    IntegrateAndFire,
    LeakyReLU,
    SoftLIFRate,
    SpikingLeakyReLU,
)


class Verdict(NamedTuple):
    """
    Whether NIR has a type.

    Parameters
    ----------
    kind : {"exact", "conditional", "refused"}
        Exact: the graph has the same equations. Conditional: it has them if ``why``
        holds. Refused: it has not, because of ``why``.
    node : str
        The nodes of NIR that stand for it; of what is refused, those that approximate
        it, or "" if nothing does.
    why : str
        The condition, or the reason.
    """

    kind: str
    node: str = ""
    why: str = ""


_NO_STATE = "NIR has no neurons without spikes but filters"
_RANDOM = "NIR has nothing that draws random numbers"
_REST = "NIR has no refractory period"

#: Each type of neurons.
NEURONS: dict[type, Verdict] = {
    nengo.LIF: Verdict(
        "conditional",
        "LIF",
        "tau_ref is 0, min_voltage is -inf, and voltages start from 0",
    ),
    nengo.SpikingRectifiedLinear: Verdict(
        "conditional",
        "IF",
        "no current is negative or above 1 / dt (two spikes in a step), which depends "
        "on the input, so on_lossy='warn' must allow it",
    ),
    ExactLIF: Verdict("exact", "LIF"),
    ExponentialLIF: Verdict("exact", "LIF"),
    EulerLIF: Verdict("exact", "LIF"),
    IntegrateAndFire: Verdict("exact", "IF"),
    Heaviside: Verdict("exact", "Threshold"),
    nengo.AdaptiveLIF: Verdict("refused", "LIF", "NIR has no adaptation"),
    nengo.LIFRate: Verdict("refused", "LIF", _NO_STATE),
    nengo.RectifiedLinear: Verdict("refused", "IF", _NO_STATE),
    nengo.AdaptiveLIFRate: Verdict("refused", "", _NO_STATE),
    nengo.Sigmoid: Verdict("refused", "", _NO_STATE),
    nengo.Tanh: Verdict("refused", "", _NO_STATE),
    SoftLIFRate: Verdict("refused", "", _NO_STATE),
    LeakyReLU: Verdict("refused", "", _NO_STATE),
    SpikingLeakyReLU: Verdict("refused", "", "NIR has no negative spikes"),
    nengo.Izhikevich: Verdict("refused", "", "NIR has no such equation"),
    nengo.Direct: Verdict("refused", "", "NIR has no functions"),
    nengo.RegularSpiking: Verdict("refused", "", "NIR has no spikes of rate types"),
    nengo.StochasticSpiking: Verdict("refused", "", _RANDOM),
    nengo.PoissonSpiking: Verdict("refused", "", _RANDOM),
}

#: Each type of synapses.
SYNAPSES: dict[type, Verdict] = {
    nengo.Lowpass: Verdict("exact", "LI, or CubaLIF with the neurons behind it"),
    nengo.Alpha: Verdict("exact", "LI, LI"),
    Delay: Verdict("exact", "Delay"),
    synapses.LinearFilter: Verdict(
        "conditional",
        "LI or I",
        "it is 1 / (tau s + 1) or 1 / s, times a number, with the method 'zoh' or "
        "'euler'",
    ),
    synapses.Triangle: Verdict("refused", "", "NIR has no such filter"),
}

#: Each type of transforms.
TRANSFORMS: dict[type, Verdict] = {
    transforms.NoTransform: Verdict("exact", "an edge"),
    transforms.Dense: Verdict("exact", "Linear, or Scale for a number or a vector"),
    transforms.Sparse: Verdict(
        "exact",
        "Linear; AvgPool2d and SumPool2d for averages and sums of windows, of a "
        "converted Keras model or a loaded graph",
    ),
    transforms.Convolution: Verdict(
        "exact",
        "Conv1d or Conv2d; Linear with padding that differs between sides",
    ),
    transforms.ConvolutionTranspose: Verdict("exact", "Linear"),
}

#: Each type of learning rules.
LEARNING_RULES: dict[type, Verdict] = {
    rule: Verdict("refused", "the weights as they are", "NIR has no learning")
    for rule in (
        learning_rules.PES,
        learning_rules.RLS,
        learning_rules.BCM,
        learning_rules.Oja,
        learning_rules.Voja,
    )
}


def verdict_of(table: dict[type, Verdict], obj: object) -> Verdict:
    """Return what a table says of an object; unknown types are refused."""
    unknown = Verdict("refused", "", f"{type(obj).__name__} is not known")
    return table.get(type(obj), unknown)


#: Types of Nengo that are bases of others.
ABSTRACT = {
    neurons.NeuronType,
    neurons.RatesToSpikesNeuronType,
    synapses.Synapse,
    transforms.Transform,
    learning_rules.LearningRuleType,
}
