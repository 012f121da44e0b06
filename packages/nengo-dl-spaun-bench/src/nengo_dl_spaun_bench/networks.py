"""
The standard benchmark networks.

Each builder returns a ``nengo.Network`` with its input node as ``net.inp`` (or
``net.inp_a`` and ``net.inp_b``; ``cuba`` has none) and the probe to read as ``net.p``.
They are written in plain Nengo, so that any backend can run them.
"""

from __future__ import annotations

from collections.abc import Callable

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType

from .cuba import cuba
from .sizes import check_sizes
from .spaun.benchmark import spaun_benchmark
from .spaun_like import spaun_like

TAU = 0.01
"""Time constant of the integrators' feedback, in seconds."""

RATE_SCALE = 1e-3
"""Value that a mean rate of 1 Hz is decoded into, in the random network."""

N_LAYERS = 3
"""Layers of the feed-forward network."""

PIXELS_PER_D = 49
"""Pixels of its image, for each of its outputs."""


def cconv(
    dimensions: int, neurons_per_d: int, neuron_type: NeuronType
) -> nengo.Network:
    """
    Circular convolution of two vectors, in one big ensemble array.

    Parameters
    ----------
    dimensions : int
        Dimensions of each vector.
    neurons_per_d : int
        Neurons for each of the products in the Fourier domain.
    neuron_type : NeuronType
        Type of all neurons.

    Returns
    -------
    net : nengo.Network
        With the inputs ``inp_a`` and ``inp_b`` and the probe ``p``.

    Raises
    ------
    ValidationError
        If an argument is not as described.
    """
    net = _network("cconv", dimensions, neurons_per_d, neuron_type)
    _set_simple_gains(net)
    with net:
        product = nengo.networks.CircularConvolution(neurons_per_d, dimensions)
        net.inp_a = nengo.Node(np.zeros(dimensions))
        net.inp_b = nengo.Node(np.ones(dimensions))
        nengo.Connection(net.inp_a, product.input_a)
        nengo.Connection(net.inp_b, product.input_b)
        net.p = nengo.Probe(product.output)
    return net


def integrator(
    dimensions: int, neurons_per_d: int, neuron_type: NeuronType
) -> nengo.Network:
    """
    One-dimensional integrators side by side, in one ensemble array.

    Parameters
    ----------
    dimensions : int
        Number of integrators.
    neurons_per_d : int
        Neurons of each integrator.
    neuron_type : NeuronType
        Type of all neurons.

    Returns
    -------
    net : nengo.Network
        With the input ``inp`` and the probe ``p``.

    Raises
    ------
    ValidationError
        If an argument is not as described.
    """
    net = _network("integrator", dimensions, neurons_per_d, neuron_type)
    _set_simple_gains(net)
    with net:
        array = nengo.networks.EnsembleArray(neurons_per_d, dimensions)
        net.inp = nengo.Node(np.zeros(dimensions))
        nengo.Connection(net.inp, array.input, transform=TAU)
        nengo.Connection(array.output, array.input, synapse=TAU)
        net.p = nengo.Probe(array.output)
    return net


def pes(dimensions: int, neurons_per_d: int, neuron_type: NeuronType) -> nengo.Network:
    """
    Communication channel learned online by PES.

    Parameters
    ----------
    dimensions : int
        Dimensions of the channel.
    neurons_per_d : int
        Neurons of the one ensemble, for each dimension.
    neuron_type : NeuronType
        Type of all neurons.

    Returns
    -------
    net : nengo.Network
        With the input ``inp`` and the probe ``p``.

    Raises
    ------
    ValidationError
        If an argument is not as described.
    """
    net = _network("pes", dimensions, neurons_per_d, neuron_type)
    _set_simple_gains(net)
    with net:
        net.inp = nengo.Node(np.ones(dimensions))
        ens = nengo.Ensemble(neurons_per_d * dimensions, dimensions)
        out = nengo.Node(size_in=dimensions)
        nengo.Connection(net.inp, ens)
        learned = nengo.Connection(ens, out, learning_rule_type=nengo.PES())
        nengo.Connection(out, learned.learning_rule)
        nengo.Connection(net.inp, learned.learning_rule, transform=-1)
        net.p = nengo.Probe(out)
    return net


def basal_ganglia(
    dimensions: int, neurons_per_d: int, neuron_type: NeuronType
) -> nengo.Network:
    """
    Action selection by a model of the basal ganglia.

    Parameters
    ----------
    dimensions : int
        Number of actions.
    neurons_per_d : int
        Neurons of each of the five ensembles of one action.
    neuron_type : NeuronType
        Type of all neurons.

    Returns
    -------
    net : nengo.Network
        With the input ``inp`` and the probe ``p``.

    Raises
    ------
    ValidationError
        If an argument is not as described.
    """
    net = _network("basal_ganglia", dimensions, neurons_per_d, neuron_type)
    with net:
        net.inp = nengo.Node(np.ones(dimensions))
        selection = nengo.networks.BasalGanglia(dimensions, neurons_per_d)
        nengo.Connection(net.inp, selection.input)
        net.p = nengo.Probe(selection.output)
    return net


