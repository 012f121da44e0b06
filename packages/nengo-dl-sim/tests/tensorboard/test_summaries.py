"""What TensorBoard is shown: graphs, losses, parameters, in folders with numbers."""

from pathlib import Path

import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import sgd, simulator, total
from nengo.exceptions import SimulationError, ValidationError
from networks import labelled

from nengo_dl_sim import configure_settings


@pytest.fixture
def net():
    return labelled()


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


def test_regularizers_are_shown_beside_losses(net, tmp_path):
    with net:
        configure_settings(trainable=False)
    net.config[net.conn].trainable = True
    net.config[net.conn].regularizer = lambda weights: 3.0
    net.config[net.ens].activity_regularizer = lambda activities: 2.0
    with simulator(net, tensorboard=tmp_path) as sim:
        sim.train(2, sgd(), objective={net.p: total}, summaries=["loss"])
        found, _ = events(tmp_path / "run_0")
    shown = {tag: float(value) for (_, tag), (value, _) in found.items()}
    assert shown["loss/regularizers_loss"] == 3
    assert shown["loss/activity_regularizers_loss"] == 2
    (other,) = (v for k, v in shown.items() if k.startswith("loss/Probe"))
    np.testing.assert_allclose(shown["loss/loss"], other + 3 + 2, rtol=1e-6)


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
