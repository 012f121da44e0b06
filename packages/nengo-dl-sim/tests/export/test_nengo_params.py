"""
Parameters go back to Nengo.

Every kind of connection is trained by NengoDL. A plain Nengo network that is made with
`get_nengo_params`, and the original after `freeze_params`, then have to give the same
output in nengo.Simulator. All are in float64; the tolerance is relative to the peak.
"""

import pickle
import warnings
from typing import NamedTuple

import keras
import nengo
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from helpers import engine_of, program_of, simulator
from nengo.exceptions import SimulatorClosed, ValidationError

from nengo_dl_ops import LeakyReLU, SoftLIFRate
from nengo_dl_sim import configure_settings
from nengo_dl_sim.export.transforms import with_weights

N_STEPS = 12
SMOOTH = nengo.Tanh(tau_ref=1)


def difference(found, expected):
    """Return the largest difference, relative to each probe's peak."""
    return max(
        np.max(np.abs(a - b)) / np.max(np.abs(b))
        for a, b in zip(found, expected, strict=True)
    )


def assert_same(found, expected, tolerance=1e-9):
    assert difference(found, expected) < tolerance


def square(x):
    return x**2


def three(x):
    return [x[0], x[-1], x[0] * x[-1]]


def many(x):
    return np.linspace(-1, 1, 8) * x[0]


def signal(t):
    return [np.sin(60 * t), 0.8 * np.cos(40 * t)]


class Kind(NamedTuple):
    """A connection: its ends, what training does not change, and what it may."""

    ends: object
    kept: dict = {}
    params: dict = {}


def weights(shape, seed=3):
    return np.random.RandomState(seed).uniform(0.2, 1, shape)


def full_weights(reg=0.01):
    return nengo.solvers.LstsqL2(reg=reg, weights=True)


def sparse(kind=None):
    places, values = [[0, 1], [2, 0], [3, 1], [4, 0], [4, 1]], [0.3, -0.4, 0.5, 1, 0.2]
    if kind is None:
        return nengo.Sparse((8, 2), indices=places, init=values)
    matrix = scipy.sparse.coo_matrix((values, np.transpose(places)), (8, 2))
    return nengo.Sparse((8, 2), init=kind(matrix))


def convolution(kind=nengo.Convolution, **kwargs):
    return kind(**{"init": nengo.dists.Uniform(-0.5, 0.5), **kwargs})


