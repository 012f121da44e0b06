"""Networks of every kind of products, for tests of counts."""

import nengo
import numpy as np
from nengo.dists import Uniform

import nengo_dl_ops


def decoded():
    """A decoded chain, with a recurrent connection and a function."""
    source = nengo.Node(np.zeros(2))
    a = nengo.Ensemble(20, 2)
    b = nengo.Ensemble(15, 1, radius=2)
    nengo.Connection(source, a, synapse=None)
    nengo.Connection(a, a, synapse=0.05)
    nengo.Connection(a, b, function=np.prod)
    nengo.Connection(b, a[1], transform=0.5)


def fast():
    """Neurons that spike several times in a step, and weights of which some are 0."""
    source = nengo.Node(np.zeros(2))
    kind = nengo.SpikingRectifiedLinear()
    a = nengo.Ensemble(12, 2, neuron_type=kind, max_rates=Uniform(500, 3000))
    b = nengo.Ensemble(9, 1, neuron_type=kind)
    weights = np.random.RandomState(0).randn(9, 12) * 1e-3
    weights[::2, ::3] = 0
    nengo.Connection(source, a, synapse=None)
    nengo.Connection(a.neurons, b.neurons, transform=weights)
    nengo.Connection(b.neurons[:4], b.neurons[3:7], transform=1e-3 * np.eye(4))


def below_zero():
    """Neurons that start so low that their first spikes are negative."""
    source = nengo.Node(np.zeros(2))
    kind = nengo.SpikingRectifiedLinear(initial_state={"voltage": Uniform(-3.5, 0.5)})
    a = nengo.Ensemble(12, 2, neuron_type=kind, max_rates=Uniform(100, 200))
    nengo.Connection(source, a, synapse=None)
    nengo.Connection(a, nengo.Node(size_in=1), function=np.prod)


def sparse():
    """A sparse matrix with an entry that comes twice, and one that is 0."""
    source = nengo.Node(np.zeros(2))
    a, b = (nengo.Ensemble(10, 2) for _ in range(2))
    nengo.Connection(source, a, synapse=None)
    indices = [[0, 0], [0, 0], [3, 4], [9, 4], [5, 5]]
    transform = nengo.Sparse((10, 10), indices=indices, init=[1, 2, 3, 4, 0])
    nengo.Connection(a.neurons, b.neurons, transform=transform)


def convolution():
    """Convolutions with channels last and first, strides, zeros around, and groups."""
    source = nengo.Node(np.zeros(2))
    pixels = nengo.Ensemble(7 * 6 * 2, 2, neuron_type=nengo_dl_ops.EulerLIF())
    nengo.Connection(source, pixels, synapse=None)
    first = nengo.Convolution(
        4, (7, 6, 2), strides=(2, 1), padding="same", groups=2, kernel_size=(3, 2)
    )
    a = nengo.Ensemble(first.size_out, 1).neurons
    nengo.Connection(pixels.neurons, a, transform=first)
    kernel = np.random.RandomState(0).choice([0, 1e-3], (2, 3, 4, 3))
    second = nengo.Convolution(
        3, (4, 4, 6), channels_last=False, kernel_size=(2, 3), init=kernel
    )
    nengo.Connection(a, nengo.Node(size_in=second.size_out), transform=second)


def transposed():
    """A convolution the other way, and one that ends in an ensemble."""
    source = nengo.Node(np.zeros(2))
    a = nengo.Ensemble(4 * 2, 2)
    nengo.Connection(source, a, synapse=None)
    back = nengo.ConvolutionTranspose(
        3, (4, 2), output_shape=(8, 3), kernel_size=(3,), strides=(2,), padding="same"
    )
    b = nengo.Ensemble(10, 24)
    nengo.Connection(a.neurons, b, transform=back)


def arrays():
    """Passthrough nodes, and slices of several kinds."""
    source = nengo.Node(np.zeros(2))
    array = nengo.networks.EnsembleArray(8, 4)
    out = nengo.Node(size_in=3)
    nengo.Connection(source, array.input[[2, 0]], synapse=None)
    nengo.Connection(source[1], array.input[3], synapse=None, function=np.sign)
    nengo.Connection(array.output[1:], out, transform=[[0, 1, 0]] * 3)


def full():
    """Weights that contain encoders already."""
    source = nengo.Node(np.zeros(2))
    a, b = nengo.Ensemble(12, 2), nengo.Ensemble(10, 1)
    nengo.Connection(source, a, synapse=None)
    solver = nengo.solvers.LstsqL2(weights=True)
    nengo.Connection(a, b, function=np.prod, solver=solver)


def learned():
    """Decoders that begin as zeros and are learned, and encoders that are."""
    source = nengo.Node(np.zeros(2))
    a, b = nengo.Ensemble(12, 2), nengo.Ensemble(10, 2)
    error = nengo.Node(size_in=1)
    nengo.Connection(source[0], error)
    nengo.Connection(source, a, synapse=None)
    taught = nengo.Connection(
        a, nengo.Node(size_in=1), function=lambda x: [0], learning_rule_type=nengo.PES()
    )
    nengo.Connection(error, taught.learning_rule)
    nengo.Connection(a, b, learning_rule_type=nengo.Voja())


def kinds():
    """Types of neurons, of which some have no voltage, or another amplitude."""
    source = nengo.Node(np.zeros(2))
    for kind in (
        nengo.AdaptiveLIF(),
        nengo.LIF(amplitude=0.2),
        nengo.RectifiedLinear(),
        nengo.RegularSpiking(nengo.Sigmoid()),
        nengo.Izhikevich(),
        nengo.Direct(),
    ):
        ens = nengo.Ensemble(8, 2, neuron_type=kind)
        nengo.Connection(source, ens, synapse=None)
        nengo.Connection(ens, nengo.Node(size_in=2), synapse=nengo.Alpha(0.01))


def spike_trains():
    """Inputs that are spikes in some steps, of height 1 and 1 / dt."""
    source = nengo.Node(np.zeros(2))
    ones, pulses = nengo.Node(size_in=3), nengo.Node(size_in=3)
    nengo.Connection(source, ones, transform=[[1, 0], [0, 1], [1, 0]], synapse=None)
    nengo.Connection(ones, pulses, transform=1000, synapse=None)
    a = nengo.Ensemble(6, 1)
    nengo.Connection(pulses, a.neurons, transform=np.full((6, 3), 1e-3), synapse=None)
    nengo.Connection(ones[:2], a.neurons, transform=np.ones((6, 2)), synapse=None)


NETWORKS = [
    decoded,
    fast,
    below_zero,
    sparse,
    convolution,
    transposed,
    arrays,
    full,
    learned,
    kinds,
    spike_trains,
]


def network(make):
    """Return a network, and its only node without input."""
    with nengo.Network(seed=1) as net:
        make()
    return net, next(node for node in net.all_nodes if node.size_in == 0)


def inputs(n_items, n_steps):
    """Return values for the source, of which some are 0 and some 1."""
    rng = np.random.RandomState(3)
    values = rng.uniform(-1, 1, (n_items, n_steps, 2))
    values[:, ::4] = np.sign(values[:, ::4])
    values[:, 1::4, 0] = 0
    return values
