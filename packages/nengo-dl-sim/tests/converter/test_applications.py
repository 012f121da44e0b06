"""Models that nobody here wrote, of keras.applications, with random weights."""

import keras
import numpy as np
import pytest
from keras_models import L, converted

from nengo_dl_ops import TensorNode

#: For each model: arguments, the range of variances with which neither inputs nor
#: numbers get lost on the way through all layers, and what becomes TensorNodes.
MODELS = {
    "MobileNetV2": ({"alpha": 0.35}, (0.02, 0.1), set()),
    "DenseNet121": ({}, (0.5, 1.5), {"MaxPooling2D"}),
    "EfficientNetB0": ({}, (0.5, 1.5), {"Activation", "Conv2D", "Multiply"}),
}


def make(name, variances, **kwargs):
    """Make a model for images of 32 x 32, as if it had been trained."""
    model = getattr(keras.applications, name)(
        input_shape=(32, 32, 3),
        weights=None,
        classes=10,
        classifier_activation=None,
        **kwargs,
    )
    rng = np.random.RandomState(0)
    ranges = {"moving_variance": variances, "gamma": (0.5, 1.5)}
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            for variable in layer.weights:
                low, high = ranges.get(variable.name, (-0.5, 0.5))
                variable.assign(rng.uniform(low, high, variable.shape))
    return model


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is a TensorNode")
@pytest.mark.parametrize("name", MODELS)
def test_models_of_applications(name):
    kwargs, variances, types = MODELS[name]
    keras.utils.set_random_seed(0)
    model = make(name, variances, **kwargs)
    images = np.random.RandomState(0).uniform(0, 255, (2, 32, 32, 3))
    assert np.max(np.ptp(model(images), axis=0)) > 1e-3
    converter = converted(model)
    assert converter.verify(inputs=images, atol=1e-9, rtol=1e-9)
    lines = [line for line in converter.report().lines if "TensorNode" in _text(line)]
    nodes = [n for n in converter.net.all_nodes if isinstance(n, TensorNode)]
    assert {line.layer for line in lines} == {node.label for node in nodes}
    assert {line.type for line in lines} == types


def _text(line):
    return "; ".join(line.remarks)
