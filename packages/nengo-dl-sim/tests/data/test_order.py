"""The order of items in training: a new random one in each epoch."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_sim import Simulator, configure_settings

N_EPOCHS, SIZE = 12, 8


def noting(found):
    """Return a loss that notes its targets, minibatch by minibatch."""

    def note(targets):
        found.append(targets.ravel().astype(int))
        return np.float32(0)

    def loss(targets, outputs):
        zero = tf.numpy_function(note, [targets], tf.float32)
        zero.set_shape(())
        return tf.reduce_mean(tf.square(outputs)) + zero

    return loss


def numbers(n_items):
    return np.arange(n_items, dtype=np.float32)


def simulator(seed):
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=True)
        source, end = nengo.Node([0.0]), nengo.Node(size_in=1)
        nengo.Connection(source, end, transform=[[1.0]], synapse=None)
        probe = nengo.Probe(end)
    options = {"jit_compile": False, "progress_bar": False}
    sim = Simulator(net, minibatch_size=SIZE, seed=seed, **options)
    return sim, source, probe


def in_fit(n_items, seed, found):
    sim, source, probe = simulator(seed)
    x = numbers(n_items)[:, None, None]
    with sim:
        sim.compile(keras.optimizers.SGD(1e-9), loss={probe: noting(found)})
        sim.fit({source: x}, {probe: x}, epochs=N_EPOCHS, verbose=0)


def in_train(n_items, seed, found):
    sim, source, probe = simulator(seed)
    x, loss = numbers(n_items)[:, None, None], noting(found)
    with sim:
        sim.train(
            {source: x, probe: x},
            keras.optimizers.SGD(1e-9),
            N_EPOCHS,
            objective={probe: lambda outputs, targets: loss(targets, outputs)},
        )


def epochs_of(train, n_items, seed):
    """Return the items of each epoch, in the order in which they were used."""
    found = []
    train(n_items, seed, found)
    return [np.concatenate(part) for part in np.split(np.array(found), N_EPOCHS)]


@pytest.mark.parametrize("train", [in_fit, in_train])
def test_each_epoch_has_all_items_in_an_order_of_its_own(train):
    epochs, n = np.array(epochs_of(train, 40, seed=1)), 40
    np.testing.assert_array_equal(np.sort(epochs), [np.arange(n)] * N_EPOCHS)
    # Of two random orders 1 item is at the same place, and rank correlations are
    # normal with a deviation of 1 / sqrt(n - 1): these are five of them.
    ordered = np.vstack([np.arange(n), epochs])
    correlations = np.corrcoef(ordered)[np.triu_indices(len(ordered), k=1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(n - 1)
    same = [np.sum(a == b) for a, b in zip(ordered, ordered[1:], strict=False)]
    assert np.mean(same) < 2.5
    # Who is in a minibatch with whom changes as well: 7 of 39 are by chance.
    groups = epochs.reshape(N_EPOCHS, -1, SIZE)
    with_first = [set(row) for rows in groups for row in rows if 0 in row]
    assert len(set.union(*with_first)) > 25


@pytest.mark.filterwarnings("ignore:Number of items")
@pytest.mark.parametrize("train", [in_fit, in_train])
def test_items_that_fill_no_minibatch_are_others_each_epoch(train):
    epochs = epochs_of(train, 43, seed=1)
    assert [len(set(epoch)) for epoch in epochs] == [40] * N_EPOCHS
    left_out = [frozenset(range(43)) - set(epoch) for epoch in epochs]
    assert len(set(left_out)) == N_EPOCHS


@pytest.mark.parametrize("train", [in_fit, in_train])
def test_the_order_follows_from_the_seed(train):
    first, again, other = (epochs_of(train, 16, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not any(map(np.array_equal, first, other))
