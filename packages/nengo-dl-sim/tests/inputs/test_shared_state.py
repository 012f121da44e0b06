"""Python code that shares objects: called in Nengo's order, step by step."""

from collections import deque

import keras
import nengo
import numpy as np
import pytest
from helpers import engine_of, program_of

from nengo_dl_sim import Simulator, configure_settings

N_STEPS = 12


class Env:
    """What a robot or an experiment is made of: nodes change it and look at it."""

    def __init__(self):
        self.x = 0.0
        self.seen = []
        self.queue = deque()
        self.rng = np.random.RandomState(0)
        self.sim = None

    def note(self, name, value=0.0):
        self.seen.append((name, value))
        return value

    def clock(self, t, x=None):
        """Return the time, and the clock of the simulator, in steps."""
        sim = self.sim
        return [0, 0, 0] if sim is None else [t, sim.time, sim.n_steps]


class Adds(nengo.Process):
    """A process that changes what it shares with others."""

    def __init__(self, env):
        self.env = env
        super().__init__(default_size_in=1, default_size_out=1)

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        def step(t, x):
            self.env.x += 0.1
            return self.env.x + x

        return step


class Writes(nengo.RectifiedLinear):
    """Neurons that leave a note of what they get."""

    def __init__(self, env, **kwargs):
        super().__init__(**kwargs)
        self.env = env

    def step(self, dt, J, output):
        self.env.x = float(np.sum(J))
        output[...] = np.maximum(J, 0)


def feedback(env):
    def act(t, x):
        env.x += 0.02 * (1 - x[0])

    sense = nengo.Node(lambda t: env.x)
    ens = nengo.Ensemble(10, 1)
    nengo.Connection(sense, ens)
    nengo.Connection(ens, nengo.Node(act, size_in=1, size_out=0))
    return sense, ens


def queue_from_time(env):
    """The reader comes first in the network; its input decides that it is later."""
    read = nengo.Node(lambda t, x: env.queue.popleft() + x, size_in=1, size_out=1)
    nengo.Connection(nengo.Node([0.5]), read, synapse=None)
    nengo.Node(lambda t: env.queue.append(t), size_out=0)
    return (read,)


def queue_from_input(env):
    """What a node with input writes, a function of time reads one step later."""
    read = nengo.Node(lambda t: env.queue.popleft() if env.queue else 0.0)
    write = nengo.Node(lambda t, x: env.queue.append(t + x[0]), size_in=1, size_out=0)
    nengo.Connection(nengo.Node(lambda t: 2 * t), write, synapse=None)
    return (read,)


def one_random_generator(env):
    """Who draws first decides the numbers of all."""
    nodes = [nengo.Node(lambda t: env.rng.normal()) for _ in range(2)]
    nodes += [
        nengo.Node(lambda t, x: env.rng.normal() + x, size_in=1) for _ in range(3)
    ]
    nengo.Connection(nodes[0], nodes[4], synapse=None)
    nengo.Connection(nodes[4], nodes[2], synapse=None)
    nengo.Connection(nodes[1], nodes[3], synapse=0.01)
    return nodes


def generator(env):
    values = iter(np.linspace(0, 1, 50))
    node = nengo.Node(lambda t: next(values), size_out=1)
    sink = nengo.Node(lambda t, x: env.note("sink", x[0]), size_in=1)
    nengo.Connection(node, sink, synapse=None)
    return node, sink


def clocks(env):
    """With input and without, early in the step and late."""
    nodes = [nengo.Node(env.clock), nengo.Node(env.clock, size_in=1)]
    late = nengo.Node(lambda t, x: env.clock(x[0]), size_in=1, size_out=3)
    nengo.Connection(nodes[0][0], nodes[1], synapse=None)
    nengo.Connection(nodes[1][0], late, synapse=None)
    return [*nodes, late]


def clock_alone(env):
    """No other Python code: computed before the steps."""
    return (nengo.Node(env.clock),)


def process(env):
    adds = nengo.Node(Adds(env))
    nengo.Connection(nengo.Node([1.0]), adds, synapse=None)
    return nengo.Node(lambda t: env.x), adds


def neurons(env):
    ens = nengo.Ensemble(5, 1, neuron_type=Writes(env))
    nengo.Connection(nengo.Node(np.sin), ens)
    return nengo.Node(lambda t: env.x), ens


def direct_mode(env):
    ens = nengo.Ensemble(1, 1, neuron_type=nengo.Direct())
    target = nengo.Node(size_in=1)
    nengo.Connection(nengo.Node(lambda t: env.note("in", t)), ens, synapse=None)
    nengo.Connection(ens, target, function=lambda x: env.note("f", x[0]), synapse=None)
    nengo.Node(lambda t: env.note("last", t))
    return (target,)


