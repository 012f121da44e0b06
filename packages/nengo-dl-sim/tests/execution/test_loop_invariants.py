"""What is the same in every step is computed once, and nothing comes out otherwise."""

import keras
import nengo
import numpy as np
import pytest
from helpers import program_of, runner_of, simulator

from nengo_dl_ops import Builder, ConvIncBuilder, DotIncBuilder, TensorNode
from nengo_dl_ops.step.loop_invariants import split_loop_invariants
from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.inputs.held_nodes import held_nodes

N_STEPS, N_ITEMS, SIZE = 12, 4, 18


def image(neuron_type=None):
    """A layer whose input may be held, and one that remembers."""
    neuron_type = nengo.LIF() if neuron_type is None else neuron_type
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.image, net.moving = nengo.Node(np.zeros(SIZE)), nengo.Node([0.0])
        a = nengo.Ensemble(8, 1, neuron_type=neuron_type).neurons
        b = nengo.Ensemble(5, 1, neuron_type=neuron_type).neurons
        rng = np.random.RandomState(1)
        net.first = nengo.Connection(
            net.image, a, transform=rng.uniform(-1, 3, (8, SIZE)), synapse=None
        )
        nengo.Connection(net.moving, a[:2], transform=[[1], [2]], synapse=None)
        weights = rng.uniform(-1, 1, (5, 8)) / 100
        nengo.Connection(a, b, transform=weights, synapse=None)
        nengo.Connection(b, a[3:5], transform=weights[:2, :5], synapse=0.002)
        net.p = nengo.Probe(b, synapse=0.003)
        net.weighted = nengo.Probe(a, "input")
    return net


def data_of(net, held=True):
    rng = np.random.RandomState(0)
    shown = rng.uniform(-1, 1, (N_ITEMS, 1 if held else N_STEPS, SIZE))
    return {
        net.image: np.broadcast_to(shown, (N_ITEMS, N_STEPS, SIZE)),
        net.moving: rng.uniform(-1, 1, (N_ITEMS, N_STEPS, 1)),
    }


@pytest.fixture
def never_held(monkeypatch):
    """Let every node that is given values change in each step."""
    for module in ("execution.runner", "data.array_data"):
        monkeypatch.setattr(f"nengo_dl_sim.{module}.held_nodes", lambda _: frozenset())


def results(how, mode, net):
    """What comes out of a simulator that is used in some way."""
    python = mode == "hybrid"
    if python:
        with net:
            node = nengo.Node(lambda t, x: 2 * x, size_in=1)
            nengo.Connection(net.image[0], node, synapse=None)
            net.p = nengo.Probe(node)
    data = data_of(net)
    options = {"minibatch_size": N_ITEMS, "jit_compile": mode != "graph"}
    with Simulator(net, progress_bar=False, **options) as sim:
        if how == "run":
            sim.run_steps(N_STEPS, data=data)
            return [sim.data[p] for p in net.all_probes]
        if how == "predict":
            return list(sim.predict(data).values())
        target = {net.p: np.ones((N_ITEMS, N_STEPS, net.p.size_in))}
        sim.train({**data, **target}, keras.optimizers.SGD(1e-3), n_epochs=2)
        return [sim.data[net.first].weights, sim.loss({**data, **target})]


WAYS = [
    (how, mode) for how in ("run", "predict") for mode in ("xla", "graph", "hybrid")
]
WAYS += [("train", "xla"), ("train", "graph")]  # there is no gradient through Python


