"""Neuron types: one file a family."""

# Importing a module is what registers its builders.
from .base import NeuronBuilder as NeuronBuilder
from .base import NeuronState as NeuronState
from .base import SimNeuronsBuilder as SimNeuronsBuilder
from .lif import LIFBuilder as LIFBuilder
from .lif import LIFRateBuilder as LIFRateBuilder
from .lif import lif_rate as lif_rate
from .rectified_linear import RectifiedLinearBuilder as RectifiedLinearBuilder
from .rectified_linear import (
    SpikingRectifiedLinearBuilder as SpikingRectifiedLinearBuilder,
)
from .sigmoid import SigmoidBuilder as SigmoidBuilder
from .soft_lif import SoftLIFRate as SoftLIFRate
from .soft_lif import SoftLIFRateBuilder as SoftLIFRateBuilder
from .soft_lif import soft_lif_rate as soft_lif_rate
from .tanh import TanhBuilder as TanhBuilder
