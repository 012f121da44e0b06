"""Exact restarts: what is interrupted and restored ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import SHARED
from nengo.exceptions import SimulationError, SimulatorClosed, ValidationError

from nengo_dl_ops.planning.sorters import noop_order_signals
from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.saving.checkpoint_folder import latest
from nengo_dl_sim.training.finite import row_sizes
from nengo_dl_sim.training.gradient_function import BackPropagation
from nengo_dl_sim.training.optimizers import make_update

N_ITEMS, N_STEPS = 12, 6

OPTIMIZERS = {
    "SGD": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "Adam": lambda: keras.optimizers.Adam(0.01),
    "RMSprop": lambda: keras.optimizers.RMSprop(0.01),
    "tf1 Adam": lambda: tf.compat.v1.train.AdamOptimizer(0.01),
    "tf1 GradientDescent": lambda: tf.compat.v1.train.GradientDescentOptimizer(0.05),
}


def make_network(n_neurons=10):
    """A network with random numbers of every kind."""
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        net.inp = nengo.Node([0.0])
        noise = nengo.Node(nengo.processes.WhiteNoise(scale=False), size_out=1)
        ens = nengo.Ensemble(
            n_neurons, 1, neuron_type=nengo.PoissonSpiking(nengo.LIFRate(amplitude=0.1))
        )
        nengo.Connection(net.inp, ens)
        nengo.Connection(noise, ens, transform=0.1)
        net.probe = nengo.Probe(ens, synapse=0.01)
        net.noise = nengo.Probe(noise)
    return net


def make_data(net):
    rng = np.random.RandomState(1)
    shape = N_ITEMS, N_STEPS, 1
    return {net.inp: rng.uniform(-1, 1, shape), net.probe: rng.uniform(-1, 1, shape)}


def make_sim(net, jit_compile=False):
    options = {"progress_bar": False, "jit_compile": jit_compile}
    return Simulator(net, minibatch_size=2, seed=3, **options)


def parameters(sim, net):
    ens = sim.data[net.ensembles[0]]
    weights = [sim.data[conn].weights for conn in net.connections]
    return [ens.encoders, ens.bias, *(w for w in weights if w is not None)]


def assert_equal(found, expected):
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, other)


class Stop(Exception):
    """Stands for whatever interrupts training."""


def stop_after(sim, n_saved, monkeypatch):
    """Interrupt training right after so many checkpoints were saved."""
    save, saved = sim.save_checkpoint, []

    def save_and_stop(path):
        save(path)
        saved.append(path)
        if len(saved) == n_saved:
            raise Stop

    monkeypatch.setattr(sim, "save_checkpoint", save_and_stop)


def train(sim, net, optimizer, n_epochs=3, **kwargs):
    sim.train(make_data(net), optimizer, n_epochs, **kwargs)


@pytest.mark.parametrize(
    "kind, xla", [*((kind, False) for kind in OPTIMIZERS), ("Adam", True)]
)
def test_interrupted_training_goes_on(kind, xla, tmp_path, monkeypatch):
    """Shuffled, in the middle of an epoch, with noise, and a new optimizer."""
    net = make_network()
    with make_sim(net, xla) as sim:
        train(sim, net, OPTIMIZERS[kind]())
        expected, n_trained = parameters(sim, net), int(sim.training_step)
    with make_sim(net, xla) as sim:
        stop_after(sim, 8, monkeypatch)
        saving = {"checkpoint": tmp_path / "run", "checkpoint_every": 1}
        with pytest.raises(Stop):
            train(sim, net, OPTIMIZERS[kind](), **saving)
    with make_sim(net, xla) as sim:
        sim.restore_checkpoint(tmp_path / "run")
        assert int(sim.training_step) == 8 < n_trained
        train(sim, net, OPTIMIZERS[kind]())
        assert int(sim.training_step) == n_trained
        assert_equal(parameters(sim, net), expected)


@pytest.fixture(scope="module")
def two_calls():
    """What becomes of two calls that nothing interrupts."""
    net, optimizer = make_network(), OPTIMIZERS["Adam"]()
    with make_sim(net) as sim:
        train(sim, net, optimizer, truncation=3)
        train(sim, net, optimizer)
        return parameters(sim, net)


@pytest.mark.parametrize("n_saved", [1, 6, 17, 18])
def test_any_moment_will_do(n_saved, tmp_path, monkeypatch, two_calls):
    """At the begin, between epochs, at the end; truncated; and a call that follows."""
    net, make = make_network(), OPTIMIZERS["Adam"]
    with make_sim(net) as sim:
        stop_after(sim, n_saved, monkeypatch)
        with pytest.raises(Stop):
            saving = {"checkpoint": tmp_path, "checkpoint_every": 1}
            train(sim, net, make(), truncation=3, **saving)
    with make_sim(net) as sim:
        sim.restore_checkpoint(tmp_path)
        optimizer = make()
        train(sim, net, optimizer, truncation=3)
        train(sim, net, optimizer)
        assert_equal(parameters(sim, net), two_calls)


def dataset_of(minibatches, net):
    return tf.data.Dataset.from_generator(
        lambda: ({k.label: v for k, v in b.items()} for b in minibatches()),
        output_signature={
            k.label: tf.TensorSpec((2, N_STEPS, 1), tf.float64)
            for k in (net.inp, net.probe)
        },
    )


STREAMS = {
    "data set": (2, dataset_of),
    "generator": (1, lambda minibatches, net: minibatches()),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_goes_on(kind, tmp_path, monkeypatch):
    net, (n_epochs, make) = make_network(), STREAMS[kind]
    net.inp.label, net.probe.label = "inp", "out"

    def minibatches():
        data = make_data(net)
        for i in range(0, N_ITEMS, 2):
            yield {key: array[i : i + 2] for key, array in data.items()}

    def run(sim, **kwargs):
        optimizer = OPTIMIZERS["Adam"]()
        sim.train(make(minibatches, net), optimizer, n_epochs, **kwargs)

    with make_sim(net) as sim:
        run(sim)
        expected = parameters(sim, net)
    with make_sim(net) as sim:
        stop_after(sim, 6 * n_epochs - 4, monkeypatch)
        with pytest.raises(Stop):
            run(sim, checkpoint=tmp_path, checkpoint_every=1)
    with make_sim(net) as sim:
        sim.restore_checkpoint(tmp_path)
        run(sim)
        assert_equal(parameters(sim, net), expected)


@pytest.mark.parametrize("in_place", [False, True])
def test_a_second_call_goes_on(in_place, tmp_path, monkeypatch):
    """Its optimizer is not taken for the one of the first call."""
    net, make = make_network(), OPTIMIZERS["Adam"]
    with make_sim(net) as sim:
        for _ in range(2):
            train(sim, net, make())
        expected = parameters(sim, net)
    with make_sim(net) as sim:
        train(sim, net, make())
        with monkeypatch.context() as patches, pytest.raises(Stop):
            stop_after(sim, 5, patches)
            train(sim, net, make(), checkpoint=tmp_path, checkpoint_every=1)
        with sim if in_place else make_sim(net) as other:
            other.restore_checkpoint(tmp_path)
            train(other, net, make())
            assert_equal(parameters(other, net), expected)


def test_slots_whatever_variables_are_called():
    """Those of TensorFlow 1 come in the order of names, which count on and on."""

    def update():
        variables = [tf.Variable([float(i)], name="x") for i in range(8)]
        optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
        return make_update(optimizer, variables, tf.Variable(0, dtype=tf.int64))

    def go_on(update):
        gradients = [tf.ones(1) * i for i in range(8)]
        zero, sizes = tf.zeros(()), [row_sizes(gradient) for gradient in gradients]
        found = BackPropagation(tf.zeros(1), (), [], zero, gradients, sizes, [])
        update.step(lambda scale: found)
        return np.array([v.numpy() for v in update.variables])

    first, second = update(), update()
    go_on(first)
    assert not np.array_equal(go_on(first), go_on(second))
    second.check(first.arrays())
    second.assign(first.arrays())
    for mine, other in zip(second.variables, first.variables, strict=True):
        mine.assign(other)
    np.testing.assert_array_equal(go_on(second), go_on(first))
    np.testing.assert_array_equal(go_on(second), go_on(first))


def test_a_simulation_goes_on(tmp_path):
    """State, time, random spikes and noise; after a soft reset, too."""
    net = make_network()
    data = {net.inp: np.random.RandomState(2).uniform(-1, 1, (2, 20, 1))}
    with make_sim(net) as sim:
        sim.run_steps(5)
        sim.soft_reset()
        sim.run_steps(7)
        sim.save_checkpoint(tmp_path)
        sim.clear_probes()
        sim.run_steps(20, data=data)
        expected = [sim.data[net.probe], sim.data[net.noise], sim.time]
    with Simulator(net, minibatch_size=2, seed=9, progress_bar=False) as sim:
        sim.run_steps(3)
        sim.restore_checkpoint(tmp_path)
        assert sim.seed == 3
        sim.run_steps(20, data=data)
        found = [sim.data[net.probe], sim.data[net.noise], sim.time]
        assert_equal(found, expected)


def test_restored_in_place(tmp_path):
    """A simulator that went on returns, and its optimizers with it."""
    net, optimizer = make_network(), OPTIMIZERS["Adam"]()
    with make_sim(net) as sim:
        train(sim, net, optimizer)
        sim.save_checkpoint(tmp_path)
        before = parameters(sim, net)
        train(sim, net, optimizer)
        expected = parameters(sim, net)
        sim.restore_checkpoint(tmp_path)
        assert_equal(parameters(sim, net), before)
        train(sim, net, optimizer)
        assert_equal(parameters(sim, net), expected)


def everything(sim, net):
    return [*parameters(sim, net), sim.n_steps, int(sim.training_step), sim.seed]


def test_of_another_network(tmp_path):
    other = make_network(n_neurons=11)
    with make_sim(other) as sim:
        sim.save_checkpoint(tmp_path)
    net = make_network()
    with make_sim(net) as sim:
        before = everything(sim, net)
        with pytest.raises(ValidationError, match=r"shape \(10,\), got \(11,\)"):
            sim.restore_checkpoint(tmp_path)
        assert_equal(everything(sim, net), before)


OTHER_SETTINGS = {
    "dt": ({"dt": 0.002}, {}, "'simulation/dt' to be 0.002, got 0.001"),
    "minibatch_size": ({"minibatch_size": 3}, {}, "minibatch_size' to be 3, got 2"),
    "dtype": ({}, {"dtype": "float64"}, "of type float64, got float32"),
    "sorter": ({}, {"sorter": noop_order_signals}, "same connections, probes and set"),
}


@pytest.mark.parametrize("kind", OTHER_SETTINGS)
def test_of_other_settings(kind, tmp_path):
    """Although all names and shapes may be the same."""
    arguments, settings, message = OTHER_SETTINGS[kind]
    net = make_network()
    with net:
        for i in range(3):
            first = nengo.Ensemble(5, 1)
            second = nengo.Ensemble(5, 1, neuron_type=nengo.AdaptiveLIF())
            nengo.Connection(net.inp, first, synapse=0.01 * (i + 1))
            nengo.Connection(first, second, synapse=0.005)
            nengo.Probe(second, synapse=0.02)
    with make_sim(net) as sim:
        sim.run_steps(3)
        sim.save_checkpoint(tmp_path)
    with net:
        configure_settings(**settings)
    arguments = {"minibatch_size": 2, "seed": 9, "progress_bar": False, **arguments}
    with Simulator(net, **arguments) as sim:
        before = everything(sim, net)
        with pytest.raises(ValidationError, match=message):
            sim.restore_checkpoint(tmp_path)
        assert_equal(everything(sim, net), before)


def test_of_another_call(tmp_path, monkeypatch):
    """A call that cannot be the interrupted one is refused; that one may follow."""
    net, make = make_network(), OPTIMIZERS["Adam"]
    with make_sim(net) as sim:
        train(sim, net, make())
        expected = parameters(sim, net)
    with make_sim(net) as sim:
        stop_after(sim, 11, monkeypatch)
        with pytest.raises(Stop):
            train(sim, net, make(), checkpoint=tmp_path, checkpoint_every=1)
    with make_sim(net) as sim:
        sim.restore_checkpoint(tmp_path)
        with pytest.raises(ValidationError, match=r"interrupted in minibatch 5 of ep"):
            train(sim, net, make(), n_epochs=1)
        few = {key: array[:8] for key, array in make_data(net).items()}
        with pytest.raises(ValidationError, match=r"got 3 epochs of 4 minibatches"):
            sim.train(few, make(), 3)
        train(sim, net, make())
        assert_equal(parameters(sim, net), expected)


@pytest.mark.parametrize("path", [5, "", "run[1]", "file"])
def test_a_path_that_will_not_do(path, tmp_path, monkeypatch):
    """It is refused before anything is trained."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    net = make_network()
    with make_sim(net) as sim:
        before = everything(sim, net)
        with pytest.raises((ValidationError, OSError), match="path|file"):
            train(sim, net, OPTIMIZERS["Adam"](), checkpoint=path)
        with pytest.raises((ValidationError, OSError), match="path|file"):
            sim.save_checkpoint(path)
        assert_equal(everything(sim, net), before)


