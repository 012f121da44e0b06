"""Nodes that compute with TensorFlow: functions of tensors and Keras layers."""

# Importing a module is what registers its builders.
from .builder import SimTensorNodeBuilder as SimTensorNodeBuilder
from .checks import validate_output as validate_output
from .layers import Layer as Layer
from .layers import reshaped as reshaped
from .layers import tensor_layer as tensor_layer
from .node import TensorFuncParam as TensorFuncParam
from .node import TensorNode as TensorNode
from .operator import SimTensorNode as SimTensorNode
