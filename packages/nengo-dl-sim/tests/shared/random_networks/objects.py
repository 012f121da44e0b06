"""Random nodes, ensembles and ensemble arrays."""

from dataclasses import dataclass, field

import nengo
import numpy as np

from . import parts


@dataclass
class Made:
    """
    What was made so far, with ranks.

    A connection to something of a higher rank needs no synapse: it closes no loop.
    """

    sources: list = field(default_factory=list)
    targets: list = field(default_factory=list)
    rank: int = 0

    def add(self, obj, source=True, target=True):
        if source:
            self.sources.append((obj, self.rank))
        if target:
            self.targets.append((obj, self.rank))


def has_neurons(obj):
    """Say whether an object is an ensemble whose output is decoded."""
    if not isinstance(obj, nengo.Ensemble):
        return False
    return not isinstance(obj.neuron_type, nengo.Direct)


class Wave:
    """A smooth function of time."""

    def __init__(self, dice, size):
        self.phase = dice.numbers(size, scale=3)

    def __call__(self, t):
        return np.sin(self.phase + 40 * (1 + np.arange(len(self.phase))) * t)


def add_input(dice, made):
    size = dice.integer(1, 4)
    kind = dice.one_of(["constant", "wave", "wave", "process"])
    if kind == "constant":
        node = nengo.Node(dice.numbers(size))
    elif kind == "wave":
        node = nengo.Node(Wave(dice, size), size_out=size)
    else:
        node = nengo.Node(parts.input_process(dice, size), size_out=size)
    made.add(node, target=False)


def add_passthrough(dice, made):
    made.add(nengo.Node(size_in=dice.integer(1, 4)))


def add_filter(dice, made):
    """A node that computes a synapse: a process with an input."""
    size = dice.integer(1, 4)
    made.add(nengo.Node(parts.synapse(dice, none=False), size_in=size, size_out=size))


class Total(nengo.Process):
    """A process of the user, with state and a sum of its inputs as output."""

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {"total": np.zeros(1)}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        def step(t, x):
            state["total"] += np.sum(x) * dt
            return state["total"]

        return step


def add_python(dice, made):
    """Something that only Python can compute, in the loop."""
    size = dice.integer(1, 4)
    kind = dice.one_of(["function", "function", "process", "sink"])
    if kind == "function":
        node = nengo.Node(lambda t, x: np.cos(40 * t + x), size_in=size)
    elif kind == "process":
        node = nengo.Node(Total(), size_in=size, size_out=1)
    else:
        node = nengo.Node(lambda t, x: None, size_in=size, size_out=0)
    made.add(node, source=kind != "sink")


def add_ensemble(dice, made):
    if dice.chance(15):
        made.add(nengo.Ensemble(1, dice.integer(1, 3), neuron_type=nengo.Direct()))
    else:
        add_neurons(dice, made)


def add_neurons(dice, made):
    """An ensemble that has neurons."""
    options = {"neuron_type": parts.neuron_type(dice)}
    if dice.chance(30):
        options["radius"] = dice.number(0.8, 1.5)
    if dice.chance(30):
        options["noise"] = parts.noise(dice)
    if dice.chance(20):
        options["gain"] = nengo.dists.Uniform(0.5, 1.5)
        options["bias"] = nengo.dists.Uniform(0.5, 1.5)
    elif dice.chance(30):
        options["intercepts"] = nengo.dists.Uniform(-0.9, 0.3)
    ens = nengo.Ensemble(dice.integer(2, 20), dice.integer(1, 3), **options)
    made.add(ens)
    made.add(ens.neurons)
    return ens


def add_array(dice, made):
    n_ensembles, dimensions = dice.integer(2, 3), dice.integer(1, 2)
    n_neurons = dice.integer(3, 6)
    kind = nengo.Direct() if dice.chance(15) else parts.neuron_type(dice)
    array = nengo.networks.EnsembleArray(
        n_neurons, n_ensembles, ens_dimensions=dimensions, neuron_type=kind
    )
    made.add(array.input, source=False)
    made.add(array.output, target=False)
    if isinstance(kind, nengo.Direct):
        return
    if dice.chance(30):
        made.add(array.add_neuron_input(), source=False)
    if dice.chance(30):
        made.add(array.add_neuron_output(), target=False)
    if dice.chance(30):
        made.add(array.add_output("sine", np.sin), target=False)


#: Makers of everything that has an input.
MAKERS = [
    add_ensemble,
    add_ensemble,
    add_ensemble,
    add_passthrough,
    add_array,
    add_filter,
    add_python,
]


def add_object(dice, made):
    """Add an object of a higher rank than all before, or one in a network below."""
    made.rank += 1
    make = dice.one_of(MAKERS)
    if dice.chance(25):
        with nengo.Network(seed=dice.one_of([None, 3])):
            make(dice, made)
    else:
        make(dice, made)
