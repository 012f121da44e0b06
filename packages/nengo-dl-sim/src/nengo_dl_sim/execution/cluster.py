"""Whether the processes of a cluster can reach each other."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

from ..checks import check_duration

#: How long to wait for one answer, and before the next question, in seconds.
_ANSWER, _PAUSE = 2.0, 0.1

_FORM = (
    '{"cluster": {"worker": ["host:port", ...]}, '
    '"task": {"type": "worker", "index": 0}}'
)


class Cluster(NamedTuple):
    """
    Which processes there are.

    Parameters
    ----------
    addresses : dict from (str, int) to str
        The address of each task, ``"host:port"``.
    task : tuple of (str, int)
        Which of them this process is.
    """

    addresses: dict[tuple[str, int], str]
    task: tuple[str, int]


def check_cluster(
    cluster_resolver: tf.distribute.cluster_resolver.ClusterResolver | None = None,
    timeout: float = 60.0,
) -> None:
    """
    Check that all workers can be reached, before a strategy is made.

    ``tf.distribute.MultiWorkerMirroredStrategy`` waits without an end for a worker that
    cannot be reached, and cannot be interrupted then. Call this in all workers, before
    it. Without a cluster it does nothing.

    Parameters
    ----------
    cluster_resolver : tf.distribute.cluster_resolver.ClusterResolver, optional
        What says who takes part. None: the environment variable ``TF_CONFIG``.
    timeout : float
        How long to wait for other workers to be started, in seconds.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``TF_CONFIG`` is not what it should be, or the port of this worker is in use.
    nengo.exceptions.SimulationError
        If a worker cannot be reached in that time.
    """
    timeout = check_duration("timeout", timeout)
    cluster = (
        _read(os.environ.get("TF_CONFIG", ""))
        if cluster_resolver is None
        else _resolved(cluster_resolver)
    )
    if cluster is None or len(cluster.addresses) < 2:
        return
    own = cluster.addresses[cluster.task]
    others = {
        task: place for task, place in cluster.addresses.items() if task != cluster.task
    }
    with _listening(own):
        deadline = time.monotonic() + timeout
        for task, address in others.items():
            _reach(task, address, deadline, timeout)


def _read(text: str) -> Cluster | None:
    """Read ``TF_CONFIG``."""
    if not text:
        return None
    try:
        config = json.loads(text)
    except ValueError as error:
        raise _wrong(f"{text!r:.200} ({error})") from None
    if not isinstance(config, dict):
        raise _wrong(f"{text!r:.200}")
    if "cluster" not in config:
        return None
    return _cluster(config["cluster"], config.get("task"))


def _resolved(resolver: Any) -> Cluster | None:
    """Ask a resolver."""
    jobs = resolver.cluster_spec().as_dict()
    if not jobs:
        return None
    return _cluster(jobs, {"type": resolver.task_type, "index": resolver.task_id})


def _cluster(jobs: Any, task: Any) -> Cluster:
    """Check what is said of a cluster."""
    if not isinstance(jobs, Mapping) or not all(map(_are_addresses, jobs.values())):
        raise _wrong(f'"cluster": {jobs!r:.200}')
    addresses = {
        (str(job), number): address
        for job, places in jobs.items()
        for number, address in enumerate(places)
    }
    twice = {a for a in addresses.values() if list(addresses.values()).count(a) > 1}
    if twice:
        raise _wrong(f"the address {sorted(twice)[0]!r} of two workers")
    found = isinstance(task, Mapping) and (task.get("type"), _number(task.get("index")))
    if not found or found not in addresses:
        raise _wrong(f'"task": {task!r:.200}, which is none of the cluster')
    return Cluster(addresses, found)


def _are_addresses(places: Any) -> bool:
    if not isinstance(places, Sequence) or isinstance(places, str):
        return False
    return all(isinstance(place, str) and _has_port(place) for place in places)


def _has_port(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 65536


def _number(value: Any) -> Any:
    """Return a number that is given as text, as TensorFlow allows."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _listening(address: str) -> socket.socket:
    """Answer to other workers, for the time in which TensorFlow does not yet."""
    port = int(address.rpartition(":")[2])
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, dualstack_ipv6=both)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"fails: {error}"
        raise ValidationError(
            f"expected a free port for this worker, got {address!r}, which {why}: "
            "choose another one for all workers, or end what uses it (such as a worker "
            "of a run before)",
            attr="TF_CONFIG",
        ) from error


def _reach(
    task: tuple[str, int], address: str, deadline: float, timeout: float
) -> None:
    """Wait until a worker answers."""
    host, _, port = address.rpartition(":")
    while True:
        try:
            with socket.create_connection((host.strip("[]"), int(port)), _ANSWER):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise SimulationError(
                    f"Cannot reach {task[0]} {task[1]} at {address} within {timeout:g} "
                    f"seconds ({error}): see whether it was started, whether all "
                    "workers have the same TF_CONFIG but for its task, and whether its "
                    "port is open between the machines"
                ) from error
        time.sleep(_PAUSE)


def _wrong(got: str) -> ValidationError:
    return ValidationError(f"expected {_FORM}, got {got}", attr="TF_CONFIG")
