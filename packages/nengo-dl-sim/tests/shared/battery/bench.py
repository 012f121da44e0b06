"""The frame that all families share: an input, and what is recorded."""

from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np

N_STEPS = 30
N_ITEMS = 5
N_INPUTS = 18


@dataclass(frozen=True)
class Record:
    """
    What is compared of a member: an array for every step.

    ``spikes``: in single precision a current may pass the threshold a moment earlier
    or later, so that only their number is compared. ``own``: whether each batch item
    draws random numbers of its own.
    """

    name: str
    probe: nengo.Probe
    part: slice
    spikes: bool = False
    own: bool = False


class Bench:
    """
    A network with an input for all members of a family.

    With ``python`` a function of the user's stands in the loop behind the input, and
    another one before what is recorded: TensorFlow leaves the compiled code twice in
    every step. They return what they are given, so that the answers do not change.
    """

    def __init__(self, python: bool = False, item: int = 0) -> None:
        values = stimuli()[item]
        self.stimulus = nengo.Node(lambda t: values[round(t / 0.001) - 1])
        self.input = self._relay(python, N_INPUTS)
        nengo.Connection(self.stimulus, self.input, synapse=None)
        self.records: list[Record] = []
        self._python = python
        self._outputs: list[tuple[str, Any, dict]] = []

    def record(self, name: str, obj: Any, **options: bool) -> None:
        """Record the output of an object."""
        self._outputs.append((name, obj, options))

    def probe(self, name: str, obj: Any, attr: str, synapse: Any = None) -> None:
        """Record something else that can be probed."""
        probe = nengo.Probe(obj, attr, synapse=synapse)
        self.records.append(Record(f"{name}, {attr}", probe, slice(None)))

    def finish(self) -> None:
        """Join all outputs for one probe: a hundred probes take long to compile."""
        stops = np.cumsum([obj.size_out for _, obj, _ in self._outputs], dtype=int)
        together = self._relay(self._python, int(stops[-1]))
        probe = nengo.Probe(together)
        for (name, obj, options), stop in zip(self._outputs, stops, strict=True):
            part = slice(int(stop) - obj.size_out, int(stop))
            nengo.Connection(obj, together[part], synapse=None)
            self.records.append(Record(name, probe, part, **options))

    def _relay(self, python: bool, size: int) -> nengo.Node:
        return nengo.Node((lambda t, x: x) if python else None, size_in=size)


def stimuli() -> np.ndarray:
    """Return smooth inputs, other ones for every batch item: (items, steps, size)."""
    times = 0.001 * np.arange(1, N_STEPS + 1)[:, None]
    phases = np.arange(N_ITEMS)[:, None, None] + np.arange(N_INPUTS)
    return 0.8 * np.sin((20 + 7 * phases) * times + 1.3 * phases)
