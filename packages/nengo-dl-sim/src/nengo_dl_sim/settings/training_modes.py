"""What the neurons of each ensemble compute in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo
from nengo.builder import Model
from nengo.builder.neurons import SimNeurons
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_ops import Rates, SoftLIFRates, SpikeAware, Surrogate, TrainingMode
from nengo_dl_ops.neurons.surrogates import CustomSurrogate

from .config import members, nearest_setting, own_setting


def training_modes(
    model: Model, network: nengo.Network, lif_smoothing: float | None
) -> Callable[[SimNeurons], TrainingMode]:
    """
    Find out what neurons compute in training.

    Parameters
    ----------
    model : nengo.builder.Model
        The built model.
    network : nengo.Network
        The top-level network.
    lif_smoothing : float or None
        The setting of that name.

    Returns
    -------
    choose : callable
        Takes an operator of the model, and returns what is set for its ensemble.

    Raises
    ------
    nengo.exceptions.BuildError
        If something else than rates is set for an ensemble that does not spike.
    """
    rates = Rates() if lif_smoothing is None else SoftLIFRates(lif_smoothing)
    modes: dict[Signal, TrainingMode] = {}
    for networks, ensemble in members(network, "ensembles"):
        sigs = model.sig.get(ensemble.neurons, {})
        if "out" in sigs:
            modes[sigs["out"]] = mode = _mode(networks, ensemble, rates)
            # Rates that are made into spikes may be spikes themselves.
            if "rate_out" in sigs and ensemble.neuron_type.base_type.spiking:
                modes[sigs["rate_out"]] = mode
    return lambda op: modes.get(op.output, rates)


def _mode(
    networks: tuple[nengo.Network, ...], ensemble: nengo.Ensemble, rates: Rates
) -> TrainingMode:
    neurons = ensemble.neurons
    if not ensemble.neuron_type.spiking:
        own = own_setting(networks, neurons, "training_mode")
        if own not in (None, "rate"):
            raise BuildError(
                f"training_mode of {ensemble}: expected 'rate' for "
                f"{type(ensemble.neuron_type).__name__}, which does not spike, got "
                f"{own!r:.100}"
            )
        return rates
    return _as_mode(nearest_setting(networks, neurons, "training_mode"), rates)


def _as_mode(setting: Any, rates: Rates) -> TrainingMode:
    if setting is None or setting == "rate":
        return rates
    if setting == "spike_aware":
        return SpikeAware(rates)
    return setting if isinstance(setting, Surrogate) else CustomSurrogate(setting)
