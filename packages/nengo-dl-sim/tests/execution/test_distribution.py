"""Workers, and devices of one process, that train together do what one process does."""

import json
import os
import signal
import socket
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from distribution.cases import CASES, OPTIONS, X, backed_up, network
from helpers import SHARED, simulator
from nengo.exceptions import ValidationError

WORKER = SHARED / "distribution" / "worker.py"

#: Of the size of the largest number of each array.
TOLERANCES = {"compiled": 1e-6, "in_half": 2e-3}
TOLERANCE = 1e-12

#: What differs between workers, or from one process.
APART = {"normalized", "refused", "for_the_chief"}

COMPARED = sorted(CASES.keys() - APART)

#: What devices of one process do: the rest differs by nothing of theirs.
OF_DEVICES = ("clipped", "fitted", "drawn", "normalized", "refused")

WHO = [
    *((name, f"worker {n}") for name in COMPARED for n in (0, 1)),
    *((name, "devices") for name in COMPARED if name in OF_DEVICES),
]


#: What workers refuse, by what is said of it.
REFUSED = {
    "seed": "strategy: expected the same seed in all workers, got 3 in worker 0, and 4 "
    "in worker 1",
    "size": "the same size of minibatches in all workers, got 4 in worker 0, and 8 in",
    "network": "the same network in all workers, got",
    "shapes": "strategy: expected the same shapes of data in all workers, got node of "
    "shape (12, 4, 2) in worker 0, and node of shape (12, 3, 2) in worker 1",
    "method": "strategy: expected the same call in all workers, got sim.fit in worker "
    "0, and sim.evaluate in worker 1",
    "epochs": "got epochs=range(0, 1) in worker 0, and epochs=range(0, 2) in worker 1",
    "validation": "the same shapes of data in all workers, got node of shape (12, 4, 2)"
    " in worker 0, and node of shape (11, 4, 2)",
    "optimizer": "learning_rate=1.0, momentum=0.0, nesterov=False",
    "loss": "got loss={probe: mse} in worker 0, and loss={probe: mae} in worker 1",
    "whole minibatches": "element 0: expected",
    "no files": "expected a data set that begins with a list of files",
    "no items": "expected elements whose arrays all have an axis of items",
}


