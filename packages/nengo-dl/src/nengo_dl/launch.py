"""``python -m nengo_dl.launch``: start a script as several workers on one machine."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any

#: How long workers have to end by themselves, once they were told to, in seconds.
GRACE = 30.0

#: How often to look whether a worker has ended, in seconds.
_PERIOD = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Start the workers, and wait for them.

    Parameters
    ----------
    arguments : list of str, optional
        The command line.

    Returns
    -------
    status : int
        0 if all workers ended well, else the exit status of the first one that did not
        (128 and the number of the signal, if one has ended it).
    """
    chosen = _parsed(arguments)
    command = [sys.executable, "-u", chosen.script, *chosen.arguments]
    processes = [_started(command, one) for one in configurations(chosen.workers)]
    threads = _copying(processes)
    with _forwarding(processes):
        status = _wait(processes)
    for thread in threads:
        thread.join()
    return status


def configurations(n_workers: int) -> list[str]:
    """
    Describe a cluster on this machine.

    Parameters
    ----------
    n_workers : int
        How many workers it has.

    Returns
    -------
    configurations : list of str
        The value of ``TF_CONFIG`` for each of them.
    """
    cluster = {"worker": [f"localhost:{port}" for port in _free_ports(n_workers)]}
    return [
        json.dumps({"cluster": cluster, "task": {"type": "worker", "index": number}})
        for number in range(n_workers)
    ]


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m nengo_dl.launch",
        description="Start a script as several workers on this machine, which train "
        "together (see tf.distribute.MultiWorkerMirroredStrategy): sets TF_CONFIG, "
        "puts the number of the worker before each line of output, passes signals on, "
        "and ends all workers if one fails.",
    )
    parser.add_argument("--workers", type=_count, default=2, help="how many (2)")
    parser.add_argument("script", help="the script to start")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text!r}")
    return int(text)


def _free_ports(n_ports: int) -> list[int]:
    """Find ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n_ports)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


def _started(command: list[str], config: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env={**os.environ, "TF_CONFIG": config},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # signals reach it by way of this process alone
    )


def _copying(processes: Sequence[subprocess.Popen[str]]) -> list[threading.Thread]:
    """Copy what the workers write, as they write it."""
    threads = []
    for number, process in enumerate(processes):
        for stream, out in ((process.stdout, sys.stdout), (process.stderr, sys.stderr)):
            arguments = stream, out, f"[{number}] "
            threads.append(threading.Thread(target=_copy, args=arguments))
            threads[-1].start()
    return threads


def _copy(stream: IO[str], out: IO[str], prefix: str) -> None:
    with stream:
        for line in stream:
            out.write(f"{prefix}{line}")
            out.flush()


@contextmanager
def _forwarding(processes: Sequence[subprocess.Popen]) -> Iterator[None]:
    """Pass signals on to the workers."""

    def forward(number: int, frame: Any) -> None:
        del frame
        for process in processes:
            if process.poll() is None:
                process.send_signal(number)

    numbers = signal.SIGINT, signal.SIGTERM
    before = [signal.signal(number, forward) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _wait(processes: Sequence[subprocess.Popen]) -> int:
    """Wait for all workers; if one fails, let the others end."""
    while True:
        states = [process.poll() for process in processes]
        failed = [state for state in states if state not in (None, 0)]
        if failed:
            _end(processes)
            return _status(failed[0])
        if None not in states:
            return 0
        time.sleep(_PERIOD)


def _end(processes: Sequence[subprocess.Popen]) -> None:
    """End those that still run: first by asking."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + GRACE
    for process in processes:
        try:
            process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _status(state: int) -> int:
    """Return the exit status of a shell for that of a process."""
    return state if state >= 0 else 128 - state


if __name__ == "__main__":
    sys.exit(main())
