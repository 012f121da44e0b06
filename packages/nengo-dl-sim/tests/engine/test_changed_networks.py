"""A network that changes after the build: what was built goes on, nothing else."""

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator
from nengo.exceptions import ReadonlyError, ValidationError

from nengo_dl_ops import TensorNode
from nengo_dl_sim import configure_settings

X, Y = np.full((2, 3, 1), 0.5), np.zeros((2, 3, 1))


def network():
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        net.stimulus = nengo.Node([0.5])
        net.ens = nengo.Ensemble(5, 1)
        net.conn = nengo.Connection(net.stimulus, net.ens)
        with nengo.Network(seed=1) as net.inner:
            net.watch = nengo.Node(lambda t, x: x, size_in=1)
        net.watched = nengo.Connection(net.ens, net.watch)
        net.config[net.watched].trainable = False  # a function has no gradient
        net.p = nengo.Probe(net.ens, label="p")
        net.q = nengo.Probe(net.watch, label="q")
    return net


def add(make):
    def change(net):
        with net:
            net.late = make(net)

    return change


def add_inside(net):
    with net.inner:
        net.late = nengo.Ensemble(3, 1)


def add_network(net):
    with net, nengo.Network():
        net.late = nengo.Ensemble(3, 1)


def replace_connection(net):
    net.connections.remove(net.conn)
    with net:
        net.late = nengo.Connection(net.stimulus, net.ens, transform=2)


def remove_all(net):
    for objs in net.objects.values():
        objs.clear()


# The first of each pair changes a network, the second says if it must be built anew
# before it can be trained or frozen.
CHANGES = {
    "node added": (add(lambda net: nengo.Node([1.0])), False),
    "probe added": (add(lambda net: nengo.Probe(net.stimulus)), False),
    "probe removed": (lambda net: net.probes.remove(net.q), False),
    "node removed": (lambda net: net.nodes.remove(net.stimulus), False),
    "connection removed": (lambda net: net.connections.remove(net.watched), False),
    "network removed": (lambda net: net.networks.remove(net.inner), False),
    "all removed": (remove_all, False),
    "output": (lambda net: setattr(net.stimulus, "output", [9.0]), False),
    "function": (lambda net: setattr(net.watch, "output", lambda t, x: x + 9), False),
    "synapse": (lambda net: setattr(net.conn, "synapse", None), False),
    "seed": (lambda net: setattr(net.ens, "seed", 9), False),
    "ensemble added": (add(lambda net: nengo.Ensemble(3, 1)), True),
    "ensemble added inside": (add_inside, True),
    "network added": (add_network, True),
    "connection added": (add(lambda net: nengo.Connection(net.ens, net.watch)), True),
    "connection replaced": (replace_connection, True),
    "layer added": (add(lambda net: TensorNode(lambda t: t, shape_out=(1,))), True),
}


def ran(sim, net):
    """Run in every way; return the numbers."""
    sim.run_steps(2)
    sim.step()
    sim.run(0.003, data={net.stimulus: X})
    values = [sim.data[net.p], sim.data[net.q], sim.data[net.conn].weights]
    sim.soft_reset(include_probes=True)
    sim.step()
    return [*values, sim.data[net.p]]


def measured(sim, net):
    """Measure in every way that trains nothing; return the numbers."""
    sim.compile(keras.optimizers.SGD(0.1), loss={net.p: "mse"})
    return [
        *sim.predict(X, verbose=0).values(),
        sim.loss({net.stimulus: X, net.p: Y}),
        sim.evaluate(X, {net.p: Y}, verbose=0)["loss"],
        *sim.run_batch({net.stimulus: X}, {net.p: None}).values(),
    ]


def train(sim, net):
    sim.train({net.stimulus: X, net.p: Y}, keras.optimizers.SGD(0.1))


def fit(sim, net):
    sim.compile(keras.optimizers.SGD(0.1), loss={net.p: "mse"})
    sim.fit(X, {net.p: Y}, verbose=0)


