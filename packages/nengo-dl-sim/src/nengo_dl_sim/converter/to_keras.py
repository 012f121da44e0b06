"""Puts what a network has learned back into a Keras model."""

from __future__ import annotations

from typing import Any

import keras
import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..simulator.simulator import Simulator
from .objects import Made
from .weights import Weight


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
    learned = _learned(sim, converter.builder.made)
    model, clones = _clone(converter.model)
    for layer, clone in clones.items():
        if isinstance(layer, keras.Layer):
            clone.set_weights(layer.get_weights())
            if isinstance(clone, keras.layers.Normalization):
                clone.finalize_state()  # which is what computes with the weights
            for variable, own in zip(layer.weights, clone.weights, strict=True):
                if id(variable) in learned:
                    own.assign(learned[id(variable)])
    return model


def _learned(sim: Simulator, all_made: list[Made]) -> dict[int, np.ndarray]:
    """Return the values of variables, by their ``id``."""
    found: dict[int, np.ndarray] = {}
    for made in all_made:
        weights = sim.data[made.connection].weights
        if made.weight is None:
            _check_constant(made, weights)
            continue
        value = _value(made, made.weight, weights)
        first = found.setdefault(id(made.weight.variable), value)
        if not np.array_equal(value, first):
            raise ValidationError(
                f"{made.layer.name!r} is called several times, and each call has "
                "learned weights of its own (split_shared_weights=True), which one "
                "layer of Keras cannot have",
                attr="sim",
            )
    return found


def _value(made: Made, weight: Weight, weights: np.ndarray) -> np.ndarray:
    """Return the value of a variable."""
    value = weight.value(weights)
    if weight.has_zeros and np.count_nonzero(weights) > np.count_nonzero(value):
        raise _lost(made.layer, "Keras keeps zeros between the elements of its kernel")
    return value


def _check_constant(made: Made, weights: np.ndarray) -> None:
    """Check that weights that are no parameters to Keras are as they were made."""
    is_dense = isinstance(made.transform, nengo.Dense)
    if is_dense and not np.array_equal(
        np.ravel(weights).astype(np.float32),
        np.ravel(made.transform.init).astype(np.float32),
    ):
        raise _lost(made.layer, "has no parameters in Keras for it")


def _lost(layer: Any, why: str) -> ValidationError:
    """Say that what was learned has no place in a layer of Keras."""
    return ValidationError(
        f"{layer.name} ({type(layer).__name__}) was changed, and {why}: set "
        "net.config[...].trainable = False for its connections before training",
        attr="sim",
    )


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
