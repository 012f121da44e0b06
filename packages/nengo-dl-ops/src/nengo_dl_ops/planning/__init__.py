"""
How the operators of one step become groups, in order.

A *simplification* turns operators into fewer ones with the same effect, a *planner*
merges operators into groups, a *sorter* orders the operators within groups.
"""

from .dependencies import Dependencies as Dependencies
from .fold_copies import fold_copies as fold_copies
from .fold_copies import remove_constant_copies as remove_constant_copies
from .greedy_planner import greedy_planner as greedy_planner
from .greedy_planner import noop_planner as noop_planner
from .learned_weights import factor_changes as factor_changes
from .merging import make_merge_key as make_merge_key
from .narrow_results import narrow_results as narrow_results
from .share_results import share_results as share_results
from .simplify import DEFAULT_SIMPLIFICATIONS as DEFAULT_SIMPLIFICATIONS
from .simplify import RUN_ONLY_SIMPLIFICATIONS as RUN_ONLY_SIMPLIFICATIONS
from .simplify import remove_identity_muls as remove_identity_muls
from .simplify import remove_unmodified_resets as remove_unmodified_resets
from .simplify import remove_zero_incs as remove_zero_incs
from .simplify import simplify as simplify
from .sorters import noop_order_signals as noop_order_signals
from .sorters import order_signals as order_signals
from .transitive_planner import transitive_planner as transitive_planner
from .tree_planner import tree_planner as tree_planner
