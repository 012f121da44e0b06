"""How what a simulator has learned becomes weights of each family of layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .activation_layers import ConvertPReLU
from .convolution import ConvertConvolution, ConvertSeparable, ConvertTransposed
from .dense import ConvertDense, ConvertEinsumDense, numbers
from .layer_converter import LayerConverter, find_converter
from .learned import Learned, Weights, lost, weights_of
from .normalization import ConvertBatchNormalization
from .recurrent import ConvertSimpleRNN, ConvertTimeDistributed


def _with_bias(learned: Learned, layer: Any, **weights: np.ndarray) -> Weights:
    bias = learned.bias() if getattr(layer, "use_bias", True) else None
    return weights if bias is None else {**weights, "bias": bias}


@weights_of.register
def _dense(made_by: ConvertDense, learned: Learned) -> Weights:
    layer = made_by.layer
    return _with_bias(learned, layer, kernel=_matrix(learned.weights(layer.name)))


@weights_of.register
def _einsum(made_by: ConvertEinsumDense, learned: Learned) -> Weights:
    layer = made_by.layer
    return _with_bias(learned, layer, kernel=_matrix(learned.weights(layer.name)))


def _matrix(weights: np.ndarray) -> np.ndarray:
    """Return the kernel of a product, which is a convolution for several vectors."""
    return weights.T if weights.ndim == 2 else weights[0]


@weights_of.register
def _convolution(made_by: ConvertConvolution, learned: Learned) -> Weights:
    layer = made_by.layer
    kernel = learned.weights(layer.name)
    inside = tuple(slice(None, None, rate) for rate in layer.dilation_rate)
    if np.count_nonzero(kernel) > np.count_nonzero(kernel[inside]):
        raise lost(layer, "Keras keeps zeros between the elements of its kernel")
    return _with_bias(learned, layer, kernel=kernel[inside])


@weights_of.register
def _separable(made_by: ConvertSeparable, learned: Learned) -> Weights:
    layer = made_by.layer
    (second,) = learned.connections(layer.name)
    (first,) = learned.connections(layer.name, second.pre_obj)
    inside = tuple(slice(None, None, rate) for rate in layer.dilation_rate)
    return _with_bias(
        learned,
        layer,
        depthwise_kernel=learned.values(first)[inside],
        pointwise_kernel=learned.values(second),
    )


@weights_of.register
def _transposed(made_by: ConvertTransposed, learned: Learned) -> Weights:
    layer = made_by.layer
    kernel = np.swapaxes(learned.weights(layer.name), -1, -2)
    return _with_bias(learned, layer, kernel=kernel)


@weights_of.register
def _recurrent(made_by: ConvertSimpleRNN, learned: Learned) -> Weights:
    name = made_by.layer.name
    return _with_bias(
        learned,
        made_by.layer,
        kernel=learned.weights(name).T,
        recurrent_kernel=learned.weights(f"{name}.recurrent").T,
    )


@weights_of.register
def _over_time(made_by: ConvertTimeDistributed, learned: Learned) -> Weights:
    layer = made_by.layer.layer
    inner = find_converter(layer) or LayerConverter
    return weights_of(inner(layer, made_by.converter), learned)


@weights_of.register
def _prelu(made_by: ConvertPReLU, learned: Learned) -> Weights:
    alpha = -learned.weights(made_by.layer.name)
    if alpha.size != numbers(made_by.layer.alpha).size:
        return {}  # elements that share a slope are not trained
    return {"alpha": alpha}


@weights_of.register
def _normalization(made_by: ConvertBatchNormalization, learned: Learned) -> Weights:
    layer = made_by.layer
    if not learned.changed(layer.name):
        return {}
    deviation = np.sqrt(numbers(layer.moving_variance) + layer.epsilon)
    scale = learned.weights(layer.name)
    if scale.size != deviation.size:  # elements that share a factor are not trained
        scale = (numbers(layer.gamma) if layer.scale else 1.0) / deviation
    elif not layer.scale:
        raise lost(layer, "has no gamma (scale=False)")
    weights = {"gamma": scale * deviation} if layer.scale else {}
    offset = learned.bias()
    if offset is None:
        offset = np.zeros(deviation.size)
    if not layer.center:
        raise lost(layer, "has no beta (center=False)")
    return {**weights, "beta": offset + numbers(layer.moving_mean) * scale}
