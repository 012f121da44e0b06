"""Which probed values leave the simulation together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    slices : list of (hashable, slice, tuple of int)
        For each probe its key, where in ``signal`` its values are, and their shape.
    store : ProbeStore
        One of the probes; knows which steps are sampled.
    """

    signal: TensorSignal
    slices: list[tuple[Hashable, slice, tuple[int, ...]]]
    store: ProbeStore

    def split(self, values: np.ndarray) -> Iterator[tuple[Hashable, np.ndarray]]:
        """
        Give each probe its values.

        Shapes: ``values`` (n_slots, size, batch).
        """
        for key, rows, shape in self.slices:
            own = values[:, rows]
            yield key, own.reshape((len(own), *shape, own.shape[-1]))


def group_probes(
    signals: Mapping[Hashable, TensorSignal], stores: Mapping[Any, ProbeStore]
) -> list[Recording]:
    """
    Group probes that can be read together.

    ``signals``: what each probe reads, by its key; and what else a step hands out.
    """
    alike: dict[Hashable, list[Hashable]] = defaultdict(list)
    for key, store in stores.items():
        sig = signals[key]
        kind = sig.dtype, sig.row_shape, store.period, store.keep_history
        alike[kind].append(key)
    return [_record(keys, signals, stores[keys[0]]) for keys in alike.values()]


def _record(
    keys: Sequence[Hashable],
    signals: Mapping[Hashable, TensorSignal],
    store: ProbeStore,
) -> Recording:
    parts = [signals[key] for key in keys]
    ends = np.cumsum([part.size for part in parts]).tolist()
    slices = [
        (key, slice(end - part.size, end), part.shape)
        for key, part, end in zip(keys, parts, ends, strict=True)
    ]
    joined = join([part.reshape((part.size,)) for part in parts])
    return Recording(joined, slices, store)
