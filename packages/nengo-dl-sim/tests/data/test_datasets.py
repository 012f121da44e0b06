"""Data sets and generators: data that need not fit into memory."""

import gc
import subprocess
import sys
import threading
import time

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import sgd, trainer_of
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.data.prefetch import N_AHEAD, prefetched

SIZE, N_STEPS, N_BATCHES = 2, 3, 4
RNG = np.random.RandomState(0)
A = RNG.uniform(-1, 1, (N_BATCHES * SIZE, N_STEPS, 2))
T = RNG.uniform(-1, 1, (N_BATCHES * SIZE, N_STEPS, 1))


@pytest.fixture(scope="module")
def shared():
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.a, net.b = nengo.Node([1.0, 1.0], label="a"), nengo.Node([0.5], label="b")
        c = nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.a, c, transform=[[2.0, 3.0]], synapse=None)
        nengo.Connection(net.b, c, synapse=None)
        net.p = nengo.Probe(c, label="out")
    options = {"minibatch_size": SIZE, "progress_bar": False, "jit_compile": False}
    with Simulator(net, seed=0, **options) as sim:
        yield sim, net


def weights(sim, net):
    return np.ravel(sim.data[net.conn].weights)


def batches():
    return [(A[i : i + SIZE], T[i : i + SIZE]) for i in range(0, len(A), SIZE)]


class Again:
    """An iterable that can be gone through more than once."""

    def __init__(self, elements):
        self.elements = elements

    def __iter__(self):
        return iter(self.elements)


def generator(elements):
    yield from elements


def dataset(batch=SIZE):
    return tf.data.Dataset.from_tensor_slices({"a": A, "out": T}).batch(batch)


#: All of them give the same minibatches in the same order.
STREAMS = {
    "data set": lambda net: dataset(),
    "data set of pairs": lambda net: tf.data.Dataset.from_tensor_slices(
        ({"a": A}, {"out": T})
    ).batch(SIZE),
    "iterable": lambda net: Again([{net.a: x, net.p: t} for x, t in batches()]),
    "iterable of pairs": lambda net: Again([([x, x[:, :, :1] * 0 + 0.5], {"out": t})
                                            for x, t in batches()]),
    "generator": lambda net: generator({"a": x, net.p: t} for x, t in batches()),
    "iterator": lambda net: map(lambda xt: ({"a": xt[0]}, {net.p: xt[1]}), batches()),
}  # fmt: skip


# -- train, loss, run_batch


@pytest.mark.parametrize("name", STREAMS)
def test_the_same_as_in_memory(name, sim, net):
    data = {net.a: A, net.p: T}
    expected = sim.run_batch({net.a: A}, {net.p: None}, combine=np.concatenate)[net.p]
    found = sim.run_batch(STREAMS[name](net), {net.p: lambda y, t: (y, t)})
    outputs, targets = found[net.p]
    np.testing.assert_allclose(np.concatenate(outputs), expected)
    np.testing.assert_allclose(np.concatenate(targets), T)
    assert sim.loss(STREAMS[name](net)) == pytest.approx(sim.loss(data))

    truncation = 1 if name == "generator" else None
    sim.train(data, sgd(), shuffle=False, truncation=truncation)
    trained, step = weights(sim, net), int(sim.training_step)
    sim.reset()
    assert np.all(weights(sim, net) != trained)
    sim.train(STREAMS[name](net), sgd(), truncation=truncation)
    np.testing.assert_allclose(weights(sim, net), trained, rtol=1e-12)
    assert sim.training_step == step


def test_several_epochs(sim, net):
    data = {net.a: A, net.p: T}
    sim.train(data, sgd(), shuffle=False, n_epochs=3)
    expected = weights(sim, net)
    for name in ("data set", "iterable"):
        sim.reset()
        sim.train(STREAMS[name](net), sgd(), n_epochs=3)
        np.testing.assert_allclose(weights(sim, net), expected, rtol=1e-12)
    for name in ("generator", "iterator"):
        with pytest.raises(ValidationError, match="can be gone through 3 times.*once"):
            sim.train(STREAMS[name](net), sgd(), n_epochs=3)


def test_a_shuffled_data_set_has_an_order_of_its_own(sim, net):
    shuffled = dataset(1).unbatch().shuffle(8, seed=1).batch(SIZE)
    found = sim.run_batch(shuffled, {net.p: lambda y, t: t}, n_epochs=2)[net.p]
    first, second = found.reshape(2, -1)
    assert sorted(first) == sorted(second) == sorted(T.ravel())
    assert np.any(first != second)
    assert np.any(first != T.ravel())


