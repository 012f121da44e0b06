"""What is computed for all steps at once is what is computed step by step."""

import functools

import helpers
import keras
import nengo
import numpy as np
import pytest
from helpers import program_of

from nengo_dl_ops import DotIncBuilder, SimNeuronsBuilder, TensorNode, surrogates
from nengo_dl_ops.step import stages
from nengo_dl_sim import configure_settings
from nengo_dl_sim.execution import sequence

N_STEPS = 5


def feed_forward(neuron_type):
    """Two layers, of which only the filter of the probe has a memory."""
    with nengo.Network(seed=0) as net:
        net.inp = nengo.Node([0.5, -0.2])
        a = nengo.Ensemble(6, 2, neuron_type=neuron_type)
        b = nengo.Ensemble(5, 1, neuron_type=neuron_type)
        nengo.Connection(net.inp, a, synapse=None)
        nengo.Connection(a, b, function=lambda x: x[0] * x[1], synapse=None)
        net.out = nengo.Probe(b, synapse=0.003)
    return net


def unfiltered():
    """Nothing has a memory: the output is known before the first step."""
    net = feed_forward(nengo.LIF(amplitude=0.01))
    with net:
        net.out = nengo.Probe(net.ensembles[1].neurons)
    return net


def recurrent():
    net = feed_forward(nengo.RectifiedLinear())
    with net:
        weak = {"transform": 0.1, "synapse": 0.002}
        nengo.Connection(net.ensembles[1], net.ensembles[1], **weak)
        nengo.Connection(net.ensembles[1], net.ensembles[0][1], **weak)
    return net


def slices():
    """Parts of one signal come from before and from now."""
    with nengo.Network(seed=0) as net:
        net.inp = nengo.Node([0.5, -0.2])
        held = nengo.Node([0.3])
        node = nengo.Node(size_in=4)
        nengo.Connection(net.inp, node[1:3], synapse=None)
        nengo.Connection(held, node[1], transform=2, synapse=None)
        nengo.Connection(node[2], node[0], synapse=0.002)
        nengo.Connection(net.inp[0], node[3], synapse=0.001)
        ens = nengo.Ensemble(8, 4, neuron_type=nengo.Tanh())
        nengo.Connection(node, ens, synapse=None)
        net.out = nengo.Probe(ens)
    return net


def learned():
    with nengo.Network(seed=0) as net:
        net.inp = nengo.Node([0.5, -0.2])
        ens = nengo.Ensemble(8, 2, neuron_type=nengo.RectifiedLinear())
        node, error = nengo.Node(size_in=1), nengo.Node([0.3])
        nengo.Connection(net.inp, ens, synapse=None)
        rule = nengo.PES(learning_rate=0.1)
        conn = nengo.Connection(ens, node, function=lambda x: [0], synapse=None)
        conn.learning_rule_type = rule
        nengo.Connection(error, conn.learning_rule, synapse=None)
        net.out = nengo.Probe(node)
    return net


def layers():
    """Functions of TensorFlow are not taken to be the same in every step."""
    net = feed_forward(nengo.LIFRate(amplitude=0.01))
    with net:
        node = TensorNode(lambda t, x: x * (1 + 100 * t), size_in=1, size_out=1)
        nengo.Connection(net.ensembles[1], node, synapse=None)
        net.out = nengo.Probe(node)
    return net


def deep(mode):
    """Layers of neurons that spike: each is a loop of its own."""
    with nengo.Network(seed=0) as net:
        configure_settings(training_mode=mode)
        layer = net.inp = nengo.Node([0.5, -0.2])
        for kind in (nengo.LIF(), nengo.SpikingRectifiedLinear(), nengo.LIF()):
            ens = nengo.Ensemble(6, 2, neuron_type=kind)
            nengo.Connection(layer, ens, synapse=None)
            layer = ens
        net.out = nengo.Probe(ens[:1])
    return net


def filtered(mode):
    """Neurons that spike in training, too, between what filters them and returns."""
    with nengo.Network(seed=0) as net:
        configure_settings(training_mode=mode)
        net.inp = nengo.Node([0.5, -0.2])
        neuron_types = (
            nengo.LIF(),
            nengo.AdaptiveLIF(),
            nengo.PoissonSpiking(nengo.Tanh()),
        )
        layers = [nengo.Ensemble(6, 2, neuron_type=kind) for kind in neuron_types]
        nengo.Connection(net.inp, layers[0], synapse=None)
        nengo.Connection(layers[0], layers[1], synapse=nengo.Alpha(0.002))
        nengo.Connection(layers[0], layers[0], synapse=0.002, transform=0.1)
        nengo.Connection(layers[1].neurons[:3], layers[2].neurons[2:5], synapse=None)
        nengo.Connection(layers[2], layers[1][0], synapse=0.003, transform=[[0.1, 0.2]])
        net.out = nengo.Probe(layers[2], synapse=0.001)
        nengo.Probe(layers[1].neurons, "voltage")
    return net