A, B = (lambda n: n.a), (lambda n: n.b)
KINDS = {
    "decoded": Kind(lambda n: (n.a, n.b)),
    "decoded-recurrent": Kind(lambda n: (n.b, n.b), {"synapse": 0.01}),
    "decoded-scalar": Kind(lambda n: (n.a, n.b), {}, {"transform": -0.7}),
    "decoded-vector": Kind(lambda n: (n.a, n.b), {}, {"transform": [0.5, -1]}),
    "decoded-matrix": Kind(lambda n: (n.a, n.b), {}, {"transform": [[1, 2], [-1, 0]]}),
    "decoded-random": Kind(
        lambda n: (n.a, n.b), {}, {"transform": nengo.dists.Uniform(-1, 1)}
    ),
    "decoded-function": Kind(lambda n: (n.a, n.b), {}, {"function": square}),
    "decoded-function-size": Kind(
        lambda n: (n.a, n.b), {}, {"function": three, "transform": weights((2, 3))}
    ),
    "decoded-points": Kind(
        lambda n: (n.a, n.b),
        {"eval_points": weights((30, 2))},
        {"function": weights((30, 2)) ** 2},
    ),
    "decoded-sliced-pre": Kind(lambda n: (n.a[1], n.b), {}, {"transform": [[1], [2]]}),
    "decoded-sliced-post": Kind(lambda n: (n.a, n.b[0]), {}, {"transform": [[1, 2]]}),
    "decoded-sliced-both": Kind(
        lambda n: (n.a[[1, 0]], n.b[::-1]),
        {},
        {"function": three, "transform": weights((2, 3))},
    ),
    "decoded-repeated": Kind(lambda n: (n.a[[0, 0]], n.b)),
    "decoded-to-node": Kind(lambda n: (n.a, n.out[:2]), {}, {"function": square}),
    "decoded-to-neurons": Kind(lambda n: (n.a, n.b.neurons), {}, {"function": many}),
    "decoded-to-some-neurons": Kind(
        lambda n: (n.a[0], n.b.neurons[[2, 5]]), {}, {"transform": [[1], [2]]}
    ),
    "full": Kind(lambda n: (n.a, n.b), {}, {"solver": full_weights()}),
    "full-matrix": Kind(
        lambda n: (n.a, n.b),
        {},
        {"solver": full_weights(), "function": three, "transform": weights((2, 3))},
    ),
    "full-sliced-pre": Kind(
        lambda n: (n.a[1], n.b),
        {},
        {"solver": full_weights(), "transform": [[1], [2]]},
    ),
    "full-sliced-post": Kind(
        lambda n: (n.a, n.b[1]),
        {},
        {"solver": full_weights(), "transform": [[1, -1]]},
    ),
    "full-not-compositional": Kind(
        lambda n: (n.a, n.b),
        {},
        {
            "solver": nengo.solvers.LstsqDrop(weights=True, drop=0.2),
            "transform": [[1, 0.5], [0, 1]],
        },
    ),
    "full-recurrent": Kind(lambda n: (n.b, n.b), 
     {"synapse": 0.01}, {"solver": full_weights()}),
    "neurons": Kind(lambda n: (n.a.neurons, n.b.neurons)),
    "neurons-scalar": Kind(
        lambda n: (n.a.neurons, n.b.neurons), {}, {"transform": 0.3}
    ),
    "neurons-vector": Kind(
        lambda n: (n.a.neurons, n.b.neurons), {}, {"transform": weights(8)}
    ),
    "neurons-matrix": Kind(
        lambda n: (n.a.neurons, n.b.neurons), {}, {"transform": weights((8, 8)) / 8}
    ),
    "neurons-random": Kind(
        lambda n: (n.a.neurons, n.b.neurons),
        {},
        {"transform": nengo.dists.Gaussian(0, 0.2)},
    ),
    "neurons-sliced": Kind(
        lambda n: (n.a.neurons[:3], n.b.neurons[[7, 1]]),
        {},
        {"transform": weights((2, 3))},
    ),
    "neurons-to-ensemble": Kind(
        lambda n: (n.a.neurons, n.b), {}, {"transform": weights((2, 8)) / 8}
    ),
    "neurons-to-node": Kind(lambda n: (n.a.neurons, n.out)),
    "node": Kind(lambda n: (n.u, n.b)),
    "node-scalar": Kind(lambda n: (n.u, n.b), {}, {"transform": 2}),
    "node-one": Kind(lambda n: (n.u[0], n.b[1]), {}, {"transform": [[2]]}),
    "node-vector": Kind(lambda n: (n.u, n.b), {}, {"transform": [1, -1]}),
    "node-matrix": Kind(lambda n: (n.u, n.b), {}, {"transform": [[1, 2], [0, 1]]}),
    "node-function": Kind(
        lambda n: (n.u, n.b), {"function": three}, {"transform": weights((2, 3))}
    ),
    "node-sliced": Kind(lambda n: (n.u[1], n.b[0]), {}, {"transform": 0.5}),
    "node-to-neurons": Kind(
        lambda n: (n.u, n.b.neurons), {}, {"transform": weights((8, 2))}
    ),
    "node-to-node": Kind(lambda n: (n.u, n.out[:2]), {}, {"transform": [3, 1]}),
    "direct": Kind(lambda n: (n.direct, n.b), {"function": square}),
    "direct-matrix": Kind(
        lambda n: (n.direct, n.b), {}, {"transform": [[1, 2], [0, 1]]}
    ),
    "to-direct": Kind(lambda n: (n.a, n.direct), {}, {"transform": [1, 0.5]}),
    "to-direct-full": Kind(lambda n: (n.a, n.direct), {}, {"solver": full_weights()}),
    "sparse": Kind(lambda n: (n.u, n.b.neurons), {}, {"transform": sparse()}),
    "sparse-random": Kind(
        lambda n: (n.u, n.b.neurons),
        {},
        {
            "transform": nengo.Sparse(
                (8, 2), [[0, 1], [3, 0]], init=nengo.dists.Uniform(0.5, 1)
            )
        },
    ),
    "sparse-scipy": Kind(
        lambda n: (n.u, n.b.neurons),
        {},
        {"transform": sparse(scipy.sparse.csr_matrix)},
    ),
    "convolution-1d": Kind(
        lambda n: (n.a.neurons, n.b.neurons),
        {},
        {
            "transform": convolution(
                n_filters=2, input_shape=(4, 2), kernel_size=(3,), strides=(1,),
                padding="same",
            )
        },
    ),
    "convolution-groups": Kind(
        lambda n: (n.a.neurons, n.b.neurons[:4]),
        {},
        {
            "transform": convolution(
                n_filters=4, input_shape=(2, 2, 2), kernel_size=(1, 2), strides=(2, 1),
                channels_last=False, groups=2,
            )
        },
    ),
    "convolution-transposed": Kind(
        lambda n: (n.a.neurons[:4], n.b.neurons),
        {},
        {
            "transform": convolution(
                nengo.ConvolutionTranspose, n_filters=2, input_shape=(2, 2),
                output_shape=(4, 2), kernel_size=(3,), strides=(2,), padding="same",
            )
        },
    ),
}  # fmt: skip