def test_reset_forgets(tmp_path):
    """Optimizers that are new after a reset do not go on from the checkpoint."""
    net, optimizer = make_network(), OPTIMIZERS["Adam"]()
    with make_sim(net) as sim:
        train(sim, net, OPTIMIZERS["Adam"]())
        sim.save_checkpoint(tmp_path)
    with make_sim(net) as sim:
        sim.restore_checkpoint(tmp_path)
        sim.reset()
        train(sim, net, optimizer)
        assert int(optimizer.iterations) == int(sim.training_step) == 18


@pytest.mark.parametrize("saved", ["Adam", "tf1 GradientDescent"])
def test_of_another_optimizer(saved, tmp_path):
    """One without slots is of another kind, too."""
    net, other = make_network(), OPTIMIZERS["tf1 Adam"]()
    with make_sim(net) as sim:
        train(sim, net, OPTIMIZERS[saved]())
        sim.save_checkpoint(tmp_path)
    with make_sim(net) as sim:
        sim.restore_checkpoint(tmp_path)
        before = everything(sim, net)
        with pytest.raises(ValidationError, match="the one of the checkpoint, got"):
            train(sim, net, other)
        assert_equal(everything(sim, net), before)
        assert not other.variables()
        train(sim, net, OPTIMIZERS[saved]())


