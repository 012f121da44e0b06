"""Neuron types that Nengo does not have."""

from nengo_dl_ops import LeakyReLU as LeakyReLU
from nengo_dl_ops import SoftLIFRate as SoftLIFRate
from nengo_dl_ops import SpikingLeakyReLU as SpikingLeakyReLU
