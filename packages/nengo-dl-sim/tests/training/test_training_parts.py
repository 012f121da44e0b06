"""Small parts that training is made of."""

import doctest
from dataclasses import dataclass

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import n_updates_kept
from nengo.builder import Model

from nengo_dl_sim import Simulator, utils
from nengo_dl_sim.data.batches import Batch, step_blocks
from nengo_dl_sim.lru_cache import LRUCache
from nengo_dl_sim.measures.measure import Measure
from nengo_dl_sim.tensorboard.event_values import N_BUCKETS, write_histogram
from nengo_dl_sim.training.gradient_coverage import warn_single_step
from nengo_dl_sim.training.optimizer_store import N_UPDATES


def test_recent_forgets_what_was_not_asked_for():
    made, recent = [], LRUCache(2)

    def get(key):
        return recent.get(key, lambda: made.append(key) or key)

    assert [get(key) for key in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert made == [1, 2, 3, 2]


@pytest.mark.parametrize(
    "n_steps, truncation, expected",
    [
        (5, None, [(0, 5)]),
        (5, 2, [(0, 2), (2, 4), (4, 5)]),
        (4, 2, [(0, 2), (2, 4)]),
        (3, 7, [(0, 3)]),
        (0, 2, []),
    ],
)
def test_blocks(n_steps, truncation, expected):
    found = [(block.start, block.stop) for block in step_blocks(n_steps, truncation)]
    assert found == expected
    stepped, target = np.arange(n_steps)[:, None], np.arange(2 * n_steps)
    batch = Batch(np.zeros(1), stepped, [target.reshape(2, n_steps)])
    blocks = list(batch.blocks(truncation))
    assert [block.stepped[:, 0].tolist() for block in blocks] == [
        list(range(*steps)) for steps in expected
    ]
    joined = [block.targets[0] for block in blocks]
    if joined:
        np.testing.assert_array_equal(np.concatenate(joined, axis=1), batch.targets[0])


@dataclass
class Unhashable:
    weight: float

    def __call__(self, outputs):
        return outputs


def make(weight, scale=None):
    def objective(outputs, scale=scale):
        return weight * outputs

    return objective


def identity(source):
    return Measure("", (0,), (), lambda y, t: y[0], source).identity


def test_equal_measures():
    array, other = np.zeros(2), np.zeros(2)
    instance = Unhashable(1.0)
    same = [
        (make(1.0), make(1.0)),
        (make(array), make(array)),
        (make(1.0, array), make(1.0, array)),
        (instance, instance),
        (instance.__call__, instance.__call__),
        (None, None),
        ("mean_squared_error", "mean_squared_error"),
    ]
    different = [
        (make(1.0), make(2.0)),
        (make(array), make(other)),
        (make(1.0, array), make(1.0, other)),
        (instance, Unhashable(1.0)),
        (None, "mse"),
    ]
    for a, b in same:
        assert identity(a) == identity(b)
        assert hash(identity(a)) == hash(identity(b))
    for a, b in different:
        assert identity(a) != identity(b)
    measure = Measure("", (0,), (), lambda y, t: y[0], None)
    assert measure.identity != measure.summed().identity


@pytest.mark.parametrize(
    "values", [[1.0, 2.0, np.nan], [np.inf, 0.0], [3.0, 3.0], [np.nan], []]
)
def test_histograms_of_anything(values, tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default(step=1):
        write_histogram("tag", np.array(values))
    writer.close()
    (path,) = tmp_path.iterdir()
    *_, last = (record.numpy() for record in tf.data.TFRecordDataset(str(path)))
    (value,) = tf.compat.v1.Event.FromString(last).summary.value
    buckets = tf.make_ndarray(value.tensor)
    assert buckets.shape == (N_BUCKETS, 3)
    finite = np.isfinite(values)
    assert buckets[:, 2].sum() == finite.sum()
    for number in np.array(values)[finite]:
        assert buckets[0, 0] <= number <= buckets[-1, 1]


def test_docstring_examples():
    results = doctest.testmod(utils)
    assert results.attempted > 0
    assert results.failed == 0


def test_new_optimizers_do_not_pile_up():
    """How to apply the oldest is forgotten, not its state, which is its own."""
    with nengo.Network(seed=0) as net:
        b = nengo.Node(size_in=1)
        conn = nengo.Connection(nengo.Node([1.0]), b, transform=1.0, synapse=None)
        p = nengo.Probe(b)
    first = keras.optimizers.SGD(0.1, momentum=0.5)
    others = [keras.optimizers.SGD(0.0) for _ in range(N_UPDATES)]
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        for optimizer in (first, *others, first):
            sim.train(1, optimizer, objective={p: lambda y: tf.reduce_sum(y)})
            assert n_updates_kept(sim) <= N_UPDATES
        expected = 1 - 0.1 - 0.1 * (0.5 + 1)
        assert sim.data[conn].weights == pytest.approx(expected, rel=1e-6)


def built(net):
    model = Model()
    model.build(net)
    return model


def test_synapses_on_the_way_to_a_learning_rule_count():
    with nengo.Network() as net:
        pre, post = nengo.Ensemble(5, 1), nengo.Node(size_in=1)
        conn = nengo.Connection(pre, post, synapse=None, learning_rule_type=nengo.PES())
        error = nengo.Node([0.0])
        p = nengo.Probe(post)
        q = nengo.Probe(conn, "weights")
    warn_single_step("Running", built(net), [p, q], 1)  # warnings are errors
    with net:
        late = nengo.Connection(error, conn.learning_rule, synapse=0.1)
    model = built(net)
    for probe in (p, q):
        with pytest.warns(UserWarning, match="Running for one timestep") as caught:
            warn_single_step("Running", model, [probe], 1)
        assert str(late) in str(caught[0].message)
    warn_single_step("Running", model, [p], 2)
