"""A sparse recurrent network of neurons that spike rarely."""

from __future__ import annotations

import nengo
import numpy as np
from nengo.neurons import NeuronType

from .sizes import check_sizes

N_SYNAPSES = 80
"""Synapses of each neuron, on average, however many neurons there are."""

EXCITATORY = 0.8
"""Which part of the neurons excite others; the rest inhibit them."""

BIAS = 1.1
"""The constant current, in units of the threshold."""

WEIGHTS = (0.162, 0.005), (-0.9, 0.01)
"""What a spike adds to the current of others, in units of the threshold, and the time
constant with which that decays, in seconds: of those that excite, and that inhibit."""

TAU_REF = 0.005
"""The refractory period of LIF neurons, in seconds."""


def cuba(
    dimensions: int, neurons_per_d: int, neuron_type: NeuronType, seed: int = 0
) -> nengo.Network:
    """
    Sparse recurrent network of excitatory and inhibitory neurons (``--neuron lif``).

    Each pair of neurons is connected with the probability that gives a neuron 80
    synapses. LIF neurons, in steps of 0.1 ms, fire irregularly at about 5.5 Hz, as in
    [1]_ (with exponential currents, "CUBA" in [2]_).

    Parameters
    ----------
    dimensions : int
        The number of neurons, divided by ``neurons_per_d``: 80 for the usual 4,000.
    neurons_per_d : int
        Neurons for each dimension.
    neuron_type : NeuronType
        Type of all neurons. The refractory period of ``nengo.LIF`` becomes 5 ms.
    seed : int, optional
        Seed of the choice of connections.

    Returns
    -------
    net : nengo.Network
        With the probe ``p``, the mean rate in Hz. There is no input.

    Raises
    ------
    ValidationError
        If an argument is not as described.

    References
    ----------
    .. [1] Vogels, T. P., & Abbott, L. F. (2005). Signal propagation and logic gating
       in networks of integrate-and-fire neurons. Journal of Neuroscience, 25(46).
    .. [2] Brette, R., et al. (2007). Simulation of networks of spiking neurons: a
       review of tools and strategies. Journal of Computational Neuroscience, 23(3).
    """
    check_sizes(dimensions, neurons_per_d)
    n, rng = dimensions * neurons_per_d, np.random.default_rng(seed)
    n_excitatory = round(EXCITATORY * n)
    parts = slice(0, n_excitatory), slice(n_excitatory, n)
    with nengo.Network(label="cuba", seed=0) as net:
        ens = nengo.Ensemble(
            n,
            1,
            neuron_type=_with_period(neuron_type),
            gain=np.ones(n),
            bias=np.full(n, BIAS),
        )
        for part, (value, tau) in zip(parts, WEIGHTS, strict=True):
            weights = _random_weights(n, part.stop - part.start, value * tau, rng)
            nengo.Connection(
                ens.neurons[part], ens.neurons, transform=weights, synapse=tau
            )
        mean = nengo.Node(size_in=1)
        nengo.Connection(
            ens.neurons, mean, transform=np.full((1, n), 1 / n), synapse=None
        )
        net.p = nengo.Probe(mean)
    return net


def _with_period(neuron_type: NeuronType) -> NeuronType:
    """Return a neuron type, with our refractory period if it is LIF."""
    if type(neuron_type) is not nengo.LIF:
        return neuron_type
    return nengo.LIF(
        neuron_type.tau_rc,
        TAU_REF,
        neuron_type.min_voltage,
        neuron_type.amplitude,
        neuron_type.initial_state,
    )


def _random_weights(
    rows: int, columns: int, value: float, rng: np.random.Generator
) -> nengo.Sparse:
    """Connect each pair with the same probability and weight."""
    density = min(1.0, N_SYNAPSES / rows)
    n_entries = rng.binomial(rows * columns, density)
    places = rng.choice(rows * columns, n_entries, replace=False)
    indices = np.stack(np.divmod(np.sort(places), columns), axis=1)
    return nengo.Sparse((rows, columns), indices, init=np.full(n_entries, value))