def free_ports(n_ports):
    sockets = [socket.socket() for _ in range(n_ports)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def cluster(n_workers):
    """Say what TF_CONFIG is in each worker."""
    addresses = [f"localhost:{port}" for port in free_ports(n_workers)]
    tasks = [{"type": "worker", "index": number} for number in range(n_workers)]
    return [
        json.dumps({"cluster": {"worker": addresses}, "task": task}) for task in tasks
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("distribution")


@pytest.fixture(scope="module")
def found(folder):
    """What two workers, and a process with two devices, found: arrays by name."""
    first, second = cluster(2)
    started = {
        "worker 0": ("workers", {"TF_CONFIG": first}, ()),
        "worker 1": ("workers", {"TF_CONFIG": second}, ()),
        "devices": ("devices", {}, OF_DEVICES),
    }
    processes = {}
    for name, (kind, variables, names) in started.items():
        own = folder / name
        own.mkdir()
        shared = folder / kind
        shared.mkdir(exist_ok=True)
        variables = {**os.environ, "SHARED_FOLDER": str(shared), **variables}
        with open(own / "output.txt", "w", encoding="utf-8") as output:
            processes[name] = subprocess.Popen(
                [sys.executable, str(WORKER), kind, "results.npz", *names],
                env=variables,
                cwd=own,
                stdout=output,
                stderr=output,
            )
    for name, process in processes.items():
        output = folder / name / "output.txt"
        status = -signal.SIGKILL if name == "worker 1" else 0  # it ends itself
        assert process.wait(300) == status, output.read_text(encoding="utf-8")[-3000:]
    return {name: dict(np.load(folder / name / "results.npz")) for name in started}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What one process finds."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("alone"))
    known = {}

    def of_case(name):
        if name not in known:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                known[name] = CASES[name](make)
        return known[name]

    yield of_case
    os.chdir(before)


def make(net, **options):
    return simulator(net, **{**OPTIONS, **options})


@pytest.mark.parametrize("name, who", WHO)
def test_what_one_process_does(found, expected, name, who):
    assert f"{name}/error" not in found[who], found[who][f"{name}/error"]
    tolerance = TOLERANCES.get(name, TOLERANCE)
    for key, value in expected(name).items():
        mine = found[who][f"{name}/{key}"]
        scale = max(np.max(np.abs(value)), 1e-30)
        np.testing.assert_allclose(mine, value, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("who", ["worker 0", "worker 1", "devices"])
def test_batch_normalization_is_of_the_items_of_each(found, who):
    halves = X[:4, 0].reshape(2, 2, 2)
    mean, variance = halves.mean(1).mean(0), halves.var(1).mean(0)
    np.testing.assert_allclose(found[who]["normalized/mean"], 0.5 * mean)
    np.testing.assert_allclose(
        found[who]["normalized/variance"], 0.5 + 0.5 * variance, rtol=1e-12
    )


@pytest.mark.parametrize("dtype, least", [("float16", 1e-6), ("float32", 1e-10)])
def test_gradients_go_to_other_workers_in_fewer_bits(found, expected, dtype, least):
    value = expected("in_half")[dtype]
    error = np.abs(found["worker 0"][f"in_half/{dtype}"] - value).max()
    assert least < error / np.abs(value).max() < 1e3 * least


def test_workers_end_with_equal_numbers(found):
    first, second = found["worker 0"], found["worker 1"]
    for key in first.keys() - {key for key in first if key.partition("/")[0] in APART}:
        np.testing.assert_array_equal(first[key], second[key])


def test_only_the_chief_writes(found, folder):
    assert len(found) == 3
    own = [{path.name for path in (folder / f"worker {n}").iterdir()} for n in (0, 1)]
    assert own[0] - own[1] == {"parameters.npz", "log.csv", "lost.txt"}
    assert own[1] <= own[0]


@pytest.mark.parametrize("who", ["worker 0", "worker 1", "devices"])
def test_what_is_refused(found, who):
    several = "devices" if who == "devices" else "workers"
    text = {key: str(value) for key, value in found[who].items()}
    assert text["refused/minibatch"] == (
        "minibatch_size: expected a multiple of 2, since the strategy divides "
        f"minibatches among 2 {several}, got 5"
    )
    assert "expected steps that TensorFlow computes" in text["refused/python"]
    for name in ("optimizer", "metrics"):
        assert "was made in the scope of one" in text[f"inside/{name}"]
    assert "expected 'all' or 'chief', got 'first'" in text["refused/gather_to"]
    if who == "devices":
        assert "refused/seed" not in text


@pytest.mark.parametrize("who", ["worker 0", "worker 1"])
@pytest.mark.parametrize("name, said", REFUSED.items())
def test_what_is_refused_of_workers(found, who, name, said):
    assert said in str(found[who][f"refused/{name}"])


def test_fewer_files_than_workers_are_refused(found):
    said = [str(found[f"worker {n}"]["refused/one file"]) for n in (0, 1)]
    assert "expected a file for each worker" in said[0]
    assert "expected at least one element" in said[1]


def test_who_could_not_read_its_data(found):
    assert str(found["worker 1"]["refused/a worker"]) == "the disk is gone"
    assert "got an error in worker 1" in str(found["worker 0"]["refused/a worker"])


def test_outputs_for_the_chief(found, expected):
    values = expected("for_the_chief")
    for worker, sizes in enumerate(([2, 2], [2, 1])):
        mine = found[f"worker {worker}"]
        np.testing.assert_array_equal(mine["for_the_chief/sizes"], sizes)
        for name in ("outputs", "values"):
            key = f"for_the_chief/{name}"
            if worker:
                assert key not in mine
            else:
                np.testing.assert_allclose(mine[key], values[name], rtol=1e-12)


def test_a_lost_worker_is_named(found, folder):
    assert found
    text = (folder / "worker 0" / "lost.txt").read_text(encoding="utf-8")
    assert text.startswith("Lost worker 1 (this is worker 0): it was stopped, or")
    assert "start all workers again, from a checkpoint" in text


def test_another_number_of_workers_goes_on(found, folder, tmp_path):
    assert found
    resumed = backed_up(make, folder / "workers" / "backup")
    for key, value in backed_up(make, tmp_path).items():
        scale = np.abs(value).max()
        np.testing.assert_allclose(resumed[key], value, rtol=0, atol=1e-12 * scale)


def test_one_device_changes_nothing(expected):
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")

    def make_in_scope(net, **options):
        with strategy.scope():
            return make(net, **options)

    found = CASES["clipped"](make_in_scope)
    for key, value in expected("clipped").items():
        np.testing.assert_array_equal(found[key], value)


def test_training_may_be_in_the_scope():
    before = keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.01)
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        net = network()
        with make(net) as sim:
            sim.train({net.a: X, net.p: X}, before)
            sim.compile("adam", loss="mse", metrics=["mae"])
            history = sim.fit(X, X, verbose=0).history
    assert np.isfinite(history["loss"] + history["probe_mae"]).all()


def test_other_strategies_are_refused():
    strategy = tf.distribute.experimental.CentralStorageStrategy(["/cpu:0"])
    with strategy.scope(), pytest.raises(ValidationError) as error:
        simulator(network())
    assert "MultiWorkerMirroredStrategy (several machines)" in str(error.value)
