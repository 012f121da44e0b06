"""Whether neurons give spikes or rates where losses and metrics are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model
from nengo.exceptions import ValidationError

from nengo_dl_ops.user_warnings import warn_user

from ..engine.engine import Engine
from ..measures.measure import Measure
from ..training.gradient_coverage import influential_signals
from ..training.trained_in_spikes import trained_in_spikes

#: For each choice, what is computed: whether it is in rates, by what precedes names.
_CHOICES = {
    "spikes": {"": False},
    "rates": {"": True},
    "both": {"": False, "rates_": True},
}


def check_neurons(attr: str, value: Any) -> dict[str, bool]:
    """
    Check what neurons shall give.

    Returns what is computed: by what precedes its names in logs, whether it is in
    rates.
    """
    if not isinstance(value, str) or value not in _CHOICES:
        raise ValidationError(
            f"expected 'spikes', 'rates' or 'both', got {value!r}", attr=attr
        )
    return _CHOICES[value]


def logs_of(
    in_rates: dict[str, bool], test: Callable[[bool], dict[str, Any]]
) -> dict[str, Any]:
    """Compute losses and metrics in spikes, in rates, or in both."""
    return {
        f"{prefix}{name}": value
        for prefix, rates in in_rates.items()
        for name, value in test(rates).items()
    }


def warn_few_steps(engine: Engine, n_steps: int, measures: Sequence[Measure]) -> None:
    """
    Warn if there are fewer steps than neurons that matter take for a spike.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    n_steps : int
        How many steps there are.
    measures : list of Measure
        What is computed.

    Warns
    -----
    UserWarning
        If the fastest neuron of an ensemble that is trained in rates takes longer from
        one spike to the next, at its maximum rate (as it was built).
    """
    if engine.program.in_training(False):  # then neurons never spike
        return
    outputs = {key for measure in measures for key in measure.outputs}
    used = influential_signals(engine, outputs)
    in_spikes = trained_in_spikes(engine)
    for ens, n_needed in _steps_of_spikes(engine.model).items():
        if ens in in_spikes:
            continue
        if n_steps < n_needed and engine.model.sig[ens.neurons]["out"].base in used:
            warn_user(
                f"Validation is in spikes, as a run is, with n_steps={n_steps}, but "
                f"spiking neurons of {ens} take {n_needed} steps for a spike: most "
                "give nothing, and losses and metrics cannot be compared with those "
                "of training, which is in rates. Validate with more steps, or with "
                "fit(validation_neurons='rates')"
            )
            return


def _steps_of_spikes(model: Model) -> dict[nengo.Ensemble, int]:
    """Return how many steps the fastest neuron of an ensemble takes for a spike."""
    found = {}
    for ens, built in model.params.items():
        if not isinstance(ens, nengo.Ensemble) or not ens.neuron_type.spiking:
            continue
        rates = np.asarray(built.max_rates, float)
        fastest = np.max(rates[np.isfinite(rates)], initial=0.0)
        if fastest > 0:
            found[ens] = int(np.ceil(1 / (fastest * model.dt) - 1e-6))
    return found
