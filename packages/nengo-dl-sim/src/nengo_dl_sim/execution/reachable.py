"""Processes of a cluster that look for each other."""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from nengo.exceptions import SimulationError, ValidationError

#: How long to wait for one answer, and before the next question, in seconds.
_ANSWER, _PAUSE = 2.0, 0.1

#: How an answer begins; what else answers is TensorFlow's.
_BEGINNING = b"nengo-dl "


class Cluster(NamedTuple):
    """
    Which processes there are.

    Parameters
    ----------
    addresses : dict of (str, int) to str
        The address of each task, ``"host:port"``.
    task : tuple of (str, int)
        Which of them this process is.
    """

    addresses: dict[tuple[str, int], str]
    task: tuple[str, int]

    @property
    def answer(self) -> bytes:
        """What to tell other workers."""
        return _BEGINNING + json.dumps([_name(self.task), self._text]).encode()

    @property
    def _text(self) -> str:
        """All addresses, in order."""
        return ", ".join(
            f"{_name(task)} at {place}" for task, place in self.addresses.items()
        )

    def check(self, task: tuple[str, int], answer: bytes) -> None:
        """
        Check what a worker has answered.

        Raises a ``ValidationError`` if it is another one, or has other addresses.
        """
        if not answer.startswith(_BEGINNING):
            return
        name, text = json.loads(answer.removeprefix(_BEGINNING))
        if text != self._text:
            raise ValidationError(
                f"expected the same cluster in all workers, got {self._text} in "
                f"{_name(self.task)}, and {text} in {name}",
                attr="TF_CONFIG",
            )
        if name != _name(task):
            raise ValidationError(
                f"expected {_name(task)} at {self.addresses[task]}, got {name} there: "
                "each process needs a task of its own (this is "
                f"{_name(self.task)})",
                attr="TF_CONFIG",
            )


@contextmanager
def answering(cluster: Cluster) -> Iterator[None]:
    """Answer to other workers, for the time in which TensorFlow does not yet."""
    ended = threading.Event()
    with _server(cluster.addresses[cluster.task]) as server:
        server.settimeout(_PAUSE)
        arguments = server, cluster.answer, ended
        thread = threading.Thread(target=_answer, args=arguments, daemon=True)
        thread.start()
        try:
            yield
        except ValidationError:
            time.sleep(10 * _PAUSE)  # so that the others learn of it
            raise
        finally:
            ended.set()
            thread.join()


def _answer(server: socket.socket, answer: bytes, ended: threading.Event) -> None:
    while not ended.is_set():
        with suppress(OSError):  # nobody asks, or does not wait for the answer
            asking, _ = server.accept()
            with asking:
                asking.sendall(answer)


def _server(address: str) -> socket.socket:
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


def reach(
    cluster: Cluster, task: tuple[str, int], deadline: float, timeout: float
) -> None:
    """
    Wait until a worker answers.

    ``deadline``: by when, of the clock that only goes forward; ``timeout``: how long
    that is, for the message. Raises a ``SimulationError`` if it does not answer, and a
    ``ValidationError`` if it is not the one that is expected there.
    """
    address = cluster.addresses[task]
    while True:
        try:
            cluster.check(task, _asked(address))
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise SimulationError(
                    f"Cannot reach {_name(task)} at {address} within {timeout:g} "
                    f"seconds ({error}): see whether it was started, whether all "
                    "workers have the same TF_CONFIG but for its task, and whether its "
                    "port is open between the machines"
                ) from error
        time.sleep(_PAUSE)


def _asked(address: str) -> bytes:
    """Return what a worker answers, or TensorFlow in its place, by itself."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), _ANSWER) as server:
        found = server.recv(1)
        if not found:  # a worker that is about to end, or to begin
            raise ConnectionError("it has hung up")
        while found.startswith(_BEGINNING[:1]) and (more := server.recv(4096)):
            found += more
    return found


def _name(task: tuple[str, int]) -> str:
    return f"{task[0]} {task[1]}"
