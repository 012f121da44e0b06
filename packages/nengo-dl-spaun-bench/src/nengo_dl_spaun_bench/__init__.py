"""Benchmark networks for NengoDL, with a command line."""

from nengo_dl_spaun_bench.benchmark import Benchmark as Benchmark
from nengo_dl_spaun_bench.compare import Comparison as Comparison
from nengo_dl_spaun_bench.compare import compare as compare
from nengo_dl_spaun_bench.machine import Machine as Machine
from nengo_dl_spaun_bench.measure import Measurement as Measurement
from nengo_dl_spaun_bench.measure import Spread as Spread
from nengo_dl_spaun_bench.measure import measure as measure
from nengo_dl_spaun_bench.networks import NETWORKS as NETWORKS
from nengo_dl_spaun_bench.networks import NEURON_TYPES as NEURON_TYPES
from nengo_dl_spaun_bench.networks import basal_ganglia as basal_ganglia
from nengo_dl_spaun_bench.networks import cconv as cconv
from nengo_dl_spaun_bench.networks import integrator as integrator
from nengo_dl_spaun_bench.networks import pes as pes
from nengo_dl_spaun_bench.networks import random_network as random_network
from nengo_dl_spaun_bench.spaun_like import spaun_like as spaun_like
from nengo_dl_spaun_bench.version import version as __version__

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
    "integrator",
    "measure",
    "pes",
    "random_network",
    "spaun_like",
]
