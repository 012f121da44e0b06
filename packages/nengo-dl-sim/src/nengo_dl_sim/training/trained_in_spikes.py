"""Which ensembles spike in training."""

from __future__ import annotations

import nengo

from nengo_dl_ops import Rates, TrainingMode
from nengo_dl_ops.neurons.training import training_mode

from ..engine.engine import Engine


def trained_in_spikes(engine: Engine) -> dict[nengo.Ensemble, TrainingMode]:
    """Find the ensembles that spike in training, and what for a gradient they have."""
    modes = {
        sig: training_mode(op)
        for group in engine.program.groups
        for op in group.ops
        for sig in op.sets
    }
    found = {}
    for ens in engine.model.params:
        if isinstance(ens, nengo.Ensemble) and ens.neuron_type.spiking:
            mode = modes.get(engine.model.sig[ens.neurons]["out"])
            if mode is not None and not isinstance(mode, Rates):
                found[ens] = mode
    return found
