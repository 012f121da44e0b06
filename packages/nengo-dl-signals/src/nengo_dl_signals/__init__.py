"""Where the values of a simulation live: signals, their layout, their gradients."""

from . import _supported  # isort: skip  # noqa: F401  (before TensorFlow is imported)

from . import versions as versions
from .gradients import gather_rows as gather_rows
from .layout import SignalLayout as SignalLayout
from .layout import elements as elements
from .layout import join as join
from .signal_dict import SignalDict as SignalDict
from .stored import SparseEntries as SparseEntries
from .stored import sparse_entries as sparse_entries
from .stored import stored_value as stored_value
from .sums import sum_repeated as sum_repeated
from .take import repeat_batch as repeat_batch
from .take import take_rows as take_rows
from .tensor_signal import TensorSignal as TensorSignal
from .version import version as __version__  # noqa: F401