def network(kinds=KINDS, given=None):
    """
    Build a subnetwork around each kind of connection: u -> a -> kind -> b -> out.

    All that training changes has a label, and is as given, if a simulator gave it.
    """
    with nengo.Network(seed=1) as net:
        configure_settings(dtype="float64")
        net.config[nengo.Ensemble].neuron_type = SMOOTH
        net.config[nengo.Ensemble].max_rates = nengo.dists.Uniform(0.4, 0.8)
        net.config[nengo.Connection].synapse = None
        net.u = nengo.Node(signal)
        net.kinds = {
            name: subnetwork(name, kind, net.u, given) for name, kind in kinds.items()
        }
    return net


def subnetwork(name, kind, stimulus, given):
    def params(part, **original):
        label = f"{name}: {part}"
        return {"label": label, **(original if given is None else given[label])}

    with nengo.Network(label=name) as net:
        net.u, net.out = stimulus, nengo.Node(size_in=8)
        net.a = nengo.Ensemble(8, 2, radius=1.5, **params("a"))
        encoders = {"encoders": weights((8, 2)), "normalize_encoders": False}
        net.b = nengo.Ensemble(8, 2, **params("b", **encoders))
        nengo.Connection(net.u, net.a, **params("into"))
        nengo.Connection(net.b, net.out[-2:], **params("out of"))
        net.probed = [net.a.neurons, net.b.neurons, net.out]
        if "direct" in name:
            net.direct = nengo.Ensemble(1, 2, neuron_type=nengo.Direct())
            nengo.Connection(net.u, net.direct)
            nengo.Connection(net.direct, net.out[2:4])
            net.probed.append(net.direct)
        pre, post = kind.ends(net)
        net.kind = nengo.Connection(
            pre, post, **kind.kept, **params("kind", **kind.params)
        )
        rule = net.kind.learning_rule
        if rule is not None and rule.size_in > 1:
            nengo.Connection(nengo.Node(np.linspace(0, 1, rule.size_in)), rule)
        net.probed = [nengo.Probe(obj) for obj in net.probed]
    return net


def labelled(net):
    return [o for o in net.all_ensembles + net.all_connections if o.label is not None]


def record(sim, net):
    """Run, and return what is recorded around each kind."""
    sim.run_steps(N_STEPS)
    return {
        name: [np.array(sim.data[probe]) for probe in sub.probed]
        for name, sub in net.kinds.items()
    }


def train(sim, net, rate=0.03):
    """Change all parameters that lead anywhere."""
    rng = np.random.RandomState(0)

    def distance(y, target):
        return tf.reduce_sum((y - target) ** 2)

    outputs = [sub.probed[2] for sub in net.kinds.values()]
    data = {probe: rng.uniform(-1, 1, (1, 2, 8)) for probe in outputs}
    data[net.u] = rng.uniform(-1, 1, (1, 2, 2))
    objective = dict.fromkeys(outputs, distance)
    with pytest.warns(UserWarning, match="No gradient reaches"):  # some lead nowhere
        sim.train(data, keras.optimizers.SGD(rate), n_epochs=3, objective=objective)


