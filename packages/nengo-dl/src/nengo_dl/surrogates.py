"""Surrogate gradients: how spikes are differentiated in training."""

from nengo_dl_ops.neurons.surrogates import ATan as ATan
from nengo_dl_ops.neurons.surrogates import CustomSurrogate as CustomSurrogate
from nengo_dl_ops.neurons.surrogates import FastSigmoid as FastSigmoid
from nengo_dl_ops.neurons.surrogates import Gaussian as Gaussian
from nengo_dl_ops.neurons.surrogates import PiecewiseLinear as PiecewiseLinear
from nengo_dl_ops.neurons.surrogates import Rectangle as Rectangle
from nengo_dl_ops.neurons.surrogates import Sigmoid as Sigmoid
from nengo_dl_ops.neurons.surrogates import StraightThrough as StraightThrough
from nengo_dl_ops.neurons.surrogates import SuperSpike as SuperSpike
from nengo_dl_ops.neurons.surrogates import Surrogate as Surrogate
from nengo_dl_ops.neurons.surrogates import Triangle as Triangle
