"""State of operators that run in Python: of any number, rank and type."""

import functools

import nengo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nengo.builder import Builder as NengoBuilder
from nengo.builder import Operator
from nengo.builder.signal import Signal

from nengo_dl_sim import Simulator, configure_settings

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
TYPES = ("float64", "bool", "complex128", *INTEGERS)
SHAPES = ((), (3,), (2, 3), (3, 1, 2), (2, 1, 3, 2), (0,), (0, 3), (1,), (5,))


def start(shape, dtype):
    """Make values that need all the digits their type has."""
    values = np.arange(1, 1 + np.prod(shape, dtype=int)).reshape(shape)
    if dtype in INTEGERS:
        values = np.iinfo(dtype).max // 3 - values
    return np.asarray(values % 2 if dtype == "bool" else values, dtype)


def advance(arrays, x):
    """Change arrays as their type allows, and return a number that tells them all."""
    total = x
    for array in arrays:
        kind = array.dtype.kind
        if kind == "b":
            array[...] = ~array
        elif kind in "iu":
            array[...] = array + array.dtype.type(7)  # and wraps, as in NumPy
        else:
            array *= 0.5 if kind == "f" else 0.5j
            array += x
        total += np.sum(array.astype(complex)).real % 1000.0
    return total


class Remembers(nengo.Process):
    """A process with any state."""

    def __init__(self, state):
        super().__init__(default_size_in=1, default_size_out=1)
        self.initial = state

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {name: np.array(value) for name, value in self.initial.items()}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        return lambda t, x: advance(state.values(), x.item())


class Moves(Operator):
    """An operator with any signals: updates some, sets and increments others."""

    def __init__(self, x, output, states, added):
        super().__init__()
        self.sets, self.incs, self.reads, self.updates = [output], [added], [x], states

    def make_step(self, signals, dt, rng):
        x, output, added = (signals[s] for s in (*self.reads, *self.sets, *self.incs))
        states = [signals[sig] for sig in self.updates]

        def step():
            output[...] = advance(states, x.item())
            added[...] += output.ravel()[0]

        return step


class HebbianTrace(nengo.learning_rules.LearningRuleType):
    """A rule with a matrix of traces, which changes a matrix of weights."""

    modifies = "weights"
    probeable = ("delta",)


class ChangesWeights(Operator):
    """The step of the rule: three states, of rank two, three and none."""

    def __init__(self, rate, pre, delta, trace, count):
        super().__init__()
        self.rate = rate
        self.sets, self.incs, self.reads = [], [], [pre]
        self.updates = [delta, trace, count]

    def make_step(self, signals, dt, rng):
        pre = signals[self.reads[0]]
        delta, trace, count = (signals[sig] for sig in self.updates)

        def step():
            trace[..., 0] += dt * pre
            trace[..., 1] = 0.9 * trace[..., 1] + dt * trace[..., 0]
            delta[...] = self.rate * trace[..., 1] * (count % 3)
            count[...] += 1

        return step


@NengoBuilder.register(HebbianTrace)
def build_trace(model, rule_type, rule):
    connection = rule.connection
    pre = model.sig[connection.pre_obj]["out"]
    delta = model.sig[rule]["delta"]
    trace = Signal(np.zeros((*delta.shape, 2)), name="trace")
    count = Signal(np.array(2**40), name="count")
    model.add_op(ChangesWeights(rule_type.learning_rate, pre, delta, trace, count))


class Odd(nengo.neurons.NeuronType):
    """A neuron type with state for the neurons, and of other shapes."""

    negative = True
    spiking = False
    state = {
        "trace": nengo.dists.Choice([0.25]),
        "table": nengo.dists.Choice([1.0]),
        "count": nengo.dists.Choice([0]),
    }

    def make_state(self, n_neurons, rng=np.random, dtype=None):
        return {
            "trace": np.full(n_neurons, 0.25),
            "table": np.ones((n_neurons, 2)),
            "count": np.zeros((), np.int64),
        }

    def gain_bias(self, max_rates, intercepts):
        return np.ones(len(max_rates)), np.zeros(len(max_rates))

    def step(self, dt, J, output, trace, table, count):
        count += 1
        trace[...] = 0.9 * trace + J
        table[:, 0] += dt * trace
        table[:, 1] *= 1 - dt * count
        output[...] = table.sum(axis=1)


def from_processes(*states):
    """Make a network of processes, one after another."""
    with nengo.Network(seed=0) as net:
        last = nengo.Node(lambda t: np.sin(100 * t))
        for state in states:
            node = nengo.Node(Remembers(state))
            nengo.Connection(last, node, transform=0.01, synapse=0.005)
            nengo.Probe(node)
            last = node
    return net


