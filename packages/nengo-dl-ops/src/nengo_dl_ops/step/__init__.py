"""
One simulation step: built of planned operators, as a pure function.

`build_program` simplifies, plans and sorts the operators of a model that Nengo built,
and makes a `Program` of them. Its ``step`` takes parameters and a state, and returns
the next state and what is probed: a loop around it is a simulator.
"""

from .build import PlanSettings as PlanSettings
from .build import SignalRoles as SignalRoles
from .build import build_program as build_program
from .build import check_numbers as check_numbers
from .build import check_supported as check_supported
from .program import InputSplit as InputSplit
from .program import Program as Program
from .state import ParameterArray as ParameterArray
from .state import State as State
from .state import StateArray as StateArray