def random_network(
    dimensions: int,
    neurons_per_d: int,
    neuron_type: NeuronType,
    n_ensembles: int = 10,
    connections_per_ensemble: int = 5,
    seed: int = 0,
) -> nengo.Network:
    """
    Wide ensembles, each decoded into randomly chosen others.

    Parameters
    ----------
    dimensions : int
        Dimensions of each ensemble.
    neurons_per_d : int
        Neurons of each ensemble, for each dimension.
    neuron_type : NeuronType
        Type of all neurons.
    n_ensembles : int, optional
        Number of ensembles.
    connections_per_ensemble : int, optional
        How many different ensembles each one projects to (itself may be among them).
    seed : int, optional
        Seed of the choice of connections.

    Returns
    -------
    net : nengo.Network
        With the input ``inp`` and the probe ``p`` (the sum of all ensembles).

    Raises
    ------
    ValidationError
        If an argument is not as described, or there are fewer ensembles than
        connections of each.
    """
    if not 0 <= connections_per_ensemble <= n_ensembles:
        raise ValidationError(
            f"Must be from 0 to n_ensembles={n_ensembles} "
            f"(got {connections_per_ensemble})",
            attr="connections_per_ensemble",
        )
    rng = np.random.RandomState(seed)
    net = _network("random_network", dimensions, neurons_per_d, neuron_type)
    decoders = _mean_decoders(neurons_per_d * dimensions, dimensions)
    with net:
        net.inp = nengo.Node(np.zeros(dimensions))
        out = nengo.Node(size_in=dimensions)
        ensembles = [
            nengo.Ensemble(neurons_per_d * dimensions, dimensions)
            for _ in range(n_ensembles)
        ]
        for ens in ensembles:
            nengo.Connection(net.inp, ens)
            nengo.Connection(ens, out, solver=decoders)
            posts = rng.choice(n_ensembles, connections_per_ensemble, replace=False)
            for post in posts:
                nengo.Connection(ens, ensembles[post], solver=decoders)
        net.p = nengo.Probe(out)
    return net


def feed_forward(
    dimensions: int, neurons_per_d: int, neuron_type: NeuronType
) -> nengo.Network:
    """
    Three dense layers, which see one image for the whole run.

    Parameters
    ----------
    dimensions : int
        Number of outputs. The image has 49 pixels for each: 28 x 28 for 16.
    neurons_per_d : int
        Neurons of each layer, for each output.
    neuron_type : NeuronType
        Type of all neurons.

    Returns
    -------
    net : nengo.Network
        With the input ``inp`` and the probe ``p``.

    Raises
    ------
    ValidationError
        If an argument is not as described.
    """
    net = _network("feed_forward", dimensions, neurons_per_d, neuron_type)
    rng, n = np.random.RandomState(0), dimensions * neurons_per_d
    pixels = rng.uniform(size=dimensions * PIXELS_PER_D)

    def random_weights(n_rows: int, n_columns: int, scale: float) -> np.ndarray:
        return rng.normal(0, scale / np.sqrt(n_columns), size=(n_rows, n_columns))

    with net:
        net.config[nengo.Connection].synapse = None
        net.inp = nengo.Node(pixels)
        source, weights = net.inp, random_weights(n, len(pixels), 1.0)
        for _ in range(N_LAYERS):
            neurons = nengo.Ensemble(n, 1).neurons
            nengo.Connection(source, neurons, transform=weights)
            source, weights = neurons, random_weights(n, n, 10 * RATE_SCALE)
        out = nengo.Node(size_in=dimensions)
        nengo.Connection(source, out, transform=weights[:dimensions])
        net.p = nengo.Probe(out, synapse=2 * TAU)
    return net


NETWORKS: dict[str, Callable[[int, int, NeuronType], nengo.Network]] = {
    "cconv": cconv,
    "integrator": integrator,
    "pes": pes,
    "basal_ganglia": basal_ganglia,
    "random_network": random_network,
    "feed_forward": feed_forward,
    "cuba": cuba,
    "spaun_like": spaun_like,
    "spaun": spaun_benchmark,
}
"""The networks by the name that the command line knows them by."""

TIME_STEPS: dict[str, float] = {"cuba": 1e-4}
"""Time steps of networks, in seconds, that have others than 1 ms."""

NEURON_TYPES: dict[str, type[NeuronType]] = {
    "relu": nengo.RectifiedLinear,
    "lif": nengo.LIF,
    "lifrate": nengo.LIFRate,
    "spiking_relu": nengo.SpikingRectifiedLinear,
    "sigmoid": nengo.Sigmoid,
}
"""The neuron types by the name that the command line knows them by."""


def _network(
    label: str, dimensions: int, neurons_per_d: int, neuron_type: NeuronType
) -> nengo.Network:
    """Check the sizes; return an empty network with the neuron type as default."""
    check_sizes(dimensions, neurons_per_d)
    net = nengo.Network(label=label, seed=0)
    net.config[nengo.Ensemble].neuron_type = neuron_type
    return net


def _set_simple_gains(net: nengo.Network) -> None:
    """
    Give rectified linear populations unit gains and small biases.

    Their rates are then at most 2 Hz, as in the usual form of these benchmarks. All
    other types keep Nengo's defaults: at such rates, spikes would hardly ever come.
    """
    config = net.config[nengo.Ensemble]
    neuron_type = config.neuron_type
    if isinstance(neuron_type, nengo.RectifiedLinear) and not neuron_type.spiking:
        config.gain = nengo.dists.Choice([1, -1])
        config.bias = nengo.dists.Uniform(-1, 1)


def _mean_decoders(n_neurons: int, dimensions: int) -> nengo.solvers.NoSolver:
    """
    Return decoders that need no solving: the mean rate, scaled, in each dimension.

    Solving would take far longer than all the rest of the build, and the loops of
    the random network could not be sure to have a gain below 1.
    """
    return nengo.solvers.NoSolver(
        np.full((n_neurons, dimensions), RATE_SCALE / n_neurons)
    )
