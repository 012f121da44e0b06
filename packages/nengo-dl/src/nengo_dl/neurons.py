"""Neuron types that Nengo does not have."""

from nengo_dl_ops import EulerLIF as EulerLIF
from nengo_dl_ops import ExactLIF as ExactLIF
from nengo_dl_ops import ExponentialLIF as ExponentialLIF
from nengo_dl_ops import Heaviside as Heaviside
from nengo_dl_ops import IntegrateAndFire as IntegrateAndFire
from nengo_dl_ops import LeakyReLU as LeakyReLU
from nengo_dl_ops import SoftLIFRate as SoftLIFRate
from nengo_dl_ops import SpikingLeakyReLU as SpikingLeakyReLU
