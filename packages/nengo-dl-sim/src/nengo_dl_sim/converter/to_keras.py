"""Puts what a network has learned back into a Keras model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from nengo.exceptions import ValidationError

from ..simulator.simulator import Simulator
from .learned import Learned, Weights, weights_of


def to_keras(converter: Any, sim: Any) -> Any:
    """
    Make a Keras model with the parameters of a simulator.

    Parameters
    ----------
    converter : Converter
        The conversion.
    sim : Simulator
        A simulator of its network.

    Returns
    -------
    model : keras.Model
        A new model of the same shape.
    """
    if not isinstance(sim, Simulator):
        raise ValidationError(f"expected a simulator, got {sim!r:.100}", attr="sim")
    if sim.model.toplevel is not converter.net:
        raise ValidationError(
            "expected a simulator of converter.net, got one of another network",
            attr="sim",
        )
    found = {
        layer: _of_all_calls(converter, sim, layer)
        for layer in converter.graph.layers()
    }
    model, clones = _clone(converter.model)
    for layer, clone in clones.items():
        if isinstance(layer, keras.Layer):
            clone.set_weights(layer.get_weights())
            if isinstance(clone, keras.layers.Normalization):
                clone.finalize_state()  # which is what computes with the weights
    for layer, weights in found.items():
        if weights:
            _assign(clones[layer], weights)
    return model


def _of_all_calls(converter: Any, sim: Any, layer: Any) -> Weights:
    """Return what all calls of a layer have in common."""
    made_by = converter.get_converter(layer)
    first, *others = [
        weights_of(made_by, Learned(converter, sim, call))
        for call in converter.calls[layer]
    ]
    for other in others:
        if any(not np.array_equal(first[name], other[name]) for name in first):
            raise ValidationError(
                f"{layer.name!r} is called several times, and each call has learned "
                "weights of its own (split_shared_weights=True), which one layer of "
                "Keras cannot have",
                attr="sim",
            )
    return first


def _clone(model: Any) -> tuple[Any, dict[Any, Any]]:
    """Clone a model, and say which layer became which."""
    clones: dict[Any, Any] = {}

    def clone_layer(layer: Any) -> Any:
        try:
            clones[layer] = type(layer).from_config(layer.get_config())
        except (NotImplementedError, TypeError) as error:
            raise ValidationError(
                f"expected layers that Keras can clone, got {layer.name} "
                f"({type(layer).__name__}), which needs get_config: {error}",
                attr="model",
            ) from error
        return clones[layer]

    clone = keras.models.clone_model(model, clone_function=clone_layer, recursive=True)
    return clone, clones


def _assign(layer: Any, weights: Weights) -> None:
    if isinstance(layer, keras.layers.TimeDistributed):
        layer = layer.layer
    holder = getattr(layer, "cell", layer)
    for name, value in weights.items():
        variable = getattr(holder, name)
        variable.assign(np.reshape(value, variable.shape))