def core(net):
    with nengo.Simulator(net, progress_bar=False) as sim:
        return record(sim, net)


class Trained(NamedTuple):
    original: dict  # what nengo.Simulator records of the network
    trained: dict  # what NengoDL records after training
    remade: dict  # what nengo.Simulator records of a network made with the params
    frozen: dict  # what nengo.Simulator records of the frozen network
    changed: dict  # whether training changed the weights of the connection, by kind


@pytest.fixture(scope="module")
def case():
    net = network()
    original = core(net)
    with simulator(net) as sim:
        train(sim, net)
        params = sim.get_nengo_params(labelled(net), as_dict=True)
        changed = {name: changed_weights(sim, sub) for name, sub in net.kinds.items()}
        trained = record(sim, net)
        sim.freeze_params(net)
    return Trained(original, trained, core(network(given=params)), core(net), changed)


def changed_weights(sim, net):
    built = sim.model.params[net.kind].weights
    return None if built is None else sim.data[net.kind].weights is not built


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.row("S065")
def test_params_make_the_same_network(case, name):
    # What would pass without training shows nothing.
    assert case.changed[name] in (True, None)
    assert difference(case.original[name], case.trained[name]) > 1e-3
    assert_same(case.remade[name], case.trained[name])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.row("S054")
def test_frozen_network_is_the_same(case, name):
    assert_same(case.frozen[name], case.trained[name])


RULES = {
    "pes": Kind(
        lambda n: (n.a, n.b), {"learning_rule_type": nengo.PES(0.9)}, {"transform": 0.5}
    ),
    "pes-function": Kind(
        lambda n: (n.a[[1, 0]], n.out[:2]),
        {"learning_rule_type": nengo.PES(0.9)},
        {"function": three, "transform": weights((2, 3))},
    ),
    "pes-full": Kind(
        lambda n: (n.a, n.b),
        {"learning_rule_type": nengo.PES(0.9)},
        {"solver": full_weights()},
    ),
    "pes-to-neurons": Kind(
        lambda n: (n.a, n.b.neurons),
        {"learning_rule_type": nengo.PES(0.9)},
        {"function": many},
    ),
    "pes-neurons": Kind(
        lambda n: (n.a.neurons, n.out),
        {"learning_rule_type": nengo.PES(0.9)},
        {"transform": weights((8, 8))},
    ),
    "rls": Kind(lambda n: (n.a, n.b), {"learning_rule_type": nengo.RLS(5)}),
    "bcm": Kind(
        lambda n: (n.a.neurons, n.b.neurons),
        {"learning_rule_type": nengo.BCM(0.5)},
        {"transform": weights((8, 8)) / 8},
    ),
    "bcm-decoded": Kind(
        lambda n: (n.a, n.b.neurons),
        {"learning_rule_type": nengo.BCM(0.5)},
        {"function": many, "transform": weights((8, 8)) / 8},
    ),
    "oja-full": Kind(
        lambda n: (n.a, n.b),
        {"learning_rule_type": nengo.Oja(0.5)},
        {"solver": full_weights()},
    ),
    "voja": Kind(
        lambda n: (n.a, n.b), {"learning_rule_type": nengo.Voja(learning_rate=5)}
    ),
}


def copy(net):
    with warnings.catch_warnings():
        # Nengo warns of nodes that only pass on, when it copies one.
        warnings.filterwarnings("ignore", "'Node.size_out' is being overwritten")
        return net.copy()


def learned_by(data, net):
    """Return what the rule of a kind changes."""
    if net.kind.learning_rule.modifies == "encoders":
        return data[net.b].scaled_encoders
    return data[net.kind].weights


@pytest.fixture(scope="module")
def learned():
    net = network(RULES)
    with simulator(net) as sim:
        built = {n: learned_by(sim.model.params, sub) for n, sub in net.kinds.items()}
        record(sim, net)
        values = {n: learned_by(sim.data, sub) for n, sub in net.kinds.items()}
        params = sim.get_nengo_params(labelled(net), as_dict=True)
        sim.freeze_params(net)
    with nengo.Simulator(net, progress_bar=False) as sim:
        given = {n: learned_by(sim.data, sub) for n, sub in net.kinds.items()}
    with simulator(net) as sim:
        again = record(sim, net)
    copied, remade = core(copy(net)), core(network(RULES, params))
    return built, values, given, again, [core(net), copied, remade]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.row("S054")
