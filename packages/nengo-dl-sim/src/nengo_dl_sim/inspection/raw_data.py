"""What probes recorded, as lists: for programs that read what Nengo's simulator has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableSequence, Sequence
from typing import Any

import numpy as np
from nengo.exceptions import ReadonlyError
from nengo.probe import Probe

from ..recording.probe_store import ProbeStore


class RawData(Mapping):
    """
    What ``SimulationData.raw`` is in Nengo: probes have a list of their values.

    Parameters
    ----------
    data : mapping from Nengo object to object
        The data of all objects.
    store : callable
        Returns where a probe's values are kept.
    """

    def __init__(
        self, data: Mapping[Any, Any], store: Callable[[Probe], ProbeStore]
    ) -> None:
        self._data = data
        self._store = store

    def __getitem__(self, obj: Any) -> Any:
        """
        Return the data of an object.

        Returns, of everything but probes, what ``sim.data[obj]`` is.
        """
        if isinstance(obj, Probe) and obj in self._data:
            return RecordedValues(self._store(obj))
        return self._data[obj]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


class RecordedValues(MutableSequence):
    """
    The values that a probe has recorded, the first one first.

    Each is an array of the probe's shape, with the batch axis first if the simulation
    shows one. ``del values[:]`` forgets them; they cannot be set.

    Parameters
    ----------
    store : ProbeStore
        Where the values are kept.
    """

    def __init__(self, store: ProbeStore) -> None:
        self._store = store

    def __len__(self) -> int:
        return len(self._store.values())

    def __getitem__(self, index: Any) -> Any:
        values = self._store.values()[index]
        return list(values) if isinstance(index, slice) else values

    def __delitem__(self, index: Any) -> None:
        self[index]  # an IndexError for what is not there
        self._store.delete(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._refuse()

    def insert(self, index: int, value: Any) -> None:
        """Refuse: values come from the simulation."""
        self._refuse()

    def __repr__(self) -> str:
        return repr(list(self._store.values()))

    def _refuse(self) -> None:
        raise ReadonlyError(
            attr="values",
            msg="expected values that a probe recorded to be read or deleted, not set",
        )


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
