"""Prescribed error sensitivity, in two vectors instead of a matrix."""

from __future__ import annotations

from collections.abc import Sequence

from nengo.builder.learning_rules import SimPES
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout

from ..builder import Builder
from ..config import BuildConfig
from .pes import SimPESBuilder


class SimPESFactors(SimPES):
    """
    Keep the vectors of which a change of weights is the outer product.

    Parameters
    ----------
    op : nengo.builder.learning_rules.SimPES
        The operator whose change it is.

    Attributes
    ----------
    change : Signal
        What is not computed: the change of weights, shape ``(n_rows, n_columns)``.
    rows : Signal
        The first factor, shape ``(n_rows, 1)``.
    columns : Signal
        The second factor, shape ``(1, n_columns)``.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[]``
    3. reads ``[pre_filtered, error]``
    4. updates ``[rows, columns]``
    """

    def __init__(self, op: SimPES) -> None:
        n_rows, n_columns = op.delta.shape
        rows = Signal(shape=(n_rows, 1), name=f"{op.delta.name}:rows")
        columns = Signal(shape=(1, n_columns), name=f"{op.delta.name}:columns")
        super().__init__(op.pre_filtered, op.error, rows, op.learning_rate, op.tag)
        self.updates = [rows, columns]
        self.change = op.delta

    @property
    def rows(self) -> Signal:
        """The first factor."""
        return self.updates[0]

    @property
    def columns(self) -> Signal:
        """The second factor."""
        return self.updates[1]


@Builder.register(SimPESFactors)
class SimPESFactorsBuilder(SimPESBuilder):
    r"""
    Keep the factors of the change of weights that `.SimPESBuilder` computes.

    They are :math:`-\kappa \, dt \, e / n` and :math:`a`. The change itself has as many
    elements as the weights: to keep it for the next step is to write them twice.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[]``
    3. reads ``[pre_filtered, error]``
    4. updates ``[rows, columns]``
    """

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        self.rows = self.stack(layout, "rows")
        self.columns = self.stack(layout, "columns")

    def build_step(self, signals: SignalDict) -> None:
        """Compute the factors for all connections at once."""
        error, pre = signals.gather(self.error), signals.gather(self.pre)
        signals.scatter(self.rows, (self.alpha * error)[:, :, None])
        signals.scatter(self.columns, pre[:, None])
