"""A simulator from build to close."""

import gc
import inspect
import pickle
import warnings

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator
from nengo.exceptions import ReadonlyError, SimulatorClosed, ValidationError

from nengo_dl_ops.step.program import Program
from nengo_dl_sim import Simulator
from nengo_dl_sim.execution import run_function as loop


def network(seed=0):
    """A network with randomness in its inputs, state and parameters."""
    with nengo.Network(seed=seed, label="example") as net:
        net.noise = nengo.Node(nengo.processes.WhiteNoise(seed=None), size_out=1)
        net.time = nengo.Node(lambda t: t)
        net.ens = nengo.Ensemble(10, 1)
        nengo.Connection(net.noise, net.ens, synapse=0.1)
        nengo.Connection(net.time, net.ens, synapse=None)
        net.recurrent = nengo.Connection(net.ens, net.ens, synapse=0.05)
        net.p_noise = nengo.Probe(net.noise)
        net.p_time = nengo.Probe(net.time)
        net.p = nengo.Probe(net.ens, synapse=0.01)
        net.spikes = nengo.Probe(net.ens.neurons)
        net.sampled = nengo.Probe(net.time, sample_every=0.003)
    return net


def recorded(sim, net):
    return [sim.data[probe] for probe in net.all_probes]


def assert_same(found, expected, same=True):
    equal = [np.array_equal(a, b) for a, b in zip(found, expected, strict=True)]
    assert equal == [same] * len(expected)


def train(sim, net, rate=1e-4):
    objective = {net.p: lambda y: tf.reduce_sum((y - 10) ** 2)}
    sim.train(5, keras.optimizers.SGD(rate), objective=objective)


@pytest.mark.parametrize("jit_compile", [False, True, "auto"])
@pytest.mark.parametrize("minibatch_size", [None, 3])
def test_a_run_in_parts_equals_one_at_once(jit_compile, minibatch_size, monkeypatch):
    options = {"minibatch_size": minibatch_size, "jit_compile": jit_compile}
    net = network()
    with simulator(net, **options) as sim:
        sim.run_steps(23)
        expected = recorded(sim, net)
    monkeypatch.setattr(loop, "MAX_CHUNK_STEPS", 8)
    with simulator(net, **options) as sim:
        sim.run_steps(0)
        sim.step()
        sim.run(0.012)
        sim.run_steps(3)
        sim.run_steps(7)
        assert sim.n_steps == 23
        for values, wanted in zip(recorded(sim, net), expected, strict=True):
            np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)


def test_time():
    with simulator(network(), dt=0.002) as sim:
        assert (sim.n_steps, sim.time, sim.dt) == (0, 0, 0.002)
        sim.run(0.0101)
        assert sim.n_steps == 5
        assert sim.time == pytest.approx(0.01)
        np.testing.assert_allclose(sim.trange(), 0.002 * np.arange(1, 6))


READ_ONLY = (
    "dg",
    "dt",
    "keras_model",
    "n_steps",
    "node_inputs",
    "stateful",
    "step_order",
    "time",
    "training_step",
)


def test_properties_are_read_only():
    properties = inspect.getmembers(Simulator, lambda part: isinstance(part, property))
    public = [name for name, _ in properties if not name.startswith("_")]
    assert sorted(public) == list(READ_ONLY)
    with simulator(network()) as sim:
        sim.run_steps(2)
        for name in public:
            with pytest.raises(ReadonlyError, match=f"{name}: .*read-only"):
                setattr(sim, name, 1)
        assert (sim.n_steps, sim.time, sim.dt) == (2, 0.002, 0.001)


def test_trange_belongs_to_probe_data():
    net = network()
    with simulator(net) as sim:
        for n_steps in (1, 5, 4):
            sim.run_steps(n_steps)
            for probe, every in ((net.p_time, None), (net.sampled, 0.003)):
                times = sim.trange(sample_every=every)
                if len(times):
                    assert sim.data[probe][:, 0] == pytest.approx(times)
                else:
                    assert sim.data[probe].shape == (0,)


def test_runs_of_no_step_warn():
    with simulator(network()) as sim:
        for seconds in (0, 0.0004):
            with pytest.warns(UserWarning, match="0 timesteps"):
                sim.run(seconds)
        assert sim.n_steps == 0


