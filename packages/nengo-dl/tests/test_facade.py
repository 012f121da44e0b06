"""The facade offers the public names of its siblings under the familiar paths."""

import importlib
from importlib.metadata import entry_points

import pytest

import nengo_dl

#: What is minimised of spikes, for ``sim.train`` and in Keras's form.
SPIKING = [
    "RateCrossentropy",
    "CountCrossentropy",
    "MaxMembraneCrossentropy",
    "CountMeanSquaredError",
    "TemporalCrossentropy",
    "TemporalMeanSquaredError",
    "VanRossumDistance",
    "FiringRateBounds",
]

NAMES = {
    "nengo_dl": [
        "Simulator",
        "Layer",
        "TensorNode",
        "tensor_layer",
        "reshaped",
        "configure_settings",
        "SoftLIFRate",
        "LeakyReLU",
        "SpikingLeakyReLU",
        "dists",
        "losses",
        "objectives",
        "obj",
        "utils",
        "__version__",
        "__copyright__",
        "__license__",
    ],
    "nengo_dl.callbacks": ["IsolateState", "NengoSummaries", "TensorBoard"],
    "nengo_dl.config": ["configure_settings", "get_setting"],
    "nengo_dl.dists": [
        *("TruncatedNormal", "VarianceScaling", "Glorot", "He", "FluctuationDriven"),
    ],
    "nengo_dl.graph_optimizer": [
        *("greedy_planner", "tree_planner", "transitive_planner", "noop_planner"),
        *("order_signals", "noop_order_signals"),
        *("remove_constant_copies", "remove_unmodified_resets"),
        *("remove_zero_incs", "remove_identity_muls"),
    ],
    "nengo_dl.neurons": [
        *("SoftLIFRate", "LeakyReLU", "SpikingLeakyReLU"),
        *("ExactLIF", "ExponentialLIF", "EulerLIF", "IntegrateAndFire", "Heaviside"),
    ],
    "nengo_dl.nir": ["export", "load"],
    "nengo_dl.losses": ["nan_mse", "Regularize", *SPIKING],
    "nengo_dl.objectives": ["mse", "Regularize", "squared_error", *SPIKING],
    "nengo_dl.surrogates": [
        *("Surrogate", "CustomSurrogate", "ATan", "FastSigmoid", "SuperSpike"),
        *("Sigmoid", "Triangle", "Rectangle", "PiecewiseLinear", "Gaussian"),
        "StraightThrough",
    ],
    "nengo_dl.utils": ["check_cluster", "minibatch_generator"],
}


@pytest.mark.parametrize("module", NAMES)
def test_names(module):
    found = importlib.import_module(module)
    assert [name for name in NAMES[module] if not hasattr(found, name)] == []


def test_all_is_complete():
    assert [name for name in nengo_dl.__all__ if not hasattr(nengo_dl, name)] == []


def test_nengo_finds_the_backend():
    (backend,) = entry_points(group="nengo.backends", name="dl")
    assert backend.load() is nengo_dl.Simulator
