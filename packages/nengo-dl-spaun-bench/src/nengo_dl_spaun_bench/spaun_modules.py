"""
The modules of the network like Spaun, from vision to motor control.

Each function adds one module to the network of the current context.
"""

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

from .spaun_parts import cleanup, inhibit, memory_block, rectified, selector, threshold
from .spaun_routes import LOOP_GAIN, rotation, route, unit_vectors, weigh

#: From this many dimensions on only vectors grow; what does not consist of them
#: (pixels, features, actions, points of a path) has its full size. Below, it shrinks
#: with the square of the dimensions, so that there are small networks for tests.
FULL_DIMENSIONS = 16


@dataclass(frozen=True, eq=False)
class Plan:
    """
    How large the modules are, and what their weights are made of.

    Parameters
    ----------
    dimensions : int
        Size of the vectors that stand for concepts.
    neurons : int
        Neurons for each dimension.
    words : (n_words, dimensions) array
        The vectors.
    rng : numpy.random.RandomState
        What weights and routes are drawn from.
    """

    dimensions: int
    neurons: int
    words: np.ndarray
    rng: np.random.RandomState

    def scaled(self, full: int) -> int:
        """Return a size that does not grow with the vectors, but shrinks with them."""
        share = min(1.0, self.dimensions / FULL_DIMENSIONS)
        return max(2, round(full * share**2))

    @property
    def n_actions(self) -> int:
        """The number of actions, of which one is selected at a time."""
        return self.scaled(45)

    @property
    def n_features(self) -> int:
        """The number of features that vision finds in an image."""
        return self.scaled(200)

    @property
    def n_points(self) -> int:
        """The number of coordinates of the path that a digit is drawn along."""
        return self.scaled(50)

    def memory(self) -> nengo.Network:
        """Add a memory for a concept."""
        return memory_block(self.neurons, self.dimensions)

    def convolution(self, invert_b: bool) -> CircularConvolution:
        """Add a product that binds two concepts, or unbinds the second."""
        return CircularConvolution(3 * self.neurons, self.dimensions, invert_b=invert_b)

    def selector(self, n_inputs: int, control: nengo.Network) -> nengo.Network:
        """Add channels for concepts, selected by an action."""
        net = selector(self.neurons, self.dimensions, n_inputs)
        weigh(control.output, net.gates, self.rng)
        return net


def vision(plan: Plan) -> nengo.Network:
    """Find features in images, name them, and notice when the image changes."""
    n, n_pixels, rng = plan.neurons, plan.scaled(784), plan.rng
    with nengo.Network(label="vision") as net:
        images = rng.uniform(0, 1, size=(10, n_pixels))
        net.image = nengo.Node(nengo.processes.PresentInput(images, 0.15))
        net.changed = _change(n, net.image)
        first = nengo.Ensemble(plan.scaled(500), 1)
        second = nengo.Ensemble(plan.n_features, 1)
        features = nengo.Node(size_in=plan.n_features)
        weigh(net.image, first.neurons, rng)
        weigh(first.neurons, second.neurons, rng, scale=0.01)
        nengo.Connection(second.neurons, features, transform=0.01)
        seen = memory_block(n, plan.n_features)
        route(features, seen.input, rng)
        names = cleanup(n, unit_vectors(rng, 24, plan.n_features), plan.words[:24])
        route(seen.output, names.input, rng)
        concept = plan.memory()
        route(names.output, concept.input, rng)
        for part in (seen, concept):
            route(net.changed, part.gate, rng)
        net.output = concept.output
    return net


def _change(n_neurons: int, image: nengo.Node) -> nengo.Ensemble:
    """Add a population that is active while pixels become brighter."""
    difference = EnsembleArray(n_neurons, image.size_out, **rectified(0))
    nengo.Connection(image, difference.input, synapse=0.005)
    nengo.Connection(image, difference.input, synapse=0.02, transform=-1)
    changed = threshold(n_neurons, 0.2)
    mean = np.full((1, image.size_out), 15 / image.size_out)
    nengo.Connection(difference.output, changed, transform=mean)
    inhibit(changed, difference.ea_ensembles)
    return changed