def test_position_is_minibatches_consumed(sim, net):
    """What a restored run needs to know, wherever the data comes from."""
    found = {}
    for name in ("arrays", "data set", "iterable"):
        sim.reset()
        data = {net.a: A, net.p: T} if name == "arrays" else STREAMS[name](net)
        sim.train(data, sgd(), n_epochs=2)
        found[name] = trainer_of(sim).position
    assert found["arrays"].n_minibatches == 2 * N_BATCHES
    assert found["data set"] == found["iterable"] == found["arrays"]


def test_random_numbers_follow_from_the_position():
    """Not from where the data comes from."""
    with nengo.Network(seed=0) as net:
        a = nengo.Node([0.0], label="a")
        noise = nengo.Node(nengo.processes.WhiteNoise(), size_out=1)
        p = nengo.Probe(noise)
        nengo.Probe(a)
    x = np.zeros((6, 4, 1))
    with Simulator(net, minibatch_size=2, progress_bar=False, seed=0) as sim:
        expected = sim.run_batch({a: x}, {p: None})[p]
        stream = generator({"a": x[:2]} for _ in range(3))
        np.testing.assert_array_equal(sim.run_batch(stream, {p: None})[p], expected)
    assert len(np.unique(expected)) == expected.size


def test_missing_nodes_are_generated(sim, net):
    found = sim.run_batch(Again([{net.b: np.ones((2, 4, 1))}]), {net.p: None})[net.p]
    np.testing.assert_allclose(found, np.full((1, 2, 4, 1), 6.0))
    # Only targets, and nothing but a number.
    found = sim.run_batch(Again([{"out": T[:2]}]), {net.p: lambda y, t: y - t})[net.p]
    np.testing.assert_allclose(found, 5.5 - T[None, :2])
    found = sim.run_batch(Again([{"n_steps": [[5], [5]]}]), {net.p: None})[net.p]
    np.testing.assert_allclose(found, np.full((1, 2, 5, 1), 5.5))


def test_progress_bars_need_no_length(shared, capsys, terminal):
    sim, net = shared
    for data in (dataset(), generator({"a": x, "out": t} for x, t in batches())):
        sim.loss(data, progress_bar=True)
        assert "Calculating loss" in capsys.readouterr().err


# -- fit, evaluate, predict


@pytest.mark.parametrize("name", STREAMS)
def test_fit_and_the_others(name, sim, net):
    sim.compile(sgd(), loss="mse", metrics=["mae"])
    x, y = {net.a: A}, {net.p: T}
    np.testing.assert_allclose(
        sim.predict(Again([{"a": x} for x, _ in batches()]), verbose=0)[net.p],
        sim.predict(x, verbose=0)[net.p],
    )
    values = sim.evaluate(STREAMS[name](net), verbose=0)
    assert values == pytest.approx(sim.evaluate(x, y, verbose=0))
    validation = {net.a: A[:2]}, {net.p: T[:2]}
    expected = sim.fit(x, y, shuffle=False, validation_data=validation, verbose=0)
    trained = weights(sim, net)
    sim.reset()
    found = sim.fit(
        STREAMS[name](net), validation_data=first(STREAMS[name](net)), verbose=0
    )
    np.testing.assert_allclose(weights(sim, net), trained, rtol=1e-12)
    assert found.history.keys() == expected.history.keys()
    for key, value in expected.history.items():
        assert found.history[key] == pytest.approx(value)


def first(stream):
    """Take the first minibatch only."""
    is_dataset = isinstance(stream, tf.data.Dataset)
    return stream.take(1) if is_dataset else iter([next(iter(stream))])


