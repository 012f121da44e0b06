"""Change learned weights by an outer product, without keeping it as a matrix."""

from __future__ import annotations

from collections.abc import Collection

from nengo.builder.learning_rules import SimPES
from nengo.builder.operator import Copy, ElementwiseInc, Operator
from nengo.builder.signal import Signal

from ..learning_rules import SimPESFactors
from .def_use import Uses


def factor_changes(ops: list[Operator], fixed: Collection[Signal]) -> list[Operator]:
    """
    Keep the factors of a change of weights until it is applied, not their product.

    A step computes the change of weights, and the next one applies it. For PES it is
    the outer product of an error and of activities.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    fixed : collection of nengo.builder.Signal
        Not needed; here so that all simplifications are called alike.

    Returns
    -------
    ops : list of nengo.builder.Operator
        The operators; where nothing but the weights takes a change, its two operators
        are others.
    """
    del fixed
    if not any(type(op) is SimPES for op in ops):
        return ops
    uses, replaced = Uses(ops), dict(enumerate(ops))
    for number, op in enumerate(ops):
        readers = uses.readers[op.delta.base] if type(op) is SimPES else []
        if len(readers) == 1 and _applies(ops[readers[0]], op.delta):
            factors = SimPESFactors(op)
            copy = ops[readers[0]]
            replaced[number] = factors
            replaced[readers[0]] = ElementwiseInc(
                factors.rows, factors.columns, copy.dst, tag=copy.tag
            )
    return list(replaced.values())


def _applies(op: Operator, delta: Signal) -> bool:
    """Tell whether an operator adds a change to weights, and does nothing else."""
    if type(op) is not Copy or not op.inc or op.dst.sparse or op.src is not delta:
        return False
    whole = op.src_slice is None and op.dst_slice is None
    return whole and op.dst.ndim == 2 and op.dst.shape == delta.shape