def control(plan: Plan, seen: nengo.Network) -> nengo.Network:
    """Select actions by what is seen and by three states; learn some utilities."""
    n, rng = plan.neurons, plan.rng
    with nengo.Network(label="control") as net:
        ganglia = BasalGanglia(plan.n_actions, 2 * n, input_bias=0.5)
        thalamus = Thalamus(plan.n_actions, n)
        route(ganglia.output, thalamus.input, rng)
        net.output = thalamus.output
        for vocabulary in (plan.words[24:37], plan.words[37:49], plan.words[49:55]):
            state, chosen = plan.memory(), plan.selector(3, net)
            tidy = cleanup(n, vocabulary, vocabulary)
            route(state.output, tidy.input, rng)
            route(chosen.output, state.input, rng, 0.5)
            route(seen.changed, state.gate, rng)
            for channel in chosen.inputs:
                route(tidy.output, channel, rng)
                weigh(thalamus.output, channel, rng)
            weigh(tidy.output, ganglia.input, rng)
        weigh(seen.output, ganglia.input, rng)
        reward = threshold(n, 0.1)
        weigh(seen.output, reward, rng)
        for action in range(2):
            _learn_utility(n, reward, ganglia.input[action])
    return net


def _learn_utility(
    n_neurons: int, reward: nengo.Ensemble, utility: nengo.base.ObjView
) -> None:
    bias = nengo.Ensemble(n_neurons, 1)
    learned = nengo.Connection(
        bias, utility, function=lambda x: 0.2, learning_rule_type=nengo.PES(1e-4)
    )
    nengo.Connection(reward, learned.learning_rule)


def encoding(plan: Plan, seen: nengo.Network, control: nengo.Network) -> nengo.Network:
    """Bind what is seen to a position, and count positions."""
    rng = plan.rng
    with nengo.Network(label="encoding") as net:
        position, total, last = (plan.memory() for _ in range(3))
        following = plan.selector(2, control)
        for channel in following.inputs:
            route(position.output, channel, rng, rotation(rng, plan.dimensions))
        route(following.output, position.input, rng)
        bound = plan.convolution(invert_b=False)
        route(seen.output, bound.input_a, rng)
        route(position.output, bound.input_b, rng)
        route(position.output, total.input, rng, LOOP_GAIN)
        route(total.output, last.input, rng)
        for part in (position, total, last):
            route(seen.changed, part.gate, rng)
            weigh(control.output, part.reset, rng)
        net.output = bound.output
    return net


def memories(plan: Plan, item: nengo.Node, control: nengo.Network) -> list[nengo.Node]:
    """Keep three lists, each rehearsed and decaying, and a running average."""
    outputs = [_list(plan, item, control) for _ in range(3)]
    average = plan.memory()
    route(item, average.input, plan.rng, 0.275)
    route(average.output, average.input, plan.rng, 0.725)
    weigh(control.output, average.gate, plan.rng)
    return [*outputs, average.output]


def _list(plan: Plan, item: nengo.Node, control: nengo.Network) -> nengo.Node:
    rng = plan.rng
    chosen = plan.selector(4, control)
    for channel in chosen.inputs:
        route(item, channel, rng)
    output = nengo.Node(size_in=plan.dimensions)
    for feedback in (0.5, 0.4):  # what is rehearsed, and what decays
        first, second = plan.memory(), plan.memory()
        route(chosen.output, first.input, rng)
        route(first.output, second.input, rng)
        route(second.output, first.input, rng, feedback)
        nengo.Connection(second.output, output, transform=0.5, synapse=None)
        for part in (first, second):
            weigh(control.output, part.gate, rng)
            weigh(control.output, part.reset, rng)
    return output