@pytest.mark.parametrize(("how", "mode"), WAYS)
def test_held_inputs_change_nothing(how, mode, request):
    found = results(how, mode, image())
    request.getfixturevalue("never_held")
    for one, other in zip(found, results(how, mode, image()), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
        assert np.any(other)


def test_the_answer_is_that_of_nengo():
    net = image()
    data = data_of(net)
    with simulator(net, minibatch_size=N_ITEMS) as sim:
        sim.run_steps(N_STEPS, data=data)
        for item in range(N_ITEMS):
            net.image.output = data[net.image][item, 0]
            moving = data[net.moving][item]
            net.moving.output = lambda t, x=moving: x[round(t / 0.001) - 1]
            with nengo.Simulator(net, progress_bar=False) as expected:
                expected.run_steps(N_STEPS)
            for p in net.all_probes:
                np.testing.assert_allclose(
                    sim.data[p][item], expected.data[p], atol=1e-10
                )


def test_what_changes_in_one_item_is_not_held():
    net = image()
    data = data_of(net)
    data[net.image] = data[net.image].copy()
    data[net.image][2, 5, 3] += 1e-9
    assert held_nodes(data) == set()
    data[net.image][2, :, 3] = np.nan
    assert held_nodes(data) == {net.image}
    data[net.image][2, 5, 3] = 0.0
    assert held_nodes(data) == set()
    few = data_of(net)[net.image]
    assert held_nodes({net.image: few[:, :3]}) == set()
    assert held_nodes({net.image: few[..., :3]}) == set()


@pytest.mark.parametrize("dtype", [bool, "i1", "f2", "f4", "i8", np.longdouble])
def test_values_of_any_type_are_compared(dtype):
    values = np.ones((2, N_STEPS, SIZE), dtype)
    assert held_nodes({"node": values}) == {"node"}
    values[1, -1, -1] = 0
    assert held_nodes({"node": values}) == set()


def invariant_kinds(net, held=True, **kwargs):
    """The types of the builders of what is computed once in a run."""
    with simulator(net, minibatch_size=N_ITEMS, **kwargs) as sim:
        feed = runner_of(sim).feed(data_of(net, held))
        found = split_loop_invariants(program_of(sim), feed.split, training=False)
        assert len(found.groups) + len(found.rest.groups) == len(program_of(sim).groups)
        return [type(group) for group in found.groups]


def test_products_with_held_inputs_are_computed_once():
    assert invariant_kinds(image()).count(DotIncBuilder) == 1
    assert invariant_kinds(image(), held=False).count(DotIncBuilder) == 0


def test_convolutions_of_held_images_are_computed_once():
    net = image()
    with net:
        conv = nengo.Convolution(2, (6, 3, 1), kernel_size=(2, 2))
        out = nengo.Node(size_in=conv.output_shape.size)
        nengo.Connection(net.image, out, transform=conv, synapse=None)
        nengo.Probe(out)
    assert ConvIncBuilder in invariant_kinds(net)


def test_what_remembers_or_changes_stays_in_the_loop():
    """Neurons, filters, clocks, functions, and weights that are learned."""
    with nengo.Network(seed=0) as net:
        net.image, net.moving = nengo.Node(np.zeros(SIZE)), nengo.Node([0.0])
        ens = nengo.Ensemble(5, SIZE)
        nengo.Connection(net.image, ens, synapse=None)
        out = nengo.Node(size_in=SIZE)
        conn = nengo.Connection(ens, out, learning_rule_type=nengo.PES())
        nengo.Connection(net.image, conn.learning_rule, synapse=0.001)
        random = TensorNode(lambda t, x: x + t, size_in=SIZE, size_out=SIZE)
        nengo.Connection(net.image, random, synapse=None)
        nengo.Probe(out), nengo.Probe(random)
    with simulator(net, minibatch_size=N_ITEMS) as sim:
        split = runner_of(sim).feed(data_of(net)).split
        found = split_loop_invariants(program_of(sim), split, training=False)
        states = {sig for array in program_of(sim).states for sig in array.bases}
    assert found.groups
    for group in found.groups:
        assert group.memoryless(False) is not None
        assert not states & {sig.base for op in group.ops for sig in op.all_signals}


@pytest.mark.parametrize("remat_steps", [None, 5])
def test_gradients_are_summed_over_all_steps(remat_steps, request):
    """Of a product that is computed once for many steps."""

    def trained():
        net = image(nengo.RectifiedLinear())
        with net:
            configure_settings(remat_steps=remat_steps)
        return results("train", "graph", net)

    found = trained()
    request.getfixturevalue("never_held")
    expected = trained()
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-10)


def test_a_fault_in_what_is_computed_once_is_found(monkeypatch):
    """The battery of this file can fail."""
    build = Builder.find(nengo.builder.operator.DotInc).build_step

    def doubled(self, signals):
        build(self, signals)
        build(self, signals)

    good = results("run", "graph", image())
    monkeypatch.setattr(DotIncBuilder, "build_step", doubled)
    bad = results("run", "graph", image())
    assert not np.allclose(good[0], bad[0])