def subnetworks(env):
    with nengo.Network():
        inner = nengo.Node(lambda t, x: env.note("inner", x[0]), size_in=1)
        nengo.Node(lambda t: env.note("within"))
    outer = nengo.Node(lambda t: env.note("outer", len(env.seen)))
    nengo.Connection(outer, inner, synapse=None)
    return inner, outer


CASES = (
    feedback,
    queue_from_time,
    queue_from_input,
    one_random_generator,
    generator,
    clocks,
    clock_alone,
    process,
    neurons,
    direct_mode,
    subnetworks,
)


def build(case, **settings):
    env = Env()
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", **settings)
        net.probes_ = [nengo.Probe(obj) for obj in case(env)]
    env.__init__()  # building calls functions, too
    return net, env


def simulate(case, kind, runs, settings=None, **options):
    net, env = build(case, **(settings or {}))
    with kind(net, seed=1, progress_bar=False, **options) as sim:
        env.sim = sim
        for n_steps in runs:
            sim.run_steps(n_steps)
        return [sim.data[probe] for probe in net.probes_], env.seen


def in_core(case, runs=(N_STEPS,)):
    return simulate(case, nengo.Simulator, runs, optimize=False)


def assert_same(found, expected, item=...):
    for ours, core in zip(found[0], expected[0], strict=True):
        np.testing.assert_allclose(ours[item], core, rtol=0, atol=1e-12)
    for ours, core in zip(found[1], expected[1], strict=True):
        assert ours[0] == core[0]
        assert ours[1] == pytest.approx(core[1], abs=1e-12)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_is_as_in_nengo(case, jit_compile):
    runs = (N_STEPS - 3, 1, 2)
    found = simulate(case, Simulator, runs, jit_compile=jit_compile)
    assert_same(found, in_core(case, runs))


@pytest.mark.parametrize(
    "options",
    [{"minibatch_size": 1}, {"unroll_simulation": 5, "jit_compile": False}],
    ids=str,
)
def test_is_as_in_nengo_with_any_options(options):
    found = simulate(one_random_generator, Simulator, (N_STEPS,), **options)
    item = 0 if "minibatch_size" in options else ...
    assert_same(found, in_core(one_random_generator), item)


@pytest.mark.parametrize("planner", ["noop", "tree", "transitive"])
def test_is_as_in_nengo_with_any_planner(planner):
    from nengo_dl_ops import planning as graph

    settings = {
        "planner": getattr(graph, f"{planner}_planner"),
        "sorter": graph.noop_order_signals,
        "simplifications": [],
    }
    found = simulate(one_random_generator, Simulator, (4,), settings, jit_compile=False)
    assert_same(found, in_core(one_random_generator, (4,)))


def random_case(seed):
    """Nodes that leave notes, connected at random."""
    rng = np.random.RandomState(seed)

    def case(env):
        nodes = []
        for number in rng.permutation(8):
            if rng.rand() < 0.4:
                node = nengo.Node(lambda t, name=number: env.note(name, t))
            else:
                node = nengo.Node(
                    lambda t, x, name=number: env.note(name, x[0] + env.rng.rand()),
                    size_in=1,
                )
            nodes.append(node)
        for late, node in enumerate(nodes):
            for pre in rng.choice(late, rng.randint(0, 3)) if late else ():
                synapse = None if rng.rand() < 0.6 else 0.01
                if node.size_in:
                    nengo.Connection(nodes[pre], node, synapse=synapse)
        return nodes

    return case


@pytest.mark.parametrize(
    "seed", [0, 1, 2, *(pytest.param(i, marks=pytest.mark.slow) for i in range(3, 20))]
)
def test_the_order_is_that_of_nengo(seed):
    found = simulate(random_case(seed), Simulator, (3,), jit_compile=False)
    assert_same(found, in_core(random_case(seed), (3,)))


def test_a_function_of_time_is_called_once_for_all_items():
    """It is the first item that is as in Nengo: nodes with input share the object."""
    found, seen = simulate(generator, Simulator, (N_STEPS,), minibatch_size=3)
    expected, core = in_core(generator)
    for values, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, np.stack([wanted] * 3))
    assert [name for name, _ in seen] == ["sink"] * 3 * len(core)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("minibatch_size", [None, 2])
def test_given_values_take_the_place_of_the_function(minibatch_size, jit_compile):
    net, env = build(subnetworks)
    outer = net.nodes[0]
    values = np.arange(2.0 * 5).reshape(2, 5, 1)[: minibatch_size or 1]
    options = {"minibatch_size": minibatch_size, "jit_compile": jit_compile}
    with Simulator(net, progress_bar=False, **options) as sim:
        sim.run_steps(5, data={outer: values})
        for probe in net.probes_:
            found = sim.data[probe].reshape(values.shape)
            np.testing.assert_array_equal(found, values)
        assert "outer" not in dict(env.seen)
        sim.run_steps(1)  # and then it is called again
        assert [name for name, _ in env.seen].count("outer") == 1


