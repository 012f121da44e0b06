"""Runs over all of the data, and the minibatches that they are made of."""

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator, total
from leaky_memory import N_ITEMS, N_STEPS, filtered, remembering
from nengo.exceptions import SimulationError, SimulatorClosed, ValidationError

from nengo_dl_sim import configure_settings
from nengo_dl_sim.utils import minibatch_generator


@pytest.fixture
def net():
    return remembering()


@pytest.mark.row("S024")
def test_outputs_and_combine(net):
    data = {net.a: net.x, net.p: net.t}
    with simulator(net, minibatch_size=2) as sim:
        found = sim.run_batch(
            data,
            {
                net.q: None,
                net.p: lambda y, t: (tf.reduce_sum(y * t), y[:, -1]),
                (net.p, net.q): lambda y: tf.concat(y, axis=-1),
            },
        )
        assert list(found) == [net.q, net.p, (net.p, net.q)]
        y, memory = 2 * net.x, filtered(net.x)
        shape = (3, 2, N_STEPS, 1)
        np.testing.assert_allclose(found[net.q], memory.reshape(shape), atol=1e-12)
        sums, last = found[net.p]
        np.testing.assert_allclose(
            sums, np.sum((y * net.t).reshape(shape), axis=(1, 2, 3))
        )
        np.testing.assert_allclose(last, y[:, -1].reshape(3, 2, 1))
        np.testing.assert_allclose(
            found[net.p, net.q],
            np.concatenate([y, memory], axis=-1).reshape(*shape[:3], 2),
            atol=1e-12,
        )
        joined = sim.run_batch({net.a: net.x}, {net.q: None}, combine=np.concatenate)
        np.testing.assert_allclose(joined[net.q], memory, atol=1e-12)
        largest = sim.run_batch({net.a: net.x}, {net.p: total}, combine=max)
        wanted = np.max(np.sum(y.reshape(shape), axis=(1, 2, 3)))
        assert largest[net.p] == pytest.approx(wanted)
        with pytest.raises(ValidationError, match="Probe .p..*not a valid target"):
            sim.run_batch(data, {net.q: None})
        with pytest.raises(ValidationError, match="outputs.*at least one"):
            sim.run_batch({net.a: net.x}, {})
        for wrong in ({"n_epochs": 0}, {"combine": 3}, {"callback": 3}):
            ((name, value),) = wrong.items()
            with pytest.raises(ValidationError, match=f"{name}.*got {value}"):
                sim.run_batch({net.a: net.x}, {net.p: None}, **wrong)
        with pytest.raises(ValidationError, match="combine.*got 'mean'"):
            sim.loss(data, combine="mean")
    with pytest.raises(SimulatorClosed, match="run_batch"):
        sim.run_batch({net.a: net.x}, {net.p: None})


@pytest.mark.row("S024")
def test_blocks_epochs_order_and_callback(net):
    seen = []

    def callback(values, extra):
        assert extra is None
        seen.append(values[net.q])

    options = {"combine": list, "callback": callback, "n_epochs": 2}
    with simulator(net, minibatch_size=3, seed=1) as sim:
        with pytest.warns(UserWarning, match="multiple of truncation"):
            found = sim.run_batch(
                {net.a: net.x}, {net.q: None}, truncation=3, **options
            )[net.q]
        assert [block.shape[1] for block in found] == [3, 1] * 4
        for block, other in zip(found, seen, strict=True):
            np.testing.assert_array_equal(block, other)
        joined = [np.concatenate(found[i : i + 2], axis=1) for i in (0, 2, 4, 6)]
        expected = np.concatenate([filtered(net.x)] * 2)
        np.testing.assert_allclose(np.concatenate(joined), expected, atol=1e-12)

        del seen[:]
        found = sim.run_batch({net.a: net.x}, {net.q: None}, shuffle=True, **options)
        for epoch in (seen[:2], seen[2:]):
            values = np.concatenate(epoch)[:, -1, 0]
            assert np.any(values != expected[:6, -1, 0])
            np.testing.assert_allclose(
                np.sort(values), np.sort(expected[:6, -1, 0]), atol=1e-12
            )


