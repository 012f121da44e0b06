"""A network of the size and the irregularity of Spaun, to measure with."""

from __future__ import annotations

import nengo
import numpy as np
from nengo.neurons import NeuronType

from . import spaun_modules as modules
from .populations import settle_populations
from .sizes import check_sizes
from .spaun_routes import unit_vectors

#: As many words as Spaun knows: digits, letters, tasks, states, modes of decoding.
N_WORDS = 66


def spaun_like(
    dimensions: int,
    neurons_per_d: int = 50,
    neuron_type: NeuronType | None = None,
    seed: int = 0,
) -> nengo.Network:
    """
    Vision, memories, reasoning and motor control, wired like those of Spaun.

    With 50 neurons for each of 16 dimensions it has about 6,200 ensembles, 370,000
    neurons and 87,000 operators, with 64 dimensions about 205,000 operators. It does
    nothing of use: kinds, sizes and numbers of its parts are those of the model
    [1]_, but what they remember and their weights are random. (Unlike Spaun it has
    no nodes that run Python, and solves for decoders in a way that builds fast.)

    Parameters
    ----------
    dimensions : int
        Size of the vectors that stand for concepts. Below 16, what does not consist
        of them (pixels, actions) is smaller than in Spaun, too.
    neurons_per_d : int
        Neurons for each dimension that is represented (products take more).
    neuron_type : NeuronType
        Type of all neurons; by default ``nengo.LIF()``.
    seed : int
        Seed of vocabularies, weights and neurons.

    Returns
    -------
    net : nengo.Network
        With the input ``inp`` (an image) and the probe ``p`` (the pen).

    Raises
    ------
    ValidationError
        If an argument is not as described.

    References
    ----------
    .. [1] Choo, F. X. (2018). Spaun 2.0: Extending the world's largest functional
       brain model. PhD thesis, University of Waterloo.
    """
    neuron_type = nengo.LIF() if neuron_type is None else neuron_type
    check_sizes(dimensions, neurons_per_d)
    rng = np.random.RandomState(seed)
    words = unit_vectors(rng, N_WORDS, dimensions)
    plan = modules.Plan(dimensions, neurons_per_d, words, rng)
    net = nengo.Network(label="spaun_like", seed=seed)
    net.config[nengo.Ensemble].neuron_type = neuron_type
    net.config[nengo.Ensemble].max_rates = nengo.dists.Uniform(100, 200)
    with net:
        _connect_modules(net, plan)
    settle_populations(net, rng)
    return net


def _connect_modules(net: nengo.Network, plan: modules.Plan) -> None:
    vision = modules.vision(plan)
    control = modules.control(plan, vision)
    encoding = modules.encoding(plan, vision, control)
    memories = modules.memories(plan, encoding.output, control)
    transformation = modules.transformation(plan, memories, control)
    instructions = modules.instructions(plan, memories, control)
    sources = [transformation.output, instructions.output, *memories]
    decoding = modules.decoding(plan, sources, control)
    pen = modules.motor(plan, decoding)
    net.inp, net.p = vision.image, nengo.Probe(pen, synapse=0.01)