def test_what_was_learned_is_frozen(learned, name):
    """It is where Nengo starts to learn from, as does another simulator."""
    built, values, given, again, by_nengo = (
        [each[name] for each in x] if isinstance(x, list) else x[name] for x in learned
    )
    assert np.max(np.abs(values - built)) > 1e-4 * np.max(np.abs(built))
    np.testing.assert_allclose(given, values, rtol=1e-12)
    for outputs in by_nengo:
        assert_same(outputs, again)


@pytest.mark.parametrize("name", ["pes", "voja"])
@pytest.mark.row("S054")
def test_minibatch_learns_several_networks(name):
    net = network({name: RULES[name]})
    sub = net.kinds[name]
    learning = sub.b if name == "voja" else sub.kind
    with simulator(net, minibatch_size=2) as sim:
        built = sim.model.params[learning]
        sim.freeze_params(net)  # all items are the same before the first step
        frozen = sub.b.encoders if name == "voja" else sub.kind.solver.values.T
        expected = built.encoders if name == "voja" else built.weights
        np.testing.assert_allclose(frozen, expected, rtol=1e-12)

        sim.run_steps(3, data={net.u: np.random.RandomState(0).rand(2, 3, 2)})
        message = "minibatch_size.*one set of parameters.*got 2"
        with pytest.raises(ValidationError, match=message):
            sim.get_nengo_params(learning)
        before = sub.a.bias, sub.kind.solver
        with pytest.raises(ValidationError, match=message):
            sim.freeze_params(net)
        assert (sub.a.bias, sub.kind.solver) == before
    with simulator(net, minibatch_size=1) as sim:
        sim.run_steps(3)
        sim.freeze_params(net)


# Tolerances are those of spikes: one is there or is not, and none is at a threshold.
NEURON_TYPES = {
    "relu": nengo.RectifiedLinear(),
    "sigmoid": nengo.Sigmoid(),
    "tanh": nengo.Tanh(),
    "lif-rate": nengo.LIFRate(),
    "soft-lif": SoftLIFRate(),
    "leaky": LeakyReLU(),
    "lif": nengo.LIF(),
    "spiking-relu": nengo.SpikingRectifiedLinear(),
    "adaptive": nengo.AdaptiveLIF(),
    "izhikevich": nengo.Izhikevich(),
    "regular": nengo.RegularSpiking(nengo.LIFRate()),
}


def change(sim):
    """Change all parameters at random, more than a few steps of training would."""
    # In the order of their names, which does not depend on the plan.
    rng, store, names = (
        np.random.RandomState(0),
        engine_of(sim).parameters,
        engine_of(sim).names,
    )
    arrays = [a for a in program_of(sim).parameters if a.trainable]
    signals = sorted((sig for a in arrays for sig in a.bases), key=names.get)
    old = {sig: store.value(sig) for sig in signals}
    store.assign({sig: v * rng.uniform(0.8, 1.2, v.shape) for sig, v in old.items()})


