"""The simulator and its data, under the names of NengoDL 2 and 3."""

from typing import TYPE_CHECKING

from nengo_dl_sim import Simulator as Simulator
from nengo_dl_sim.inspection.simulation_data import SimulationData as SimulationData
from nengo_dl_sim.operation_counts import Energy as Energy
from nengo_dl_sim.operation_counts import OperationCounts as OperationCounts

from .removed_names import explain

if not TYPE_CHECKING:
    __getattr__ = explain(__name__)
