"""The same model gives the same answer as in nengo.Simulator."""

import functools

import nengo
import numpy as np
import pytest

from nengo_dl_ops import SoftLIFRate
from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.execution import run_function as loop

NEURON_TYPES = [
    nengo.RectifiedLinear(amplitude=0.5),
    nengo.SpikingRectifiedLinear(),
    nengo.Sigmoid(),
    nengo.Tanh(),
    nengo.LIFRate(tau_rc=0.03),
    nengo.LIF(tau_ref=0.0015),
    SoftLIFRate(sigma=0.1),
]
RATE = nengo.LIFRate()


class Stimulus:
    """A smooth function of time, another one for every batch item."""

    item = 0

    def __init__(self, size):
        self.size = size

    def __call__(self, t):
        phase = np.arange(self.size) + Stimulus.item
        return 0.8 * np.sin((20 + 7 * phase) * t + 1.3 * phase)


def stimulus(size):
    return nengo.Node(Stimulus(size), size_out=size)


def integrator():
    # The rates themselves are not probed: close to the threshold the slope of LIFRate
    # has no bound, so that no tolerance holds for float32.
    ens = nengo.Ensemble(20, 1, neuron_type=RATE)
    nengo.Connection(stimulus(1), ens, transform=0.1, synapse=0.1)
    nengo.Connection(ens, ens, synapse=0.1)
    nengo.Probe(ens, synapse=0.01)


def circular_convolution():
    net = nengo.networks.CircularConvolution(8, 3)
    for ens in net.all_ensembles:
        ens.neuron_type = RATE
    nengo.Connection(stimulus(3), net.input_a, synapse=0.005)
    nengo.Connection(stimulus(3), net.input_b, transform=-0.7, synapse=None)
    nengo.Probe(net.output, synapse=0.01)


def product():
    net = nengo.networks.Product(10, 2)
    for ens in net.all_ensembles:
        ens.neuron_type = nengo.RectifiedLinear()
    nengo.Connection(stimulus(2), net.input_a)
    nengo.Connection(stimulus(2), net.input_b, transform=[[0, 1], [1, 0]])
    nengo.Probe(net.output, synapse=0.02)


def ensemble_arrays():
    """Every neuron type, with parameters that differ between merged ensembles."""
    inputs = stimulus(3)
    for spiking in (False, True):
        types = [t for t in NEURON_TYPES if t.spiking == spiking]
        # One probe for all neurons: a hundred of them take long to compile.
        name = "spikes" if spiking else "rates"
        together = nengo.Node(size_in=18 * len(types), label=name)
        for i, neuron_type in enumerate(types):
            array = nengo.networks.EnsembleArray(6, 3, neuron_type=neuron_type)
            array.ensembles[1].intercepts = nengo.dists.Uniform(-0.3, 0.2)
            array.ensembles[2].neuron_type = type(neuron_type)()
            neurons = array.add_neuron_output()
            nengo.Connection(inputs, array.input, synapse=0.003)
            nengo.Connection(neurons, together[18 * i : 18 * i + 18], synapse=None)
            nengo.Probe(array.output, synapse=0.01, sample_every=0.05)
        nengo.Probe(together)


# Shape of the input, channels last?, padding, strides, number of filters.
CONVOLUTIONS = [
    ((6, 2), True, "valid", (1,), 3),
    ((2, 4, 4), False, "same", (1, 2), 2),
    ((2, 6), False, "same", (2,), 2),
    ((4, 5, 1), True, "valid", (2, 1), 2),
]


def communication_channels(kinds=CONVOLUTIONS[:2], neuron_type=RATE):
    for shape, last, padding, strides, n_filters in kinds:
        conv = nengo.Convolution(
            n_filters,
            nengo.transforms.ChannelShape(shape, channels_last=last),
            kernel_size=(3,) * len(strides),
            strides=strides,
            padding=padding,
            channels_last=last,
        )
        ens = nengo.Ensemble(
            conv.output_shape.size,
            1,
            neuron_type=neuron_type,
            max_rates=nengo.dists.Choice([100]),
            intercepts=nengo.dists.Choice([0]),
        )
        output = nengo.Node(size_in=2)
        inputs = stimulus(conv.input_shape.size)
        nengo.Connection(inputs, ens.neurons, transform=conv, synapse=None)
        dense = nengo.dists.Gaussian(0, 0.01)
        nengo.Connection(ens.neurons, output, transform=dense, synapse=0.01)
        nengo.Probe(output)
        nengo.Probe(ens.neurons)


