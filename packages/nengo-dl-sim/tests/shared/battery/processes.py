"""Processes, as outputs of nodes and as noise of ensembles."""

import nengo
from nengo.dists import Gaussian, Uniform
from nengo.processes import (
    BrownNoise,
    FilteredNoise,
    Piecewise,
    PresentInput,
    WhiteNoise,
    WhiteSignal,
)

from nengo_dl_ops import Delay

#: Processes that draw random numbers, by the seed.
PROCESSES = [
    lambda seed: WhiteNoise(Gaussian(0, 0.05), seed=seed),
    lambda seed: WhiteNoise(Uniform(-1, 1), scale=False, seed=seed),
    lambda seed: FilteredNoise(nengo.Alpha(0.005), Gaussian(0, 0.05), seed=seed),
    lambda seed: FilteredNoise(nengo.Lowpass(0.005), scale=False, seed=seed),
    lambda seed: BrownNoise(Gaussian(0, 0.1), seed=seed),
    lambda seed: WhiteSignal(0.05, high=100, rms=0.3, seed=seed),
    lambda seed: WhiteSignal(0.01, high=200, rms=0.3, y0=0.1, seed=seed),
]

#: Processes that draw none: with an input of their own, or of time alone.
FUNCTIONS = [
    PresentInput([[0.1, 0.2], [0.3, -0.4]], 0.007),
    Piecewise({0.004: [1, 0], 0.0105: [0, 1]}),
    Piecewise({0.004: [1, 0], 0.0205: [0, 1]}, interpolation="linear"),
    nengo.Lowpass(0.01),
    nengo.Alpha(0.01),
    nengo.LinearFilter([1], [1e-6, 3e-4, 0.02, 1]),
    nengo.synapses.Triangle(0.005),
    Delay([0.004, 0.001]),
]


def add_process(bench, number, make):
    if not callable(make) or isinstance(make, nengo.Process):
        _add_function(bench, number, make)
        return
    for seed in (None, 3):
        process = make(seed)
        name = f"{number} {process}, seed {seed}"
        bench.record(name, nengo.Node(process, size_out=2), own=seed is None)
        ens = nengo.Ensemble(5, 1, neuron_type=nengo.RectifiedLinear(), noise=process)
        nengo.Connection(bench.input[number % 18], ens)
        bench.record(f"{name}, noise", ens.neurons, own=seed is None)


def _add_function(bench, number, process):
    synapse = isinstance(process, nengo.synapses.Synapse)
    node = nengo.Node(process, size_in=2 if synapse else 0, size_out=2)
    if synapse:
        nengo.Connection(bench.input[:2], node, synapse=None)
    bench.record(f"{number} {process}", node)