def transformation(
    plan: Plan, sources: list[nengo.Node], control: nengo.Network
) -> nengo.Network:
    """Unbind two of the memories, compare them, and choose what to hand on."""
    n, d, rng = plan.neurons, plan.dimensions, plan.rng
    with nengo.Network(label="transformation") as net:
        bound, alike = plan.convolution(invert_b=True), Product(4 * n, d)
        for n_inputs, end in ((3, "input_a"), (6, "input_b")):
            side = plan.selector(n_inputs, control)
            for k, channel in enumerate(side.inputs):
                route(sources[k % len(sources)], channel, rng)
            held, normal = plan.memory(), EnsembleArray(n, d)
            route(side.output, held.input, rng)
            route(held.output, normal.input, rng)
            weigh(control.output, held.gate, rng)
            for part in (bound, alike):
                route(normal.output, getattr(part, end), rng)
        answer = cleanup(n, plan.words[:8], plan.words[8:16])
        route(bound.output, answer.input, rng)
        out = plan.selector(8, control)
        for k, channel in enumerate(out.inputs):
            source = answer.output if k % 2 else bound.output
            route(source, channel, rng, rotation(rng, d))
        match = threshold(n, 0.5)
        route(alike.output, match, rng, np.ones((1, d)))
        route(match, out.gates, rng, np.ones((8, 1)))
        net.output = out.output
    return net


def instructions(
    plan: Plan, sources: list[nengo.Node], control: nengo.Network
) -> nengo.Network:
    """Unbind a condition, and what follows from it, with wide ensembles between."""
    d, rng = plan.dimensions, plan.rng
    with nengo.Network(label="instructions") as net:
        stored, found, chosen = plan.memory(), plan.memory(), plan.selector(3, control)
        condition, consequence = (plan.convolution(invert_b=True) for _ in range(2))
        width, n_wide = min(d, 16), max(1, d // 16)
        wide = EnsembleArray(16 * 16 * plan.neurons, n_wide, ens_dimensions=width)
        cut = np.eye(width * n_wide, d)
        for channel in chosen.inputs:
            route(stored.output, channel, rng)
        route(sources[0], stored.input, rng)
        route(chosen.output, condition.input_a, rng)
        route(sources[1], condition.input_b, rng)
        route(condition.output, wide.input, rng, cut)
        route(wide.output, consequence.input_a, rng, cut.T)
        route(stored.output, consequence.input_b, rng)
        route(consequence.output, found.input, rng)
        net.output = found.output
    return net


def decoding(
    plan: Plan, sources: list[nengo.Node], control: nengo.Network
) -> nengo.Network:
    """Choose a source, unbind an item, and find the path of the digit it stands for."""
    n, rng = plan.neurons, plan.rng
    with nengo.Network(label="decoding") as net:
        chosen, item = plan.selector(5, control), plan.memory()
        unbound = plan.convolution(invert_b=True)
        for k, channel in enumerate(chosen.inputs):
            route(sources[k % len(sources)], channel, rng)
        route(chosen.output, unbound.input_a, rng)
        route(item.output, unbound.input_b, rng)
        route(unbound.output, item.input, rng)
        net.output = nengo.Node(size_in=plan.n_points)
        for level in (0.3, 0.2):
            digit = cleanup(n, plan.words[:10], np.eye(10), level)
            route(item.output, digit.input, rng)
            paths = selector(n, plan.n_points, 10)
            route(digit.output, paths.gates, rng)
            nengo.Connection(paths.output, net.output, transform=0.5, synapse=None)
            for channel in paths.inputs:
                weigh(item.output, channel, rng)
        net.known = threshold(n, 0.3)
        route(digit.output, net.known, rng, np.ones((1, 10)))
    return net


def motor(plan: Plan, decoded: nengo.Network) -> nengo.Node:
    """Draw a path: a ramp opens its points one after another."""
    n = plan.neurons
    ramp = nengo.Ensemble(10 * n, 1)
    nengo.Connection(ramp, ramp, synapse=0.05, transform=LOOP_GAIN / 2)
    route(decoded.known, ramp, plan.rng, 0.15)
    weigh(decoded.output, ramp, plan.rng)
    points = EnsembleArray(10 * n, plan.n_points)
    route(decoded.output, points.input, plan.rng)
    pen = nengo.Node(size_in=2)
    for k, ens in enumerate(points.ea_ensembles):
        closed = nengo.Ensemble(n, 1)
        nengo.Connection(ramp, closed, function=_away_from(k / plan.n_points))
        inhibit(closed, [ens])
        nengo.Connection(ens, pen[k % 2])
    return pen


def _away_from(center: float) -> Callable:
    """Return a function that is 0 near a point, and 1 away from it."""
    return lambda x: 1 - np.exp(-(((x - center) / 0.3) ** 2))