def spiking_communication_channels():
    communication_channels(neuron_type=nengo.LIF())


def convolutions():
    communication_channels(CONVOLUTIONS[2:], neuron_type=nengo.Tanh())


def spiking_integrator():
    ens = nengo.Ensemble(20, 1)
    nengo.Connection(stimulus(1), ens, transform=0.1, synapse=0.1)
    nengo.Connection(ens, ens, synapse=0.1)
    nengo.Probe(ens, synapse=0.01)
    nengo.Probe(ens.neurons)


def slices():
    inputs, node = stimulus(4), nengo.Node(size_in=4)
    ens = nengo.Ensemble(12, 3, neuron_type=RATE)
    nengo.Connection(inputs[:2], node[2:], synapse=None)
    nengo.Connection(inputs[::-2], node[[0, 3]], transform=0.5, synapse=None)
    nengo.Connection(inputs[[1, 1, 0]], ens[[2, 0, 1]], synapse=0.01)
    nengo.Connection(inputs[3], ens[-1], transform=-0.5, synapse=None)
    nengo.Connection(inputs[[2, 2]], node[[1, 1]], synapse=None)
    nengo.Connection(ens[1:], node[:2], function=lambda x: x[::-1] * x, synapse=0.005)
    nengo.Connection(ens.neurons[:4], ens.neurons[8:], transform=-0.001)
    nengo.Connection(ens.neurons[::5], node[1:], transform=0.001, synapse=0.02)
    for obj in (node, node[1:3], ens, ens[2], ens.neurons, ens.neurons[3:7:2]):
        nengo.Probe(obj)


def synapses():
    inputs = stimulus(2)
    for synapse in (
        None,
        0,
        0.01,
        nengo.Alpha(0.02),
        nengo.LinearFilter([1], [0.02, 1]),
        nengo.LinearFilter([0.03, 1], [0.0002, 0.03, 1]),
        nengo.LinearFilter([0.01, 1], [0.02, 1]),  # with passthrough
        nengo.LinearFilter([2.0], [1.0]),  # without state
        nengo.LinearFilter([0.5, 0.1], [1, -0.3, 0.1], analog=False),
        nengo.Lowpass(0.0001),
    ):
        node = nengo.Node(size_in=2)
        nengo.Connection(inputs, node, synapse=synapse)
        nengo.Probe(node)
        nengo.Probe(inputs, synapse=synapse)


def passthroughs():
    """Nodes without function, several connections into one, loops with synapse."""
    inputs, ens = stimulus(2), nengo.Ensemble(10, 2, neuron_type=RATE)
    a, b, c = (nengo.Node(size_in=2) for _ in range(3))
    for source in (inputs, inputs, ens):
        nengo.Connection(source, a, transform=[[0, 1], [0.5, 0]], synapse=None)
    nengo.Connection(a, b, synapse=None)
    nengo.Connection(a, b, transform=-0.5, synapse=None)
    nengo.Connection(b, c, transform=[0.5, 2], synapse=0)
    nengo.Connection(c, a, transform=0.3, synapse=0.01)
    nengo.Connection(c, ens, synapse=0.01)
    nengo.Connection(ens, c, function=np.cos, synapse=0.01)
    nengo.Connection(b[0], c[1], synapse=None)
    for node in (a, b, c):
        nengo.Probe(node)
        nengo.Probe(node, synapse=0.01)


def solvers():
    """Weights in place of decoders, functions, radius, transforms of all shapes."""
    options = {"neuron_type": nengo.RectifiedLinear(), "radius": 1.5}
    a, b = nengo.Ensemble(11, 2, **options), nengo.Ensemble(9, 1, **options)
    nengo.Connection(stimulus(2), a)
    weights = nengo.solvers.LstsqL2(weights=True)
    nengo.Connection(a, b, function=lambda x: x[0] * x[1], solver=weights)
    nengo.Connection(a, b, transform=[[0.5, -0.5]])
    nengo.Connection(b, b, solver=weights, synapse=0.05, transform=0.5)
    nengo.Connection(a.neurons, b.neurons, transform=np.full((9, 11), 1e-3))
    nengo.Probe(b)
    nengo.Probe(b, synapse=0.01, solver=nengo.solvers.LstsqL2(reg=0.5))


