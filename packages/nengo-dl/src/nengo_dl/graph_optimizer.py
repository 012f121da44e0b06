"""Which operators are merged, in which order, and what is simplified before."""

from typing import TYPE_CHECKING

from nengo_dl_ops.planning.fold_copies import fold_copies as fold_copies
from nengo_dl_ops.planning.fold_copies import (
    remove_constant_copies as remove_constant_copies,
)
from nengo_dl_ops.planning.greedy_planner import greedy_planner as greedy_planner
from nengo_dl_ops.planning.greedy_planner import noop_planner as noop_planner
from nengo_dl_ops.planning.narrow_results import narrow_results as narrow_results
from nengo_dl_ops.planning.share_results import share_results as share_results
from nengo_dl_ops.planning.simplify import (
    DEFAULT_SIMPLIFICATIONS as DEFAULT_SIMPLIFICATIONS,
)
from nengo_dl_ops.planning.simplify import (
    RUN_ONLY_SIMPLIFICATIONS as RUN_ONLY_SIMPLIFICATIONS,
)
from nengo_dl_ops.planning.simplify import remove_identity_muls as remove_identity_muls
from nengo_dl_ops.planning.simplify import (
    remove_unmodified_resets as remove_unmodified_resets,
)
from nengo_dl_ops.planning.simplify import remove_zero_incs as remove_zero_incs
from nengo_dl_ops.planning.sorters import noop_order_signals as noop_order_signals
from nengo_dl_ops.planning.sorters import order_signals as order_signals
from nengo_dl_ops.planning.transitive_planner import (
    transitive_planner as transitive_planner,
)
from nengo_dl_ops.planning.tree_planner import tree_planner as tree_planner

from .removed_names import explain

if not TYPE_CHECKING:
    __getattr__ = explain(__name__)
