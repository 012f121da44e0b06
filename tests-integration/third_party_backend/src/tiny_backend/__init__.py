"""A small Nengo backend of its own, on the operators of nengo-dl-ops."""

from .neurons import Quadratic as Quadratic
from .simulator import Simulator as Simulator
