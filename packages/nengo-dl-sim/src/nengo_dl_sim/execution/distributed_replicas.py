"""Copies of a program on several workers, or several devices of one machine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import zip_longest

import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_ops import Share

from .compiled_call import CompiledForShapes
from .packed import largest, packed_sum, short_sum
from .plain_variables import plain_variables
from .replicas import Replica, Replicas

#: What TensorFlow raises if a worker is lost, or does not answer in time.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.InternalError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnknownError,
)

#: What TensorFlow says if workers sum up different things.
_APART = re.compile("ollective instance.* expected ")

#: How much of a text that differs is compared, in bytes.
_LONGEST = 20_000


class DistributedReplicas(Replicas):
    """
    Copies of a program, each on a device of its own.

    Every process holds all parameters in plain variables, and changes them alike.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
        Says which devices there are, and sums up.
    process : int
        The number of this process, from 0 on: the first one is the chief.
    timeout : float or None
        How long to wait for another process, in seconds. None: as long as it takes.
    reduction_dtype : {"float16", "float32"} or None
        The type in which gradients go to other processes. None: their own.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        process: int,
        timeout: float | None,
        reduction_dtype: str | None,
    ) -> None:
        self._strategy = strategy
        self._devices = list(strategy.extended.worker_devices)
        self._timeout = timeout
        self._reduction_dtype = reduction_dtype
        self.count = int(strategy.num_replicas_in_sync)
        self.process = process
        self.n_processes = self.count // len(self._devices)
        self._summed = CompiledForShapes(self._sum)

    def scope(self) -> AbstractContextManager:
        """Let variables be plain ones, which the strategy leaves alone."""
        return plain_variables()

    def here(self, minibatch_size: int) -> list[Replica]:
        """Return those of this process: each takes as many items."""
        size = minibatch_size // self.count
        first = self.process * len(self._devices)
        return [
            Replica(Share((first + n) * size, size, minibatch_size), device)
            for n, device in enumerate(self._devices)
        ]

    def sum(
        self, parts: Sequence[Sequence[tf.Tensor]], n_gradients: int = 0
    ) -> list[tf.Tensor]:
        """Sum up over the devices of this process, then over processes."""
        if not parts[0]:
            return []
        with _lost_explained(self.process):
            return list(self._summed([list(part) for part in parts], n_gradients))

    def _sum(self, parts: list[list[tf.Tensor]], n_gradients: int) -> list[tf.Tensor]:
        tensors = [tf.add_n(same) for same in zip(*parts, strict=True)]
        if self.n_processes == 1:
            return tensors
        dtype = self._reduction_dtype
        if not dtype or not n_gradients:
            return packed_sum(tensors, self._sum_vector)
        gradients, others = tensors[:n_gradients], tensors[n_gradients:]
        bounds = [largest(gradients), *others]
        bound, *found = packed_sum(bounds, self._sum_vector)
        return [*short_sum(gradients, bound, self._sum_vector, dtype), *found]

    def _sum_vector(self, vector: tf.Tensor) -> tf.Tensor:
        """Sum up a vector over processes."""
        options = tf.distribute.experimental.CommunicationOptions(
            timeout_seconds=self._timeout
        )

        def total(vector: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            # What comes from outside has no device, which TensorFlow asks for.
            values = [tf.identity(vector)]
            return context.all_reduce(tf.distribute.ReduceOp.SUM, values, options)[0]

        return self._strategy.run(total, args=(vector,))

    def gather(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Put what each process has among zeros, and sum up."""
        mine = []
        for array in arrays:
            table = np.zeros((self.n_processes, *array.shape), array.dtype)
            table[self.process] = array
            mine.append(tf.constant(table))
        others = [[tf.zeros_like(table) for table in mine]] * (len(self._devices) - 1)
        return [value.numpy() for value in self.sum([mine, *others])]

    def check_alike(self, facts: Mapping[str, str | bytes]) -> None:
        """
        Check that all processes do the same.

        Raises a ``ValidationError`` that says what differs, and in which of them.
        """
        if self.n_processes == 1:
            return
        digests = [_digest(fact) for fact in facts.values()]
        (found,) = self.gather([np.array(digests, np.int64)])
        differs = found != found[0]
        if differs.any():
            worker, number = np.argwhere(differs)[0]
            what = list(facts)[number]
            raise ValidationError(
                f"expected the same {what} in all workers, got "
                f"{self._difference(facts[what], int(worker))}: start all with the "
                "same program, versions and data",
                attr="strategy",
            )

    def _difference(self, fact: str | bytes, worker: int) -> str:
        """Say what a process has that the first one has not."""
        if isinstance(fact, str):
            (found,) = self.gather([_as_array(fact)])
            lines = [_lines(array) for array in (found[0], found[worker])]
            for one, other in zip_longest(*lines, fillvalue="nothing"):
                if one != other:
                    return f"{one} in worker 0, and {other} in worker {worker}"
        return f"another one in worker {worker} than in worker 0"

    def any(self, flag: bool) -> bool:
        """Tell whether a flag is set in some process."""
        (found,) = self.gather([np.array(int(flag))])
        return bool(found.any())


def find_replicas(
    minibatch_size: int, timeout: float | None, reduction_dtype: str | None
) -> Replicas:
    """
    Make the replicas of the strategy in whose scope this is called.

    ``timeout, reduction_dtype``: as in `DistributedReplicas`. Raises a
    ``ValidationError`` if it cannot divide minibatches of that size.
    """
    if not tf.distribute.has_strategy():
        return Replicas()
    strategy = tf.distribute.get_strategy()
    distribute = tf.distribute
    several = distribute.MultiWorkerMirroredStrategy, distribute.MirroredStrategy
    if isinstance(strategy, tf.distribute.OneDeviceStrategy):
        return Replicas()
    if not isinstance(strategy, several):
        raise ValidationError(
            "expected tf.distribute.MultiWorkerMirroredStrategy (several machines), "
            "MirroredStrategy (several devices of one machine), OneDeviceStrategy or "
            f"none, got {type(strategy).__name__}",
            attr="strategy",
        )
    process, n_processes = _place(strategy)
    replicas = DistributedReplicas(strategy, process, timeout, reduction_dtype)
    _check(strategy, replicas.count, n_processes, minibatch_size)
    return replicas


def _place(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Return the number of this process, and how many there are."""
    resolver = strategy.cluster_resolver
    if resolver is None or isinstance(strategy, tf.distribute.MirroredStrategy):
        return 0, 1
    jobs = resolver.cluster_spec().as_dict()
    n_chiefs, n_workers = len(jobs.get("chief", [])), len(jobs.get("worker", []))
    number = resolver.task_id or 0
    is_worker = resolver.task_type == "worker"
    return number + (n_chiefs if is_worker else 0), max(n_chiefs + n_workers, 1)


def _check(
    strategy: tf.distribute.Strategy, count: int, n_processes: int, minibatch_size: int
) -> None:
    n_devices = len(strategy.extended.worker_devices)
    if n_processes > 1 and n_devices > 1:
        raise ValidationError(
            f"expected one device for each worker, got {n_devices}: start a worker for "
            "each device, which sees only that one (CUDA_VISIBLE_DEVICES)",
            attr="strategy",
        )
    if minibatch_size % count:
        raise ValidationError(
            f"expected a multiple of {count}, since the strategy divides minibatches "
            f"among {count} {'workers' if n_processes > 1 else 'devices'}, got "
            f"{minibatch_size}",
            attr="minibatch_size",
        )


@contextmanager
def _lost_explained(process: int) -> Iterator[None]:
    """Say which worker was lost, or that one does something else."""
    try:
        yield
    except _LOST as error:
        if _APART.search(str(error)):
            raise _calls_differ(process, error) from error
        # TensorFlow names those that it cannot reach, and sometimes who notices.
        named = {int(n) for n in re.findall(r"/task:(\d+)", str(error))} - {process}
        which = f"worker {named.pop()}" if len(named) == 1 else "another worker"
        raise SimulationError(
            f"Lost {which} (this is worker {process}): it was stopped, or did not "
            "answer in time (see configure_settings(worker_timeout=...)). To go on, "
            "start all workers again, from a checkpoint if there is one "
            "(sim.restore_checkpoint, or BackupAndRestore in sim.fit). TensorFlow "
            f"says: {_first_line(error)}"
        ) from error


def _calls_differ(process: int, error: Exception) -> SimulationError:
    return SimulationError(
        f"Workers do not make the same calls (this is worker {process}): one has "
        "stopped earlier, or called another method. Let all make the same calls in the "
        "same order (a callback that stops training in the middle of an epoch has to "
        "decide alike in all of them), and start all again. TensorFlow says: "
        f"{_first_line(error)}"
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def _digest(fact: str | bytes) -> int:
    data = fact.encode() if isinstance(fact, str) else fact
    return int.from_bytes(hashlib.sha256(data).digest()[:7], "big")


def _as_array(text: str) -> np.ndarray:
    """Return a text, or its beginning, as an array whose size is always the same."""
    array = np.zeros(_LONGEST, np.uint8)
    data = text.encode()[:_LONGEST]
    array[: len(data)] = np.frombuffer(data, np.uint8)
    return array


def _lines(array: np.ndarray) -> list[str]:
    """Undo `_as_array`."""
    text = array.astype(np.uint8).tobytes().rstrip(b"\0").decode(errors="replace")
    return text.splitlines()
