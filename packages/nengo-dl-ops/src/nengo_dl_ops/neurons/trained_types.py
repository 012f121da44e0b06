"""What can be trained of neuron types, by name, and types with values of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.dists import Samples
from nengo.neurons import NeuronType

from ..with_values import with_values

#: How the names begin of what state starts from: ``initial_voltage``.
INITIAL = "initial_"

#: How those begin of a type that gives rates, which another makes into spikes:
#: ``base_type.tau_rc``.
BASE = "base_type."


def with_parameters(neuron_type: NeuronType, values: Mapping[str, Any]) -> NeuronType:
    """
    Return a neuron type with other values.

    ``values``: by name, numbers; of initial states, which begin with `INITIAL`, one for
    each neuron. Names of a base type's begin with `BASE`.
    """
    base = {
        name.removeprefix(BASE): value
        for name, value in values.items()
        if name.startswith(BASE)
    }
    start = {
        name.removeprefix(INITIAL): Samples(np.asarray(value))
        for name, value in values.items()
        if is_initial(name)
    }
    own = {
        name: value
        for name, value in values.items()
        if not is_initial(name) and not name.startswith(BASE)
    }
    if base:
        own["base_type"] = with_parameters(neuron_type.base_type, base)
    if start:
        own["initial_state"] = {**(neuron_type.initial_state or {}), **start}
    return with_values(neuron_type, **own)


def is_initial(name: str) -> bool:
    """Tell whether it is what a state starts from."""
    return name.startswith(INITIAL)