def inputs_by_themselves():
    """Nodes whose output nothing gives: constants, functions and processes."""
    ens = nengo.Ensemble(10, 2, neuron_type=RATE)
    for node in (
        nengo.Node([0.3, -0.2]),
        nengo.Node(lambda t: [np.cos(30 * t), t]),
        nengo.Node(nengo.processes.WhiteSignal(1, 50, rms=0.3), size_out=2),
        nengo.Node(nengo.processes.WhiteNoise(scale=False), size_out=2),
        nengo.Node(nengo.processes.PresentInput([[1, 2], [3, 4]], 0.007)),
        nengo.Node(nengo.processes.Piecewise({0.01: [1, 0], 0.02: [0, 1]})),
    ):
        nengo.Connection(node, ens, transform=0.2, synapse=0.01)
        nengo.Probe(node)
    nengo.Probe(ens)


def probes():
    """Everything that can be probed, at several rates."""
    inputs, constant = stimulus(2), nengo.Node([1.5, -2])
    ens = nengo.Ensemble(6, 2, neuron_type=nengo.LIF(min_voltage=-0.5))
    conn = nengo.Connection(inputs, ens, transform=[[0, 1], [1, 0]], synapse=0.01)
    back = nengo.Connection(ens, ens, transform=-0.5)
    for obj, attr in (
        (ens, "input"),
        (ens, "scaled_encoders"),
        (ens.neurons, "input"),
        (ens.neurons, "voltage"),
        (ens.neurons, "refractory_time"),
        (conn, "weights"),
        (conn, "input"),
        (back, "weights"),
        (back, "output"),
        (constant, "output"),
    ):
        nengo.Probe(obj, attr)
        nengo.Probe(obj, attr, sample_every=0.004)
    for sample_every in (0.0005, 0.001, 0.0015, 0.003, 0.0071):
        nengo.Probe(inputs, sample_every=sample_every)
        nengo.Probe(ens, synapse=0.01, sample_every=sample_every)
    nengo.Probe(ens.neurons, synapse=0.005)
    nengo.Probe(constant, synapse=0.01)
    nengo.Probe(back, "weights", synapse=0.01)


CASES = {
    case.__name__: case
    for case in (
        integrator,
        circular_convolution,
        product,
        ensemble_arrays,
        communication_channels,
        spiking_communication_channels,
        spiking_integrator,
        convolutions,
        slices,
        synapses,
        passthroughs,
        solvers,
        inputs_by_themselves,
        probes,
    )
}
SLOW_CASES = list(CASES)[:7]


def build(name, seeds):
    """Make a network; for several seeds one that holds as many of them."""
    with nengo.Network(seed=seeds[0]) as net:
        for seed in seeds:
            with nengo.Network(seed=seed):
                CASES[name]()
    return net


@functools.cache
def reference(name, seeds, n_steps, item):
    """Run nengo.Simulator with the stimulus of one batch item."""
    net = build(name, seeds)
    Stimulus.item = item
    # Its optimizer changes which process gets which random numbers.
    optimize = name != "inputs_by_themselves"
    with nengo.Simulator(net, seed=3, optimize=optimize, progress_bar=False) as sim:
        sim.run_steps(n_steps)
    Stimulus.item = 0
    return [sim.data[probe] for probe in net.all_probes]


def given(net, batch, n_steps):
    """The stimuli of all batch items as data."""
    data = {}
    for node in net.all_nodes:
        if isinstance(node.output, Stimulus):
            values = np.zeros((batch, n_steps, node.size_out))
            for item in range(batch):
                Stimulus.item = item
                values[item] = [node.output(0.001 * (i + 1)) for i in range(n_steps)]
            data[node] = values
    Stimulus.item = 0
    return data


def label(probe):
    return getattr(probe.obj, "label", None)


