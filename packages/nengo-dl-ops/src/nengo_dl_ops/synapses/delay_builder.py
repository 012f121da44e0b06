"""Delays of whole steps, and of any number between them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.builder.processes import SimProcess

from ..builder import Builder
from ..config import BuildConfig
from ..operators.process_coefficients import TrainableProcess
from ..operators.processes import ProcessBuilder
from ..operators.transformed_parameters import Bounds
from ..with_values import with_values
from .delay import Delay
from .ring import write_and_read


@dataclass(frozen=True)
class TrainableDelay(TrainableProcess):
    """
    The delays of `Delay`, in seconds: less than ``max_delay``.

    ``n_outside``: so many steps of them are outside of the process.
    """

    holds_elements = True

    n_outside: int

    def bounds(self, process: Delay, dt: float) -> Mapping[str, Bounds]:
        """Return the delays that fit into the ring."""
        longest = process.max_steps(dt) + self.n_outside
        return {"seconds": Bounds(self.n_outside * dt, longest * dt)}

    def values(self, process: Delay, dt: float) -> dict[str, Any]:
        """Return the delays, with the steps that are outside."""
        return {"seconds": (process.steps(dt) + self.n_outside) * dt}

    def coefficients(
        self, values: Mapping[str, tf.Tensor], dt: float
    ) -> dict[str, tf.Tensor]:
        """Compute the delays in steps."""
        return {"delay": (values["seconds"] / dt - self.n_outside)[None, None]}

    def with_values(self, process: Delay, values: Mapping[str, Any]) -> Delay:
        """Return a delay of other seconds."""
        return with_values(process, **values)


@Builder.register(Delay)
class DelayBuilder(ProcessBuilder):
    """
    Compute `Delay` (the equations are there).

    The last inputs are kept in a ring, in which a step writes one row and reads one for
    each element. Delays of the same ``max_delay`` merge.

    The delays are ``parameters``, in steps of the operator: on a connection one less
    than in all, since whoever reads an update sees it one step later.
    """

    rings = ("X",)
    shared = ("Xi",)

    def __init__(self, ops: Sequence[SimProcess], config: BuildConfig) -> None:
        super().__init__(ops, config)
        steps = [
            np.broadcast_to(op.process.steps(config.dt), op.output.shape).ravel()
            for op in ops
        ]
        joined = np.concatenate(steps)
        #: For each element, or (1,) if all have one.
        self.steps = joined[:1] if np.all(joined == joined[:1]) else joined
        delay = self.steps.astype(config.dtype)[None, None, :, None]
        self.parameters = {"delay": delay}

    @classmethod
    def trainable(cls, process: Delay, updates: bool = False) -> TrainableProcess:
        """Train the delays, of which a step is outside of the process if it updates."""
        del process
        return TrainableDelay(int(updates))

    @classmethod
    def merge_key(cls, op: SimProcess) -> Hashable:
        """Delays merge if they keep as many inputs."""
        return op.state["X"].shape[0]

    def step(
        self, u: tf.Tensor, state: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Delay the input by whole steps."""
        length = state["X"].shape[0]
        place = _next_place(state["Xi"], length)
        row = _each_or_all((place - self.steps) % length)
        X, (y,) = write_and_read(state["X"], u, place, [row])
        return y, {"X": X, "Xi": _as_state(place, state["Xi"])}

    def step_with(
        self,
        parameters: Mapping[str, tf.Tensor],
        u: tf.Tensor,
        state: Mapping[str, tf.Tensor],
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """
        Delay the input by any number of steps.

        Delays that are out of the range of the ring count as the nearest in it.
        """
        length = state["X"].shape[0]
        delay = tf.clip_by_value(parameters["delay"][0, 0, :, 0], 0, length - 1)
        # The longest delay of all lies between the last two rows, too.
        whole = tf.minimum(tf.floor(delay), max(length - 2, 0))
        after = (delay - tf.stop_gradient(whole))[:, None]
        place = _next_place(state["Xi"], length)
        source = place - tf.cast(whole, place.dtype)
        rows = [_each_or_all((source - later) % length) for later in (0, 1)]
        X, (near, far) = write_and_read(state["X"], u, place, rows)
        y = (1 - after) * near + after * far
        return y, {"X": X, "Xi": _as_state(place, state["Xi"])}


def _next_place(places: tf.Tensor, length: int) -> tf.Tensor:
    """Return the place of all rings: they start together, and step together."""
    return (places[0, 0, 0] + 1) % length


def _as_state(place: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    return tf.broadcast_to(place, (*like.shape[:-1], 1))


def _each_or_all(row: tf.Tensor) -> tf.Tensor:
    """Return the row of each element, or one number if all have the same."""
    return row[0] if row.shape[0] == 1 else row
