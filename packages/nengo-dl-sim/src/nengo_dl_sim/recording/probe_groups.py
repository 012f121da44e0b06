"""Which probed values leave the simulation together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nengo_dl_signals import TensorSignal, join

from .probe_store import ProbeStore


@dataclass(frozen=True, eq=False)
class Recording:
    """
    Probes that are sampled alike: one read, and one buffer, serve them all.

    Parameters
    ----------
    signal : (size,) TensorSignal
        All that they read, joined.
    slices : list of (int, slice, tuple of int)
        For each probe its number, where in ``signal`` its values are, and their shape.
    store : ProbeStore
        One of the probes; knows which steps are sampled.
    """

    signal: TensorSignal
    slices: list[tuple[int, slice, tuple[int, ...]]]
    store: ProbeStore

    def split(self, values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """
        Give each probe its values.

        Parameters
        ----------
        values : (n_slots, size, batch) array
            The joined values.

        Yields
        ------
        number, values : int, (n_slots, *shape, batch) array
            A probe, and a view of its values.
        """
        for number, rows, shape in self.slices:
            own = values[:, rows]
            yield number, own.reshape((len(own), *shape, own.shape[-1]))


def group_probes(
    signals: Sequence[TensorSignal], stores: Sequence[ProbeStore]
) -> list[Recording]:
    """
    Group probes that can be read together.

    Parameters
    ----------
    signals : list of TensorSignal
        What each probe reads.
    stores : list of ProbeStore
        How each probe is sampled.

    Returns
    -------
    recordings : list of Recording
        The groups.
    """
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for number, (sig, store) in enumerate(zip(signals, stores, strict=True)):
        key = sig.dtype, sig.row_shape, store.period, store.keep_history
        alike[key].append(number)
    return [_record(numbers, signals, stores) for numbers in alike.values()]


def _record(
    numbers: Sequence[int],
    signals: Sequence[TensorSignal],
    stores: Sequence[ProbeStore],
) -> Recording:
    parts = [signals[number] for number in numbers]
    ends = np.cumsum([part.size for part in parts]).tolist()
    slices = [
        (number, slice(end - part.size, end), part.shape)
        for number, part, end in zip(numbers, parts, ends, strict=True)
    ]
    joined = join([part.reshape((part.size,)) for part in parts])
    return Recording(joined, slices, stores[numbers[0]])