def freeze(sim, net):
    sim.freeze_params(net)


@pytest.fixture(scope="module")
def unchanged():
    """Give what a simulator of a network that stays as it is puts out."""
    net = network()
    with simulator(net, minibatch_size=2) as sim:
        yield {use: use(sim, net) for use in (ran, measured)}


@pytest.mark.parametrize("change, is_new", CHANGES.values(), ids=list(CHANGES))
def test_what_was_built_goes_on(change, is_new, unchanged):
    net = network()
    with simulator(net, minibatch_size=2) as sim:
        change(net)
        for use in (ran, measured) if change is remove_all else (ran,):
            for value, expected in zip(use(sim, net), unchanged[use], strict=True):
                np.testing.assert_array_equal(value, expected)
        encoders = sim.data[net.ens].scaled_encoders
        for use in (train, fit, freeze):
            if is_new:
                with pytest.raises(ValidationError, match="were built, got <") as info:
                    use(sim, net)
                assert repr(net.late) in str(info.value)
            elif change is remove_all or use is not fit:
                use(sim, net)
        trained = (sim.data[net.ens].scaled_encoders != encoders).any()
        frozen = net.ens.gain is not nengo.Ensemble.gain.default
        is_there = net.ens in net.all_ensembles
        assert (trained, frozen) == (not is_new, not is_new and is_there)


def test_younger_objects_take_no_data_and_no_loss():
    net = network()
    with simulator(net, minibatch_size=2) as sim:
        with net:
            node, probe = nengo.Node([0.0]), nengo.Probe(net.ens)
        for use in (
            lambda: sim.run_steps(3, data={node: X}),
            lambda: sim.predict({node: X}),
            lambda: sim.train({node: X, net.p: Y}, keras.optimizers.SGD(0.1)),
            lambda: sim.train({net.stimulus: X, probe: Y}, keras.optimizers.SGD(0.1)),
            lambda: sim.compile(loss={probe: "mse"}),
            lambda: sim.run_batch({net.stimulus: X}, {probe: None}),
            lambda: sim.data[probe],
        ):
            with pytest.raises(ValidationError, match=r"\bgot <(Node|Probe)"):
                use()


@pytest.mark.parametrize("minibatch_size", [None, 2])
def test_raw_data_are_lists_as_in_nengo(minibatch_size):
    net = network()
    with (
        nengo.Simulator(net, progress_bar=False) as core,
        simulator(net, minibatch_size=minibatch_size) as sim,
    ):
        kept = sim.data.raw[net.p]
        assert len(kept) == 0
        for _ in range(2):
            core.run_steps(3)
            sim.run_steps(3)
            values, expected = kept[:], core.data.raw[net.p][:]
            assert isinstance(values, list)
            assert len(values) == len(kept) == len(expected)
            for value, right in zip(values, expected, strict=True):
                batch = (minibatch_size,) if minibatch_size else ()
                assert value.shape == (*batch, 1)
                np.testing.assert_allclose(value.ravel()[:1], right, atol=1e-5)
            del core.data.raw[net.p][:]
            del kept[:]
            assert len(kept) == len(core.data.raw[net.p]) == 0
            assert sim.data[net.p].size == core.data[net.p].size == 0
        core.run_steps(3)
        sim.run_steps(3)
        del core.data.raw[net.p][1]
        del kept[1]
        np.testing.assert_allclose(np.ravel(kept[0])[0], core.data[net.p][0, 0])
        np.testing.assert_allclose(kept[-1].ravel()[0], core.data[net.p][-1, 0])
        for outside in (2, -3):
            with pytest.raises(IndexError):
                del kept[outside]
        with pytest.raises(ReadonlyError, match="not set"):
            kept.append(kept[0])
        raw, conn = sim.data.raw[net.conn], sim.data[net.conn]
        assert type(raw) is type(conn) and raw.transform is conn.transform
        assert set(sim.data.raw) == set(sim.data)
