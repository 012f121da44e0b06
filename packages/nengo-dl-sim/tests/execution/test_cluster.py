"""What is said of clusters that do not come together, before TensorFlow waits."""

import json
import socket
import threading

import pytest
import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

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


def test_workers_reach_each_other(free):
    spec = tf.train.ClusterSpec({"worker": [f"localhost:{port}" for port in free]})
    resolvers = [
        tf.distribute.cluster_resolver.SimpleClusterResolver(
            spec, task_type="worker", task_id=number
        )
        for number in (0, 1)
    ]
    servers = []

    def work(number):
        check_cluster(resolvers[number], timeout=20)
        # As TensorFlow does then.
        servers.append(socket.create_server(("", free[number])))

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(servers) == 2
    for server in servers:
        server.close()


def test_a_timeout_is_a_number_of_seconds():
    with pytest.raises(ValidationError, match="timeout"):
        check_cluster(timeout=-1)