@pytest.mark.parametrize("truncation", [None, 2])
@pytest.mark.row("S024")
def test_run_batch_starts_where_it_is_told(net, truncation):
    options = {"combine": np.concatenate, "truncation": truncation}
    if truncation is not None:
        options["combine"] = lambda blocks: np.concatenate(
            [np.concatenate(blocks[i : i + 2], axis=1) for i in (0, 2)]
        )
    with nengo.Network(seed=0) as other:
        configure_settings(dtype="float64")
        node = nengo.Node(lambda t: t)
        p = nengo.Probe(node)
    with simulator(net, minibatch_size=3) as sim:
        sim.run_steps(2, data={net.a: np.ones((3, 2, 1))})
        before = filtered(np.ones((3, 3, 1)))[:, -1]
        found = sim.run_batch({net.a: net.x}, {net.q: None}, **options)[net.q]
        np.testing.assert_allclose(found, filtered(net.x), atol=1e-12)
        assert sim.n_steps == 2

        options["isolate_state"] = False
        found = sim.run_batch({net.a: net.x}, {net.q: None}, **options)[net.q]
        # The second minibatch goes on from the first.
        both = filtered(np.concatenate([net.x[:3], net.x[3:]], axis=1), before)
        expected = np.concatenate([both[:, :N_STEPS], both[:, N_STEPS:]])
        np.testing.assert_allclose(found, expected, atol=1e-12)
        assert sim.n_steps == 2 + 2 * N_STEPS
        sim.run_steps(1, data={net.a: np.ones((3, 1, 1))})
        decay = np.exp(-0.5)
        after = decay * both[:, -1] + (1 - decay) * 2 * net.x[3:, -1]
        np.testing.assert_allclose(sim.data[net.q][:, -1], after, atol=1e-12)
        assert sim.data[net.q].shape[1] == 3  # probes recorded the other runs only
    with simulator(other) as sim:
        sim.run_steps(3)
        for isolate, times in ((True, [1, 2]), (False, [4, 5]), (False, [6, 7])):
            found = sim.run_batch(2, {p: None}, isolate_state=isolate)[p]
            np.testing.assert_allclose(found[0, 0, :, 0], 0.001 * np.array(times))


@pytest.mark.row("S024")
def test_a_minibatch_that_fails_did_not_take_place():
    class Noise(nengo.Process):
        def make_step(self, shape_in, shape_out, dt, rng, state):
            return lambda t: rng.uniform(size=shape_out)

    def function(t, x):
        if t > limit:
            raise KeyError("over")
        return x

    limit = 1.0
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        a, b = nengo.Node([1.0]), nengo.Node(function, size_in=1)
        nengo.Connection(a, b, synapse=None)
        noise = nengo.Node(Noise(), size_out=1)
        p, q = nengo.Probe(noise), nengo.Probe(b)
    data = {a: np.ones((2, 4, 1))}
    options = {"isolate_state": False, "combine": list, "truncation": 2}
    found = {}
    for fails in (False, True):
        with simulator(net, seed=0) as sim:
            sim.run_steps(2)
            if fails:  # in the second block of the second minibatch
                limit = 0.0085
                with pytest.raises(SimulationError, match="KeyError.*over"):
                    sim.run_batch(data, {p: None, q: None}, **options)
                limit = 1.0
                assert sim.n_steps == 2 + 4
                part = {a: data[a][1:]}
                found[fails] = sim.run_batch(part, {p: None}, **options)[p]
            else:
                found[fails] = sim.run_batch(data, {p: None, q: None}, **options)[p][2:]
    np.testing.assert_array_equal(found[True], found[False])


@pytest.mark.row("S029")
def test_batches_of_a_generator(net):
    data = {"x": net.x, "t": net.t}
    found = list(minibatch_generator(data, 2, shuffle=False))
    assert [offset for offset, _ in found] == [0, 0, 0]
    for key, array in data.items():
        joined = np.concatenate([part[key] for _, part in found])
        np.testing.assert_array_equal(joined, array)

    rng = np.random.RandomState(0)
    found = [part for _, part in minibatch_generator(data, 2, rng=rng)]
    x, t = (np.concatenate([part[key] for part in found]) for key in data)
    assert not np.array_equal(x, net.x)
    order = [int(np.flatnonzero((net.x == item).all(axis=(1, 2)))[0]) for item in x]
    assert sorted(order) == list(range(N_ITEMS))
    np.testing.assert_array_equal(t, net.t[order])


@pytest.mark.row("S029")
def test_blocks_and_remainders(net):
    with pytest.warns(UserWarning, match="multiple of truncation"):
        found = list(minibatch_generator({"x": net.x}, 3, shuffle=False, truncation=3))
    assert [offset for offset, _ in found] == [0, 3, 0, 3]
    for (offset, part), items in zip(found, [0, 0, 3, 3], strict=True):
        wanted = net.x[items : items + 3, offset : offset + 3]
        np.testing.assert_array_equal(part["x"], wanted)
    with pytest.warns(UserWarning, match="6.*multiple of minibatch_size.*2 of them"):
        assert len(list(minibatch_generator({"x": net.x}, 4))) == 1
    with pytest.warns(UserWarning, match="multiple of truncation"):
        assert list(minibatch_generator(5, 2, truncation=2)) == [(0, 2), (2, 2), (4, 1)]
    assert list(minibatch_generator(5, 2)) == [(0, 5)]
    for arguments, match in (
        (({"x": net.x, "t": net.t[:, 1:]}, 2), "same numbers of items and steps"),
        (({"x": net.x}, 7), "minibatch_size=7 items, got 6"),
        (({"x": net.x}, 0), "minibatch_size.*got 0"),
        (({"x": net.x}, 2, True, 0), "truncation.*got 0"),
        ((-1, 2), "data.*got -1"),
    ):
        with pytest.raises(ValidationError, match=match):
            minibatch_generator(*arguments)
