"""Neuron types that Nengo does not have."""

from nengo_dl_ops import SoftLIFRate as SoftLIFRate