def test_steps_per_epoch_go_on(sim, net):
    """Epochs of three of four minibatches: the second one begins with the last."""
    sim.compile(sgd(), loss="mse")
    order = [0, 1, 2, 3, 0, 1]
    endless = {
        "data set": dataset().repeat(),
        "generator": generator(
            {"a": x, "out": t} for _ in range(9) for x, t in batches()
        ),
    }
    parts = [
        np.concatenate([part[i] for i in order])
        for part in zip(*batches(), strict=True)
    ]
    sim.fit({"a": parts[0]}, {"out": parts[1]}, shuffle=False, verbose=0)
    expected = weights(sim, net)
    for name, stream in endless.items():
        sim.reset()
        result = sim.fit(stream, epochs=2, steps_per_epoch=3, verbose=0)
        np.testing.assert_allclose(weights(sim, net), expected, rtol=1e-12)
        assert result.params["steps"] == 3
        if name == "generator":  # no more than was needed has been made
            assert sum(1 for _ in stream) == 9 * N_BATCHES - 6
    for finite in (dataset(), Again([{"a": x, "out": t} for x, t in batches()])):
        sim.reset()
        with pytest.warns(
            UserWarning, match="end after 1 minibatches, not 3"
        ) as caught:
            sim.fit(finite, epochs=3, steps_per_epoch=3, verbose=0)
        assert [warning.filename for warning in caught] == [__file__]
        assert sim.training_step == 7  # the third epoch begins anew
    sim.reset()
    once = generator({"a": x, "out": t} for x, t in batches())
    with pytest.raises(SimulationError, match="expected 2 minibatches.*got none"):
        sim.fit(once, epochs=3, steps_per_epoch=2, verbose=0)
    assert sim.training_step == 4


def test_steps_of_evaluation(sim, net):
    sim.compile(sgd(), loss="mse")
    expected = sim.evaluate({"a": A[:4]}, {"out": T[:4]}, verbose=0)
    for stream in (
        dataset().repeat(),
        Again([{"a": x, "out": t} for x, t in batches()]),
        generator({"a": x, "out": t} for x, t in batches()),
    ):
        assert sim.evaluate(stream, steps=2, verbose=0) == pytest.approx(expected)
        inputs = Again([{"a": x} for x, _ in batches()])
        assert len(sim.predict(inputs, steps=2, verbose=0)[net.p]) == 4
        with pytest.warns(UserWarning, match="end after 4 minibatches, not 9"):
            assert len(sim.predict(inputs, steps=9, verbose=0)[net.p]) == 8
    # Each validation begins anew; one of a generator goes on.
    data, same = ({"a": A}, {"out": T}), []
    sim.compile(keras.optimizers.SGD(0.0), loss="mse")
    for stream in (
        dataset().repeat(),
        Again([{"a": x, "out": t} for x, t in batches()]),
        generator({"a": x, "out": t} for x, t in batches()),
    ):
        losses = sim.fit(
            *data, epochs=2, validation_data=stream, validation_steps=2, verbose=0
        ).history["val_loss"]
        assert losses[0] == pytest.approx(expected["loss"])
        same.append(losses[0] == losses[1])
    assert same == [True, True, False]


# -- what is wrong is named, with the element it is in


def faulty(**changes):
    """Four elements, of which the third is another one."""
    elements = [{"a": x, "out": t} for x, t in batches()]
    elements[2] = {**elements[2], **changes}
    return [{k: v for k, v in e.items() if v is not None} for e in elements]


