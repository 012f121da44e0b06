"""What processes compute with, as functions of the parameters that are trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from nengo.base import Process
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, join

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import Memoryless, OpBuilder
from .process_parameters import of_elements
from .transformed_parameters import Bounds


@dataclass(frozen=True)
class TrainableProcess(ABC):
    """
    How a type of process depends on what can be trained of it.

    To be implemented by subclasses. Equal objects (``==``, with equal hash) compute the
    same: those of several processes may merge.
    """

    #: Whether a process may have a value for each element.
    holds_elements: ClassVar[bool] = False

    #: The number of axes of each of `attributes`.
    ndim: ClassVar[int] = 0

    @abstractmethod
    def bounds(self, process: Process, dt: float) -> Mapping[str, Bounds]:
        """
        Return what can be trained: numbers, by default attributes of the process.

        Parameters
        ----------
        process : nengo.Process
            The process.
        dt : float
            The length of a time step, in seconds.

        Returns
        -------
        bounds : mapping from str to Bounds
            By their names.
        """

    def refusal(self, process: Process, dt: float) -> str | None:
        """Say what else a process must have to be trained; None: nothing."""
        del process, dt
        return None

    def values(self, process: Process, dt: float) -> dict[str, Any]:
        """Return what it has now: numbers, or (n_elements,) arrays."""
        return {name: getattr(process, name) for name in self.bounds(process, dt)}

    def built(self, process: Process, dt: float) -> dict[str, Any]:
        """Return the `attributes` that a process has now."""
        return self.values(process, dt)

    def attributes(self, process: Process, values: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return the attributes of a process that values give.

        Parameters
        ----------
        process : nengo.Process
            The process, as it was built.
        values : mapping from str to float or (n_elements,) array
            What is trained of it.

        Returns
        -------
        attributes : dict from str to array
            Of `ndim` axes each, after that of the elements if there is one. By default
            the values themselves.
        """
        del process
        return dict(values)

    @abstractmethod
    def coefficients(
        self, values: Mapping[str, tf.Tensor], dt: float
    ) -> dict[str, tf.Tensor]:
        """
        Compute what a step needs.

        Parameters
        ----------
        values : mapping from str to (n_elements, 1) tf.Tensor
            What is trained, by name.
        dt : float
            The length of a time step, in seconds.

        Returns
        -------
        coefficients : dict from str to (rows, columns, n_elements, 1) tf.Tensor
            Some of `ProcessBuilder.parameters`.
        """

    @abstractmethod
    def with_values(self, process: Process, values: Mapping[str, Any]) -> Process:
        """Return a process that is the same, but for the values of `attributes`."""


class SimProcessCoefficients(Operator):
    """
    Compute the coefficients of a process from what is trained of it.

    Parameters
    ----------
    form : TrainableProcess
        How they depend on it.
    values : mapping from str to nengo.builder.Signal
        What is trained, by name: (n,), one for each element or 1.
    dt : float
        The length of a time step, in seconds.
    tag : str, optional
        Whose coefficients they are.

    Attributes
    ----------
    coefficients : dict from str to nengo.builder.Signal
        By name: flat, of ``rows * columns * n`` values, the last axis fastest.

    Notes
    -----
    1. sets ``coefficients``
    2. incs ``[]``
    3. reads ``values``
    4. updates ``[]``
    """

    def __init__(
        self,
        form: TrainableProcess,
        values: Mapping[str, Signal],
        dt: float,
        tag: str | None = None,
    ) -> None:
        super().__init__(tag=tag)
        self.form = form
        self.dt = dt
        self._names = list(values)
        self.reads = list(values.values())
        first = self.compute([sig.initial_value for sig in self.reads])
        self.shapes = {name: value.shape for name, value in first.items()}
        self.sets = [
            Signal(value.ravel(), name=f"{tag}.{name}") for name, value in first.items()
        ]
        self.incs: list[Signal] = []
        self.updates: list[Signal] = []

    @property
    def values(self) -> dict[str, Signal]:
        """What is trained."""
        return dict(zip(self._names, self.reads, strict=True))

    @property
    def coefficients(self) -> dict[str, Signal]:
        """The coefficients."""
        return dict(zip(self.shapes, self.sets, strict=True))

    def compute(self, values: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Compute the coefficients, (rows, columns, n), from values, (n,)."""
        given = {
            name: tf.constant(value[:, None])
            for name, value in zip(self._names, values, strict=True)
        }
        found = self.form.coefficients(given, self.dt)
        return {name: value.numpy()[..., 0] for name, value in found.items()}

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """Compute them outside of a graph."""
        del dt, rng
        reads = [signals[sig] for sig in self.reads]
        sets = [signals[sig] for sig in self.sets]

        def step() -> None:
            for target, value in zip(sets, self.compute(reads).values(), strict=True):
                target[...] = value.ravel()

        return step


@Builder.register(SimProcessCoefficients)
class SimProcessCoefficientsBuilder(OpBuilder):
    """
    Compute the coefficients of processes.

    They follow from constants: in training they are computed once for all steps.

    Notes
    -----
    1. sets ``coefficients``
    2. incs ``[]``
    3. reads ``values``
    4. updates ``[]``
    """

    shared = True

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.values = {
            name: join([layout[op.values[name]] for op in ops])
            for name in ops[0].values
        }
        self.coefficients = {
            name: _joined(name, ops, layout) for name in ops[0].coefficients
        }

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """They merge if they depend on the same attributes in the same way."""
        return op.form, tuple(op.values), tuple(op.coefficients)

    def memoryless(self, training: bool) -> Memoryless:
        """Everything follows from what is read."""
        del training
        return Memoryless.of(self.ops)

    def build_step(self, signals: SignalDict) -> None:
        """Compute the coefficients of all processes at once."""
        values = {name: signals.gather(sig) for name, sig in self.values.items()}
        found = self.ops[0].form.coefficients(values, self.config.dt)
        for name, sig in self.coefficients.items():
            signals.scatter(sig, found[name])


def _joined(name: str, ops: Sequence[Operator], layout: SignalLayout) -> TensorSignal:
    """Join a coefficient of all processes, (rows, columns, n_elements)."""
    parts = [layout[op.coefficients[name]] for op in ops]
    rows = [
        part.rows.reshape(op.shapes[name]) for part, op in zip(parts, ops, strict=True)
    ]
    return of_elements(np.concatenate(rows, axis=2), parts[0])
