"""The values of what could be trained of synapses and neurons, but is not."""

import nengo
import numpy as np
import pytest
from helpers import simulator

from nengo_dl_ops import Delay
from nengo_dl_sim import configure_settings

NEURONS = {
    nengo.LIFRate(tau_rc=0.03): {"tau_rc": 0.03, "tau_ref": 0.002, "amplitude": 1},
    nengo.Sigmoid(0.001): {"tau_ref": 0.001},
    nengo.PoissonSpiking(nengo.Tanh(0.001), amplitude=2): {
        "amplitude": 2,
        "base_type.tau_ref": 0.001,
    },
    nengo.Direct(): None,
}

SYNAPSES = {
    nengo.Lowpass(0.03): {"tau": 0.03},
    nengo.Alpha(0.02): {"tau": 0.02},
    nengo.LinearFilter([1], [1, 0]): {"num": [1], "den": [1, 0]},
    Delay(0.005): {"seconds": 0.005},
    nengo.synapses.Triangle(0.01): {},
    None: {},
}


def network():
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.ensembles_by_type = {
            kind: nengo.Ensemble(4, 1, neuron_type=kind, gain=[2] * 4, bias=[2] * 4)
            for kind in NEURONS
        }
        net.lif = nengo.Ensemble(4, 1, neuron_type=nengo.LIF(min_voltage=-1))
        node = nengo.Node([0])
        net.by_synapse = {
            synapse: nengo.Connection(node, net.lif, synapse=synapse)
            for synapse in SYNAPSES
        }
    return net


@pytest.mark.parametrize("inference_only", [False, True])
def test_there_are_values_where_nothing_is_trained(inference_only):
    net = network()
    with net:
        configure_settings(inference_only=inference_only)
    with simulator(net) as sim:
        for kind, expected in NEURONS.items():
            data = sim.data[net.ensembles_by_type[kind]]
            assert getattr(data, "neuron_parameters", None) == expected
        for synapse, expected in SYNAPSES.items():
            data = sim.data[net.by_synapse[synapse]]
            np.testing.assert_equal(dict(data.synapse_parameters), expected)
        assert not sim.data.trained_names(net.lif)


def test_initial_voltages_are_those_of_the_simulation(tmp_path):
    net = network()
    with simulator(net) as sim:
        sig = sim.model.sig[net.lif.neurons]["voltage"]
        built = sim.signals[sig].copy()
        sim.save_params(tmp_path / "params")
        sim.run_steps(5)
        values = sim.data[net.lif].neuron_parameters
        np.testing.assert_array_equal(values["initial_voltage"], built)
        assert values["min_voltage"] == -1
    other = network()
    other.seed = 1
    with simulator(other) as sim:
        before = sim.data[other.lif].neuron_parameters["initial_voltage"]
        assert np.any(before != built)
        sim.load_params(tmp_path / "params")
        found = sim.data[other.lif].neuron_parameters["initial_voltage"]
    np.testing.assert_array_equal(found, built)


def test_parameters_are_given_to_nengo_only_if_they_are_trained():
    net = network()
    with simulator(net) as sim:
        assert "neuron_type" not in sim.get_nengo_params(net.lif)
        for conn in net.by_synapse.values():
            assert "synapse" not in sim.get_nengo_params(conn)
