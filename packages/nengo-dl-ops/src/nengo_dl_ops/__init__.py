"""How one simulation step is computed: the operator builders of Nengo in TensorFlow."""

from . import _supported  # isort: skip  # noqa: F401  (before TensorFlow is imported)

from . import neuron_builders as neuron_builders
from . import planning as planning
from . import random_numbers as random_numbers
from . import step as step

# Importing a module is what registers its builders.
from .builder import Builder as Builder
from .config import BuildConfig as BuildConfig
from .config import Share as Share
from .learning_rules import LearningRuleBuilder as LearningRuleBuilder
from .neurons import EulerLIF as EulerLIF
from .neurons import ExactLIF as ExactLIF
from .neurons import ExponentialLIF as ExponentialLIF
from .neurons import Heaviside as Heaviside
from .neurons import IntegrateAndFire as IntegrateAndFire
from .neurons import LeakyReLU as LeakyReLU
from .neurons import NeuronBuilder as NeuronBuilder
from .neurons import NeuronState as NeuronState
from .neurons import NeuronStep as NeuronStep
from .neurons import Rates as Rates
from .neurons import SimNeuronsBuilder as SimNeuronsBuilder
from .neurons import SoftLIFRate as SoftLIFRate
from .neurons import SoftLIFRates as SoftLIFRates
from .neurons import SpikeAware as SpikeAware
from .neurons import SpikeFunction as SpikeFunction
from .neurons import Spikes as Spikes
from .neurons import SpikingLeakyReLU as SpikingLeakyReLU
from .neurons import SpikingNeuronBuilder as SpikingNeuronBuilder
from .neurons import Surrogate as Surrogate
from .neurons import TrainingMode as TrainingMode
from .neurons import surrogates as surrogates
from .op_builder import Memoryless as Memoryless
from .op_builder import OpBuilder as OpBuilder
from .operators.convolution import ConvIncBuilder as ConvIncBuilder
from .operators.convolution import ConvTransposeIncBuilder as ConvTransposeIncBuilder
from .operators.copies import CopyBuilder as CopyBuilder
from .operators.process_coefficients import (
    SimProcessCoefficients as SimProcessCoefficients,
)
from .operators.process_coefficients import TrainableProcess as TrainableProcess
from .operators.process_parameters import SimParametricProcess as SimParametricProcess
from .operators.processes import InputProcess as InputProcess
from .operators.processes import ProcessBuilder as ProcessBuilder
from .operators.processes import SimProcessBuilder as SimProcessBuilder
from .operators.products import DotIncBuilder as DotIncBuilder
from .operators.products import ElementwiseIncBuilder as ElementwiseIncBuilder
from .operators.resets import ResetBuilder as ResetBuilder
from .operators.resets import SimProbeBuilder as SimProbeBuilder
from .operators.resets import TimeUpdateBuilder as TimeUpdateBuilder
from .operators.sparse import BsrDotIncBuilder as BsrDotIncBuilder
from .operators.sparse import SparseDotIncBuilder as SparseDotIncBuilder
from .operators.transformed_parameters import Bounds as Bounds
from .operators.transformed_parameters import SimBoundedParameter as SimBoundedParameter
from .planning.merging import make_merge_key as make_merge_key
from .python_fallback.python_operators import PythonBuilder as PythonBuilder
from .python_fallback.python_operators import SimPyFuncBuilder as SimPyFuncBuilder
from .synapses.delay import Delay as Delay
from .synapses.delay_builder import DelayBuilder as DelayBuilder
from .synapses.linear_filter import LinearFilterBuilder as LinearFilterBuilder
from .synapses.triangle import TriangleBuilder as TriangleBuilder
from .tensor_nodes import Layer as Layer
from .tensor_nodes import SimTensorNode as SimTensorNode
from .tensor_nodes import SimTensorNodeBuilder as SimTensorNodeBuilder
from .tensor_nodes import TensorFuncParam as TensorFuncParam
from .tensor_nodes import TensorNode as TensorNode
from .tensor_nodes import reshaped as reshaped
from .tensor_nodes import tensor_layer as tensor_layer
from .tensor_nodes import validate_output as validate_output
from .version import version as __version__  # noqa: F401