@pytest.fixture(scope="module")
def neurons():
    """Ensembles of every type with other parameters; as NengoDL and Nengo see them."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        stimulus = nengo.Node([0.5, -0.3])
        for name, neuron_type in NEURON_TYPES.items():
            ens = nengo.Ensemble(
                15, 2, radius=0.7, neuron_type=neuron_type, label=name,
                intercepts=nengo.dists.Uniform(-0.9, 0.2),
            )  # fmt: skip
            nengo.Connection(stimulus, ens, synapse=None)
            nengo.Probe(ens[0], synapse=0.01)
    with simulator(net, minibatch_size=2) as sim:
        before = core_probes(net)
        change(sim)
        gains = [sim.model.params[ens].gain for ens in net.ensembles]
        params = sim.get_nengo_params([ens.neurons for ens in net.ensembles])
        sim.run_steps(40)
        changed = [sim.data[p][0] for p in net.probes]
        sim.freeze_params([net])
    return gains, params, before, changed, core_probes(net)


def core_probes(net):
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(40)
        return [np.array(sim.data[probe]) for probe in net.all_probes]


@pytest.mark.parametrize("number", range(len(NEURON_TYPES)), ids=NEURON_TYPES)
@pytest.mark.row("S061")
def test_gains_are_those_of_the_build(neurons, number):
    """So is the output, with a radius and decoded probes."""
    gain, params, before, changed, frozen = (each[number] for each in neurons)
    np.testing.assert_array_equal(params.pop("gain"), gain)
    assert params.pop("normalize_encoders") is False
    assert params.pop("max_rates") == nengo.Ensemble.max_rates.default
    assert params.pop("intercepts") == nengo.Ensemble.intercepts.default
    assert np.std(np.linalg.norm(params.pop("encoders"), axis=1)) > 0.01
    assert params.pop("bias").shape == (15,)
    assert params == {}
    assert difference([before], [changed]) > 1e-3
    assert_same([frozen], [changed])


def oscillator():
    """Build what was nengo.networks.Oscillator in earlier versions of Nengo."""
    with nengo.Network() as net:
        inputs = nengo.Node(size_in=2)
        ens = nengo.Ensemble(30, 2)
        nengo.Connection(ens, ens, synapse=0.1, transform=[[1, -1], [1, 1]])
        nengo.Connection(inputs, ens)
    return net


NETWORKS = {
    "basal-ganglia": lambda: nengo.networks.BasalGanglia(2, n_neurons_per_ensemble=20),
    "circular-convolution": lambda: nengo.networks.CircularConvolution(10, 3),
    "oscillator": oscillator,
    "input-gated-memory": lambda: nengo.networks.InputGatedMemory(20, 2),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.row("S054")
def test_networks_of_nengo(name):
    """Untrained, frozen: equal to what they were in Nengo, spike by spike."""
    with nengo.Network(seed=0) as net:
        sub = NETWORKS[name]()
        for node in [n for n in sub.nodes if n.output is None and n.size_in < 4]:
            nengo.Connection(nengo.Node(np.linspace(0.2, 0.8, node.size_in)), node)
        for ens in sub.all_ensembles:
            nengo.Probe(ens.neurons)
            nengo.Probe(ens, synapse=0.01)
    before = core_probes(net)
    assert np.mean([np.any(values) for values in before]) > 0.5
    with simulator(net) as sim:
        sim.freeze_params(net)
    for found, expected in zip(core_probes(net), before, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def small(label="ens", **kwargs):
    with nengo.Network(seed=0) as net:
        net.u = nengo.Node([0.5], label="u")
        net.ens = nengo.Ensemble(10, 1, label=label, **kwargs)
        net.conn = nengo.Connection(net.u, net.ens, label="conn", transform=2)
        net.out = nengo.Ensemble(10, 1)
        net.between = nengo.Connection(net.ens, net.out)
        net.p = nengo.Probe(net.out, synapse=0.01)
    return net


@pytest.mark.row("S065")
def test_params_of_objects_and_lists():
    net = small()
    with simulator(net) as sim:
        one = sim.get_nengo_params(net.conn)
        assert list(one) == ["transform"]
        assert one["transform"] == 2
        several = sim.get_nengo_params([net.conn, net.ens])
        assert several[0] == one
        assert sim.get_nengo_params((net.conn,)) == [one]
        assert sim.get_nengo_params([]) == []
        named = sim.get_nengo_params([net.conn, net.ens.neurons], as_dict=True)
        assert list(named) == ["conn", "ens"]
        assert named["conn"] == one
        assert sim.get_nengo_params(net.conn, as_dict=True) == {"conn": one}
    # Data stays readable, so do parameters. They may be changed.
    again = sim.get_nengo_params(net.ens)
    np.testing.assert_array_equal(again["bias"], several[1]["bias"])
    for key in ("encoders", "gain", "bias"):
        assert again[key].dtype == np.float64
        again[key][:] = 0
    assert np.all(sim.get_nengo_params(net.ens)["gain"] > 0)


OTHER = small()
BAD_OBJECTS = {
    "node": (lambda n: n.u, "Ensemble, Neurons or a Connection.*Node 'u'"),
    "probe": (lambda n: n.p, "Ensemble, Neurons or a Connection.*Probe"),
    "network": (lambda n: n, "Ensemble, Neurons or a Connection.*Network"),
    "view": (lambda n: n.ens[0], "Ensemble, Neurons or a Connection.*ens"),
    "none": (lambda n: None, "Ensemble, Neurons or a Connection.*None"),
    "other": (lambda n: OTHER.ens, "of the simulated network.*'ens'"),
    "other-neurons": (lambda n: [n.ens, OTHER.ens.neurons], "of the simulated network"),
}


@pytest.mark.parametrize("make, message", BAD_OBJECTS.values(), ids=BAD_OBJECTS)
@pytest.mark.row("S065")
def test_bad_objects(make, message):
    net = small()
    with simulator(net) as sim, pytest.raises(ValidationError, match=message):
        sim.get_nengo_params(make(net))


@pytest.mark.row("S065")
def test_labels_are_kept():
    net = small()
    with simulator(net) as sim:
        with pytest.raises(ValidationError, match="labels that differ, got None"):
            sim.get_nengo_params([net.ens, net.out], as_dict=True)
        with pytest.raises(ValidationError, match="labels that differ, got 'ens'"):
            sim.get_nengo_params([net.ens, net.ens.neurons], as_dict=True)


@pytest.mark.row("S061")
def test_direct_mode_has_no_gains():
    """It has no parameters; in a network it is passed over."""
    net = small(neuron_type=nengo.Direct())
    with simulator(net) as sim:
        for obj in (net.ens, net.ens.neurons):
            with pytest.raises(ValueError, match="with neurons.*'ens'.*direct mode"):
                sim.get_nengo_params(obj)
        with pytest.raises(ValueError, match="direct mode"):
            sim.freeze_params([net.out, net.ens])
        assert net.out.gain is None
        sim.freeze_params(net)
        assert net.ens.gain is None
        assert net.out.gain is not None
        assert isinstance(net.between.solver, nengo.solvers.LstsqL2)


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.row("S061")
def test_gain_of_zero(trained):
    """Encoders behind it say nothing: they come back, unless they were trained."""
    gain = np.array([0.0, 1, 2])
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(
            3, 2, gain=gain, bias=[1.5, 1.5, 1.5], neuron_type=nengo.Sigmoid()
        )
        probe = nengo.Probe(ens.neurons)
        nengo.Connection(nengo.Node([1, 1]), ens, synapse=None)
    with np.errstate(divide="ignore", invalid="ignore"), simulator(net) as sim:
        built = sim.model.params[ens].encoders
        if trained:
            objective = {probe: tf.reduce_sum}
            sim.train(1, keras.optimizers.SGD(1e-3), objective=objective)
            with pytest.raises(ValidationError, match="gains other than 0"):
                sim.get_nengo_params(ens)
        else:
            np.testing.assert_array_equal(sim.get_nengo_params(ens)["encoders"], built)


FREEZE = {
    "node": (lambda n: n.u, TypeError, "expected a Network.*Node 'u'"),
    "probe": (lambda n: [n.ens, n.p], TypeError, "expected a Network.*Probe"),
    "none": (lambda n: None, TypeError, "expected a Network.*None"),
    "nested": (lambda n: [[n.ens]], TypeError, "expected a Network"),
    "ensemble": (lambda n: [n.ens, OTHER.ens], ValueError, "simulated network.*'ens'"),
    "connection": (lambda n: [n.ens, OTHER.conn], ValueError, "simulated network"),
    "other": (lambda n: [n.ens, OTHER], ValueError, "simulated network.*Network"),
    "new": (lambda n: [n.ens, n], ValueError, "objects that were built.*'new'"),
}  # fmt: skip


@pytest.mark.parametrize("make, error, message", FREEZE.values(), ids=FREEZE)
@pytest.mark.row("S054")
def test_all_or_nothing(make, error, message):
    net = small()
    with simulator(net) as sim:
        with net:
            nengo.Ensemble(5, 1, label="new")
        with pytest.raises(error, match=message):
            sim.freeze_params(make(net))
        assert net.ens.gain is None
        assert net.conn.transform.init == 2


@pytest.mark.row("S054")
def test_closed_simulator_gives_no_params():
    net = small()
    with simulator(net) as sim:
        pass
    with pytest.raises(SimulatorClosed, match="freeze_params"):
        sim.freeze_params(net)


@pytest.mark.row("S054")
def test_objects_alone():
    """What is not frozen is solved for anew: that is Nengo's part."""
    net = small()
    with simulator(net) as sim:
        change(sim)
        sim.freeze_params([net.ens, net.between])
        assert net.out.gain is None
        assert net.conn.transform.init == 2
        np.testing.assert_array_equal(net.ens.bias, sim.data[net.ens].bias)
        np.testing.assert_array_equal(
            net.between.solver.values.T, sim.data[net.between].weights
        )


