"""Neuron types: one file a family."""

from .base import NeuronBuilder as NeuronBuilder
from .base import NeuronState as NeuronState
from .base import SimNeuronsBuilder as SimNeuronsBuilder
