"""The contract's rows on TensorBoard, profiles, progress bars and sessions."""

import subprocess
import sys
import warnings
from pathlib import Path

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import sgd, simulator, total
from nengo.exceptions import ConfigError, SimulationError, ValidationError

from nengo_dl_sim import Simulator, configure_settings


@pytest.fixture
def net():
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        net.a = nengo.Node([0.5], label="a")
        net.ens = nengo.Ensemble(
            5, 1, neuron_type=nengo.RectifiedLinear(), label="my ens"
        )
        net.conn = nengo.Connection(net.a, net.ens, transform=2.0, synapse=None)
        net.p = nengo.Probe(net.ens.neurons, label="out")
        net.q = nengo.Probe(net.ens.neurons)
    return net


# -- S083, S089: TensorBoard


def events(directory):
    """Read what was written, by step and tag."""
    found, graphs = {}, []
    for path in sorted(Path(directory).glob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            if event.graph_def:
                graphs.append(tf.compat.v1.GraphDef.FromString(event.graph_def))
            for value in event.summary.value:
                array = tf.make_ndarray(value.tensor)
                found[event.step, value.tag] = array, value.metadata
    return found, graphs


@pytest.mark.row("S083")
def test_directories_are_numbered(net, tmp_path):
    board = tmp_path / "new" / "board"
    for kind in (str, Path):
        with simulator(net, tensorboard=kind(board)) as sim:
            sim.run_steps(2)
    (board / "run_7").mkdir()
    (board / "other").mkdir()
    simulator(net, tensorboard=board).close()
    names = sorted(path.name for path in board.iterdir())
    assert names == ["other", "run_0", "run_1", "run_7", "run_8"]
    for run in ("run_0", "run_8"):
        found, (graph,) = events(board / run)
        assert found == {}
        assert len(graph.node) > 5
    with pytest.raises(ValidationError, match="tensorboard.*folder.*got 3"):
        simulator(net, tensorboard=3)


@pytest.mark.row("S089")
def test_summaries_hold_what_was_asked_for(net, tmp_path):
    with net:
        twin = nengo.Connection(net.a, net.ens, synapse=None, transform=0.5)
        named = nengo.Connection(net.a, net.ens, synapse=None, transform=0.5, label="w")
    summaries = [
        "loss",
        net.ens,
        net.ens.neurons,
        net.conn,
        twin,
        named,
        lambda: tf.summary.write("mine", 3.5),
    ]
    objective = {net.p: total, (net.p, net.q): lambda y: 2 * total(y[0])}
    with simulator(net, tensorboard=tmp_path) as sim:
        loss = sim.loss(2, objective)
        sim.train(2, sgd(1e-3), objective=objective, n_epochs=3, summaries=summaries)
        after = sim.data[net.conn].weights
        sim.train(2, sgd(1e-3), objective=objective)
        found, graphs = events(tmp_path / "run_0")
    assert len(graphs) == 1
    tags = {
        "loss/loss",
        "loss/Probe_out_loss",
        "loss/Probe_out_Probe_1_loss",
        "Ensemble_my_ens_encoders",
        "Ensemble.neurons_my_ens_bias",
        "Connection_0_weights",
        "Connection_1_weights",
        "Connection_w_weights",
        "mine",
    }
    assert set(found) == {(step, tag) for step in (1, 2, 3) for tag in tags}
    parts = [found[1, f"loss/Probe_out{name}_loss"][0] for name in ("", "_Probe_1")]
    assert sum(parts) == pytest.approx(loss, rel=1e-5)
    assert found[1, "loss/loss"][0] == pytest.approx(loss, rel=1e-5)
    assert found[3, "mine"][0] == 3.5
    for tag in tags - {"mine"}:
        plugin = found[2, tag][1].plugin_data.plugin_name
        assert plugin == ("scalars" if tag.startswith("loss") else "histograms")
    # Buckets of left edge, right edge and count.
    for step, weight in ((1, None), (3, float(np.squeeze(after)))):
        buckets = found[step, "Connection_0_weights"][0]
        left, right, count = buckets[buckets[:, 2] > 0][0]
        assert count == 1
        if weight is not None:
            assert left <= weight <= right
    assert found[3, "Ensemble_my_ens_encoders"][0][:, 2].sum() == 5


@pytest.mark.row("S089")
def test_wrong_summaries(net, tmp_path):
    with nengo.Network():
        other = nengo.Ensemble(5, 1)
    with net:
        direct = nengo.Ensemble(1, 1, neuron_type=nengo.Direct())
        plain = nengo.Connection(net.a, nengo.Node(size_in=1))
    with simulator(net, tensorboard=tmp_path) as sim:
        for wrong in ("lost", 3, net.p, other, direct.neurons, plain, net):
            with pytest.raises(SimulationError, match="^summaries: expected.*got"):
                sim.train(2, sgd(), objective={net.p: total}, summaries=[wrong])
        with pytest.raises(SimulationError, match="^summaries: expected a list"):
            sim.train(2, sgd(), objective={net.p: total}, summaries="loss")
        assert sim.training_step == 0


@pytest.mark.row("S089")
def test_summaries_without_tensorboard(net):
    with simulator(net) as sim:
        with pytest.warns(UserWarning, match=r"Simulator\(tensorboard=directory\)"):
            sim.train(2, sgd(), objective={net.p: total}, summaries=["loss"])
        assert sim.training_step == 1


# -- S046: profiles


@pytest.mark.parametrize("use", ["run_steps", "run", "train", "run_batch"])
@pytest.mark.row("S046")
def test_profile_of_a_run(net, tmp_path, monkeypatch, use):
    monkeypatch.chdir(tmp_path)
    with simulator(net) as sim:
        calls = {
            "run_steps": lambda **kwargs: sim.run_steps(3, **kwargs),
            "run": lambda **kwargs: sim.run(0.003, **kwargs),
            "train": lambda **kwargs: sim.train(
                3, sgd(), objective={net.p: total}, **kwargs
            ),
            "run_batch": lambda **kwargs: sim.run_batch(3, {net.p: None}, **kwargs),
        }
        calls[use]()
        calls[use](profile=False)
        assert list(tmp_path.iterdir()) == []
        for profile, directory in ((True, "nengo_dl_profile"), ("my/dir", "my/dir")):
            calls[use](profile=profile)
            traces = list((tmp_path / directory).glob("plugins/profile/*/*.xplane.pb"))
            assert len(traces) == 1
            assert traces[0].stat().st_size > 1000
        with pytest.raises(ValidationError, match="profile.*directory.*got 3"):
            calls[use](profile=3)


# -- S080, S081: progress


@pytest.mark.row("S080")
def test_bars_can_be_switched_off(net, capsys, terminal):
    def shown():
        return capsys.readouterr().err

    with Simulator(net) as sim:
        assert "Building" in shown()
        sim.run_steps(2)
        assert "Simulating" in shown()
        sim.run(0.002, progress_bar=False)
        sim.run_steps(2, progress_bar=False)
        sim.step()
        assert shown() == ""
        sim.step(progress_bar=True)
        assert "Simulating" in shown()
    with Simulator(net, progress_bar=False) as sim:
        sim.run_steps(2)
        sim.loss(2, {net.p: total})
        sim.train(2, sgd(), objective={net.p: total})
        assert shown() == ""
        sim.run_steps(2, progress_bar=True)
        assert "Simulating" in shown()


@pytest.mark.row("S081")
def test_bars_show_loss_and_remaining_time(net, capsys, terminal):
    x = np.ones((8, 2, 1))
    with Simulator(net, minibatch_size=2) as sim:
        capsys.readouterr()
        sim.loss({net.a: x}, {net.p: total})
        lines = capsys.readouterr().err.replace("\r", "\n")
        assert "Calculating loss" in lines and "100%" in lines
        loss = sim.loss({net.a: x}, {net.p: total}, progress_bar=False)
        sim.train({net.a: x}, sgd(0.0), objective={net.p: total}, n_epochs=2)
        lines = capsys.readouterr().err.replace("\r", "\n").strip().split("\n")
        assert "Training   0%" in lines[0] and "ETA" in lines[0]
        assert "100%" in lines[-1]
        shown = float(lines[-1].split("loss:")[1])
        assert shown == pytest.approx(loss, rel=1e-3)


# -- S062, S068, S073, S051: what sessions could do


@pytest.mark.parametrize(
    "use",
    [
        lambda sim, net, **kw: sim.run_steps(2, **kw),
        lambda sim, net, **kw: sim.run(0.002, **kw),
        lambda sim, net, **kw: sim.step(**kw),
        lambda sim, net, **kw: sim.train(2, sgd(), objective={net.p: total}, **kw),
        lambda sim, net, **kw: sim.loss(2, {net.p: total}, **kw),
        lambda sim, net, **kw: sim.run_batch(2, {net.p: None}, **kw),
    ],
    ids=["run_steps", "run", "step", "train", "loss", "run_batch"],
)
@pytest.mark.row("S068")
def test_nothing_is_fed(net, use):
    with simulator(net) as sim:
        for empty in (None, {}):
            use(sim, net, extra_feeds=empty)
        with pytest.raises(ValidationError, match=r"extra_feeds.*tf\.Variable"):
            use(sim, net, extra_feeds={"x:0": 1.0})


@pytest.mark.row("S024")
def test_nothing_is_fetched(net):
    with simulator(net) as sim:
        sim.run_batch(2, {net.p: None}, extra_fetches=[])
        with pytest.raises(ValidationError, match="extra_fetches.*probe"):
            sim.run_batch(2, {net.p: None}, extra_fetches=tf.constant(0.0))


@pytest.mark.row("S068")
def test_a_variable_takes_the_place_of_a_feed():
    factor = tf.Variable(2.0)
    with nengo.Network() as net:
        a, b = nengo.Node([0.5]), nengo.Node(size_in=1)
        nengo.Connection(a, b, transform=1.0)
        p = nengo.Probe(b)
    with simulator(net) as sim:
        objective = {p: lambda y: factor * tf.reduce_sum(0 * y + 1)}
        assert sim.loss(3, objective) == 6
        factor.assign(5.0)
        assert sim.loss(3, objective) == 15


@pytest.mark.parametrize(
    ("name", "replacement"),
    [
        ("rng", r"np.random.RandomState\(sim.seed\)"),
        ("sess", "no sessions; instead, .*sim.run_batch"),
        ("summary", r"sim.train\(summaries=...\)"),
        ("tensor_graph", "sim.signals.*sim.step_order"),
    ],
)
@pytest.mark.row("S073")
def test_attributes_that_are_gone(net, name, replacement):
    with simulator(net) as sim:
        for kind in (AttributeError, ValidationError):
            with pytest.raises(kind, match=f"Simulator.{name}: .*{replacement}"):
                getattr(sim, name)
        assert not hasattr(sim, name)


def test_unknown_attributes_and_errors_of_properties(net):
    with simulator(net) as sim:
        with pytest.raises(AttributeError, match="no attribute 'n_stepps'") as caught:
            _ = sim.n_stepps
        assert caught.value.name == "n_stepps"
        model = sim.model
        del sim.model
        with pytest.raises(AttributeError, match="no attribute 'model'"):
            _ = sim.dt
        sim.model = model


PROCESS = """
import nengo, tensorflow as tf
from nengo_dl_sim import Simulator, configure_settings

with nengo.Network() as net:
    configure_settings(session_config={
        "gpu_options.allow_growth": True, "allow_soft_placement": False,
        "intra_op_parallelism_threads": 1, "inter_op_parallelism_threads": 3})
    nengo.Node([0.5])
model = nengo.builder.Model()
model.build(net)
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
with Simulator(None, model=model, device="/cpu:1", progress_bar=False) as sim:
    assert tf.constant(1.0).device.endswith("CPU:1")
    sim.run_steps(2)
assert tf.constant(1.0).device.endswith("CPU:0")
assert tf.config.threading.get_intra_op_parallelism_threads() == 1
assert tf.config.threading.get_inter_op_parallelism_threads() == 3
assert not tf.config.get_soft_device_placement()
Simulator(net, progress_bar=False).close()  # the same again is fine
with net:
    configure_settings(session_config={"intra_op_parallelism_threads": 2})
try:
    Simulator(net, progress_bar=False)
except nengo.exceptions.SimulationError as error:
    assert "intra_op_parallelism_threads" in str(error) and "too late" in str(error)
else:
    raise AssertionError
"""


@pytest.mark.slow
@pytest.mark.row("S062", "S075")
def test_session_config_and_device_of_the_context():
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROCESS],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "value",
    [
        {"log_device_placement": True},
        {"gpu_options.allow_growth": 1},
        {"intra_op_parallelism_threads": True},
        {"inter_op_parallelism_threads": -1},
        {"graph_options.optimizer_options": 3},
        "allow_growth",
    ],
)
@pytest.mark.row("S062")
def test_what_means_nothing_in_tensorflow_2(value):
    with nengo.Network(), pytest.raises((ValidationError, ConfigError)) as caught:
        configure_settings(session_config=value)
    assert "session_config: expected a dictionary with" in str(caught.value)
    assert "no meaning in TensorFlow 2" in str(caught.value)


@pytest.mark.parametrize("dtype", ["float64", tf.float64])
@pytest.mark.row("S051")
def test_dtype_of_the_simulator(net, dtype):
    with pytest.warns(DeprecationWarning, match="configure_settings.dtype="):
        sim = Simulator(net, dtype=dtype, progress_bar=False)
    with sim:
        sim.run_steps(2)
        assert sim.data[net.p].dtype == np.float64
    with simulator(net) as sim:  # the network is as it was
        sim.run_steps(2)
        assert sim.data[net.p].dtype == np.float32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValidationError, match="dtype.*got 'int32'"):
            Simulator(net, dtype="int32", progress_bar=False)
