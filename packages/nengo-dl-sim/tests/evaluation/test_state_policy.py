"""Training and measuring leave the simulation alone; minibatches start anew."""

import nengo
import numpy as np
import pytest
from helpers import sgd, simulator, total
from nengo.exceptions import SimulationError

from nengo_dl_sim import configure_settings


@pytest.mark.parametrize("use", ["train", "loss", "run_batch"])
@pytest.mark.row("S059")
def test_errors_of_python_functions(use):
    def faulty(t, x):
        if t > 0.0025:
            raise KeyError("no such thing")
        return x

    with nengo.Network(seed=0) as net:
        a, b = nengo.Node([0.5]), nengo.Node(size_in=1)
        python = nengo.Node(faulty, size_in=1, label="bad")
        nengo.Connection(a, b, transform=2.0, synapse=None)
        nengo.Connection(a, python, synapse=None)
        nengo.Connection(python, b, synapse=None)
        p = nengo.Probe(b)
    for conn in net.connections[1:]:
        with net:
            configure_settings(trainable=None)
        net.config[conn].trainable = False
    with simulator(net) as sim:
        calls = {
            "train": lambda: sim.train(5, sgd(), objective={p: total}),
            "loss": lambda: sim.loss(5, {p: total}),
            "run_batch": lambda: sim.run_batch(5, {p: None}),
        }
        with pytest.raises(SimulationError, match="faulty.*KeyError.*no such thing"):
            calls[use]()
        assert sim.loss(2, {p: total}) == pytest.approx(2 * 1.5)


@pytest.mark.parametrize("use", ["train", "loss", "run_batch", "check_gradients"])
@pytest.mark.row("S104")
def test_the_simulation_is_left_alone(use):
    """State, probes, steps, and the random numbers of everything that draws some."""

    def run(use):
        with nengo.Network(seed=0) as net:
            noise = nengo.Node(nengo.processes.WhiteNoise(seed=None), size_out=1)
            process = nengo.Node(Remembering(), size_in=1, size_out=1)
            ens = nengo.Ensemble(5, 1, noise=nengo.processes.WhiteNoise(scale=False))
            conn = nengo.Connection(noise, ens, synapse=0.1)
            nengo.Connection(noise, process, synapse=None)
            nengo.Connection(
                ens, nengo.Node(size_in=1), learning_rule_type=nengo.PES(), synapse=0.1
            )
            probes = [nengo.Probe(x) for x in (noise, ens, ens.neurons, process)]
            probes.append(nengo.Probe(conn))
        objective = {probes[1]: total}
        with simulator(net, minibatch_size=2, seed=0) as sim:
            sim.run_steps(3)
            if use == "train":
                sim.train(6, sgd(0.0), objective=objective)
            elif use == "loss":
                sim.loss(6, objective)
            elif use == "run_batch":
                sim.run_batch(6, {probes[1]: None, probes[3]: None})
            elif use == "check_gradients":
                sim.check_gradients([probes[0]])
            assert sim.n_steps == 3
            sim.run_steps(3)
            return [sim.data[probe] for probe in probes]

    for found, expected in zip(run(use), run(None), strict=True):
        np.testing.assert_array_equal(found, expected)


class Remembering(nengo.Process):
    """Draws random numbers, and remembers outside of its signals."""

    def make_step(self, shape_in, shape_out, dt, rng, state):
        memory = []

        def step(t, x):
            memory.append(rng.uniform())
            return sum(memory)

        return step


@pytest.mark.row("S104")
def test_every_minibatch_starts_anew():
    with nengo.Network(seed=0) as net:
        node = nengo.Node(Remembering(), size_in=1, size_out=1)
        p = nengo.Probe(node)
        counted = nengo.Node(nengo.processes.FilteredNoise(), size_out=1)
        q = nengo.Probe(counted)
        a = nengo.Node([0.0])
        nengo.Connection(a, node, synapse=None)
    with simulator(net, minibatch_size=2, seed=0) as sim:
        x = {a: np.zeros((6, 50, 1))}
        found = sim.run_batch(x, {p: None, q: None}, combine=np.concatenate)
        again = sim.run_batch(x, {p: None, q: None}, combine=np.concatenate)
        np.testing.assert_array_equal(found[p], again[p])
        np.testing.assert_array_equal(found[q], again[q])
        assert len(np.unique(found[p][:, -1])) == len(np.unique(found[q][:, -1])) == 6
        # A memory that was not emptied would be some 100 after four times 50 steps.
        assert np.all(np.abs(found[p][:, -1] - 25) < 10)
        sim.run_steps(50)
        np.testing.assert_allclose(sim.data[q], found[q][:2], rtol=1e-6)
