"""A network of the size and the irregularity of Spaun, for measuring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import nengo
import numpy as np
from nengo.networks import (
    BasalGanglia,
    CircularConvolution,
    EnsembleArray,
    Product,
    Thalamus,
)
from nengo.base import NengoObject
from nengo.neurons import NeuronType

from nengo_dl_spaun_bench.populations import settle_populations
from nengo_dl_spaun_bench.spaun_parts import (
    INHIBITION,
    LOOP_GAIN,
    cleanup,
    inhibit,
    memory_block,
    selector,
    threshold,
)

#: From this many dimensions on, only vectors grow; what does not consist of them
#: (pixels, features, actions, points of a path) has its full size.
FULL_DIMENSIONS = 16


#: Intercepts of neurons for values that are never negative.
POSITIVE = nengo.dists.Uniform(0, 1)


@dataclass(frozen=True)
class Sizes:
    """
    How large the parts are.

    Parameters
    ----------
    dimensions : int
        Size of the vectors that stand for concepts.
    neurons : int
        Neurons for each dimension.
    """

    dimensions: int
    neurons: int

    def scaled(self, full: int) -> int:
        """Return a size that does not grow with the vectors, but shrinks with them."""
        share = min(1.0, self.dimensions / FULL_DIMENSIONS)
        return max(2, round(full * share))

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        return self.scaled(784)

    @property
    def features(self) -> int:
        """Features that vision finds in an image."""
        return self.scaled(200)

    @property
    def actions(self) -> int:
        """Actions of which one is selected at a time."""
        return self.scaled(45)

    @property
    def points(self) -> int:
        """Coordinates of the path that a digit is drawn along."""
        return self.scaled(50)


def spaun_like(
    dimensions: int,
    neurons_per_d: int = 50,
    neuron_type: NeuronType | None = None,
    seed: int = 0,
) -> nengo.Network:
    """
    Vision, memories, transformations and motor control, wired like those of Spaun.

    With 50 neurons for each of 16 dimensions it has about 6,000 ensembles, 390,000
    neurons and 86,000 operators. It computes nothing of use: parts, sizes and kinds of
    connections are those of the model [1]_, its vocabularies and weights are random.

    Parameters
    ----------
    dimensions : int
        Size of the vectors that stand for concepts.
    neurons_per_d : int
        Neurons for each dimension of what is represented (products take more).
    neuron_type : NeuronType
        Type of all neurons; by default ``nengo.LIF()``.
    seed : int
        Seed of vocabularies, weights and neurons.

    Returns
    -------
    net : nengo.Network
        With the input ``inp`` (an image at a time) and the probe ``p`` (the pen).

    References
    ----------
    .. [1] Choo, X. (2018). Spaun 2.0: Extending the world's largest functional brain
       model. PhD thesis, University of Waterloo.
    """
    sizes = Sizes(dimensions, neurons_per_d)
    rng = np.random.RandomState(seed)
    words = _vectors(rng, 66, dimensions)
    net = nengo.Network(label="spaun_like", seed=seed)
    net.config[nengo.Ensemble].neuron_type = neuron_type or nengo.LIF()
    net.config[nengo.Ensemble].max_rates = nengo.dists.Uniform(100, 200)
    with net:
        vision = _vision(sizes, words, rng)
        control = _control(sizes, words, vision, rng)
        encoding = _encoding(sizes, vision, control, rng)
        memories = _memories(sizes, encoding.output, control, rng)
        transform = _transform(sizes, words, memories, control, rng)
        instructions = _instructions(sizes, memories, control, rng)
        sources = [transform.output, instructions.output, *memories]
        decoding = _decoding(sizes, words, sources, control, rng)
        net.inp = vision.image
        net.p = nengo.Probe(_motor(sizes, decoding, control, rng), synapse=0.01)
    settle_populations(net, rng)
    return net


def _vision(
    sizes: Sizes, words: np.ndarray, rng: np.random.RandomState
) -> nengo.Network:
    """Find features in images, name them, and notice when the image changes."""
    n, hidden = sizes.neurons, sizes.scaled(500)
    with nengo.Network(label="vision") as net:
        images = rng.uniform(0, 1, size=(10, sizes.pixels))
        net.image = nengo.Node(nengo.processes.PresentInput(images, 0.15))
        first, second = nengo.Ensemble(hidden, 1), nengo.Ensemble(sizes.features, 1)
        features = nengo.Node(size_in=sizes.features)
        _weigh(net.image, first.neurons, rng)
        _weigh(first.neurons, second.neurons, rng, scale=0.01)
        nengo.Connection(second.neurons, features, transform=0.01)

        difference = EnsembleArray(
            n, sizes.pixels, intercepts=POSITIVE, encoders=nengo.dists.Choice([[1]])
        )
        nengo.Connection(net.image, difference.input, synapse=0.005)
        nengo.Connection(net.image, difference.input, synapse=0.02, transform=-1)
        net.changed = threshold(n, 0.2)
        mean = np.full((1, sizes.pixels), 15 / sizes.pixels)
        nengo.Connection(difference.output, net.changed, transform=mean)
        inhibit(net.changed, difference)

        seen = memory_block(n, sizes.features)
        nengo.Connection(features, seen.input)
        nengo.Connection(net.changed, seen.gate)
        names = cleanup(n, _vectors(rng, 24, sizes.features), words[:24])
        nengo.Connection(seen.output, names.input)
        concept = memory_block(n, sizes.dimensions)
        nengo.Connection(names.output, concept.input)
        nengo.Connection(net.changed, concept.gate)
        net.output = concept.output
    return net


def _control(
    sizes: Sizes, words: np.ndarray, vision: nengo.Network, rng: np.random.RandomState
) -> nengo.Network:
    """Select actions by what is seen and by three states; learn some utilities."""
    n = sizes.neurons
    with nengo.Network(label="control") as net:
        ganglia = BasalGanglia(sizes.actions, 2 * n, input_bias=0.5)
        thalamus = Thalamus(sizes.actions, n)
        nengo.Connection(ganglia.output, thalamus.input)
        net.output = thalamus.output
        for vocabulary in (words[24:37], words[37:49], words[49:55]):
            state = memory_block(n, sizes.dimensions)
            chosen = selector(n, sizes.dimensions, 3)
            tidy = cleanup(n, vocabulary, vocabulary)
            nengo.Connection(state.output, tidy.input)
            nengo.Connection(chosen.output, state.input, transform=0.5)
            nengo.Connection(vision.changed, state.gate)
            _weigh(thalamus.output, chosen.gates, rng)
            for channel in chosen.inputs:
                nengo.Connection(tidy.output, channel)
                _weigh(thalamus.output, channel, rng)
            _weigh(tidy.output, ganglia.input, rng)
        _weigh(vision.output, ganglia.input, rng)
        reward = threshold(n, 0.1)
        _weigh(vision.output, reward, rng)
        for action in range(2):
            bias = nengo.Ensemble(n, 1)
            learned = nengo.Connection(
                bias,
                ganglia.input[action],
                function=lambda x: 0.2,
                learning_rule_type=nengo.PES(1e-4),
            )
            nengo.Connection(reward, learned.learning_rule)
    return net


def _encoding(
    sizes: Sizes,
    vision: nengo.Network,
    control: nengo.Network,
    rng: np.random.RandomState,
) -> nengo.Network:
    """Bind what is seen to a position, and count positions."""
    n, d = sizes.neurons, sizes.dimensions
    with nengo.Network(label="encoding") as net:
        position, total, last = (memory_block(n, d) for _ in range(3))
        following = selector(n, d, 2)
        for channel in following.inputs:
            nengo.Connection(position.output, channel, transform=_rotation(rng, d))
        nengo.Connection(following.output, position.input)
        bound = CircularConvolution(3 * n, d)
        nengo.Connection(vision.output, bound.input_a)
        nengo.Connection(position.output, bound.input_b)
        nengo.Connection(position.output, total.input, transform=LOOP_GAIN)
        nengo.Connection(total.output, last.input)
        for part in (position, total, last):
            nengo.Connection(vision.changed, part.gate)
            _weigh(control.output, part.reset, rng)
        _weigh(control.output, following.gates, rng)
        net.output = bound.output
    return net


def _memories(
    sizes: Sizes,
    item: nengo.Node,
    control: nengo.Network,
    rng: np.random.RandomState,
) -> list[nengo.Node]:
    """Keep three lists, each rehearsed and decaying, and a running average."""
    n, d = sizes.neurons, sizes.dimensions
    outputs = []
    for _ in range(3):
        chosen = selector(n, d, 4)
        _weigh(control.output, chosen.gates, rng)
        output = nengo.Node(size_in=d)
        for feedback in (0.5, 0.4):  # what is rehearsed, and what decays
            first, second = memory_block(n, d), memory_block(n, d)
            nengo.Connection(chosen.output, first.input)
            nengo.Connection(first.output, second.input)
            nengo.Connection(second.output, first.input, transform=feedback)
            nengo.Connection(second.output, output, transform=0.5, synapse=None)
            for part in (first, second):
                _weigh(control.output, part.gate, rng)
                _weigh(control.output, part.reset, rng)
        for channel in chosen.inputs:
            nengo.Connection(item, channel)
        outputs.append(output)
    average = memory_block(n, d)
    nengo.Connection(item, average.input, transform=0.275)
    nengo.Connection(average.output, average.input, transform=0.725)
    _weigh(control.output, average.gate, rng)
    return [*outputs, average.output]


def _transform(
    sizes: Sizes,
    words: np.ndarray,
    memories: list[nengo.Node],
    control: nengo.Network,
    rng: np.random.RandomState,
) -> nengo.Network:
    """Bind two of the memories, compare them, and choose what to hand on."""
    n, d = sizes.neurons, sizes.dimensions
    with nengo.Network(label="transform") as net:
        left, right, out = (selector(n, d, k) for k in (3, 6, 8))
        bound = CircularConvolution(3 * n, d, invert_b=True)
        alike = Product(4 * n, d)
        answer = cleanup(n, words[:8], words[8:16])
        for side, ends in ((left, "input_a"), (right, "input_b")):
            held, normal = memory_block(n, d), EnsembleArray(n, d)
            nengo.Connection(side.output, held.input)
            nengo.Connection(held.output, normal.input)
            _weigh(control.output, held.gate, rng)
            for part in (bound, alike):
                nengo.Connection(normal.output, getattr(part, ends))
            for k, channel in enumerate(side.inputs):
                nengo.Connection(memories[k % len(memories)], channel)
            _weigh(control.output, side.gates, rng)
        nengo.Connection(bound.output, answer.input)
        for k, channel in enumerate(out.inputs):
            source = answer.output if k % 2 else bound.output
            nengo.Connection(source, channel, transform=_rotation(rng, d))
        match = threshold(n, 0.5)
        nengo.Connection(alike.output, match, transform=np.ones((1, d)))
        nengo.Connection(match, out.gates, transform=np.ones((8, 1)))
        _weigh(control.output, out.gates, rng)
        net.output = out.output
    return net


def _instructions(
    sizes: Sizes,
    memories: list[nengo.Node],
    control: nengo.Network,
    rng: np.random.RandomState,
) -> nengo.Network:
    """Follow instructions: unbind a condition and its consequence, in wide ensembles."""
    n, d = sizes.neurons, sizes.dimensions
    with nengo.Network(label="instructions") as net:
        stored, found, chosen = memory_block(n, d), memory_block(n, d), selector(n, d, 3)
        _weigh(control.output, chosen.gates, rng)
        nengo.Connection(memories[0], stored.input)
        for channel in chosen.inputs:
            nengo.Connection(stored.output, channel)
        condition = CircularConvolution(3 * n, d, invert_b=True)
        consequence = CircularConvolution(3 * n, d, invert_b=True)
        wide = EnsembleArray(16 * 16 * n, max(1, d // 16), ens_dimensions=min(d, 16))
        for source, target in (
            (chosen.output, condition.input_a),
            (memories[1], condition.input_b),
            (condition.output, wide.input),
            (wide.output, consequence.input_a),
            (stored.output, consequence.input_b),
        ):
            nengo.Connection(source, target)
        nengo.Connection(consequence.output, found.input)
        net.output = found.output
    return net


def _decoding(
    sizes: Sizes,
    words: np.ndarray,
    sources: list[nengo.Node],
    control: nengo.Network,
    rng: np.random.RandomState,
) -> nengo.Network:
    """Choose a source, unbind an item, and find the path of the digit it stands for."""
    n, d = sizes.neurons, sizes.dimensions
    with nengo.Network(label="decoding") as net:
        chosen, item = selector(n, d, 5), memory_block(n, d)
        unbound = CircularConvolution(3 * n, d, invert_b=True)
        for k, channel in enumerate(chosen.inputs):
            nengo.Connection(sources[k % len(sources)], channel)
        _weigh(control.output, chosen.gates, rng)
        nengo.Connection(chosen.output, unbound.input_a)
        nengo.Connection(item.output, unbound.input_b)
        nengo.Connection(unbound.output, item.input)
        digit = cleanup(n, words[:10], np.eye(10))
        second = cleanup(n, words[:10], np.eye(10), level=0.2)
        net.output = nengo.Node(size_in=sizes.points)
        for memory in (digit, second):
            nengo.Connection(item.output, memory.input)
            paths = selector(n, sizes.points, 10)
            nengo.Connection(memory.output, paths.gates)
            nengo.Connection(paths.output, net.output, transform=0.5, synapse=None)
            for channel in paths.inputs:
                _weigh(item.output, channel, rng)
        net.known = threshold(n, 0.3)
        nengo.Connection(digit.output, net.known, transform=np.ones((1, 10)))
    return net


def _motor(
    sizes: Sizes,
    decoding: nengo.Network,
    control: nengo.Network,
    rng: np.random.RandomState,
) -> nengo.Node:
    """Draw a path: a ramp opens its points one after another."""
    n = sizes.neurons
    ramp = nengo.Ensemble(10 * n, 1)
    nengo.Connection(ramp, ramp, synapse=0.05, transform=LOOP_GAIN / 2)
    nengo.Connection(decoding.known, ramp, transform=0.15)
    _weigh(decoding.output, ramp, rng)
    pen = nengo.Node(size_in=2)
    points = EnsembleArray(10 * n, sizes.points)
    nengo.Connection(decoding.output, points.input)
    for k, ens in enumerate(points.ea_ensembles):
        when = nengo.Ensemble(n, 1)
        nengo.Connection(ramp, when, function=_away_from(k / sizes.points))
        nengo.Connection(
            when, ens.neurons, transform=np.full((ens.n_neurons, 1), INHIBITION)
        )
        nengo.Connection(ens, pen[k % 2])
    return pen


def _away_from(center: float) -> Callable:
    """Return a function that is 0 near a point, and 1 away from it."""
    return lambda x: 1 - np.exp(-(((x - center) / 0.3) ** 2))


def _weigh(
    pre: NengoObject,
    post: NengoObject,
    rng: np.random.RandomState,
    scale: float = 1.0,
) -> None:
    """Connect by random weights that leave the length of a vector as it is."""
    weights = rng.randn(post.size_in, pre.size_out) / np.sqrt(pre.size_out)
    nengo.Connection(pre, post, transform=scale * weights)


def _vectors(rng: np.random.RandomState, n: int, dimensions: int) -> np.ndarray:
    """Return vectors of unit length."""
    vectors = rng.randn(n, dimensions)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _rotation(rng: np.random.RandomState, dimensions: int) -> np.ndarray:
    """Return the matrix of a convolution that preserves length, a bit shortened."""
    phases = np.fft.fft(rng.randn(dimensions))
    kernel = np.fft.ifft(phases / np.abs(phases)).real
    return LOOP_GAIN * np.stack([np.roll(kernel, k) for k in range(dimensions)], axis=1)