def mixed(types=TYPES, shapes=SHAPES):
    """Make one state of every shape and type."""
    return {
        f"{dtype}{shape}": start(shape, dtype) for dtype in types for shape in shapes
    }


def with_a_rule():
    with nengo.Network(seed=0) as net:
        wave = nengo.Node(lambda t: np.sin(100 * t))
        pre, post = (
            nengo.Ensemble(n, 1, neuron_type=nengo.RectifiedLinear()) for n in (5, 4)
        )
        connection = nengo.Connection(
            pre.neurons,
            post.neurons,
            transform=np.zeros((4, 5)),
            learning_rule_type={
                "first": HebbianTrace(1e-3),
                "second": HebbianTrace(2e-3),
            },
        )
        nengo.Connection(wave, pre)
        nengo.Probe(connection, "weights")
        nengo.Probe(connection.learning_rule["first"], "delta")
        nengo.Probe(post.neurons)
    return net


def with_neurons():
    with nengo.Network(seed=0) as net:
        for n in (3, 5):
            ens = nengo.Ensemble(n, 1, neuron_type=Odd())
            nengo.Connection(nengo.Node([0.5]), ens)
            nengo.Probe(ens.neurons)
    return net


def with_operators():
    """Add operators to a model whose network knows nothing of them."""
    with nengo.Network(seed=0) as net:
        wave = nengo.Node(lambda t: np.sin(100 * t))
        sinks = [nengo.Node(size_in=1) for _ in range(3)]
        for sink in sinks:
            nengo.Probe(sink)
    return net, wave, sinks


def add_operators(model, wave, sinks):
    for sink, shapes in zip(sinks, [SHAPES[:5], SHAPES[1:3], ()], strict=True):
        states = [Signal(start(s, t)) for s in shapes for t in TYPES]
        output, added = Signal(np.zeros((1, 1))), model.sig[sink]["in"]
        model.add_op(Moves(model.sig[wave]["out"], output, states, added))


NETWORKS = {
    "vector and matrix": lambda: from_processes({"W": np.zeros((2, 3))}, {}),
    "a matrix alone": lambda: from_processes({"W": np.ones((2, 3))}),
    "every rank": lambda: from_processes(mixed(["float64"]), mixed(["float64"])),
    "every type": lambda: from_processes(mixed(shapes=[(3,)]), {"n": np.array(1)}),
    "every rank and type": lambda: from_processes(mixed(), mixed(["bool"])),
    "no state": lambda: from_processes({}, {}),
    "a learning rule": with_a_rule,
    "neurons": with_neurons,
}


def compare(net, jit_compile, minibatch_size, change=lambda model: None, n_steps=7):
    """Compare what probes record with Nengo's simulator, for each batch item."""
    with net:
        configure_settings(dtype="float64")
    models = [nengo.builder.Model(dt=0.001) for _ in range(2)]
    for model in models:
        model.build(net)
        change(model)
    with nengo.Simulator(None, model=models[0], progress_bar=False) as ref:
        ref.run_steps(n_steps)
    with Simulator(
        None,
        model=models[1],
        jit_compile=jit_compile,
        minibatch_size=minibatch_size,
        progress_bar=False,
    ) as sim:
        for _ in range(2):  # a reset starts all state anew
            sim.reset()
            sim.run_steps(n_steps)
            for probe in net.all_probes:
                assert np.ptp(ref.data[probe]) > 0
                for data in sim.data[probe] if minibatch_size else [sim.data[probe]]:
                    np.testing.assert_allclose(data, ref.data[probe], atol=1e-10)


@pytest.mark.parametrize("minibatch_size", [None, 3])
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_as_nengo(make, minibatch_size):
    compare(make(), False, minibatch_size)


@pytest.mark.parametrize("name", ["every rank and type", "a learning rule"])
def test_as_nengo_between_compiled_parts(name):
    compare(NETWORKS[name](), True, 2)


@pytest.mark.parametrize("minibatch_size", [None, 2])
def test_operators_of_other_builders(minibatch_size):
    net, wave, sinks = with_operators()
    change = functools.partial(add_operators, wave=wave, sinks=sinks)
    compare(net, False, minibatch_size, change)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from("abcdef"),
            st.builds(start, st.sampled_from(SHAPES), st.sampled_from(TYPES)),
            max_size=5,
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([None, 1, 2]),
)
def test_any_mix_of_states(states, minibatch_size):
    """All processes are one group: what differs between them must not matter."""
    compare(from_processes(*states), False, minibatch_size, n_steps=4)
