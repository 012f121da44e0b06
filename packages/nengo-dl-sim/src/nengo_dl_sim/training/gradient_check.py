"""Gradients of the outputs, compared with finite differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import nengo
import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError

from ..data.data_adapter import DataAdapter
from ..data.epoch_plan import EpochPlan, TrainingProgress
from ..engine.engine import Engine
from ..engine.parameter_store import to_numpy
from ..evaluation.minibatch_source import MinibatchSource
from ..execution.compiled_call import CompiledForShapes
from ..execution.sequence import Keep, run_sequence
from .finite_differences import (
    Derivative,
    NodeValues,
    ParameterValues,
    Sources,
    Subject,
    derivative,
)
from .gradient_coverage import influential_signals
from .trainable_parameters import trainable_parameters
from .trained_in_spikes import trained_in_spikes


class GradientComparison(NamedTuple):
    """
    Derivatives of one probe with respect to one subject.

    Parameters
    ----------
    name : str
        What the subject is called.
    analytic, numeric, error : (n_outputs, n_directions) array
        Derivatives by back-propagation and by differences, and how far from the truth
        the latter may be.
    """

    name: str
    analytic: np.ndarray
    numeric: np.ndarray
    error: np.ndarray


class GradientCheck:
    """
    Compares gradients of a network's outputs, as training uses them, with differences.

    Nothing is changed: parameters and state are passed as values.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    minibatch_source : MinibatchSource
        Makes the inputs.
    data : DataAdapter
        The values of nodes around which everything is differentiated.
    seed : int
        The seed of everything random.
    """

    def __init__(
        self,
        engine: Engine,
        minibatch_source: MinibatchSource,
        data: DataAdapter,
        seed: int,
    ) -> None:
        self._engine, self._minibatch_source, self._data = (
            engine,
            minibatch_source,
            data,
        )
        self._seed, self._split = seed, minibatch_source.split(data)
        minibatches = minibatch_source.minibatches(
            data, EpochPlan(), seed, TrainingProgress(), minibatch_source.start(seed)
        )
        self._state, batch = next(iter(minibatches))
        variables = engine.parameters.variables
        self._held = batch.held
        self._values = [to_numpy(v) for v in variables]
        self._trained = [i for i, v in enumerate(variables) if v.trainable]
        self._sources = [batch.stepped, *(self._values[i] for i in self._trained)]

    def compare(self, probe: nengo.Probe) -> list[GradientComparison]:
        """
        Compare the gradients of one probe.

        Returns for each input node the derivatives with respect to each element in each
        step; for each trainable parameter that in a random direction. All are summed up
        over the items of the minibatch.
        """
        forward, pull_back = self._functions(probe)
        subjects = list(self._subjects())
        n_outputs = len(forward(self._sources))
        analytic = [
            [subject.along(gradients) for subject in subjects]
            for gradients in map(pull_back, np.eye(n_outputs))
        ]
        return [
            GradientComparison(
                subject.name, np.stack(rows), *self._differences(forward, subject)
            )
            for subject, rows in zip(subjects, zip(*analytic, strict=True), strict=True)
        ]

    def _functions(self, probe: nengo.Probe) -> tuple[Callable, Callable]:
        """Make the functions from sources to outputs, and from those to gradients."""
        keep = {probe: Keep.ALL}

        def compute(sources: list[tf.Tensor]) -> tf.Tensor:
            stepped, *trained = sources
            parameters = list(map(tf.constant, self._values))
            for i, value in zip(self._trained, trained, strict=True):
                parameters[i] = value
            state, program = self._state, self._engine.program
            _, outputs, _ = run_sequence(
                program, parameters, state, self._split, self._held, stepped, True, keep
            )
            return tf.reshape(tf.reduce_sum(outputs[probe], axis=0), (-1,))

        def pull_back(sources: list[tf.Tensor], weights: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(sources)
                outputs = compute(sources)
            zero = tf.UnconnectedGradients.ZERO
            weights = tf.cast(weights, outputs.dtype)
            return tape.gradient(outputs, sources, weights, unconnected_gradients=zero)

        forward = self._restarting(CompiledForShapes(compute))
        backward = self._restarting(CompiledForShapes(pull_back))
        return forward, lambda weights: backward(self._sources, weights)

    def _restarting(self, function: Callable) -> Callable:
        """Let random numbers of Python code be the same in every call."""

        def call(sources: Sources, *arguments: np.ndarray) -> object:
            self._minibatch_source.restart(self._seed)
            tensors = list(map(tf.constant, sources))
            return tf.nest.map_structure(np.asarray, function(tensors, *arguments))

        return call

    def _subjects(self) -> Iterator[Subject]:
        n_steps, start = self._data.n_steps, 0
        for node, size in self._minibatch_source.stepped_sizes(self._data).items():
            if node in self._data.nodes:
                yield NodeValues(str(node), slice(start, start + size), n_steps)
            start += size
        rng = np.random.RandomState(self._seed)
        for part in trainable_parameters(self._engine):
            source = part.variable + 1
            value = self._sources[source][part.rows]
            yield ParameterValues(part.name, source, part.rows, value, rng)

    def _differences(
        self, forward: Callable, subject: Subject
    ) -> tuple[np.ndarray, np.ndarray]:
        epsilon = float(np.finfo(self._engine.config.dtype).eps)

        def along(direction: int) -> Derivative:
            def moved(step: float) -> np.ndarray:
                return forward(subject.moved(self._sources, direction, step))

            return derivative(moved, epsilon)

        found = [along(direction) for direction in range(subject.n_directions)]
        values, errors = zip(*found, strict=True)
        return np.stack(values, axis=-1), np.stack(errors, axis=-1)


def check_smooth(engine: Engine, probes: Sequence[nengo.Probe]) -> None:
    """Check that no probe depends on spikes, whose gradient is of something else."""
    used = influential_signals(engine, probes)
    for ens, mode in trained_in_spikes(engine).items():
        if engine.model.sig[ens.neurons]["out"].base in used:
            raise SimulationError(
                "check_gradients: expected probes that depend on no spikes, got "
                f"{', '.join(map(str, probes))}, and {ens} with training_mode {mode}: "
                "finite differences of spikes are not what it takes for their "
                "gradient. Give outputs without them, or set training_mode='rate'"
            )


def check_comparisons(
    found: Mapping[nengo.Probe, Sequence[GradientComparison]], atol: float, rtol: float
) -> None:
    """
    Check that gradients agree.

    ``atol``, ``rtol``: the absolute and relative differences that are allowed, beside
    the error of the differences themselves.
    """
    worst = max(
        (
            _worst(probe, comparison, atol, rtol)
            for probe, comparisons in found.items()
            for comparison in comparisons
        ),
        key=lambda excess: excess.ratio,
        default=None,
    )
    if worst is not None and worst.ratio > 1:
        raise SimulationError(worst.message)


class _Excess(NamedTuple):
    ratio: float
    message: str


def _worst(
    probe: nengo.Probe, comparison: GradientComparison, atol: float, rtol: float
) -> _Excess:
    """Find the element that differs most, in terms of what is allowed."""
    name, analytic, numeric, error = comparison
    allowed = atol + rtol * np.abs(numeric) + error
    with np.errstate(invalid="ignore"):
        ratio = np.abs(analytic - numeric) / allowed
    ratio = np.where(np.isfinite(analytic) & np.isfinite(numeric), ratio, np.inf)
    if not ratio.size:
        return _Excess(0, "")
    place = np.unravel_index(np.argmax(ratio), ratio.shape)
    return _Excess(
        float(ratio[place]),
        f"Gradient of {probe} with respect to {name}: expected "
        f"{numeric[place]:.6g} (by finite differences, +- {error[place]:.1g}), got "
        f"{analytic[place]:.6g}; this is the worst of all. Either something on the "
        "way has no gradient, or another one (as Python functions do), or it is not "
        "smooth here.",
    )