NETWORKS = {
    "surrogate": lambda: deep(surrogates.ATan()),
    "spike_aware": lambda: deep("spike_aware"),
    "filtered": lambda: filtered("spike_aware"),
    "rates": lambda: feed_forward(nengo.LIFRate(amplitude=0.01)),
    "spikes": lambda: feed_forward(nengo.LIF(amplitude=0.01)),
    "spikes of rates": lambda: feed_forward(nengo.PoissonSpiking(nengo.Tanh())),
    "adaptive": lambda: feed_forward(nengo.AdaptiveLIF(amplitude=0.01)),
    "unfiltered": unfiltered,
    "recurrent": recurrent,
    "slices": slices,
    "learned": learned,
    "layers": layers,
}

#: In training of these, no neurons and products wait for the step before.
FORGETFUL = ("rates", "spikes", "spikes of rates", "unfiltered", "layers")

#: When these run, neurons wait for the step before: they spike, or are driven by what
#: has a memory.
WAITING = (
    "surrogate",
    "spike_aware",
    "filtered",
    "spikes",
    "spikes of rates",
    "adaptive",
    "unfiltered",
    "recurrent",
    "slices",
)


def made(name):
    net = NETWORKS[name]()
    with net:
        configure_settings(dtype="float64")
    return net


simulator = functools.partial(helpers.simulator, seed=1)


def train(name, minibatch_size, given, jit_compile):
    """Return losses, and parameters after training."""
    net = made(name)
    rng = np.random.RandomState(0)
    shape = 2 * minibatch_size, N_STEPS
    data = {net.out: rng.uniform(-1, 1, (*shape, net.out.size_in))}
    if given:
        data[net.inp] = rng.uniform(-1, 1, (*shape, 2))
    with simulator(net, minibatch_size=minibatch_size, jit_compile=jit_compile) as sim:
        losses = [sim.loss(data, training=training) for training in (False, True)]
        sim.train(data, keras.optimizers.SGD(1e-4), n_epochs=2, truncation=3)
        ensembles = [sim.data[ens] for ens in net.all_ensembles]
        weights = [sim.data[conn].weights for conn in net.all_connections]
    found = [*losses, *(ens.scaled_encoders for ens in ensembles)]
    found += [*(ens.bias for ens in ensembles), *(w for w in weights if w is not None)]
    return found


#: A network, the size of minibatches, whether inputs are given, and whether XLA
#: compiles, which takes long, and the same graphs.
CASES = [
    *((name, 1, False, False) for name in NETWORKS),
    *((name, 3, True, False) for name in NETWORKS),
    *((name, 3, True, True) for name in ("recurrent", "learned", "spikes of rates")),
]


@pytest.mark.filterwarnings("ignore:Number of steps:UserWarning")
@pytest.mark.filterwarnings("ignore:No gradient reaches:UserWarning")
@pytest.mark.parametrize("name, minibatch_size, given, jit_compile", CASES)
def test_same_as_step_by_step(name, minibatch_size, given, jit_compile, monkeypatch):
    monkeypatch.setattr(stages, "_WORTH_A_LOOP", 0)
    found = train(name, minibatch_size, given, jit_compile)
    monkeypatch.setattr(sequence, "MAX_BYTES", 0)
    expected = train(name, minibatch_size, given, jit_compile)
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_waits(name):
    with simulator(made(name), minibatch_size=3) as sim:
        program = program_of(sim)
        in_training = program.stages(training=True).stages
        assert sum(len(stage.groups) for stage in in_training) == len(program.groups)
        waiting = waiting_types(in_training)
        assert (name in FORGETFUL) == waiting.isdisjoint(
            {SimNeuronsBuilder, DotIncBuilder}
        )
        running = waiting_types(program.stages(training=False).stages)
        assert (SimNeuronsBuilder in running) == (name in WAITING)


def waiting_types(stages):
    return {type(g) for stage in stages if not stage.batched for g in stage.groups}


def test_outputs_in_order():
    """Steps and items do not get mixed up."""
    with nengo.Network() as net:
        configure_settings(dtype="float64")
        inp = nengo.Node([0.0])
        node = nengo.Node(size_in=1)
        nengo.Connection(inp, node, transform=2, synapse=None)
        probe = nengo.Probe(node)
    values = np.arange(12.0).reshape(3, 4, 1)
    with simulator(net, minibatch_size=3) as sim:
        found = sim.run_batch({inp: values}, {probe: None})
        np.testing.assert_array_equal(found[probe][0], 2 * values)


def test_products_between_layers_are_computed_for_all_steps(monkeypatch):
    monkeypatch.setattr(stages, "_WORTH_A_LOOP", 0)
    with simulator(made("surrogate"), minibatch_size=3) as sim:
        found = program_of(sim).stages(training=True).stages
        assert [stage.batched for stage in found] == [True, False] * 3 + [True]
        assert DotIncBuilder not in waiting_types(found)


def test_what_is_not_worth_a_loop_shares_one():
    with simulator(made("surrogate"), minibatch_size=3) as sim:
        found = program_of(sim).stages(training=True).stages
        assert [stage.batched for stage in found] == [True, False]
