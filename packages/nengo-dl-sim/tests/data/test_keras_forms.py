"""Forms of data, losses and targets that only a network of probes has."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_sim import Simulator, configure_settings

N_ITEMS, N_STEPS, SIZE = 4, 3, 2
RNG = np.random.RandomState(0)
A, B, T, U = (RNG.uniform(-1, 1, (N_ITEMS, N_STEPS, 1)) for _ in range(4))
WEIGHTS = RNG.uniform(0, 1, N_ITEMS)


@pytest.fixture(scope="module")
def shared():
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.a, net.b = nengo.Node([1.0], label="a"), nengo.Node([0.5], label="b")
        both = nengo.Node(size_in=1)
        for node in (net.a, net.b):
            nengo.Connection(node, both, transform=np.ones((1, 1)), synapse=None)
        net.p, net.q = nengo.Probe(both, label="p"), nengo.Probe(both, label="q")
        nengo.Probe(both, label="r")
    options = {"progress_bar": False, "jit_compile": False, "seed": 0}
    with Simulator(net, minibatch_size=SIZE, **options) as sim:
        yield sim, net


def mse(target, *inputs):
    return np.mean((sum(inputs) - target) ** 2)


def batches(*columns):
    for start in range(0, N_ITEMS, SIZE):
        yield tuple(column[start : start + SIZE] for column in columns)


TWO, ONE = {"p": T, "q": U}, {"p": T}
SOME = {
    "a loss for all, two targets": ("mse", None, TWO),
    "a loss for all, one target": ("mse", None, ONE),
    "None in a list": ("mse", None, [T, None, None]),
    "a short list of targets": ("mse", None, [T, U]),
    "one array": ("mse", None, T),
    "a short list of losses": (["mse"], None, [T, U]),
    "a list with None": (["mse", None], None, [T, U]),
    "None for a target": (["mse", None], None, [T, None]),
    "metrics for all": ("mse", "mae", ONE),
    "metrics for all, some losses": ({"p": "mse"}, "mae", TWO),
    "a short list of metrics": ({"p": "mse"}, ["mae"], ONE),
    "objects": (keras.losses.MeanSquaredError(), keras.metrics.mean_squared_error, TWO),
}


@pytest.mark.filterwarnings("ignore:y is one array")
@pytest.mark.parametrize("name", SOME)
def test_probes_without_targets_are_skipped(name, sim, net):
    loss, metrics, y = SOME[name]
    sim.compile(keras.optimizers.SGD(0.0), loss=loss, metrics=metrics)
    x = {"a": A, "b": B}
    given = y if isinstance(y, dict) else dict(zip("pq", [*y, None], strict=False))
    given = {"p": T} if y is T else {k: v for k, v in given.items() if v is not None}
    with_loss = [
        probe
        for number, probe in enumerate("pq")
        if probe in given
        and (
            (isinstance(loss, dict) and probe in loss)
            or (
                isinstance(loss, list) and loss[number : number + 1] not in ([], [None])
            )
            or not isinstance(loss, (dict, list))
        )
    ]
    expected = {f"{probe}_loss": mse(given[probe], A, B) for probe in with_loss}
    expected["loss"] = sum(expected.values())
    found = sim.evaluate(x, y)
    losses = {name: value for name, value in found.items() if name.endswith("loss")}
    assert losses == pytest.approx(expected)
    measured = [name for name in found if name not in losses]
    assert len(measured) == (0 if metrics is None else len(given))
    history = sim.fit(x, y, shuffle=False, validation_data=(x, y)).history
    for name, value in found.items():
        assert history[name] == history[f"val_{name}"] == pytest.approx([value])
    weighted = sim.evaluate(x, y, sample_weight=WEIGHTS)
    values = np.mean((A + B - T)[..., 0] ** 2, axis=1)
    assert weighted["p_loss"] == pytest.approx(np.mean(values * WEIGHTS))
    columns = [(k, v) for k, v in given.items()]
    stream = [
        ({"a": a, "b": b}, dict(zip(given, targets, strict=True)))
        for a, b, *targets in batches(A, B, *(v for _, v in columns))
    ]
    assert sim.evaluate(iter(stream)) == pytest.approx(found)


def test_a_loss_for_all_needs_a_target(sim):
    sim.compile("sgd", loss="mse", metrics="mae")
    for use in (
        lambda: sim.evaluate([A, B]),
        lambda: sim.fit([A, B], [None, None]),
        lambda: sim.fit(iter([([A[:SIZE], B[:SIZE]],)])),
    ):
        with pytest.raises(ValidationError, match='targets for <Probe "p".*got none'):
            use()


@pytest.mark.parametrize("given", [{"p": T}, [T, U], (T,)])
def test_a_target_of_a_loss_without_one(given, sim):
    sim.compile("sgd", loss=lambda outputs: tf.reduce_mean(outputs**2, axis=-1))
    found = sim.evaluate([A, B], given)
    assert found["p_loss"] == pytest.approx(mse(0, A, B))
    assert found == pytest.approx(sim.evaluate([A, B]))


def test_lists_shorter_than_the_nodes(sim, net):
    for x, inputs in (
        ([A], (A, 0.5)),
        ((A,), (A, 0.5)),
        ([A, None], (A, 0.5)),
        ([None, B], (1, B)),
        ({"a": A, net.b: None}, (A, 0.5)),
    ):
        expected = np.broadcast_to(sum(inputs), A.shape)
        np.testing.assert_allclose(sim.predict(x)[net.p], expected)
        pairs = x.items() if isinstance(x, dict) else enumerate(x)
        first = {key: v if v is None else v[:SIZE] for key, v in pairs}
        data = first if isinstance(x, dict) else list(first.values())
        sim.run_steps(N_STEPS, data=data)
        np.testing.assert_allclose(sim.data[net.p][:, -N_STEPS:], expected[:SIZE])


COUNTS = {
    "int": N_STEPS,
    "float": float(N_STEPS),
    "NumPy": np.int64(N_STEPS),
    "one for each item": np.full((N_ITEMS, 1), N_STEPS),
    "floats": np.full(N_ITEMS, float(N_STEPS)),
    "tensor": tf.fill((N_ITEMS, 1), N_STEPS),
    "list": [[N_STEPS]] * N_ITEMS,
}


@pytest.mark.parametrize("name", COUNTS)
def test_n_steps_in_the_data(name, sim, net):
    count = COUNTS[name]
    first = count if np.ndim(count) == 0 else count[:SIZE]
    sim.compile(keras.optimizers.SGD(0.0), loss={"p": "mse"})
    expected = mse(T, A, 0.5)
    for x in ({"a": A, "n_steps": count}, [A, count], ({"a": A}, count)):
        assert sim.evaluate(x, {"p": T})["loss"] == pytest.approx(expected)
        assert sim.predict(x)[net.p].shape == A.shape
        assert len(sim.fit(x, {"p": T}).history["loss"]) == 1
    assert sim.predict({"n_steps": count})[net.p].shape == (SIZE, N_STEPS, 1)
    for form in (
        lambda a: (a, first),
        lambda a: {"a": a, "n_steps": first},
        lambda a: ({"a": a}, first),
    ):
        elements = [(form(a), {"p": t}) for a, t in batches(A, T)]
        assert sim.evaluate(iter(elements))["loss"] == pytest.approx(expected)
        assert sim.loss(iter(elements)) == pytest.approx(expected)
        assert sim.predict(iter(elements))[net.p].shape == A.shape
    data = {"a": A, "p": T, "n_steps": count}
    assert sim.loss(data) == pytest.approx(expected)
    sim.train(data, keras.optimizers.SGD(0.0))
    sim.run_steps(N_STEPS, data={"a": A[:SIZE], "n_steps": first})
    assert sim.n_steps == N_STEPS


@pytest.mark.parametrize("count", [2, 0, 1.5, np.nan, [[3], [2]], "a"])
def test_wrong_n_steps_in_the_data(count, sim):
    for use in (
        lambda: sim.predict({"a": A, "n_steps": count}),
        lambda: sim.loss({"a": A, "p": T, "n_steps": count}),
        lambda: sim.predict(iter([{"a": A[:SIZE], "n_steps": count}])),
        lambda: sim.run_steps(N_STEPS, {"a": A[:SIZE], "n_steps": count}),
    ):
        with pytest.raises(ValidationError, match="steps"):
            use()
    assert sim.n_steps == 0


def test_targets_where_nothing_is_compared(sim, net):
    """As in Keras, and in NengoDL 2."""
    expected = sim.predict({"a": A})[net.p]
    for x in ({net.a: A, net.p: T}, {"a": A, "q": "not looked at"}):
        np.testing.assert_array_equal(sim.predict(x)[net.p], expected)
    for element in (lambda a, t: (a, t), lambda a, t: (a, t, t), lambda a, t: [a, t]):
        stream = iter([element({"a": a}, t) for a, t in batches(A, T)])
        np.testing.assert_array_equal(sim.predict(stream)[net.p], expected)
    data = {net.a: A[:SIZE], net.p: T[:SIZE], "q": T}
    sim.run_steps(N_STEPS, data=data)
    np.testing.assert_array_equal(sim.data[net.p], expected[:SIZE])
    with nengo.Network():
        other = nengo.Probe(nengo.Node(0))
    for use in (
        lambda: sim.run_steps(N_STEPS, data={net.a: A[:SIZE], other: T}),
        lambda: sim.predict({net.a: A, other: T}),
    ):
        with pytest.raises(ValidationError, match="not in the network"):
            use()


def test_what_keras_takes_for_granted(sim):
    sim.compile("sgd", {"p": "mse"}, run_eagerly=False, steps_per_execution=1)
    assert "loss" in sim.evaluate(A, {"p": T}, return_dict=True)


# What the warnings of one array say is tested elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore:. is one array", "ignore:data is one")


# -- state


def test_state_of_items_that_are_not_there():
    """A run that goes on from a last minibatch that was not full."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        a = nengo.Node([0.0])
        ens = nengo.Ensemble(10, 1, neuron_type=nengo.LIF())
        nengo.Connection(a, ens)
        p = nengo.Probe(ens, synapse=0.1)
    x = RNG.uniform(-1, 1, (5, 30, 1))
    found = []
    for truncation in (None, 10):
        with Simulator(net, minibatch_size=3, progress_bar=False, seed=0) as sim:
            options = {"combine": list, "isolate_state": False}
            first, second = sim.run_batch(
                {a: x},
                {p: None},
                truncation=30 if truncation is None else 10,
                **options,
            )[p][:: 1 if truncation is None else 3]
            assert [len(first), len(second)] == [3, 2]
            sim.run_steps(1, data={a: x[:3, :1]})
            found.append(sim.data[p][:, -1])
    np.testing.assert_allclose(*found, rtol=1e-12)
    with Simulator(net, minibatch_size=3, progress_bar=False, seed=0) as sim:
        sim.run_steps(30, data={a: x[:3]})
        sim.run_steps(30, data={a: x[[3, 4, 4]]})
        sim.run_steps(1, data={a: x[:3, :1]})
        after_two = sim.data[p][:, -1]
        sim.soft_reset()
        sim.run_steps(30, data={a: x[:3]})
        sim.run_steps(1, data={a: x[:3, :1]})
        after_one = sim.data[p][:, -1]
    np.testing.assert_allclose(found[0][:2], after_two[:2], rtol=1e-9)
    np.testing.assert_allclose(found[0][2], after_one[2], rtol=1e-9)


def test_run_batch_joins_all_items(sim, net):
    data = {net.a: A[:3], net.b: B[:3]}
    found = sim.run_batch(data, {net.p: None}, combine=np.concatenate)[net.p]
    np.testing.assert_allclose(found, (A + B)[:3])
    sums = sim.run_batch(data, {net.p: tf.reduce_sum})[net.p]
    np.testing.assert_allclose(sums, [np.sum((A + B)[:2]), np.sum((A + B)[2])])
    for outputs in ({net.p: None}, {net.p: lambda y: y**2}):
        with pytest.raises(ValidationError, match="combine.*numpy.concatenate, got"):
            sim.run_batch(data, outputs)
    one = {net.a: A[:3], net.p: T[:3]}
    assert sim.loss(one) == pytest.approx(mse(T[:3], A[:3], 0.5))
    assert sim.loss(one, combine=np.max) >= sim.loss(one)
