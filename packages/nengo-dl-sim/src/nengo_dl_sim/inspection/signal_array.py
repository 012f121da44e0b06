"""Arrays that tell how to set the signal that they show."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.exceptions import ReadonlyError
from numpy.typing import ArrayLike


class SignalArray(np.ndarray):
    """
    The value of a signal: read-only; what is computed from it is a plain array.

    The values are undefined until `show` is called.
    """

    def show(self, value: ArrayLike) -> None:
        """Take over a value."""
        self.setflags(write=True)
        np.copyto(self, value)
        self.setflags(write=False)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._check_writeable()
        super().__setitem__(index, value)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        for out in kwargs.get("out", ()):
            if isinstance(out, SignalArray):
                out._check_writeable()
        if "out" in kwargs:
            kwargs["out"] = tuple(map(_plain, kwargs["out"]))
        return getattr(ufunc, method)(*map(_plain, inputs), **kwargs)

    def _check_writeable(self) -> None:
        if not self.flags.writeable:
            raise ReadonlyError(
                "signals",
                msg="an array of sim.signals shows a value, and cannot be changed. To "
                "set the signal between runs: sim.signals[sig] = value",
            )


def _plain(array: Any) -> Any:
    return array.view(np.ndarray) if isinstance(array, SignalArray) else array
