"""Training computes values again, block by block: nothing changes but the memory."""

import keras
import nengo
import numpy as np
import pytest
from helpers import engine_of, program_of
from nengo.exceptions import ValidationError

from nengo_dl_ops import Layer, surrogates
from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.engine.parameter_store import to_numpy
from nengo_dl_sim.execution.compiled_call import CompiledForShapes

N_STEPS = 22
RNG = np.random.RandomState(3)
INPUTS, TARGETS = RNG.rand(4, N_STEPS, 2), RNG.rand(4, N_STEPS, 2)


def recurrent(net):
    net.ens = nengo.Ensemble(20, 2, neuron_type=nengo.LIF(amplitude=0.01))
    nengo.Connection(net.stimulus, net.ens, synapse=0.005)
    nengo.Connection(net.ens, net.ens, synapse=0.01)
    return net.ens


def spiking(net):
    """Gradients through spikes, in loops whose steps are computed again anyway."""
    configure_settings(training_mode=surrogates.ATan())
    return recurrent(net)


def learning(net):
    ens = recurrent(net)
    output = nengo.Node(size_in=2)
    conn = nengo.Connection(ens, output, learning_rule_type=nengo.PES(1e-3))
    nengo.Connection(output, conn.learning_rule)
    return output


def layered(net):
    """Counters and seeds of layers are state, too, which has no gradient."""
    hidden = Layer(keras.layers.BatchNormalization(dtype="float64"))(recurrent(net))
    return Layer(keras.layers.Dropout(0.5, seed=0, dtype="float64"))(hidden)


def make_net(make, remat_steps, keep_history=True):
    with nengo.Network(seed=0) as net:
        configure_settings(
            dtype="float64", remat_steps=remat_steps, keep_history=keep_history
        )
        net.stimulus = nengo.Node(np.zeros(2))
        net.probe = nengo.Probe(make(net), synapse=0.02)
    return net


def trained(net, jit_compile, **kwargs):
    keras.utils.set_random_seed(0)
    with Simulator(
        net, minibatch_size=2, seed=1, progress_bar=False, jit_compile=jit_compile
    ) as sim:
        data = {net.stimulus: INPUTS, net.probe: TARGETS}
        optimizer = keras.optimizers.SGD(0.1)
        sim.train(data, optimizer, n_epochs=2, shuffle=False, **kwargs)
        variables = engine_of(sim).parameters.variables
        return [to_numpy(v) for v in (*variables, *program_of(sim).state_variables)]


def check_same(found, expected):
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "make, jit_compile, sizes",
    [
        (recurrent, False, (1, 5, N_STEPS)),
        (spiking, False, (5,)),
        (learning, False, (5,)),
        (layered, False, (5, N_STEPS)),
        pytest.param(layered, True, (5,), marks=pytest.mark.slow),
    ],
)
def test_trains_alike(make, jit_compile, sizes):
    expected = trained(make_net(make, None), jit_compile)
    for remat_steps in sizes:
        check_same(trained(make_net(make, remat_steps), jit_compile), expected)


def test_only_the_last_step_is_kept():
    def train(remat_steps):
        net = make_net(recurrent, remat_steps, keep_history=False)
        return trained(net, False)

    for remat_steps in (5, 11):
        check_same(train(remat_steps), train(None))


def test_with_truncation():
    nets = [make_net(recurrent, remat_steps) for remat_steps in (None, 4)]
    expected, found = (trained(net, False, truncation=11) for net in nets)
    check_same(found, expected)


def n_values_kept(remat_steps, monkeypatch):
    """Count what the function that computes gradients keeps of each iteration."""
    functions, traced = [], CompiledForShapes.traced

    def collecting(self, *arguments):
        functions.append(traced(self, *arguments))
        return functions[-1]

    monkeypatch.setattr(CompiledForShapes, "traced", collecting)
    net = make_net(recurrent, remat_steps)
    data = {net.stimulus: INPUTS, net.probe: TARGETS}
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        sim.train(data, keras.optimizers.SGD(0.1))
    graph = functions[0].graph.as_graph_def()
    ops = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    return sum(node.op == "TensorListPushBack" for node in ops)


def test_a_loop_keeps_less(monkeypatch):
    """Of a block what goes into it, of a step everything that is needed again."""
    kept = [n_values_kept(remat_steps, monkeypatch) for remat_steps in (None, 4)]
    assert 0 < kept[1] < kept[0]


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "5"])
def test_bad_values(value):
    with (
        nengo.Network(),
        pytest.raises(ValidationError, match="remat_steps.*positive"),
    ):
        configure_settings(remat_steps=value)
