"""Neuron types computed in the manner of NengoDL 3."""

from typing import TYPE_CHECKING

from nengo_dl_ops.neuron_builders import LeakyReLUBuilder as LeakyReLUBuilder
from nengo_dl_ops.neuron_builders import LIFBuilder as LIFBuilder
from nengo_dl_ops.neuron_builders import LIFRateBuilder as LIFRateBuilder
from nengo_dl_ops.neuron_builders import (
    RectifiedLinearBuilder as RectifiedLinearBuilder,
)
from nengo_dl_ops.neuron_builders import RegularSpikingBuilder as RegularSpikingBuilder
from nengo_dl_ops.neuron_builders import SigmoidBuilder as SigmoidBuilder
from nengo_dl_ops.neuron_builders import SimNeuronsBuilder as SimNeuronsBuilder
from nengo_dl_ops.neuron_builders import SoftLIFRateBuilder as SoftLIFRateBuilder
from nengo_dl_ops.neuron_builders import (
    SpikingLeakyReLUBuilder as SpikingLeakyReLUBuilder,
)
from nengo_dl_ops.neuron_builders import (
    SpikingRectifiedLinearBuilder as SpikingRectifiedLinearBuilder,
)
from nengo_dl_ops.neuron_builders import TanhBuilder as TanhBuilder
from nengo_dl_ops.neuron_builders import TFNeuronBuilder as TFNeuronBuilder

from .removed_names import explain

if not TYPE_CHECKING:
    __getattr__ = explain(__name__)
