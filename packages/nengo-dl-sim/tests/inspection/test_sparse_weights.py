"""Connections with sparse transforms, in a simulation and in training."""

import keras
import nengo
import numpy as np
import pytest
from nengo.transforms import SparseMatrix

from nengo_dl_sim import Simulator, configure_settings

PLACES = [[0, 1], [2, 0], [3, 1], [4, 0], [4, 1]]
VALUES = [1.0, 2, 3, 4, 0.5]


@pytest.fixture
def net():
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.config[nengo.Ensemble].neuron_type = nengo.LIFRate()
        net.config[nengo.Ensemble].gain = nengo.dists.Choice([1])
        net.config[nengo.Ensemble].bias = nengo.dists.Choice([1])
        net.stimulus = nengo.Node([0.5, 1.5])
        ens = nengo.Ensemble(5, 1)
        transform = nengo.Sparse((5, 2), indices=PLACES, init=VALUES)
        net.sparse = nengo.Connection(
            net.stimulus, ens.neurons, transform=transform, synapse=None
        )
        recurrent = nengo.Sparse((5, 5), indices=[[0, 3], [2, 4]], init=0.01)
        nengo.Connection(ens.neurons, ens.neurons, transform=recurrent, synapse=0.01)
        net.output = nengo.Probe(ens.neurons)
        net.weights = nengo.Probe(net.sparse, "weights")
    return net


@pytest.mark.parametrize("minibatch_size", [None, 3])
def test_as_nengo(net, minibatch_size):
    with nengo.Simulator(net, progress_bar=False) as expected:
        expected.run_steps(20)
    with Simulator(net, minibatch_size=minibatch_size, progress_bar=False) as sim:
        sim.run_steps(20)
        output, weights = sim.data[net.output], sim.data[net.weights]
        batch = () if minibatch_size is None else (minibatch_size,)
        assert output.shape == (*batch, 20, 5)
        assert weights.shape == (*batch, 20, len(VALUES))
        for item in output.reshape(-1, 20, 5):
            np.testing.assert_allclose(item, expected.data[net.output], rtol=1e-9)
        np.testing.assert_array_equal(weights, np.broadcast_to(VALUES, weights.shape))


def test_entries_are_trained(net):
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        np.testing.assert_array_equal(sim.data[net.sparse].weights.data, VALUES)
        data = {net.stimulus: np.ones((4, 3, 2)), net.output: np.full((4, 3, 5), 40.0)}
        before = sim.loss(data)

        sim.train(data, keras.optimizers.SGD(1e-8), n_epochs=5)
        assert sim.loss(data) < before
        weights = sim.data[net.sparse].weights
        assert isinstance(weights, SparseMatrix)
        np.testing.assert_array_equal(weights.indices, PLACES)
        assert np.all(weights.data != VALUES)


def test_trained_entries_are_saved(net, tmp_path):

    data = {net.stimulus: np.ones((1, 3, 2)), net.output: np.full((1, 3, 5), 40.0)}
    with Simulator(net, progress_bar=False) as sim:
        sim.train(data, keras.optimizers.SGD(1e-8), n_epochs=1)
        trained = sim.data[net.sparse].weights.data
        sim.save_params(tmp_path / "parameters")
    with Simulator(net, progress_bar=False) as sim:
        sim.load_params(tmp_path / "parameters")
        np.testing.assert_array_equal(sim.data[net.sparse].weights.data, trained)


DENSE = np.zeros((5, 2))
DENSE[tuple(np.transpose(PLACES))] = VALUES

#: What one may compute from weights, an array of their shape and a vector.
ARITHMETIC = {
    "add a number": lambda w, x, v: w + 1,
    "add to a number": lambda w, x, v: 1 + w,
    "add an array": lambda w, x, v: w + x,
    "add to an array": lambda w, x, v: x + w,
    "add each other": lambda w, x, v: w + w,
    "subtract": lambda w, x, v: w - v,
    "subtract from": lambda w, x, v: x - w,
    "subtract from a number": lambda w, x, v: np.float64(2) - w,
    "subtract each other": lambda w, x, v: w * 3 - w,
    "scale": lambda w, x, v: 2 * w,
    "scale with NumPy": lambda w, x, v: np.float32(2) * w,
    "divide": lambda w, x, v: w / 2,
    "negative": lambda w, x, v: -w,
    "by element": lambda w, x, v: w * x,
    "by element, array first": lambda w, x, v: x * w,
    "by element, broadcast": lambda w, x, v: v * w,
    "times vector": lambda w, x, v: w @ v,
    "times list": lambda w, x, v: w @ list(v),
    "times matrix": lambda w, x, v: w @ x.T,
    "from the left": lambda w, x, v: x.T @ w,
    "NumPy": lambda w, x, v: np.abs(w).max(axis=0),
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic(net, name):
    compute, x, v = ARITHMETIC[name], np.arange(10.0).reshape(5, 2), np.array([2.0, 3])
    with Simulator(net, progress_bar=False) as sim:
        found = compute(sim.data[net.sparse].weights, x, v)
    if hasattr(found, "toarray"):
        found = found.toarray()
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, compute(DENSE, x, v))


def test_sums_of_sparse_weights_are_sparse(net):
    with Simulator(net, progress_bar=False) as sim:
        before = sim.data[net.sparse].weights
        sim.signals[sim.model.sig[net.sparse]["weights"]] = 2 * np.array(VALUES)
        change = sim.data[net.sparse].weights - before
    assert change.nnz == len(VALUES)
    np.testing.assert_array_equal(change.toarray(), before.toarray())
