"""Random probes of everything that can be probed."""

import nengo

from . import parts
from .objects import has_neurons

SLICEABLE = (nengo.Ensemble, nengo.Node, nengo.ensemble.Neurons)


def add_probes(dice, net, made):
    """Probe all outputs, and some more of all there is."""
    for obj, _ in made.sources:
        if not isinstance(obj, nengo.Ensemble):
            nengo.Probe(obj)
    candidates = _candidates(net)
    for _ in range(dice.integer(1, 6)):
        obj, attr = dice.one_of(candidates)
        options = {"sample_every": dice.one_of([None, None, 0.002, 0.0035])}
        if attr == "decoded_output" and dice.chance(20):
            options["solver"] = nengo.solvers.LstsqL2(reg=0.5)
        if isinstance(obj, SLICEABLE) and attr != "scaled_encoders" and dice.chance(30):
            obj = dice.view(obj)
        nengo.Probe(obj, attr, synapse=parts.synapse(dice), **options)


def _candidates(net):
    """Return pairs of an object and what can be probed of it."""
    objects = [node for node in net.all_nodes if node.size_out > 0]
    objects += net.all_ensembles
    objects += [ens.neurons for ens in net.all_ensembles if has_neurons(ens)]
    for connection in net.all_connections:
        rules = connection.learning_rule
        objects += rules if isinstance(rules, list) else [rules] if rules else []
    found = [(obj, attr) for obj in objects for attr in obj.probeable]
    for connection in net.all_connections:
        found += [(connection, "output"), (connection, "input")]
        # Of sparse weights Nengo gives matrices of SciPy, and filters none.
        sparse = isinstance(connection.transform, nengo.Sparse)
        if connection.has_weights and not sparse:
            found += [(connection, "weights")]
    return found
