"""Random connections: functions, transforms, solvers, synapses."""

import nengo
import numpy as np

from . import parts
from .objects import has_neurons
from .transforms import convolution, repeats, transform

#: Functions of a vector, of any size; bounded, so that no loop explodes.
FUNCTIONS = [
    np.sin,
    lambda x: np.sin(x) ** 2,
    lambda x: np.cos(x[::-1]),
    lambda x: [np.sin(x[0]), 0.5, -np.tanh(x[-1])],
    lambda x: np.tanh(np.sum(x)),
]


def add_connection(dice, made):
    """Connect two objects, or parts of them."""
    source, rank = dice.one_of(made.sources)
    target, post_rank = dice.one_of(made.targets)
    decoded = has_neurons(source)
    if not decoded and dice.chance(15):
        _convolve(dice, made, source)
        return
    pre, post = dice.view(source), dice.view(target)
    # A connection forwards closes no loop, and needs no synapse.
    options = {"synapse": parts.synapse(dice, none=rank < post_rank)}
    size = pre.size_out
    if _takes_functions(source) and dice.chance(30):
        options["function"] = dice.one_of(FUNCTIONS)
        size = np.size(options["function"](np.zeros(size)))
    if decoded:
        options.update(_decoders(dice, source, pre, post, size))
    matrices = not repeats(pre) and not repeats(post)
    scale = _scale(source)
    chosen = transform(dice, size, post.size_in, scale, decoded, matrices)
    if chosen is not None:
        nengo.Connection(pre, post, transform=chosen, **options)


def _takes_functions(source):
    if isinstance(source, nengo.Node):
        return source.output is not None
    return isinstance(source, nengo.Ensemble)


def _scale(source):
    """Return the size of weights: neurons put out a hundred or so, all others one."""
    return 0.01 if isinstance(source, nengo.ensemble.Neurons) else 1.0


def _decoders(dice, ens, pre, post, size):
    """Choose how decoders come about."""
    kind = dice.one_of(["default", "default", "weights", "given", "points"])
    if kind == "weights" and isinstance(post, nengo.Ensemble):
        return {"solver": nengo.solvers.LstsqL2(weights=True)}
    if kind == "given":
        values = dice.numbers(ens.n_neurons, size, scale=0.01)
        return {"solver": nengo.solvers.NoSolver(values)}
    if kind == "points" and pre is ens:
        return {"eval_points": dice.numbers(25, ens.dimensions)}
    return {}


def _convolve(dice, made, source):
    """Connect to a new node, or to the neurons of a new ensemble."""
    made.rank += 1
    conv = convolution(dice, source.size_out, _scale(source))
    size = int(conv.output_shape.size)
    if dice.chance(50) and size <= 20:
        ens = nengo.Ensemble(size, 1, neuron_type=dice.one_of(parts.RATES)(dice))
        made.add(ens)
        made.add(ens.neurons)
        post = ens.neurons
    else:
        post = nengo.Node(size_in=size)
        made.add(post)
    nengo.Connection(source, post, transform=conv, synapse=parts.synapse(dice))
