"""Runs parts of Spaun alone."""

import nengo
import numpy as np
import pytest

import nengo_dl
from nengo_dl_spaun_bench.spaun.network import MAX_RATES


class Bench:
    """A network whose inputs are given as arrays."""

    def __init__(self):
        self.net = nengo.Network(seed=3)
        self.net.config[nengo.Ensemble].max_rates = nengo.dists.Uniform(*MAX_RATES)
        self.inputs, self.probes = {}, {}

    def drive(self, name, post):
        """Connect a new input to a node."""
        with self.net:
            self.inputs[name] = nengo.Node(np.zeros(post.size_in))
            nengo.Connection(self.inputs[name], post, synapse=0.005)

    def watch(self, name, obj, synapse=0.02):
        with self.net:
            self.probes[name] = nengo.Probe(obj, synapse=synapse)

    def run(self, **inputs):
        """Run with inputs of shape (items, steps, size); return what was watched."""
        n_items, n_steps, _ = next(iter(inputs.values())).shape
        data = {self.inputs[name]: values for name, values in inputs.items()}
        with nengo_dl.Simulator(
            self.net, minibatch_size=n_items, progress_bar=False, device="/cpu:0"
        ) as sim:
            sim.run_steps(n_steps, data=data, progress_bar=False)
            return {name: sim.data[probe] for name, probe in self.probes.items()}


@pytest.fixture
def bench():
    return Bench()
