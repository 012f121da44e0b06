"""Converted Keras models, with channels last or first, in NIR and back."""

import keras
import nengo
import nir
import numpy as np
import pytest
from keras import layers
from nengo.processes import PresentInput

from nengo_dl_ops import EulerLIF
from nengo_dl_sim import Converter, Simulator
from nengo_dl_sim.nir import export, load

N_STEPS = 30
SPIKES = {"swap_activations": {keras.activations.relu: EulerLIF(0.02, amplitude=0.1)}}


def model(data_format, with_dense_first=False):
    """Make a convolutional model."""
    keras.utils.set_random_seed(1)
    kwargs = {"data_format": data_format, "activation": "relu"}
    shape = (8, 7, 2) if data_format == "channels_last" else (2, 8, 7)
    inputs = keras.Input(shape)
    x = inputs
    if with_dense_first:
        x = layers.Reshape(shape)(layers.Dense(112)(layers.Flatten()(x)))
    x = layers.Conv2D(4, 3, bias_initializer="random_normal", **kwargs)(x)
    x = layers.AveragePooling2D((2, 2), data_format=data_format)(x)
    x = layers.Conv2D(6, 2, use_bias=False, **kwargs)(x)
    x = layers.GlobalAveragePooling2D(data_format=data_format)(x)
    return keras.Model(inputs, layers.Dense(5, bias_initializer="random_normal")(x))


def network(keras_model, **kwargs):
    """Convert a model to neurons that NIR has."""
    converter = Converter(keras_model, **kwargs)
    (source,) = converter.inputs.values()
    net, probe = converter.net, next(iter(converter.outputs.values()))
    with net:
        ensembles = [ens for ens in net.all_ensembles if ens.neuron_type.spiking]
        spikes = [nengo.Probe(ens.neurons) for ens in ensembles]
    return net, source, [probe, *spikes]


def kinds(graph):
    return [type(node).__name__ for node in graph.nodes.values()]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("with_dense_first", [False, True])
def test_spikes_are_the_same(data_format, with_dense_first, tmp_path):
    net, source, probes = network(model(data_format, with_dense_first), **SPIKES)
    x = np.random.RandomState(0).uniform(0, 60, (N_STEPS, 112))
    with Simulator(net, progress_bar=False) as sim:
        graph = export(sim, tmp_path / "a.nir")
    source.output = PresentInput(x, 0.001)
    assert kinds(graph).count("Conv2d") == 2 and kinds(graph).count("AvgPool2d") == 2
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(N_STEPS)
    loaded = load(tmp_path / "a.nir")
    (given,), outputs = loaded.inputs.values(), loaded.outputs
    given.output = PresentInput(x, 0.001)
    with loaded:
        found = [nengo.Probe(outputs[name]) for name in outputs]
    with nengo.Simulator(loaded, progress_bar=False) as other:
        other.run_steps(N_STEPS)
    assert len(found) == len(probes) == 3
    for mine, theirs in zip(probes, found, strict=True):
        assert np.count_nonzero(sim.data[mine]) > 5
        np.testing.assert_allclose(other.data[theirs], sim.data[mine], atol=1e-9)


def test_nir_reads_the_file(tmp_path):
    """It checks that shapes along edges are equal."""
    net, _, _ = network(model("channels_last"), **SPIKES)
    export(net, tmp_path / "a.nir")
    graph = nir.read(tmp_path / "a.nir")
    shapes = {
        type(node).__name__: tuple(node.input_type["input"])
        for node in graph.nodes.values()
    }
    assert shapes["Input"] == (2, 8, 7)


def test_windows_that_are_cut_off_become_a_matrix():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((5, 5, 2))
    pool = layers.AveragePooling2D(2, padding="same")
    net, _, _ = network(keras.Model(inputs, pool(inputs)))
    assert "Linear" in kinds(export(net)) and "AvgPool2d" not in kinds(export(net))


def test_nodes_that_pass_on_are_left_out_for_other_platforms():
    net, source, _ = network(model("channels_last"), **SPIKES)
    graph = export(net, spike_height="one")
    assert {"Conv2d", "LIF", "AvgPool2d", "Affine"} < set(kinds(graph))
    scales = [
        node.scale for node in graph.nodes.values() if isinstance(node, nir.Scale)
    ]
    assert len(scales) == 2 and all(np.all(scale == 100) for scale in scales)
    assert source.label in load(graph).inputs