@pytest.mark.row("S054")
def test_simulator_goes_on():
    """It runs as if nothing had happened, trains, and freezes again."""
    net = small(neuron_type=nengo.LIFRate())
    with simulator(net) as sim:
        change(sim)
        sim.run_steps(20)
        expected = sim.data[net.p]
    net = small(neuron_type=nengo.LIFRate())
    with simulator(net) as sim:
        sim.freeze_params(net)
        change(sim)
        sim.run_steps(10)
        sim.freeze_params(net)
        sim.run_steps(10)
        np.testing.assert_array_equal(sim.data[net.p], expected)
        change(sim)
        sim.freeze_params(net)
        sim.soft_reset(include_probes=True)
        sim.run_steps(40)
        # In float32, as the simulator.
        assert_same(core_probes(net), [sim.data[net.p]], tolerance=1e-5)


@pytest.mark.row("S054")
def test_plain_network():
    """The frozen network can be pickled, and read without NengoDL."""
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(10, 2), nengo.Ensemble(10, 2)
        for solver in (nengo.solvers.LstsqL2(), full_weights()):
            nengo.Connection(a, b, function=square, solver=solver)
        nengo.Probe(b.neurons)
    with simulator(net) as sim:
        change(sim)
        sim.freeze_params(net)
    expected = core_probes(net)
    pickled = pickle.dumps(net)
    assert b"nengo_dl" not in pickled
    for found in (pickle.loads(pickled), copy(net)):
        np.testing.assert_array_equal(core_probes(found), expected)


