"""The simulator, a file for each group of its methods."""

from .simulator import Simulator as Simulator
