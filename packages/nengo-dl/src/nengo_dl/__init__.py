"""
NengoDL: simulate and train Nengo networks with TensorFlow.

This package offers the public names of its siblings in one place.
"""

from . import _supported  # isort: skip  # noqa: F401  (before TensorFlow is imported)

from nengo_dl_ops import Layer as Layer
from nengo_dl_ops import LeakyReLU as LeakyReLU
from nengo_dl_ops import SoftLIFRate as SoftLIFRate
from nengo_dl_ops import SpikingLeakyReLU as SpikingLeakyReLU
from nengo_dl_ops import TensorNode as TensorNode
from nengo_dl_ops import reshaped as reshaped
from nengo_dl_ops import tensor_layer as tensor_layer
from nengo_dl_sim import Simulator as Simulator
from nengo_dl_sim import configure_settings as configure_settings

from . import callbacks as callbacks
from . import config as config
from . import dists as dists
from . import graph_optimizer as graph_optimizer
from . import losses as losses
from . import neurons as neurons
from . import objectives as objectives
from . import utils as utils
from .version import version as __version__

obj = objectives

__copyright__ = "2026, NengoDL developers"
__license__ = "GPL-2.0-or-later"

__all__ = [
    "Layer",
    "LeakyReLU",
    "Simulator",
    "SoftLIFRate",
    "SpikingLeakyReLU",
    "TensorNode",
    "__version__",
    "callbacks",
    "config",
    "configure_settings",
    "dists",
    "graph_optimizer",
    "losses",
    "neurons",
    "obj",
    "objectives",
    "reshaped",
    "tensor_layer",
    "utils",
]