DOORS = {
    "predict": lambda sim, net, x: sim.predict(x, verbose=0),
    "evaluate": lambda sim, net, x: sim.evaluate(
        x, {net.probes_[0]: np.zeros((2, 5, 1))}, verbose=0
    ),
    "loss": lambda sim, net, x: sim.loss({**x, net.probes_[0]: np.zeros((2, 5, 1))}),
    "train": lambda sim, net, x: sim.train(
        {**x, net.probes_[0]: np.zeros((2, 5, 1))}, keras.optimizers.SGD(0.1)
    ),
    "fit": lambda sim, net, x: sim.fit(
        x, {net.probes_[0]: np.zeros((2, 5, 1))}, verbose=0
    ),
}


@pytest.mark.filterwarnings("ignore:No gradient")
@pytest.mark.parametrize("door", DOORS)
def test_functions_are_called_by_all_that_computes(door):
    """In each step of each minibatch once, with the clock of that step."""
    env = Env()
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        stimulus = nengo.Node([0.0])
        sense = nengo.Node(lambda t: env.note("sense", (t, *env.clock(t)[1:]))[0])
        ens = nengo.Ensemble(5, 1, neuron_type=nengo.RectifiedLinear())
        watch = nengo.Node(lambda t, x: env.note("watch", x[0]), size_in=1)
        nengo.Connection(stimulus, ens, synapse=None)
        nengo.Connection(sense, ens, synapse=None)
        nengo.Connection(sense, watch, synapse=None)
        net.probes_ = [nengo.Probe(ens)]
    with Simulator(net, minibatch_size=1, progress_bar=False) as sim:
        env.sim = sim
        sim.compile(keras.optimizers.SGD(0.1), loss="mse")
        env.seen.clear()
        DOORS[door](sim, net, {stimulus: np.ones((2, 5, 1))})
        names = [name for name, _ in env.seen]
        assert names == ["sense", "watch"] * 10
        clocks = [value for name, value in env.seen if name == "sense"]
        steps = np.tile(np.arange(1, 6), 2)
        np.testing.assert_allclose(
            clocks, np.transpose([steps * 0.001, (steps - 1) * 0.001, steps - 1])
        )
        assert (sim.n_steps, sim.time) == (0, 0)


@pytest.mark.parametrize("again", ["reset", "soft_reset", "checkpoint"])
def test_the_clock_goes_on_as_the_simulation(again, tmp_path):
    net, env = build(clocks)
    with Simulator(net, progress_bar=False) as sim:
        env.sim = sim
        sim.run_steps(3)
        if again == "checkpoint":
            sim.save_checkpoint(tmp_path)
            sim.run_steps(2)
            sim.restore_checkpoint(tmp_path)
            sim.clear_probes()
        else:
            getattr(sim, again)()
        sim.run_steps(2)
        start = 0 if again == "reset" else 3
        for probe in net.probes_:
            steps = np.arange(start + 1, start + 3)
            expected = np.transpose([steps * 0.001, (steps - 1) * 0.001, steps - 1])
            np.testing.assert_allclose(sim.data[probe][-2:], expected)


@pytest.mark.parametrize(
    "pure, case, ahead",
    [
        (None, generator, False),
        (True, generator, True),
        (False, generator, False),
        (None, clock_alone, True),
        (True, clock_alone, True),
        (False, clock_alone, False),
    ],
)
def test_pure_functions(pure, case, ahead):
    """Whether functions of time are called before all steps is a choice."""
    net, env = build(case, pure_functions=pure)
    seen = []
    function = net.nodes[0].output
    net.nodes[0].output = lambda t: (seen.append(t), function(t))[1]
    with net:
        late = nengo.Node(lambda t, x: seen.append(-t), size_in=1, size_out=0)
        nengo.Connection(net.nodes[0][0], late, synapse=None)
        if case is clock_alone:
            del net.nodes[-1], net.connections[-1]
    with Simulator(net, progress_bar=False) as sim:
        assert program_of(sim).runs_python is not (ahead and case is clock_alone)
        seen.clear()
        sim.run_steps(3)
    if case is generator:
        alternating = [0.001, -0.001, 0.002, -0.002, 0.003, -0.003]
        expected = sorted(alternating, key=lambda t: t < 0) if ahead else alternating
        np.testing.assert_allclose(seen, expected)


def test_functions_of_numpy_are_computed_ahead():
    """They share nothing; neither do processes and constants."""
    with nengo.Network(seed=0) as net:
        nodes = [
            nengo.Node(np.sin),
            nengo.Node(nengo.processes.WhiteSignal(1, 10, seed=0), size_out=1),
            nengo.Node([1.0]),
        ]
        sink = nengo.Node(lambda t, x: x, size_in=1)
        for node in nodes:
            nengo.Connection(node, sink, synapse=None)
    with Simulator(net, progress_bar=False) as sim:
        inputs = engine_of(sim).inputs
        assert not any(map(inputs.is_in_steps, nodes))
