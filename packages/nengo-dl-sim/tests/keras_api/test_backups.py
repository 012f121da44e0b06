"""Keras's BackupAndRestore: fit that is interrupted ends as if it had not been."""

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator
from nengo.exceptions import ValidationError

from nengo_dl_ops import Layer

N_ITEMS, SIZE, N_STEPS, EPOCHS = 8, 2, 3, 4
RNG = np.random.RandomState(0)
X = RNG.normal(size=(N_ITEMS, N_STEPS, 2))
Y = RNG.normal(size=(N_ITEMS, N_STEPS, 2))


class Interrupt(keras.callbacks.Callback):
    """Stands for whatever ends a process; notes which epochs begin."""

    def __init__(self, epoch=None, batch=None):
        super().__init__()
        self.epoch, self.batch, self.begun = epoch, batch, []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(epoch)

    def on_train_batch_begin(self, batch, logs=None):
        if (self.begun[-1], batch) == (self.epoch, self.batch):
            raise InterruptedError


def network(seed):
    keras.utils.set_random_seed(seed)
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.5, 0.2])
        dropped = Layer(keras.layers.Dropout(0.5, seed=seed))(node)
        ens = nengo.Ensemble(
            10, 2, neuron_type=nengo.PoissonSpiking(nengo.LIFRate(amplitude=0.1))
        )
        nengo.Connection(dropped, ens)
        net.p = nengo.Probe(ens, synapse=0.01)
    return net


def compiled(net, seed=0):
    sim = simulator(net, seed=seed, minibatch_size=SIZE)
    sim.compile(keras.optimizers.Adam(0.01), loss="mse")
    return sim


def fit(sim, *callbacks, **kwargs):
    options = {"epochs": EPOCHS, "verbose": 0, "stateful": True, **kwargs}
    return sim.fit(X, Y, callbacks=list(callbacks), **options)


def backup(path, **kwargs):
    return keras.callbacks.BackupAndRestore(path, **kwargs)


def result(sim, net):
    sim.run_steps(2)
    return [*sim.keras_model.get_weights(), sim.data[net.p]]


def assert_equal(found, expected):
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.fixture(scope="module")
def uninterrupted():
    net = network(1)
    with compiled(net) as sim:
        history = fit(sim).history["loss"]
        return history, result(sim, net)


@pytest.mark.parametrize("save_freq", ["epoch", 1])
def test_epochs_that_are_parts_of_the_data(save_freq, tmp_path):
    """It goes on in the middle of the data, in the order that was drawn before."""
    parts, net = {"steps_per_epoch": 2}, network(1)
    with compiled(net) as sim:
        fit(sim, **parts)
        expected = result(sim, net)
    with compiled(network(1)) as sim, pytest.raises(InterruptedError):
        fit(sim, backup(tmp_path, save_freq=save_freq), Interrupt(3, 1), **parts)
    net = network(2)
    with compiled(net, seed=5) as sim:
        fit(sim, backup(tmp_path, save_freq=save_freq), **parts)
        assert_equal(result(sim, net), expected)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(
    ("save_freq", "resumed"), [("epoch", [2, 3]), (3, [2, 3]), (1, [2, 3])]
)
def test_interrupted_training_goes_on(
    save_freq, resumed, in_place, uninterrupted, tmp_path
):
    history, expected = uninterrupted
    make, path = (lambda: backup(tmp_path, save_freq=save_freq)), tmp_path
    net = network(1)
    with compiled(net) as sim:
        with pytest.raises(InterruptedError):
            fit(sim, make(), Interrupt(2, 2))
        assert [folder.name for folder in path.iterdir()] == ["epoch_2"]
        if in_place:
            sim.clear_probes()
            calls = Interrupt()
            found = fit(sim, make(), calls)
            assert_equal(result(sim, net), expected)
    if not in_place:
        net = network(2)
        with compiled(net, seed=5) as sim:
            calls = Interrupt()
            found = fit(sim, make(), calls)
            assert_equal(result(sim, net), expected)
    assert calls.begun == found.epoch == resumed
    # That of the epoch in which it went on is of its rest only.
    first = 2 if save_freq == "epoch" else 3
    assert found.history["loss"][first - 2 :] == pytest.approx(history[first:])
    assert list(path.iterdir()) == []


def test_minibatches_apart(tmp_path):
    """Also without stateful=True."""
    results = []
    for interrupted in (False, True):
        net = network(1)
        with compiled(net) as sim:
            if interrupted:
                with pytest.raises(InterruptedError):
                    fit(sim, backup(tmp_path), Interrupt(1, 1), stateful=False)
            else:
                fit(sim, stateful=False)
                results.append(result(sim, net))
    net = network(2)
    with compiled(net) as sim:
        fit(sim, backup(tmp_path), stateful=False)
        results.append(result(sim, net))
    assert_equal(*results)


def test_nothing_to_go_on_from(uninterrupted, tmp_path):
    net = network(1)
    with compiled(net) as sim:
        (tmp_path / "epoch_3").mkdir()  # of a checkpoint that was not completed
        found = fit(sim, backup(tmp_path))
        assert found.history["loss"] == uninterrupted[0]
        assert_equal(result(sim, net), uninterrupted[1])


def test_kept_and_gone_on_from_the_end(uninterrupted, tmp_path):
    net = network(1)
    with compiled(net) as sim:
        fit(sim, backup(tmp_path, delete_checkpoint=False))
        assert [folder.name for folder in tmp_path.iterdir()] == [f"epoch_{EPOCHS}"]
    net = network(2)
    with compiled(net) as sim:
        found = fit(sim, backup(tmp_path))
        assert found.epoch == []
        assert_equal(result(sim, net), uninterrupted[1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda path: [backup(path / "a*")], "expected a path without any"),
        (lambda path: [backup(path, double_checkpoint=True)], "double_checkpoint=True"),
        (lambda path: [backup(path), backup(path)], "one BackupAndRestore, got 2"),
    ],
)
def test_refused(make, match, tmp_path):
    with (
        compiled(network(1)) as sim,
        pytest.raises(ValidationError, match=match),
    ):
        fit(sim, *make(tmp_path))


def test_is_for_fit(tmp_path):
    with compiled(network(1)) as sim:
        for method, arguments in ((sim.evaluate, (X, Y)), (sim.predict, (X,))):
            with pytest.raises(ValidationError, match="BackupAndRestore.*sim.fit"):
                method(*arguments, callbacks=[backup(tmp_path)], verbose=0)


def test_of_another_network(tmp_path):
    with compiled(network(1)) as sim, pytest.raises(InterruptedError):
        fit(sim, backup(tmp_path), Interrupt(2, 0))
    with nengo.Network() as net:
        node = nengo.Node([0.5, 0.2])
        nengo.Probe(Layer(keras.layers.Dense(2))(node))
    with compiled(net) as sim:
        with pytest.raises(ValidationError, match="checkpoint of this network"):
            fit(sim, backup(tmp_path))
        assert sim.training_step == 0
    assert [folder.name for folder in tmp_path.iterdir()] == ["epoch_2"]