NAN = A[:2].copy()
NAN[1, 2, 0] = np.nan
WRONG = {
    "width": ({"a": A[:2, :, :1]}, "element 2: for <Node 'a'.*2 dimensions.*got 1"),
    "rank": ({"a": A[0]}, "element 2: for <Node 'a'.*rank 3.*got rank 2"),
    "not finite": ({"a": NAN}, "element 2: for <Node 'a'.*finite.*item 1, step 2, dim"),
    "text": ({"a": np.full((2, 3, 2), "x")}, "element 2.*array of numbers, got data"),
    "steps": ({"a": A[:2, :2]}, "element 2: for <Probe.*2 steps.*got 3"),
    "all steps": ({"a": A[:2, :2], "out": T[:2, :2]}, "element 2.*as in element 0, .*"),
    "missing": ({"a": None}, "element 2: expected the same nodes.*got <Probe"),
    "more": ({"b": A[:2, :, :1]}, "element 2: expected the same nodes.*'b'"),
    "unknown": ({"nope": A[:2]}, "element 2: expected one of the names a, .*'nope'"),
    "fewer items": (
        {"a": A[:1], "out": T[:1]},
        "element 2: expected 2 items, got 1 .only the last",
    ),
    "more items": ({"a": A[:3], "out": T[:3]}, "element 2.*2 items, got 3 steps of 3"),
    "n_steps": ({"n_steps": [[4]]}, "element 2: expected n_steps to be 3.*got 4"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_elements(name, sim, net):
    changes, match = WRONG[name]
    elements = faulty(**changes)
    with pytest.raises(ValidationError, match=match):
        sim.train(generator(elements), sgd())
    assert sim.training_step == 2  # as far as it was right
    sim.compile(sgd(), loss="mse")
    if name != "fewer items":
        with pytest.raises(ValidationError, match="element 2"):
            sim.evaluate(generator(elements), verbose=0)


FIRST = {
    "nothing": ([], "at least one element, got none"),
    "too small": ([{"a": A[:0]}], "element 0: .*2 items, got 3 steps of 0 items"),
    "no dictionary": ([3], "element 0: for <Node 'a'.*rank 3.*got rank 0"),
    "no steps": ([{"n_steps": [[0]]}], "element 0: expected one whole number of steps"),
    "two numbers": ([{"n_steps": [[1], [2]]}], "element 0: .*one whole .*got .1 2."),
    "half a step": ([{"n_steps": 1.5}], "element 0: .*one whole .*got .1.5"),
}


@pytest.mark.filterwarnings("ignore:x is one array|data is one array")
@pytest.mark.parametrize("name", FIRST)
def test_wrong_first_elements(name, sim, net):
    elements, match = FIRST[name]
    for use in (
        lambda stream: sim.train(stream, sgd(), objective={net.p: tf.reduce_sum}),
        lambda stream: sim.run_batch(stream, {net.p: None}),
        lambda stream: sim.predict(stream, verbose=0),
    ):
        with pytest.raises(ValidationError, match=match):
            use(generator(elements))
    assert sim.training_step == 0


def test_wrong_arguments(sim, net):
    sim.compile(sgd(), loss="mse")
    pair = ({"a": A[:2]}, {"out": T[:2]})
    for use, kind, match in (
        (
            lambda: sim.train(dataset().repeat(), sgd()),
            ValidationError,
            "without.*take",
        ),
        (lambda: sim.fit(dataset().repeat()), ValidationError, "without.*take"),
        (
            lambda: sim.run_batch(dataset(), {net.p: None}, shuffle=True),
            ValidationError,
            "shuffle.*own order.*dataset.shuffle",
        ),
        (
            lambda: sim.fit(dataset(), T),
            ValidationError,
            "y.*elements hold the targets",
        ),
        (lambda: sim.fit(dataset(), n_steps=3), SimulationError, "n_steps.*got 3"),
        (
            lambda: sim.fit(dataset(), validation_split=0.5),
            ValidationError,
            "validation_split.*validation_data",
        ),
        (
            lambda: sim.train(iter([(*pair, np.ones(2))]), sgd()),
            ValidationError,
            r"element 0: .*a tuple .x, y., got a tuple of 3",
        ),
        (lambda: sim.fit(dataset(), sample_weight=T), ValidationError, "sample_weight"),
        (
            lambda: sim.fit(iter([({"out": T[:2]}, {"out": T[:2]})])),
            ValidationError,
            "element 0: expected values for nodes",
        ),
        (lambda: sim.fit(iter([{"a": A[:2]}])), ValidationError, "targets for <Probe"),
        (lambda: sim.train(iter([{"a": A[:2]}]), sgd()), ValidationError, "objective"),
        (lambda: sim.run_steps(3, dataset()), ValidationError, "data.*arrays"),
    ):
        with pytest.raises(kind, match=match):
            use()
    assert sim.training_step == 0


def test_the_last_element_may_be_small(sim, net):
    elements = [{"a": x, "out": t} for x, t in batches()]
    elements.append({"a": A[:1], "out": T[:1]})
    all_nine = [np.concatenate([v, v[:1]]) for v in (A, T)]
    loss = sim.loss(generator(elements))
    assert loss == pytest.approx(
        sim.loss(dict(zip((net.a, net.p), all_nine, strict=True)))
    )
    assert loss != pytest.approx(sim.loss({net.a: A, net.p: T}))
    outputs = sim.run_batch(
        generator({"a": e["a"]} for e in elements),
        {net.p: None},
        combine=np.concatenate,
    )
    assert len(outputs[net.p]) == 9
    sim.compile(sgd(), loss="mse")
    assert sim.evaluate(generator(elements[::-1]), verbose=0)["loss"] == pytest.approx(
        loss
    )
    seven = tf.data.Dataset.from_tensor_slices({"a": A[:7], "out": T[:7]}).batch(SIZE)
    match = "last element.*1 items.*minibatch_size=2.*left"
    with pytest.warns(UserWarning, match=match) as caught:
        sim.train(seven, sgd())
    assert [warning.filename for warning in caught] == [__file__]
    assert sim.training_step == 3
    with pytest.raises(
        ValidationError, match="element 0: .*minibatch_size=2 items, got"
    ):
        sim.fit(iter(elements[-1:]), verbose=0)


def test_what_a_generator_raises(sim, net):
    def broken():
        yield from ({"a": x, "out": t} for x, t in batches()[:2])
        raise KeyError("no more files")

    with pytest.raises(KeyError, match="no more files"):
        sim.train(broken(), sgd())
    assert sim.training_step == 2
    # The simulation goes on from the last whole minibatch.
    with pytest.raises(KeyError, match="no more files"):
        sim.run_batch(
            ({"a": e["a"]} for e in broken()), {net.p: None}, isolate_state=False
        )
    assert sim.n_steps == 2 * N_STEPS


# -- in the background


def test_elements_are_made_ahead():
    made = []

    def numbers():
        for number in range(10):
            made.append(number)
            yield number

    running = prefetched(numbers())
    assert next(running) == 0
    deadline = time.monotonic() + 10
    # One is being handed over while as many as there is place for wait.
    while len(made) < 1 + N_AHEAD + 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(made) == 1 + N_AHEAD + 1
    assert list(running) == list(range(1, 10))


def test_threads_end():
    before = threading.active_count()
    forever = iter(int, 1)
    for use in (
        lambda: next(prefetched(forever)),
        lambda: list(prefetched(iter(range(3)))),
        lambda: list(prefetched(forever, 3)),
    ):
        use()
        gc.collect()
        assert threading.active_count() == before
    with pytest.raises(ZeroDivisionError):
        list(prefetched(1 / n for n in (2, 1, 0)))
    assert threading.active_count() == before


def test_data_sets_are_not_tuned():
    """Their tuning thread may hold up the end of an iteration for seconds."""
    options = []
    data = tf.data.Dataset.range(3)
    assert list(prefetched(data)) == [0, 1, 2]
    assert list(prefetched(data, 2)) == [0, 1]
    original = tf.data.Dataset.as_numpy_iterator

    def spy(self):
        options.append(self.options().autotune.enabled)
        return original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.data.Dataset, "as_numpy_iterator", spy)
        list(prefetched(data))
    assert options == [False]


MEMORY = """
import sys
import keras, nengo, numpy as np, tensorflow as tf
from nengo_dl_sim import Simulator

BATCH, STEPS, SIZE = 32, 64, 256
kind, megabytes = sys.argv[1], int(sys.argv[2])
n_batches = megabytes * 2**20 // (BATCH * STEPS * SIZE * 4)
resident = []


def generate():
    rng = np.random.default_rng(0)
    for number in range(n_batches):
        if number % 8 == 0:
            pages = int(open("/proc/self/statm").read().split()[1])
            resident.append(pages * 4096 / 2**20)
        x = rng.standard_normal((BATCH, STEPS, SIZE), dtype=np.float32)
        yield {"a": x, "p": x[:, :, :1]}


with nengo.Network(seed=0) as net:
    a, b = nengo.Node(np.zeros(SIZE), label="a"), nengo.Node(size_in=1)
    nengo.Connection(a, b, transform=np.zeros((1, SIZE)), synapse=None)
    p = nengo.Probe(b, label="p")
data = generate()
if kind == "data set":
    specs = {
        "a": tf.TensorSpec((BATCH, STEPS, SIZE), tf.float32),
        "p": tf.TensorSpec((BATCH, STEPS, 1), tf.float32),
    }
    data = tf.data.Dataset.from_generator(generate, output_signature=specs)
with Simulator(net, minibatch_size=BATCH, progress_bar=False) as sim:
    sim.train(data, keras.optimizers.SGD(0.01))
    assert int(sim.training_step) == n_batches
settled = resident[2:]  # after what is compiled
print(max(settled) - settled[0], settled[0], len(settled))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["generator", "data set"])
def test_memory_is_constant(kind):
    """Half a gigabyte goes through; what stays is less than a tenth of it."""
    command = [sys.executable, "-c", MEMORY, kind, "512"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    growth, _, n_values = map(float, done.stdout.split())
    assert n_values > 20
    assert growth < 50