@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_damaged(damage, tmp_path):
    net, path = make_network(), tmp_path / "run"
    with make_sim(net) as sim:
        if damage != "missing":
            sim.save_checkpoint(path)
        if damage == "cut":
            for file in path.glob("*.index"):
                file.write_bytes(file.read_bytes()[:40])
        if damage == "empty":
            for file in path.glob("*.data*"):
                file.write_bytes(b"")
        before = everything(sim, net)
        with pytest.raises(ValidationError, match="run: expected"):
            sim.restore_checkpoint(path)
        assert_equal(everything(sim, net), before)


TAMPERINGS = {
    "empty": lambda content, other: b"",
    "cut": lambda content, other: content[: len(content) // 2],
    "longer": lambda content, other: content + content,
    "zeros": lambda content, other: bytes(len(content)),
    "noise": lambda content, other: np.random.RandomState(0).bytes(len(content)),
    "one byte": lambda content, other: bytes([255 - content[0]]) + content[1:],
    "byte in the middle": lambda content, other: (
        content[: len(content) // 2]
        + bytes([255 - content[len(content) // 2]])
        + content[len(content) // 2 + 1 :]
    ),
    "of another network": lambda content, other: other,
    "missing": None,
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tampered_files(tampering, tmp_path):
    """Each file of a checkpoint; it is restored as it was, or nothing is changed."""
    other = make_network(n_neurons=7)
    with make_sim(other) as sim:
        sim.save_checkpoint(tmp_path / "other")
    net, make = make_network(), TAMPERINGS[tampering]
    refused = 0
    with make_sim(net) as sim:
        sim.run_steps(2)
        sim.save_checkpoint(tmp_path / "run")
        saved = everything(sim, net)
        sim.run_steps(1)
        before = everything(sim, net)
        files = list((tmp_path / "run").glob("nengo_dl-*"))
        for file in files:
            content = file.read_bytes()
            twin = tmp_path / "other" / file.relative_to(tmp_path / "run")
            file.unlink()
            if make is not None:
                file.write_bytes(make(content, twin.read_bytes()))
            try:
                sim.restore_checkpoint(tmp_path / "run")
            except ValidationError as error:
                assert "expected" in str(error)
                assert_equal(everything(sim, net), before)
                refused += 1
            else:
                assert_equal(everything(sim, net), saved)
                sim.run_steps(1)
            file.write_bytes(content)
    assert len(files) >= 2
    assert refused >= (tampering != "longer")  # which nobody reads


def test_the_one_before_stays(tmp_path):
    """A checkpoint that was being written when the process died is none."""
    net = make_network()
    with make_sim(net) as sim:
        sim.run_steps(3)
        sim.save_checkpoint(tmp_path)
        begun = tmp_path / "nengo_dl-abc12_x.part"
        begun.mkdir()
        (begun / "nengo_dl.index").write_bytes(b"begun")
        (tmp_path / "nengo_dl-2.data-00000-of-00001").write_bytes(b"moved")
        sim.run_steps(3)
        sim.restore_checkpoint(tmp_path)
        assert sim.n_steps == 3
        sim.run_steps(1)
        sim.save_checkpoint(tmp_path)
        sim.restore_checkpoint(tmp_path)
        assert sim.n_steps == 4
        assert not begun.exists()
        assert len(list(tmp_path.glob("*.data*"))) == 1


def test_closed(tmp_path):
    sim = make_sim(make_network())
    sim.close()
    for method in (sim.save_checkpoint, sim.restore_checkpoint):
        with pytest.raises(SimulatorClosed):
            method(tmp_path)


def test_warns_of_python_that_remembers(tmp_path):
    class Counter(nengo.Process):
        def make_step(self, shape_in, shape_out, dt, rng, state):
            return lambda t, x: x

    with nengo.Network() as net:
        node = nengo.Node(Counter(default_size_in=1, default_size_out=1))
        nengo.Connection(node, node)
    with Simulator(net, progress_bar=False) as sim:
        with pytest.warns(UserWarning, match="runs in Python"):
            sim.save_checkpoint(tmp_path)


SCRIPT = """
import sys
sys.path[:0] = {folders!r}
import test_checkpoints as t
net = t.make_network()
with t.make_sim(net) as sim:
    t.train_long(sim, net, checkpoint={path!r}, checkpoint_every=4)
"""


def train_long(sim, net, **kwargs):
    """150 minibatches, 6 an epoch, truncated."""
    train(sim, net, OPTIMIZERS["Adam"](), n_epochs=25, truncation=3, **kwargs)


def start(path):
    folders = [str(SHARED), os.path.dirname(__file__)]
    script = SCRIPT.format(folders=folders, path=str(path))
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", script])


def kill_after(process, folder, n_saved, delay):
    """Kill a process some seconds after so many checkpoints, whatever it is doing."""
    while process.poll() is None:
        found = latest(folder)
        if found is not None and int(found.rpartition("-")[2]) >= n_saved:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    return process.wait()


RNG = np.random.RandomState(0)
MOMENTS = [(RNG.randint(1, 15), RNG.uniform(0, 0.1)) for _ in range(3)]


@pytest.fixture(scope="module")
def uninterrupted():
    net = make_network()
    with make_sim(net) as sim:
        train_long(sim, net)
        return parameters(sim, net)


@pytest.mark.slow
@pytest.mark.parametrize("n_saved, delay", MOMENTS)
def test_killed(n_saved, delay, tmp_path, uninterrupted):
    """What one process began, this one ends."""
    path = tmp_path / "run"
    assert kill_after(start(path), path, n_saved, delay) == -signal.SIGKILL
    net = make_network()
    with make_sim(net) as sim:
        sim.restore_checkpoint(path)
        train_long(sim, net, checkpoint=path, checkpoint_every=4)
        assert_equal(parameters(sim, net), uninterrupted)


class Summing(nengo.Process):
    """A process with state, whose step depends on the time."""

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {"sum": np.zeros(shape_out)}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        def step(t):
            state["sum"][:] += t + rng.uniform()
            return state["sum"]

        return step


def given(n_steps):
    return lambda sim, net: sim.run_steps(
        n_steps, data={net.node: np.zeros((2, n_steps, 1))}
    )


def failing_run(sim, net):
    """Values of the processes that were computed are kept for the next time."""
    with pytest.raises(SimulationError, match="not now"):
        net.fails = True
        sim.run_steps(4)
    net.fails = False


PASTS = {
    "runs": [3, 2],
    "soft reset": [4, lambda sim, net: sim.soft_reset(), 3],
    "soft reset of time": [4, lambda sim, net: sim.soft_reset(include_probes=True), 3],
    "reset of all but processes": [
        4,
        lambda sim, net: sim.reset(include_processes=False),
        3,
    ],
    "reset of processes only": [4, lambda sim, net: sim.reset(include_probes=False), 2],
    "another seed": [4, lambda sim, net: sim.reset(seed=8), 2],
    "given": [2, given(3), 4, given(1)],
    "only given": [given(3)],
    "aside": [2, lambda sim, net: sim.run_steps(3, stateful=False), 2],
    "failed": [2, failing_run],
    "failed, then given": [2, failing_run, given(3)],
    "failed, then run": [2, failing_run, 2],
    "nothing": [],
}


@pytest.mark.parametrize("past", PASTS.values(), ids=list(PASTS))
def test_processes_that_know_the_time(past, tmp_path):
    """They are asked for values at the times at which they were asked before."""

    def make():
        with nengo.Network(seed=0) as net:
            net.fails = False
            net.node = nengo.Node(Summing(), size_out=1)
            net.other = nengo.Node(Summing(seed=1), size_out=2)

            def fail(t):
                if net.fails and round(t * 1000) % 3 == 0:
                    raise RuntimeError("not now")
                return 0.0

            nengo.Node(fail)
            net.probed = [nengo.Probe(net.node), nengo.Probe(net.other)]
        return net

    def future(sim, net):
        sim.run_steps(5)
        return [sim.data[probe][:, -5:] for probe in net.probed]

    net = make()
    with make_sim(net) as sim:
        for event in past:
            sim.run_steps(event) if isinstance(event, int) else event(sim, net)
        sim.save_checkpoint(tmp_path)
        expected = future(sim, net)
    net = make()
    with make_sim(net) as sim:
        sim.restore_checkpoint(tmp_path)
        sim.save_checkpoint(tmp_path / "again")
        assert_equal(future(sim, net), expected)
        sim.restore_checkpoint(tmp_path / "again")
        assert_equal(future(sim, net), expected)