@pytest.mark.parametrize("minibatch_size", [None, 1, 3])
def test_shapes_of_probe_data(minibatch_size):
    net = network()
    batch = () if minibatch_size is None else (minibatch_size,)
    with simulator(net, minibatch_size=minibatch_size) as sim:
        nothing = (0,) if minibatch_size is None else (minibatch_size, 0, 1)
        assert sim.data[net.p].shape == nothing
        sim.run_steps(4)
        assert sim.data[net.p].shape == (*batch, 4, 1)
        assert sim.data[net.spikes].shape == (*batch, 4, 10)
        assert sim.data[net.sampled].shape == (*batch, 1, 1)
        with pytest.raises(ValueError, match="read-only"):
            sim.data[net.p][...] = 0
        sim.clear_probes()
        assert sim.data[net.p].shape == nothing
        assert sim.n_steps == 4


def test_seeds():
    net = network(seed=5)
    runs = {}
    for seed in (None, 6, 7):
        with simulator(net, seed=seed) as sim:
            assert sim.seed == (6 if seed is None else seed)
            sim.run_steps(5)
            runs[seed] = sim.data[net.p_noise]
    np.testing.assert_array_equal(runs[None], runs[6])
    assert np.all(runs[6] != runs[7])
    with simulator(network(seed=None)) as first, simulator(network(None)) as second:
        assert first.seed != second.seed


@pytest.mark.parametrize("minibatch_size", [None, 2])
def test_reset(minibatch_size):
    net = network()
    with simulator(net, minibatch_size=minibatch_size) as sim:
        sim.run_steps(6)
        expected = recorded(sim, net)
        weights = sim.data[net.recurrent].weights
        train(sim, net)
        assert np.any(sim.data[net.recurrent].weights != weights)
        sim.reset()
        assert (sim.n_steps, sim.time, sim.training_step) == (0, 0, 0)
        assert sim.data[net.p].size == 0
        np.testing.assert_array_equal(sim.data[net.recurrent].weights, weights)
        sim.run_steps(6)
        assert_same(recorded(sim, net), expected)
        sim.reset(seed=99)
        assert sim.seed == 99
        sim.run_steps(6)
        other = sim.data[net.p_noise]
        assert np.all(other != expected[0])
        sim.reset()  # keeps the new seed
        sim.run_steps(6)
        np.testing.assert_array_equal(sim.data[net.p_noise], other)


def test_soft_reset():
    net = network()
    with simulator(net) as sim:
        sim.run_steps(6)
        first = recorded(sim, net)
        sim.soft_reset()
        assert sim.n_steps == 6
        sim.run_steps(6)
        assert sim.data[net.p_time].shape == (12, 1)
        np.testing.assert_array_equal(sim.data[net.p_noise][6:], first[0])
        assert sim.data[net.p_time][-1, 0] == pytest.approx(0.012)

        sim.soft_reset(include_probes=True)
        assert sim.n_steps == 0
        sim.run_steps(6)
        assert_same(recorded(sim, net), first)

        train(sim, net)
        trained = sim.data[net.recurrent].weights
        sim.soft_reset(include_probes=True)
        np.testing.assert_array_equal(sim.data[net.recurrent].weights, trained)
        sim.soft_reset(include_probes=True, include_trainable=True)
        assert np.any(sim.data[net.recurrent].weights != trained)
        sim.run_steps(6)
        assert_same(recorded(sim, net), first)


