"""From groups of operators to compiled functions."""

from .arrays import ParameterArray as ParameterArray
from .arrays import State as State
from .arrays import StateArray as StateArray
from .loop import RunFunction as RunFunction
from .mode import Mode as Mode
from .mode import StepSize as StepSize
from .mode import check_xla as check_xla
from .mode import choose_mode as choose_mode
from .portions import InPortions as InPortions
from .portions import portion_size as portion_size
from .program import InputSplit as InputSplit
from .program import Program as Program
from .transfer import Transfer as Transfer
