"""What is computed when: simplify operators, find their order, merge and sort them."""

from .dependencies import Dependencies as Dependencies
from .factor_changes import factor_changes as factor_changes
from .fold_copies import fold_copies as fold_copies
from .fold_copies import remove_constant_copies as remove_constant_copies
from .learned_starts import Learned as Learned
from .learned_starts import learned_by_sums as learned_by_sums
from .learned_starts import split_learned as split_learned
from .narrow_results import narrow_results as narrow_results
from .narrow_results import narrowed_results as narrowed_results
from .plan import greedy_planner as greedy_planner
from .plan import noop_planner as noop_planner
from .schedule import MergeKey as MergeKey
from .schedule import Plan as Plan
from .share_results import share_results as share_results
from .share_results import shared_results as shared_results
from .simplify import DEFAULT_SIMPLIFICATIONS as DEFAULT_SIMPLIFICATIONS
from .simplify import RUN_ONLY_SIMPLIFICATIONS as RUN_ONLY_SIMPLIFICATIONS
from .simplify import Simplification as Simplification
from .simplify import remove_identity_muls as remove_identity_muls
from .simplify import remove_unmodified_resets as remove_unmodified_resets
from .simplify import remove_zero_incs as remove_zero_incs
from .simplify import simplify as simplify
from .sort import noop_order_signals as noop_order_signals
from .sort import order_signals as order_signals
from .transitive_planner import transitive_planner as transitive_planner
from .tree_planner import tree_planner as tree_planner
