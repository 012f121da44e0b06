"""Linear filters of any order: Lowpass, Alpha and every other transfer function."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import tensorflow as tf
from nengo.builder.processes import SimProcess
from nengo.exceptions import BuildError
from nengo.synapses import LinearFilter
from nengo.utils.filter_design import cont2discrete, tf2ss

from ..builder import Builder
from ..config import BuildConfig
from ..operators.process_coefficients import TrainableProcess
from ..operators.process_parameters import SimParametricProcess
from ..operators.processes import ProcessBuilder
from ..ranges import check_range
from .trainable_filters import trainable_filter

#: One filter: the new state is A x + B u, the output C x + D u, for the state x after
#: the previous step and the input u; shapes (n, n), (n, 1), (1, n), (1, 1).
StateSpace = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@Builder.register(LinearFilter)
class LinearFilterBuilder(ProcessBuilder):
    r"""
    Compute ``nengo.synapses.LinearFilter`` in discrete state space.

    .. math::

       x[t] &= A x[t-1] + B u[t] \\
       y[t] &= C x[t] \quad \text{(without passthrough)} \qquad
       y[t] = C x[t-1] + D u[t] \quad \text{(with passthrough)}

    for the input :math:`u`, the output :math:`y` (both in the unit of the signal) and
    a state :math:`x` of as many values as the filter has poles. The matrices are those
    of the transfer function's controller canonical form, discretised for the time
    step by the filter's ``method``. Without passthrough (:math:`D = 0`) the output
    follows from the new state, which saves one step of delay: Nengo's rule.

    Filters of the same order merge. A group in which some filters have a passthrough
    and others have not is computed with the equation of the former, for which
    :math:`C A` and :math:`C B` stand in for the matrices of the latter.

    Those matrices that the equation reads are ``parameters``: values of a step, by
    default constants.
    """

    elementwise = True

    def __init__(self, ops: Sequence[SimProcess], config: BuildConfig) -> None:
        super().__init__(ops, config)
        filters = [_matrices(op.process, config.dt) for op in ops]
        for op, matrices in zip(ops, filters, strict=True):
            for matrix in matrices:
                check_range(f"{op.process} of {op.input}", matrix, config.dtype)
        self.delayed = any(np.any(D) for _, _, _, D in filters)
        if self.delayed:
            _check_parameters(ops, filters)
            filters = [_with_passthrough(*matrices) for matrices in filters]
        sizes = [op.input.size for op in ops]
        self.parameters = {
            name: _per_element(matrices, sizes, config.dtype)
            for name, matrices in zip("ABCD", zip(*filters, strict=True), strict=True)
            if name in self._names(order=len(filters[0][0]))
        }

    @classmethod
    def merge_key(cls, op: SimProcess) -> Hashable:
        """Filters merge if they have as many poles."""
        order = op.state["X"].shape[0]
        if not isinstance(op, SimParametricProcess):
            return order
        # What is given for one equation is not what the other needs. (Whether there
        # is a passthrough does not depend on the time step.)
        return order, bool(np.any(_matrices(op.process, 0.001)[3]))

    @classmethod
    def trainable(
        cls, process: LinearFilter, updates: bool = False
    ) -> TrainableProcess | None:
        """Train time constants of Lowpass and Alpha, and coefficients of others."""
        del updates
        return trainable_filter(process)

    def _names(self, order: int) -> str:
        """Return the names of the matrices that the equation reads."""
        if order == 0:
            return "D"
        return "ABCD" if self.delayed else "AB" if order == 1 else "ABC"

    def step(
        self, u: tf.Tensor, state: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Filter the input by one step, with the matrices that were built."""
        return self.step_with(self.parameters, u, state)

    def step_with(
        self,
        parameters: Mapping[str, tf.Tensor],
        u: tf.Tensor,
        state: Mapping[str, tf.Tensor],
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Filter the input by one step."""
        x, given = state["X"], parameters
        order = x.shape[0]
        if order == 0:
            return given["D"][0, 0] * u, {"X": x}
        new = tf.reduce_sum(given["A"] * x, axis=1) + given["B"][:, 0] * u
        if self.delayed:
            y = tf.reduce_sum(given["C"][0] * x, axis=0) + given["D"][0, 0] * u
        elif order == 1:
            y = new[0]  # C is one
        else:
            y = tf.reduce_sum(given["C"][0] * new, axis=0)
        return y, {"X": new}


def _check_parameters(ops: Sequence[SimProcess], filters: list[StateSpace]) -> None:
    """Refuse to turn what is given for one equation into what the other needs."""
    for op, (*_, D) in zip(ops, filters, strict=True):
        if isinstance(op, SimParametricProcess) and not np.any(D):
            raise BuildError(
                f"{op.process} of {op.input}: expected to be merged with filters "
                "without passthrough, since its coefficients are signals"
            )


def _matrices(synapse: LinearFilter, dt: float) -> StateSpace:
    method = synapse.method if synapse.analog else None
    return _discretise(tuple(synapse.num), tuple(synapse.den), method, dt)


@lru_cache(maxsize=256)  # a model holds thousands of filters, but few different ones
def _discretise(
    num: tuple[float, ...], den: tuple[float, ...], method: str | None, dt: float
) -> StateSpace:
    A, B, C, D = tf2ss(num, den)
    if len(A) == 0:  # nothing but a gain
        return np.zeros((0, 0)), np.zeros((0, 1)), np.zeros((1, 0)), D.reshape((1, 1))
    if method is not None:
        A, B, C, D, _ = cont2discrete((A, B, C, D), dt, method=method)
    D = np.reshape(D, (1, 1))
    if len(A) == 1 and not np.any(D):  # the state is the output, as in Nengo
        B, C = C * B, np.ones_like(C)
    return A, B, C, D


def _with_passthrough(
    A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray
) -> StateSpace:
    """Let the output follow from the old state, as it must if there is a D."""
    return (A, B, C, D) if np.any(D) or not len(A) else (A, B, C @ A, C @ B)


def _per_element(
    matrices: Sequence[np.ndarray], sizes: Sequence[int], dtype: str
) -> np.ndarray:
    """
    Give every element of the joined input its matrix.

    Returns
    -------
    stacked : (rows, columns, n_elements or 1, 1) array
        The matrices along the third axis (only one if all are equal).
    """
    stacked = np.stack(matrices, axis=-1).astype(dtype)
    if np.all(stacked == stacked[..., :1]):
        stacked = stacked[..., :1]
    else:
        stacked = np.repeat(stacked, sizes, axis=-1)
    return stacked[..., None]