@pytest.mark.parametrize("include_probes", [False, True])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_time_after_a_soft_reset(jit_compile, include_probes):
    """All clocks agree: it goes on, or starts from 0 with the probes."""
    seen = []
    with nengo.Network() as net:
        clock = nengo.Node(lambda t: t)
        inner = nengo.Node(lambda t, x: [t, x[0]], size_in=1, size_out=2)
        sink = nengo.Node(lambda t, x: seen.append((t, x[0])), size_in=1, size_out=0)
        nengo.Connection(clock, inner, synapse=None)
        nengo.Connection(clock, sink, synapse=None)
        probes = [nengo.Probe(clock), nengo.Probe(inner)]
    with simulator(net, jit_compile=jit_compile, minibatch_size=2) as sim:
        sim.run_steps(3)
        sim.soft_reset(include_probes=include_probes)
        before = 0 if include_probes else 3
        assert sim.n_steps == sim.signals[sim.model.step] == before
        assert sim.time == pytest.approx(sim.signals[sim.model.time])
        sim.run_steps(4)
        times = 0.001 * np.arange(1, before + 5)
        assert sim.n_steps == sim.signals[sim.model.step] == len(times)
        for probe in probes:
            for item in sim.data[probe]:
                assert item.shape[0] == len(sim.trange())
                for column in item.T:
                    np.testing.assert_allclose(column, times, rtol=1e-6)
        assert seen[-8:] == [
            (t, pytest.approx(t)) for t in times[-4:] for _ in range(2)
        ]


def use_all(net):
    """Every method that needs an open simulator."""
    return {
        "run": lambda sim: sim.run(1),
        "run_steps": lambda sim: sim.run_steps(1),
        "step": lambda sim: sim.step(),
        "train": lambda sim: train(sim, net),
        "loss": lambda sim: sim.loss(1, {net.p: lambda y: y}),
        "reset": lambda sim: sim.reset(),
        "soft_reset": lambda sim: sim.soft_reset(),
        "save_params": lambda sim: sim.save_params("unused"),
        "load_params": lambda sim: sim.load_params("unused"),
        "__enter__": lambda sim: sim.__enter__(),
    }


def test_close():
    net = network()
    with simulator(net) as sim:
        sim.run_steps(3)
        assert not sim.closed
    assert sim.closed
    sim.close()
    for use in use_all(net).values():
        with pytest.raises(SimulatorClosed):
            use(sim)
    assert sim.data[net.p].shape == (3, 1)
    assert sim.data[net.ens].encoders.shape == (10, 1)
    assert sim.n_steps == 3


def test_a_simulator_that_is_dropped_open_warns():
    sim = simulator(network())
    with pytest.warns(ResourceWarning, match="example.*deallocated while open"):
        del sim
        gc.collect()


def test_closed_and_failed_simulators_do_not_warn():
    net = network()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        simulator(net).close()
        with pytest.raises(ValidationError, match="minibatch_size"):
            simulator(net, minibatch_size=0)
        gc.collect()


def test_pickling_is_refused():
    with simulator(network()) as sim:
        with pytest.raises(NotImplementedError, match="save_params"):
            pickle.dumps(sim)


def test_a_model_built_before():
    net = network()
    model = nengo.builder.Model(dt=0.002)
    model.build(net)
    with simulator(net, dt=0.002) as sim:
        sim.run_steps(5)
        expected = recorded(sim, net)
    with simulator(None, model=model, dt=0.002, seed=sim.seed) as sim:
        assert sim.dt == 0.002
        assert sim.model is model
        sim.run_steps(5)
        assert_same(recorded(sim, net), expected)
    empty = nengo.builder.Model(dt=0.002)
    with simulator(net, model=empty, dt=0.002) as sim:
        assert sim.model is empty
        sim.run_steps(5)
        assert_same(recorded(sim, net), expected)


def test_device():
    net = network()
    with simulator(net, device="/cpu:0") as sim:
        sim.run_steps(3)
        train(sim, net)
        assert sim.data[net.p].shape == (3, 1)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_compilation_serves_all_run_lengths(jit_compile, monkeypatch):
    traced = []
    step = Program.step

    def counted(*args, **kwargs):
        traced.append(args)
        return step(*args, **kwargs)

    monkeypatch.setattr(Program, "step", counted)
    monkeypatch.setattr(loop, "MAX_CHUNK_STEPS", 16)
    net = network()

    def n_traced(use):
        before = len(traced)
        use()
        return len(traced) - before

    with simulator(net, jit_compile=jit_compile) as sim:
        assert n_traced(lambda: sim.run_steps(5)) > 0
        for n_steps in (1, 16, 17, 40, 0, 5):
            assert n_traced(lambda n=n_steps: sim.run_steps(n)) == 0
        train(sim, net)
        sim.reset()
        assert n_traced(lambda: sim.run_steps(3)) == 0
        # Other nodes that are given are another function, for all lengths again.
        counts = []
        for n_steps in (2, 20):
            data = {net.time: np.ones((1, n_steps, 1))}
            counts.append(n_traced(lambda n=n_steps, d=data: sim.run_steps(n, data=d)))
        assert counts[0] > 0 and counts[1] == 0


