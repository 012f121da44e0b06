"""Models for the tests of the converter."""

import keras
import numpy as np

from nengo_dl_sim.converter import Converter

L = keras.layers


def randomize(model, seed=0):
    """Give all weights of a model random values; variances are positive."""
    rng = np.random.RandomState(seed)
    for layer in model.layers:
        for variable in layer.weights:
            low = 0.5 if "variance" in variable.name else -1
            if "int" not in variable.dtype and "seed" not in variable.name:
                variable.assign(rng.uniform(low, 1.5, variable.shape))
    return model


def model_of(layer, *shapes):
    """Make a model of one layer with random weights."""
    inputs = [keras.Input(shape) for shape in shapes]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    output = layer(inputs)
    return randomize(keras.Model(inputs, output))


def mlp(activation="relu", **kwargs):
    """Make a model of two dense layers."""
    x = keras.Input((3,), name="x")
    hidden = L.Dense(4, activation=activation, name="hidden", **kwargs)
    return randomize(keras.Model(x, L.Dense(2, name="out")(hidden(x))))


def agrees(converter, atol=1e-10, **kwargs):
    """Compare with the Keras model, which may have layers in float32."""
    if any(layer.dtype == "float32" for layer in converter.model.layers):
        atol = 1e-6
    return converter.verify(atol=atol, rtol=atol, **kwargs)


def converted(model, **kwargs):
    """Convert a model that will only be run."""
    return Converter(model, **{"inference_only": True, **kwargs})
