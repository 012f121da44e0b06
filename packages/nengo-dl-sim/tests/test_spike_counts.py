"""Firing rates and sparsity in the logs of training."""

import csv
import warnings

import keras
import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_sim import Simulator
from nengo_dl_sim.callbacks import SpikeCounts

DATA = np.ones((4, 30, 1))
#: So short for neurons that spike that it would be warned of each time.
STEPS = np.ones((4, 1, 1))


@pytest.fixture(scope="module")
def shared():
    """A network with ensembles that are silent, saturated, and neither."""
    with nengo.Network(seed=0) as net:
        net.config[nengo.Connection].synapse = None
        source = nengo.Node(np.ones(1), label="source")
        out = nengo.Node(size_in=1, label="out")
        for label, bias in (("silent", 0.5), ("usual", 2.0), ("saturated", 1e5)):
            own = {"gain": np.ones(4), "bias": np.full(4, bias)}
            ens = nengo.Ensemble(4, 1, encoders=np.ones((4, 1)), label=label, **own)
            nengo.Connection(source, ens, transform=-1 if label == "silent" else 1)
            nengo.Connection(ens.neurons, out, transform=np.full((1, 4), 1e-3))
        nengo.Ensemble(4, 1, label="rates", neuron_type=nengo.Sigmoid())
        nengo.Probe(out, label="probe")
    with Simulator(net, minibatch_size=2, jit_compile=False, progress_bar=False) as sim:
        sim.compile(keras.optimizers.SGD(1e-6), loss="mse")
        yield sim, net


def fit(sim, *callbacks, epochs=2):
    targets = np.zeros((4, 1, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sim.fit(
            STEPS, targets, epochs=epochs, verbose=0, callbacks=list(callbacks)
        )


def test_history_has_rates_and_sparsity(sim, net):
    history = fit(sim, SpikeCounts(sim, DATA)).history
    counts = sim.count_operations(DATA)
    for ens in net.ensembles[:3]:
        rates = history[f"{ens.label}_rate"]
        assert len(rates) == 2
        assert rates[-1] == counts.firing_rates[ens]
        sparsity = counts.only(ens).activation_sparsity
        assert history[f"{ens.label}_sparsity"][-1] == sparsity
    assert 0 < history["usual_rate"][0] < 200
    assert history["silent_sparsity"] == [1, 1]
    assert "rates_rate" not in history


def test_csv_files_have_them(sim, net, tmp_path):
    csv_logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    own = SpikeCounts(sim, None, [net.ensembles[1].neurons], n_steps=30)
    history = fit(sim, csv_logger, own).history
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["usual_rate"]) for row in rows] == history["usual_rate"]
    assert "silent_rate" not in history


def test_tensorboard_shows_them(sim, net, tmp_path):
    pytest.importorskip("tensorboard")
    fit(sim, keras.callbacks.TensorBoard(tmp_path), SpikeCounts(sim, DATA), epochs=1)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("events.*"))
    assert b"epoch_usual_rate" in written


def test_warnings_come_once(sim, net):
    counts = SpikeCounts(sim, DATA)
    with pytest.warns(UserWarning) as found:
        counts.on_epoch_end(2, {})
        counts.on_epoch_end(3, {})
    assert [str(each.message).partition(", ")[0] for each in found] == [
        "<Ensemble 'silent'>: in epoch 3",
        "<Ensemble 'saturated'>: in epoch 3",
    ]
    assert "no neuron spiked" in str(found[0].message)
    assert "of 500 Hz at most" in str(found[1].message)


@pytest.mark.parametrize(
    "change, match",
    [
        ({"sim": 3}, "sim: expected a nengo_dl.Simulator, got 3"),
        ({"n_steps": 0}, "n_steps: expected a whole number of at least 1, got 0"),
        (
            {"ensembles": "usual"},
            "expected a list of Ensembles, got 'usual'",
        ),
        ({"ensembles": ["usual"]}, "expected Ensembles of the network, got 'usual'"),
    ],
)
def test_wrong_arguments(sim, change, match):
    with pytest.raises(ValidationError, match=match):
        SpikeCounts(**{"sim": sim, "data": DATA, **change})


def test_neurons_that_do_not_spike(sim, net):
    with pytest.raises(ValidationError, match="expected neurons that spike, got <Ens"):
        SpikeCounts(sim, DATA, [net.ensembles[3]])
