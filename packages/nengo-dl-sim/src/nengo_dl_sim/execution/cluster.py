"""Whether the processes of a cluster can reach each other."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from nengo.exceptions import ValidationError

from ..checks import check_duration
from .reachable import Cluster, answering, reach

_FORM = (
    '{"cluster": {"worker": ["host:port", ...]}, '
    '"task": {"type": "worker", "index": 0}}'
)


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
        If ``TF_CONFIG`` is not what it should be, the port of this worker is in use, or
        another worker has been told of another cluster.
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
    with answering(cluster):
        deadline = time.monotonic() + timeout
        for task in cluster.addresses:
            if task != cluster.task:
                reach(cluster, task, deadline, timeout)


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


def _wrong(got: str) -> ValidationError:
    return ValidationError(f"expected {_FORM}, got {got}", attr="TF_CONFIG")
