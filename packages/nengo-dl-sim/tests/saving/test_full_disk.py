"""A disk that is full, or a file in the way: an OSError that says where, no remains."""

import keras
import nengo
import numpy as np
import pytest

from nengo_dl_sim import Simulator

resource = pytest.importorskip("resource")

X = np.ones((2, 2, 1))


@pytest.fixture(scope="module")
def net():
    with nengo.Network(seed=0) as net:
        net.node = nengo.Node([0.5])
        net.ens = nengo.Ensemble(2000, 1)
        nengo.Connection(net.node, net.ens)
        net.probe = nengo.Probe(net.ens)
    return net


@pytest.fixture(scope="module")
def sim(net):
    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        yield sim


def train(sim, net, **kwargs):
    sim.train({net.node: X, net.probe: X}, keras.optimizers.SGD(1e-3), **kwargs)


def save_params(sim, net, path):
    sim.save_params(path / "a")


def save_checkpoint(sim, net, path):
    sim.save_checkpoint(path / "a")


def train_with_checkpoints(sim, net, path):
    train(sim, net, checkpoint=path / "a", checkpoint_every=1)


def profile(sim, net, path):
    sim.run_steps(1, profile=path / "a")


def fills_the_disk(door, sim, net, path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            door(sim, net, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    text = str(caught.value)
    assert "a" in text and "cannot" in text and "function_node" not in text


@pytest.mark.parametrize(
    "door", [save_params, save_checkpoint, train_with_checkpoints, profile]
)
def test_full(door, sim, net, tmp_path):
    fills_the_disk(door, sim, net, tmp_path)
    if door is not profile:  # a profile is written as it goes
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("door", [save_params, save_checkpoint])
def test_what_was_there_stays(door, sim, net, tmp_path):
    door(sim, net, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    fills_the_disk(door, sim, net, tmp_path)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_summaries(net, tmp_path):
    board = Simulator(
        net, progress_bar=False, jit_compile=False, tensorboard=tmp_path / "a"
    )

    def door(sim, net, path):
        with sim:  # whose end writes, too, and fails, too
            train(sim, net, summaries=["loss", net.ens], n_epochs=20)

    fills_the_disk(door, board, net, tmp_path)
    assert board.closed


@pytest.mark.parametrize(
    "door", [save_params, save_checkpoint, train_with_checkpoints, profile]
)
def test_a_file_in_the_way(door, sim, net, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="file"):
        door(sim, net, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"