def is_spikes(probe):
    return label(probe) == "spikes" or (
        isinstance(probe.target, nengo.ensemble.Neurons)
        and probe.attr == "output"
        and probe.target.ensemble.neuron_type.spiking
        and probe.synapse is None
    )


def compare(probe, dtype, spiking, output, expected):
    assert output.shape == expected.shape
    if is_spikes(probe):
        counts, wanted = (np.sum(x, axis=0) * 0.001 for x in (output, expected))
        # In float32 a current may pass the threshold a moment earlier or later.
        atol = 1e-6 if dtype == "float64" else 1.01
        np.testing.assert_allclose(counts, wanted, rtol=0, atol=atol)
    elif dtype == "float64" or not spiking or label(probe) == "rates":
        atol = {"float64": 1e-9, "float32": 1e-4}[dtype]
        peak = np.max(np.abs(expected), initial=1e-3)
        np.testing.assert_allclose(output, expected, rtol=0, atol=atol * peak)


def check(name, seeds, n_steps, jit_compile, minibatch_size, dtype, unroll=1):
    net = build(name, seeds)
    with net:
        configure_settings(dtype=dtype)
    data = {} if minibatch_size is None else given(net, minibatch_size, n_steps)
    with Simulator(
        net,
        seed=3,
        minibatch_size=minibatch_size,
        unroll_simulation=unroll,
        jit_compile=jit_compile,
        progress_bar=False,
    ) as sim:
        sim.run_steps(n_steps, data=data)
    assert sim.n_steps == n_steps
    spiking = any(ens.neuron_type.spiking for ens in net.all_ensembles)
    for item in {0, (minibatch_size or 1) - 1} if data else {0}:
        expected = reference(name, seeds, n_steps, item)
        for probe, wanted in zip(net.all_probes, expected, strict=True):
            output = sim.data[probe]
            output = output if minibatch_size is None else output[item]
            compare(probe, dtype, spiking, output, wanted)


# jit_compile, minibatch_size, dtype
MODES = [
    (False, None, "float64"),
    (False, 7, "float32"),
    (True, 7, "float64"),
]

# Every pair of settings is in one of these.
LONG_MODES = [
    (False, None, "float64"),
    (False, 1, "float64"),
    (False, 7, "float32"),
    (True, None, "float32"),
    (True, 1, "float32"),
    (True, 7, "float64"),
]


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_equals_nengo(name, mode, monkeypatch):
    monkeypatch.setattr(loop, "MAX_CHUNK_STEPS", 16)
    check(name, (0,), 50, *mode)


@pytest.mark.parametrize(
    "n_steps, unroll, jit_compile",
    [(50, 3, True), (50, 3, False), (12, 4, False), (3, 5, False)],
)
def test_unrolled_equals_nengo(n_steps, unroll, jit_compile, monkeypatch):
    monkeypatch.setattr(loop, "MAX_CHUNK_STEPS", 16)
    check("spiking_integrator", (0,), n_steps, jit_compile, 1, "float64", unroll)


@pytest.mark.slow
@pytest.mark.parametrize("mode", LONG_MODES, ids=str)
@pytest.mark.parametrize("name", SLOW_CASES)
def test_equals_nengo_for_long(name, mode, monkeypatch):
    monkeypatch.setattr(loop, "MAX_CHUNK_STEPS", 300)
    check(name, (0, 1, 2), 1000, *mode)


@pytest.mark.parametrize("minibatch_size", [None, 3])
@pytest.mark.parametrize("sample_every", [None, 0.004])
def test_keep_history(minibatch_size, sample_every, monkeypatch):
    monkeypatch.setattr(loop, "MAX_CHUNK_STEPS", 3)
    with nengo.Network() as net:
        configure_settings(keep_history=False)
        node = nengo.Node(lambda t: [t, 2 * t])
        last = nengo.Probe(node, sample_every=sample_every)
        full = nengo.Probe(node, sample_every=sample_every)
    net.config[full].keep_history = True
    with Simulator(net, minibatch_size=minibatch_size, progress_bar=False) as sim:
        for n_steps in (2, 7, 1):
            sim.run_steps(n_steps)
            if len(sim.data[full]):
                expected = sim.data[full][..., -1:, :]
                np.testing.assert_array_equal(sim.data[last], expected)
    assert sim.data[last].shape[-2] == 1
