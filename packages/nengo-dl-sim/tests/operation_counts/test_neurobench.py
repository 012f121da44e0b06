"""
The same metrics as NeuroBench's own package.

``data/two_layers.nir`` is a network of snnTorch 1.0, as its ``export_to_nir`` wrote it:
two layers of ``Leaky`` behind ``Linear``, of which three weights in ten are 0. In
snnTorch, NeuroBench 2.3 ran it on the inputs below.
"""

from pathlib import Path

import nengo
import numpy as np
import pytest

from nengo_dl_sim import Simulator
from nengo_dl_sim.nir import load

DT = 1e-4  # that of snnTorch

NEUROBENCH = {
    "spikes": {
        "ActivationSparsity": 0.8463125,
        "ConnectionSparsity": 0.3044,
        "SynapticOperations": {
            "Effective_MACs": 0.0,
            "Effective_ACs": 5604.0,
            "Dense": 45000.0,
        },
        "MembraneUpdates": 2000.0,
    },
    "values": {
        "ActivationSparsity": 0.8443125,
        "ConnectionSparsity": 0.3044,
        "SynapticOperations": {
            "Effective_MACs": 10215.625,
            "Effective_ACs": 1341.5,
            "Dense": 45000.0,
        },
        "MembraneUpdates": 2000.0,
    },
}


def inputs():
    """Return spikes, and values of which half are 0, as NeuroBench was given them."""
    rng = np.random.RandomState(0)
    spikes = rng.rand(8, 50, 20) < 0.2
    values = rng.rand(8, 50, 20).astype(np.float32) * (rng.rand(8, 50, 20) < 0.5)
    return {"spikes": spikes.astype(np.float32), "values": values}


@pytest.fixture(scope="module")
def sim():
    path = Path(__file__).parent / "data" / "two_layers.nir"
    net = load(path, dt=DT, spike_height="one", reset="subtract_delayed")
    options = {"minibatch_size": 8, "jit_compile": False, "progress_bar": False}
    with net:
        nengo.Probe(*net.outputs.values())
    with Simulator(net, dt=DT, **options) as sim:
        yield sim


@pytest.mark.parametrize("kind", NEUROBENCH)
def test_metrics_are_those_of_neurobench(sim, kind):
    found = sim.count_operations(inputs()[kind]).to_dict()
    for name, expected in NEUROBENCH[kind].items():
        if name == "ConnectionSparsity":  # NeuroBench rounds it
            assert round(found[name], 4) == expected
        else:
            assert found[name] == pytest.approx(expected, rel=1e-12)


def test_parameters_are_those_of_torch_but_for_gains(sim):
    counts = sim.count_operations(inputs()["spikes"])
    n_weights = 20 * 30 + 30 * 10
    assert counts.parameter_count == n_weights + 40 + 40  # biases; gains for r
    assert counts.footprint == 4 * (counts.parameter_count + 40)  # and voltages