@pytest.mark.row("S065")
def test_sparse_without_scipy(monkeypatch):
    monkeypatch.setattr(nengo.transforms, "scipy_sparse", None)
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        ens = nengo.Ensemble(8, 1)
        conn = nengo.Connection(nengo.Node([1, 2]), ens.neurons, transform=sparse())
        nengo.Probe(ens.neurons, "input")
    with simulator(net) as sim:
        change(sim)
        transform = sim.get_nengo_params(conn)["transform"]
        np.testing.assert_array_equal(transform.init.data, sim.data[conn].weights.data)
        assert np.all(transform.init.data != conn.transform.init.data)
        sim.run_steps(40)
        expected = [sim.data[probe] for probe in net.probes]
        sim.freeze_params(net)
    with pytest.warns(UserWarning, match="require Scipy"):
        found = core_probes(net)
    assert_same(found, expected)


@pytest.mark.row("S065")
def test_unknown_transforms():
    """They can be made known, as Nengo's are."""

    class Twice(nengo.transforms.Transform):
        size_in = size_out = 1

    @nengo.builder.Builder.register(Twice)
    def build(model, transform, sig_in, decoders=None, encoders=None, rng=None):
        twice = nengo.Dense((1, 1), init=[[2]])
        return model.build(twice, sig_in, decoders=decoders, encoders=encoders, rng=rng)

    net = small()
    with net:
        node, decoded = (
            nengo.Connection(pre, net.out, transform=Twice())
            for pre in (net.u, net.ens)
        )
    with simulator(net) as sim:
        for conn in (node, decoded):
            with pytest.raises(NotImplementedError, match="Twice"):
                sim.get_nengo_params(conn)
        with pytest.raises(NotImplementedError, match="with_weights.register.Twice."):
            sim.freeze_params(net)
        assert net.ens.gain is None
        with_weights.register(Twice)(lambda transform, weights: np.array(weights))
        assert sim.get_nengo_params(node) == {"transform": [[2]]}
