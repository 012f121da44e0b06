"""Neuron types: one file a family."""

# Importing a module is what registers its builders.
from . import surrogates as surrogates
from .adaptive_lif import AdaptiveLIFBuilder as AdaptiveLIFBuilder
from .adaptive_lif import AdaptiveLIFRateBuilder as AdaptiveLIFRateBuilder
from .base import NeuronBuilder as NeuronBuilder
from .base import NeuronState as NeuronState
from .base import NeuronStep as NeuronStep
from .base import SpikingNeuronBuilder as SpikingNeuronBuilder
from .integrate_and_fire import EulerLIF as EulerLIF
from .integrate_and_fire import EulerLIFBuilder as EulerLIFBuilder
from .integrate_and_fire import ExactLIF as ExactLIF
from .integrate_and_fire import ExactLIFBuilder as ExactLIFBuilder
from .integrate_and_fire import ExponentialLIF as ExponentialLIF
from .integrate_and_fire import ExponentialLIFBuilder as ExponentialLIFBuilder
from .integrate_and_fire import Heaviside as Heaviside
from .integrate_and_fire import HeavisideBuilder as HeavisideBuilder
from .integrate_and_fire import IntegrateAndFire as IntegrateAndFire
from .integrate_and_fire import IntegrateAndFireBuilder as IntegrateAndFireBuilder
from .izhikevich import IzhikevichBuilder as IzhikevichBuilder
from .leaky_relu import LeakyReLU as LeakyReLU
from .leaky_relu import LeakyReLUBuilder as LeakyReLUBuilder
from .leaky_relu import SpikingLeakyReLU as SpikingLeakyReLU
from .leaky_relu import SpikingLeakyReLUBuilder as SpikingLeakyReLUBuilder
from .lif import LIFBuilder as LIFBuilder
from .lif import LIFRateBuilder as LIFRateBuilder
from .lif import lif_rate as lif_rate
from .operator import SimNeuronsBuilder as SimNeuronsBuilder
from .rates_to_spikes import PoissonSpikingBuilder as PoissonSpikingBuilder
from .rates_to_spikes import RatesToSpikesBuilder as RatesToSpikesBuilder
from .rates_to_spikes import RegularSpikingBuilder as RegularSpikingBuilder
from .rates_to_spikes import StochasticSpikingBuilder as StochasticSpikingBuilder
from .rectified_linear import RectifiedLinearBuilder as RectifiedLinearBuilder
from .rectified_linear import (
    SpikingRectifiedLinearBuilder as SpikingRectifiedLinearBuilder,
)
from .sigmoid import SigmoidBuilder as SigmoidBuilder
from .soft_lif import SoftLIFRate as SoftLIFRate
from .soft_lif import SoftLIFRateBuilder as SoftLIFRateBuilder
from .soft_lif import soft_lif_rate as soft_lif_rate
from .spike_function import SpikeFunction as SpikeFunction
from .spike_function import Spikes as Spikes
from .surrogates import Surrogate as Surrogate
from .tanh import TanhBuilder as TanhBuilder
from .training import Rates as Rates
from .training import SoftLIFRates as SoftLIFRates
from .training import SpikeAware as SpikeAware
from .training import TrainingMode as TrainingMode
