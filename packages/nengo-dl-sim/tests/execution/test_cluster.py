"""What is said of clusters that do not come together, before TensorFlow waits."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_sim.execution.reachable import Cluster
from nengo_dl_sim.utils import check_cluster


@pytest.fixture
def taken():
    """A port on which another process listens."""
    with socket.create_server(("", 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture
def free():
    """Two ports on which nobody listens."""
    sockets = [socket.create_server(("", 0)) for _ in range(2)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def config(ports, index=0, job="worker"):
    addresses = [f"localhost:{port}" for port in ports]
    return json.dumps(
        {"cluster": {"worker": addresses}, "task": {"type": job, "index": index}}
    )


def test_no_cluster_is_none_to_check(monkeypatch):
    for text in ("", "{}", config([1])):
        monkeypatch.setenv("TF_CONFIG", text)
        check_cluster()


@pytest.mark.parametrize(
    "text, said",
    [
        ('{"cluster": {"worker": ["a:1"', "Expecting"),
        ("[1]", r"'\[1\]'"),
        ('{"cluster": ["a:1", "b:1"]}', r'"cluster": \['),
        ('{"cluster": {"worker": ["a:1", "b"]}}', r'"cluster": \{'),
        ('{"cluster": {"worker": "a:1"}}', r'"cluster": \{'),
        ('{"cluster": {"worker": ["a:1", "b:99999"]}}', r'"cluster": \{'),
        ('{"cluster": {"worker": ["a:1", "b:1"]}}', '"task": None'),
        (config([1, 2], 2), '"task": .* which is none of the cluster'),
        (config([1, 2], 0, "chief"), '"task": .* which is none of the cluster'),
        (config([1, 1]), "the address 'localhost:1' of two workers"),
    ],
)
def test_malformed_descriptions_are_refused(monkeypatch, text, said):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValidationError, match=f"TF_CONFIG: expected .* got .*{said}"):
        check_cluster()


def test_a_port_in_use_is_named(monkeypatch, taken, free):
    monkeypatch.setenv("TF_CONFIG", config([taken, free[0]]))
    with pytest.raises(ValidationError, match=f"localhost:{taken}', which is in use"):
        check_cluster()


def test_a_worker_that_cannot_be_reached_is_named(monkeypatch, free):
    monkeypatch.setenv("TF_CONFIG", config(free))
    said = f"Cannot reach worker 1 at localhost:{free[1]} within 0.2 seconds"
    with pytest.raises(SimulationError, match=said):
        check_cluster(timeout=0.2)


def resolver(ports, number):
    """Say that this process is one of some workers."""
    spec = tf.train.ClusterSpec({"worker": [f"localhost:{port}" for port in ports]})
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        spec, task_type="worker", task_id=number
    )


def in_threads(*calls):
    """Make calls at the same time; return what each of them raised, or None."""
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
    return [future.exception() for future in futures]


def test_workers_reach_each_other(free):
    def work(number):
        one = resolver(free, number)
        check_cluster(one, timeout=20)
        return tf.distribute.Server(
            one.cluster_spec(), job_name="worker", task_index=number
        )

    assert in_threads(lambda: work(0), lambda: work(1)) == [None, None]


def test_workers_that_were_told_of_other_workers_are_named(free):
    order = free[::-1]
    found = in_threads(
        lambda: check_cluster(resolver(free, 0), timeout=20),
        lambda: check_cluster(resolver(order, 0), timeout=20),
    )
    texts = [
        f"worker 0 at localhost:{one}, worker 1 at localhost:{other}"
        for one, other in (free, order)
    ]
    for error, (mine, others) in zip(found, (texts, texts[::-1]), strict=True):
        assert isinstance(error, ValidationError)
        assert f"expected the same cluster in all workers, got {mine} in" in str(error)
        assert f"and {others} in worker 0" in str(error)


def test_a_worker_in_the_place_of_another_one_is_named():
    # As on two machines, of which the second one has the number of the first.
    own = Cluster({("worker", 0): "a:1", ("worker", 1): "b:1"}, ("worker", 0))
    with pytest.raises(ValidationError) as error:
        own.check(("worker", 1), own.answer)
    assert str(error.value) == (
        "TF_CONFIG: expected worker 1 at b:1, got worker 0 there: each process needs a "
        "task of its own (this is worker 0)"
    )


def test_what_says_nothing_is_no_worker(free):
    said = rf"Cannot reach worker 1 at localhost:{free[1]} .*\(timed out\)"
    with (
        socket.create_server(("", free[1])),
        pytest.raises(SimulationError, match=said),
    ):
        check_cluster(resolver(free, 0), timeout=0.2)


def test_a_timeout_is_a_number_of_seconds():
    with pytest.raises(ValidationError, match="timeout"):
        check_cluster(timeout=-1)
