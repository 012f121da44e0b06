"""Remove operators that compute nothing new."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Collection, Sequence

import numpy as np
from nengo.builder.operator import Copy, DotInc, ElementwiseInc, Operator, Reset
from nengo.builder.signal import Signal

from .def_use import is_fixed
from .fold_copies import fold_copies
from .learned_weights import factor_changes
from .narrow_results import narrow_results
from .share_results import share_results

#: Turns operators into fewer or cheaper ones with the same effect. The second
#: argument holds the base signals whose initial values the run will not change.
Simplification = Callable[[list[Operator], Collection[Signal]], list[Operator]]


def simplify(
    ops: Sequence[Operator],
    fixed: Collection[Signal],
    simplifications: Sequence[Simplification],
) -> list[Operator]:
    """
    Apply simplifications until none finds anything.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    fixed : collection of nengo.builder.Signal
        Base signals that keep their initial value: never written, never trained,
        not the output of a node.
    simplifications : list of callable
        Functions from operators and ``fixed`` to operators.

    Returns
    -------
    ops : list of nengo.builder.Operator
        Operators with the same effect. Those given are not changed.
    """
    # What one finds may be due to another: they take turns until a whole round of them
    # has found nothing.
    simplified, n_unchanged = list(ops), 0
    for simplification in itertools.cycle(simplifications):
        before = simplified
        simplified = list(simplification(before, fixed))
        n_unchanged = n_unchanged + 1 if _is_same(before, simplified) else 0
        if n_unchanged == len(simplifications):
            break
    return simplified


def _is_same(before: list[Operator], after: list[Operator]) -> bool:
    return len(before) == len(after) and all(map(operator.is_, before, after))


def remove_zero_incs(ops: list[Operator], fixed: Collection[Signal]) -> list[Operator]:
    """
    Remove increments by a product with a constant zero.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    fixed : collection of nengo.builder.Signal
        Base signals that keep their initial value.

    Returns
    -------
    ops : list of nengo.builder.Operator
        All others.
    """

    def adds_zero(op: Operator) -> bool:
        return bool(op.incs) and any(
            is_fixed(sig, fixed) and not np.any(sig.initial_value) for sig in op.reads
        )

    kinds = (DotInc, ElementwiseInc, Copy)
    return [op for op in ops if not (type(op) in kinds and adds_zero(op))]


def remove_identity_muls(
    ops: list[Operator], fixed: Collection[Signal]
) -> list[Operator]:
    """
    Replace products with a constant one, or identity matrix, by copies.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    fixed : collection of nengo.builder.Signal
        Base signals that keep their initial value.

    Returns
    -------
    ops : list of nengo.builder.Operator
        The operators, with `Copy` increments in place of such products.
    """
    return [
        Copy(op.X, op.Y, inc=True, tag=op.tag) if _is_identity(op, fixed) else op
        for op in ops
    ]


def remove_unmodified_resets(
    ops: list[Operator], fixed: Collection[Signal]
) -> list[Operator]:
    """
    Leave out copies and increments of signals that are reset to zero and stay so.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    fixed : collection of nengo.builder.Signal
        Not needed; here so that all simplifications are called alike.

    Returns
    -------
    ops : list of nengo.builder.Operator
        All operators but increments that add such a signal.
    """
    del fixed
    zero = {op.dst.base for op in ops if type(op) is Reset and op.value == 0}
    for op in ops:
        others = op.sets if type(op) is not Reset else []
        zero.difference_update(sig.base for sig in (*others, *op.incs, *op.updates))
    return [
        op
        for op in ops
        if not (
            type(op) in (Copy, DotInc, ElementwiseInc)
            and op.incs
            and any(sig.base in zero for sig in op.reads)
        )
    ]


def _is_identity(op: Operator, fixed: Collection[Signal]) -> bool:
    if type(op) not in (DotInc, ElementwiseInc) or op.X.shape != op.Y.shape:
        return False
    if not is_fixed(op.A, fixed):
        return False
    A = op.A.initial_value
    if type(op) is ElementwiseInc:
        return bool(np.all(A == 1))
    square = A.ndim == 2 and A.shape[0] == A.shape[1]
    return square and bool(np.array_equal(A, np.eye(len(A))))


#: What is applied unless ``configure_settings(simplifications=...)`` says otherwise.
DEFAULT_SIMPLIFICATIONS: tuple[Simplification, ...] = (
    remove_unmodified_resets,
    remove_zero_incs,
    remove_identity_muls,
    fold_copies,
    factor_changes,
)

#: For networks that only run. These simplifications rely on the values of everything
#: that is not trainable: such a simulator refuses to load other parameters.
RUN_ONLY_SIMPLIFICATIONS: tuple[Simplification, ...] = (
    *DEFAULT_SIMPLIFICATIONS,
    share_results,
    narrow_results,
)
