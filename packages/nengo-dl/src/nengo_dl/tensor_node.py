"""TensorNodes, and layers of them, under the names of NengoDL 2 and 3."""

from typing import TYPE_CHECKING

from nengo_dl_ops import Layer as Layer
from nengo_dl_ops import SimTensorNode as SimTensorNode
from nengo_dl_ops import SimTensorNodeBuilder as SimTensorNodeBuilder
from nengo_dl_ops import TensorFuncParam as TensorFuncParam
from nengo_dl_ops import TensorNode as TensorNode
from nengo_dl_ops import reshaped as reshaped
from nengo_dl_ops import tensor_layer as tensor_layer
from nengo_dl_ops import validate_output as validate_output

from .removed_names import explain

if not TYPE_CHECKING:
    __getattr__ = explain(__name__)
