"""Looks into the network while it runs: for pictures, never for scores."""

from __future__ import annotations

import nengo

#: Steps between two looks at the network.
EVERY = 5

#: Neurons of a population whose spikes are looked at.
N_SPIKES = 30


def watch(net: nengo.Network) -> dict[str, nengo.Probe]:
    """
    Add probes of what pictures show.

    Parameters
    ----------
    net : nengo.Network
        What `network.spaun` made.

    Returns
    -------
    probes : dict of str to nengo.Probe
        By what they record.
    """
    shown = {
        "seen": net.vision.seen,
        "task": net.control.task.output,
        "state": net.control.state.output,
        "mode": net.control.mode.output,
        "ramp": net.motor.ramp.output,
        "list 1": net.lists[0].output,
    }
    spikes = {
        "spikes of vision": net.vision.layers[1].neurons,
        "spikes of memory": net.lists[0].decay.first.held.ea_ensembles[0].neurons,
        "spikes of the path of 3": net.motor.paths[3].ea_ensembles[0].neurons,
    }
    with net:
        probes = {
            name: nengo.Probe(obj, synapse=0.01, sample_every=EVERY * 1e-3)
            for name, obj in shown.items()
        }
        for name, neurons in spikes.items():
            probes[name] = nengo.Probe(
                neurons[:N_SPIKES], synapse=0.005, sample_every=EVERY * 1e-3
            )
    return probes
