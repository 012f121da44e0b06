"""Synapses, of vectors and of matrices."""

import nengo
import numpy as np
from nengo import Alpha, LinearFilter, Lowpass
from nengo.synapses import Triangle

from nengo_dl_ops import Delay

SYNAPSES = [
    None,
    Lowpass(0),
    Lowpass(0.01),
    Lowpass(0.0001),
    Alpha(0.02),
    LinearFilter([1], [0.02, 1]),
    LinearFilter([1], [0.0002, 0.03, 1]),
    LinearFilter([0.03, 1], [0.0002, 0.03, 1]),
    LinearFilter([1], [1e-6, 3e-4, 0.02, 1]),
    LinearFilter([0.01, 1], [0.02, 1]),  # with passthrough
    LinearFilter([2.0], [1.0]),  # without state
    LinearFilter([0.5, 0.1], [1, -0.3, 0.1], analog=False),
    LinearFilter([1.0, 0.2], [1, -0.5], analog=False),  # with passthrough
    LinearFilter([1], [0.02, 1], method="euler"),
    Triangle(0.005),
    Triangle(0.001),
    Delay(0),
    Delay(0.007),
    Delay([0.003, 0.001], max_delay=0.007),
    Delay([0, 0.012]),
]


def add_synapse(bench, number, synapse):
    name = f"{number} {synapse}"
    node = nengo.Node(size_in=2)
    nengo.Connection(bench.input[:2], node, synapse=synapse)
    bench.record(name, node)
    if number == 0:
        # Weights that change, of which every synapse filters a probe.
        ens = nengo.Ensemble(5, 2, neuron_type=nengo.RectifiedLinear())
        bench.learning = nengo.Connection(ens, node, learning_rule_type=nengo.PES(0.01))
        nengo.Connection(bench.input[2:4], ens)
        nengo.Connection(bench.input[4:6], bench.learning.learning_rule)
    if np.size(getattr(synapse, "seconds", 0)) == 1:
        bench.probe(name, bench.learning, "weights", synapse)
