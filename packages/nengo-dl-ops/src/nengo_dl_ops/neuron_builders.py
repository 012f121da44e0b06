"""
Neuron types computed in the manner of NengoDL 3.

``SimNeuronsBuilder.TF_NEURON_IMPL[MyNeuronType] = MyBuilder`` registers a builder that
is derived from `TFNeuronBuilder`, or from one of those of Nengo's own types.
"""

from .neurons.operator import SimNeuronsBuilder as SimNeuronsBuilder
from .neurons.tf_builder import TFNeuronBuilder as TFNeuronBuilder
from .neurons.tf_native import LeakyReLUBuilder as LeakyReLUBuilder
from .neurons.tf_native import LIFBuilder as LIFBuilder
from .neurons.tf_native import LIFRateBuilder as LIFRateBuilder
from .neurons.tf_native import RectifiedLinearBuilder as RectifiedLinearBuilder
from .neurons.tf_native import RegularSpikingBuilder as RegularSpikingBuilder
from .neurons.tf_native import SigmoidBuilder as SigmoidBuilder
from .neurons.tf_native import SoftLIFRateBuilder as SoftLIFRateBuilder
from .neurons.tf_native import SpikingLeakyReLUBuilder as SpikingLeakyReLUBuilder
from .neurons.tf_native import (
    SpikingRectifiedLinearBuilder as SpikingRectifiedLinearBuilder,
)
from .neurons.tf_native import TanhBuilder as TanhBuilder