def test_data_takes_the_place_of_output():
    net = network()
    values = np.random.RandomState(0).randn(2, 6, 1)
    with simulator(net, minibatch_size=2) as sim:
        sim.run_steps(6, data={net.noise: values})
        sim.run_steps(2)
        np.testing.assert_allclose(sim.data[net.p_noise][:, :6], values, rtol=1e-6)
        assert sim.data[net.p_time][:, :, 0] == pytest.approx(
            np.tile(0.001 * np.arange(1, 9), (2, 1))
        )


def test_live_parameters():
    net = network()
    objects = [(net.ens, "bias"), (net.ens, "encoders"), (net.recurrent, "weights")]
    with simulator(net) as sim:
        with nengo.Simulator(net, progress_bar=False) as reference:
            for obj, attr in (*objects, (net.ens, "gain"), (net.ens, "max_rates")):
                expected = getattr(reference.data[obj], attr)
                found = getattr(sim.data[obj], attr)
                np.testing.assert_allclose(found, expected, rtol=1e-6)
        before = sim.data.get_params(*objects)
        train(sim, net, rate=1.0)
        after = sim.data.get_params(*objects)
        assert_same(after, before, same=False)
        built = sim.data[net.ens]
        np.testing.assert_allclose(np.linalg.norm(built.encoders, axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(
            built.scaled_encoders, built.gain[:, None] * built.encoders, rtol=1e-6
        )
        max_rates, intercepts = net.ens.neuron_type.max_rates_intercepts(
            built.gain, built.bias
        )
        np.testing.assert_allclose(built.max_rates, max_rates)
        np.testing.assert_allclose(built.intercepts, intercepts)
        assert net.ens in sim.data and len(sim.data) == len(sim.model.params)
        with pytest.raises(ValidationError, match="of the simulated network, got"):
            sim.data[network().ens]


def test_a_trained_network_computes_with_its_live_parameters():
    """Nengo gives the same answer with the parameters that training found."""
    net = network()
    with simulator(net, seed=1) as sim:
        train(sim, net, rate=1.0)
        sim.run_steps(20, data={net.noise: np.zeros((1, 20, 1))})
        built, weights = sim.data[net.ens], sim.data[net.recurrent].weights
        p = sim.data[net.spikes]
    with nengo.Network(seed=0) as copy:
        time = nengo.Node(lambda t: t)
        ens = nengo.Ensemble(
            10, 1, encoders=built.encoders, gain=built.gain, bias=built.bias, seed=1
        )
        nengo.Connection(time, ens, synapse=None)
        nengo.Connection(
            ens.neurons,
            ens.neurons,
            transform=built.scaled_encoders @ weights,
            synapse=0.05,
        )
        probe = nengo.Probe(ens.neurons)
    start = sim.model.sig[net.ens.neurons]["voltage"].initial_value
    ens.neuron_type = nengo.LIF(initial_state={"voltage": start})
    with nengo.Simulator(copy, progress_bar=False) as reference:
        reference.run_steps(20)
    counts = [np.sum(x, axis=0) * 0.001 for x in (p, reference.data[probe])]
    np.testing.assert_allclose(*counts, atol=1.01)
    assert np.sum(counts[0]) > 5


def test_progress_bars_can_be_turned_off(capsys, terminal):
    net = network()
    for shown in (True, False):
        with simulator(net, progress_bar=shown) as sim:
            sim.run_steps(3)
            train(sim, net)
            sim.loss(2, {net.p: lambda y: tf.reduce_sum(y)})
        text = capsys.readouterr().err
        for title in ("Building", "Compiling", "Simulating", "Training", "Calculating"):
            assert (title in text) == shown
    with simulator(net, progress_bar=True) as sim:
        capsys.readouterr()
        sim.step()
        sim.run_steps(3, progress_bar=False)
        assert "Simulating" not in capsys.readouterr().err
