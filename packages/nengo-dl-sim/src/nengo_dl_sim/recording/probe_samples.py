"""What a probe recorded, under the name that Nengo has for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from nengo.exceptions import ReadonlyError

from .probe_store import ProbeStore


class ProbeSamples(Sequence):
    """
    The samples of a probe, as ``sim.model.params[probe]`` has them in Nengo: a list.

    Parameters
    ----------
    store : ProbeStore
        What was recorded.
    """

    def __init__(self, store: ProbeStore) -> None:
        self._store = store

    def _samples(self) -> np.ndarray:
        """Return (n_values, [minibatch_size,] *shape) samples."""
        data = self._store.data()
        has_batch = self._store.minibatch_size is not None
        return np.moveaxis(data, 1, 0) if has_batch else data

    def __len__(self) -> int:
        return len(self._samples())

    def __getitem__(self, index: Any) -> Any:
        found = self._samples()[index]
        return list(found) if isinstance(index, slice) else found

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self._samples())

    def __delitem__(self, index: Any) -> None:
        if index != slice(None):
            raise ReadonlyError(
                attr="params[probe]",
                msg="expected del samples[:], which forgets all of them; single "
                "samples cannot be changed",
            )
        self.clear()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._samples(), dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<{len(self)} samples of {self._store.probe}>"

    def clear(self) -> None:
        """Forget all samples."""
        self._store.clear()
