"""Gradients through blocks of steps."""

import warnings

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import sgd, simulator, total, weight
from nengo.exceptions import ValidationError
from networks import population

from nengo_dl_sim import configure_settings


@pytest.mark.row("S082")
def test_truncation_cuts_gradients_not_the_state():
    """A weight into a sum over steps: gradients see only their own block."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", trainable=False)
        a, b = nengo.Node([1.0]), nengo.Node(size_in=1)
        net.conn = nengo.Connection(a, b, transform=1.0, synapse=None)
        net.config[net.conn].trainable = True
        nengo.Connection(b, b, synapse=0)
        p = nengo.Probe(b)
    rate, n_steps = 2.0**-7, 8  # exact in single precision, as Keras keeps it
    targets = np.zeros((1, n_steps, 1))

    def reference(truncation):
        w, state = 1.0, 0.0
        for start in range(0, n_steps, truncation):
            n = min(truncation, n_steps - start)
            steps = np.arange(1, n + 1)
            y = state + w * steps
            state += w * n
            w -= rate * np.mean(2 * y * steps)
        return w

    def error(outputs, targets):
        return tf.reduce_mean((outputs - targets) ** 2)

    for truncation, n_blocks in ((8, 1), (4, 2), (1, 8), (3, 3), (20, 1)):
        uneven = n_steps % truncation > 0
        with simulator(net) as sim, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sim.train(
                {p: targets}, sgd(rate), objective={p: error}, truncation=truncation
            )
            assert any("multiple of truncation" in str(w.message) for w in caught) == (
                uneven
            )
            assert weight(sim, net) == pytest.approx(reference(truncation), rel=1e-9)
            assert sim.training_step == n_blocks
    with simulator(net) as sim:
        for wrong in (0, -1, 1.5, "2"):
            with pytest.raises(ValidationError, match=f"truncation.*got {wrong!r}"):
                sim.train({p: targets}, sgd(), truncation=wrong)


@pytest.mark.row("S047")
def test_memory_of_the_graph_does_not_grow_with_steps():
    """Long sequences are a loop: only what it carries is kept for each step."""
    net = population(nengo.LIF())
    graphs = {}

    def objective(outputs):
        graphs[outputs.shape[1]] = outputs.graph
        return total(outputs)

    with simulator(net) as sim:
        for n_steps in (10, 1000):
            sim.train(n_steps, sgd(1e-9), objective={net.p: objective})
    sizes = {n: len(graph.get_operations()) for n, graph in graphs.items()}
    assert sizes[1000] == sizes[10] > 0
