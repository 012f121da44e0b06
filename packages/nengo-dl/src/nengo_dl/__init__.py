"""
NengoDL: simulate and train Nengo networks with TensorFlow.

This package offers the public names of its siblings in one place.
"""

import sys as _sys
from typing import TYPE_CHECKING as _TYPE_CHECKING

from . import _supported  # isort: skip  # noqa: F401  (before TensorFlow is imported)

from nengo_dl_ops import Delay as Delay
from nengo_dl_ops import Layer as Layer
from nengo_dl_ops import LeakyReLU as LeakyReLU
from nengo_dl_ops import SoftLIFRate as SoftLIFRate
from nengo_dl_ops import SpikingLeakyReLU as SpikingLeakyReLU
from nengo_dl_ops import TensorNode as TensorNode
from nengo_dl_ops import reshaped as reshaped
from nengo_dl_ops import tensor_layer as tensor_layer
from nengo_dl_sim import Converter as Converter
from nengo_dl_sim import Simulator as Simulator
from nengo_dl_sim import configure_settings as configure_settings

from . import builder as builder
from . import callbacks as callbacks
from . import config as config
from . import converter as converter
from . import dists as dists
from . import graph_optimizer as graph_optimizer
from . import losses as losses
from . import neuron_builders as neuron_builders
from . import neurons as neurons
from . import nir as nir
from . import objectives as objectives
from . import simulator as simulator
from . import surrogates as surrogates
from . import tensor_node as tensor_node
from . import utils as utils
from .removed_names import RemovedModules as _RemovedModules
from .removed_names import explain as _explain
from .version import version as __version__

obj = objectives

__copyright__ = "2026, NengoDL developers"
__license__ = "GPL-2.0-or-later"

__all__ = [
    "Converter",
    "Delay",
    "Layer",
    "LeakyReLU",
    "Simulator",
    "SoftLIFRate",
    "SpikingLeakyReLU",
    "TensorNode",
    "__version__",
    "builder",
    "callbacks",
    "config",
    "configure_settings",
    "converter",
    "dists",
    "graph_optimizer",
    "losses",
    "neuron_builders",
    "neurons",
    "nir",
    "obj",
    "objectives",
    "reshaped",
    "simulator",
    "surrogates",
    "tensor_layer",
    "tensor_node",
    "utils",
]

if not any(isinstance(finder, _RemovedModules) for finder in _sys.meta_path):
    _sys.meta_path.append(_RemovedModules())
if not _TYPE_CHECKING:
    __getattr__ = _explain(__name__)
