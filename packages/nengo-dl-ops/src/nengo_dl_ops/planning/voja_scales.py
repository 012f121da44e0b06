"""Make a parameter of the lengths of encoders, which Voja's rule has as an array."""

from __future__ import annotations

from collections.abc import Sequence

from nengo.builder.learning_rules import SimVoja
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from ..learning_rules import SimScaledVoja


def scales_as_signals(
    ops: Sequence[Operator],
) -> tuple[list[Operator], list[Signal]]:
    """
    Let Voja's rule read from signals what it has as arrays.

    Nengo computes these from the gains of neurons, which it draws at random. As
    parameters they go to files and come back.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.

    Returns
    -------
    ops : list of nengo.builder.Operator
        The operators, with others in the place of Voja's.
    signals : list of nengo.builder.Signal
        What these read.
    """
    replaced = [SimScaledVoja(op) if type(op) is SimVoja else op for op in ops]
    return replaced, [op.scales for op in replaced if isinstance(op, SimScaledVoja)]
