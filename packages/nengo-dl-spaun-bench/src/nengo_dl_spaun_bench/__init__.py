"""Benchmark networks for NengoDL, with a command line."""

from .benchmark import Benchmark as Benchmark
from .compare import Comparison as Comparison
from .compare import compare as compare
from .cuba import cuba as cuba
from .machine import Machine as Machine
from .measure import Measurement as Measurement
from .measure import Spread as Spread
from .measure import measure as measure
from .networks import NETWORKS as NETWORKS
from .networks import NEURON_TYPES as NEURON_TYPES
from .networks import basal_ganglia as basal_ganglia
from .networks import cconv as cconv
from .networks import integrator as integrator
from .networks import pes as pes
from .networks import random_network as random_network
from .spaun_like import spaun_like as spaun_like
from .version import version as __version__

__all__ = [
    "NETWORKS",
    "NEURON_TYPES",
    "Benchmark",
    "Comparison",
    "Machine",
    "Measurement",
    "Spread",
    "__version__",
    "basal_ganglia",
    "cconv",
    "compare",
    "cuba",
    "integrator",
    "measure",
    "pes",
    "random_network",
    "spaun_like",
]
