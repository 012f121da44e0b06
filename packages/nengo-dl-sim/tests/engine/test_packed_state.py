"""What a loop carries in another form is never seen: by nobody, at no time."""

import re

import nengo
import numpy as np
import pytest
from helpers import simulator

from nengo_dl_sim import configure_settings

from .test_counts import build, compiled_text, convolution


def recurrent(neuron_type):
    """Two populations, whose states are probed in one of them."""
    with nengo.Network(seed=1) as net:
        configure_settings(dtype="float64")
        net.config[nengo.Ensemble].neuron_type = neuron_type
        net.config[nengo.Ensemble].max_rates = nengo.dists.Uniform(100, 200)
        node = nengo.Node(lambda t: [np.sin(9 * t), np.cos(5 * t)])
        pre, post = nengo.Ensemble(60, 2), nengo.Ensemble(40, 1)
        nengo.Connection(node, pre)
        nengo.Connection(pre, pre, synapse=0.1)
        nengo.Connection(pre, post, function=lambda x: x[0] * x[1])
        nengo.Probe(pre.neurons)
        for state in neuron_type.state:
            nengo.Probe(post.neurons, state)
    return net


def array(neuron_type):
    """Many ensembles of one dimension, whose membranes are not alike."""
    with nengo.Network(seed=2) as net:
        configure_settings(dtype="float64")
        net.config[nengo.Ensemble].neuron_type = neuron_type
        node = nengo.Node(lambda t: np.sin(9 * t + np.arange(6)))
        ensembles = nengo.networks.EnsembleArray(25, 6)
        for i, ens in enumerate(ensembles.ensembles):
            if i % 2:
                ens.neuron_type = type(neuron_type)(tau_rc=0.01)
        nengo.Connection(node, ensembles.input)
        nengo.Connection(ensembles.output, ensembles.input, synapse=0.1, transform=0.3)
        for state in neuron_type.state:
            nengo.Probe(ensembles.ensembles[2].neurons, state)
        nengo.Probe(ensembles.output)
    return net


TYPES = {
    "LIF": nengo.LIF(),
    "LIF without rest": nengo.LIF(tau_ref=0),
    "LIF that starts at rest": nengo.LIF(
        initial_state={"refractory_time": nengo.dists.Uniform(0, 0.01)}
    ),
    "AdaptiveLIF": nengo.AdaptiveLIF(),
}


@pytest.mark.parametrize("build_network", [recurrent, array])
@pytest.mark.parametrize("neuron_type", TYPES.values(), ids=TYPES)
def test_probes_and_signals_are_those_of_nengo(neuron_type, build_network):
    net = build_network(neuron_type)
    with (
        nengo.Simulator(net, progress_bar=False) as expected,
        simulator(net, seed=expected.seed, jit_compile=True) as sim,
    ):
        expected.run_steps(500)
        for n_steps in (1, 199, 300):
            sim.run_steps(n_steps)
        for probe in net.probes:
            np.testing.assert_allclose(
                sim.data[probe], expected.data[probe], atol=1e-11
            )
        for ens in net.all_ensembles:
            for state in neuron_type.state:
                theirs = expected.signals[expected.model.sig[ens.neurons][state]]
                ours = sim.signals[sim.model.sig[ens.neurons][state]]
                np.testing.assert_allclose(np.squeeze(ours), theirs, atol=1e-11)
        assert np.count_nonzero(sim.data[net.probes[0]]) > 500


def test_runs_of_all_kinds_follow_each_other():
    """A packed state does not leave the run: what comes next knows nothing of it."""
    net, data = recurrent(nengo.LIF()), []
    for compiled in (True, False):
        with simulator(net, seed=0, jit_compile=compiled, minibatch_size=2) as sim:
            sim.run_steps(30)
            sim.jit_compile = not compiled
            sim.run_steps(30)
            voltage = sim.model.sig[net.all_ensembles[0].neurons]["voltage"]
            data.append((sim.data[net.probes[0]], np.array(sim.signals[voltage])))
            assert np.max(data[-1][1]) <= 1
    for ours, theirs in zip(*data, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("minibatch_size", [1, 8])
def test_neurons_are_computed_once(minibatch_size):
    """One kernel divides, where output, voltage and rest are all made of that."""
    with simulator(
        build(convolution), jit_compile=True, minibatch_size=minibatch_size
    ) as sim:
        sim.run_steps(1)
        text = compiled_text(sim)
    kernels = re.split(r"\n(?=%)", text)
    (neurons,) = (kernel for kernel in kernels if " divide(" in kernel)
    assert " concatenate(" not in neurons
    assert " gather(" not in neurons
