"""From groups of operators to compiled functions."""

from .loop import RunFunction as RunFunction
from .mode import Mode as Mode
from .mode import choose_mode as choose_mode
from .program import InputSplit as InputSplit
from .program import ParameterArray as ParameterArray
from .program import Program as Program
from .program import State as State
from .program import StateArray as StateArray
from .transfer import Transfer as Transfer
