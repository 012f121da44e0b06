"""Which layer loses accuracy in spikes, and what to change."""

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator
from keras_models import L, converted, mlp, randomize
from nengo.exceptions import ValidationError

SPIKING = {"relu": nengo.SpikingRectifiedLinear()}
X = np.random.RandomState(0).uniform(0, 1, (5, 3))


def diagnose(converter, data=X, n_steps=20, **kwargs):
    """Diagnose without a progress bar."""
    return converter.diagnose(data, n_steps, progress_bar=False, **kwargs)


def spiking(model=None, seed=0, **kwargs):
    """Convert a model into spikes that are always the same."""
    converter = converted(model or mlp(), swap_activations=SPIKING, **kwargs)
    converter.net.seed = seed
    return converter


def test_nothing_is_lost_in_rates():
    diagnosis = diagnose(converted(mlp()))
    assert [row.layer for row in diagnosis.rows] == ["hidden", "out"]
    assert all(row.error < 1e-10 and row.settled == 1 for row in diagnosis.rows)
    assert "nothing is lost" in diagnosis.advice


def test_the_error_is_that_of_the_mean_of_spikes():
    model = mlp()
    converter = spiking(model, scale_firing_rates=200)
    row = diagnose(converter, n_steps=20)["hidden"]
    hidden = keras.Model(model.input, model.get_layer("hidden").output)
    expected = np.asarray(hidden(X))
    with converter.net:
        probe = nengo.Probe(converter.layers[model.get_layer("hidden")])
    shown = {converter.inputs[model.input]: np.tile(X[:, None], (1, 20, 1))}
    with simulator(converter.net, minibatch_size=5) as sim:
        sim.run_steps(20, data=shown)
        found = sim.data[probe].mean(axis=1)
    error = np.sqrt(np.square(found - expected).sum() / np.square(expected).sum())
    np.testing.assert_allclose(row.error, error)
    assert 0 < row.error < 0.3


def test_few_spikes_ask_for_a_larger_scale():
    diagnosis = diagnose(spiking(seed=1))
    row = diagnosis["hidden"]
    assert row.neurons == 4
    assert row.silent > 0 and row.saturated == 0
    assert "hidden" in diagnosis.advice and "raise" in diagnosis.advice


def test_fast_neurons_ask_for_a_smaller_scale():
    diagnosis = diagnose(spiking(scale_firing_rates=10000))
    assert diagnosis["hidden"].saturated > 0
    assert diagnosis["hidden"].silent == 0
    assert "lower" in diagnosis.advice


def test_long_synapses_ask_for_more_steps():
    x = keras.Input((3,))
    y = L.Dense(4, "relu", name="a", use_bias=False)(x)
    y = L.Dense(4, "relu", name="b", use_bias=False)(y)
    model = randomize(keras.Model(x, y))
    for name in "ab":
        layer = model.get_layer(name)
        layer.set_weights([np.abs(w) for w in layer.get_weights()])
    converter = spiking(model, scale_firing_rates=120, synapse=0.02)
    diagnosis = diagnose(converter)
    assert diagnosis.worst.layer == "b"
    assert diagnosis["b"].settled > 10
    assert "steps" in diagnosis.advice


def test_errors_of_layers_before_are_not_counted_again():
    diagnosis = diagnose(spiking(scale_firing_rates=100))
    hidden, out = diagnosis.rows
    np.testing.assert_allclose(hidden.added, hidden.error)
    np.testing.assert_allclose(out.added, out.error - hidden.error)


def test_minibatches_and_blocks_of_steps_change_nothing():
    found = [
        diagnose(spiking(scale_firing_rates=1000), n_steps=33, minibatch_size=size)
        for size in (2, 32)
    ]
    for a, b in zip(*(x.rows for x in found), strict=True):
        # Each minibatch begins with the same voltages.
        np.testing.assert_allclose(a.error, b.error, atol=0.05)
        assert a.silent == b.silent


def test_tables():
    text = str(diagnose(spiking(scale_firing_rates=100)))
    titles, hidden, out, advice = text.splitlines()
    assert titles.split()[:2] == ["layer", "error"]
    assert hidden.split()[0] == "hidden" and "%" in hidden
    assert out.split()[0] == "out"
    assert advice.startswith("hidden adds most")
    with pytest.raises(KeyError, match="no layer"):
        diagnose(spiking())["other"]


def test_networks_are_left_as_they_were():
    converter = spiking()
    probes = list(converter.net.all_probes)
    diagnose(converter)
    assert converter.net.all_probes == probes


def test_nested_models_and_several_inputs():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    inner = mlp()
    model = keras.Model([a, b], [L.Concatenate(name="both")([inner(a), b])])
    diagnosis = diagnose(converted(model), [X, X[:, :2]])
    assert [row.layer for row in diagnosis.rows] == ["hidden", "both"]
    assert all(row.error < 1e-10 for row in diagnosis.rows)


WRONG = {
    "shape": (np.ones((5, 4)), r"items of shape \(n_items, 3\).*got shape \(5, 4\)"),
    "one item": (np.ones(3), "got shape"),
    "empty": (np.ones((0, 3)), "at least one item"),
    "nan": (np.array([[1, np.nan, np.inf]]), "2 that are NaN or infinite"),
    "text": (np.array([["a", "b", "c"]]), "numbers"),
    "ragged": ([[1, 2, 3], [1]], "numbers"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_data(wrong):
    data, message = WRONG[wrong]
    with pytest.raises(ValidationError, match=message):
        diagnose(spiking(), data)


def test_wrong_data_for_several_inputs():
    a, b = keras.Input((3,)), keras.Input((3,))
    converter = converted(keras.Model([a, b], L.Add()([a, b])))
    with pytest.raises(ValidationError, match="list of 2 arrays"):
        diagnose(converter, X)
    with pytest.raises(ValidationError, match="as many items"):
        diagnose(converter, [X, X[:2]])


def test_wrong_numbers():
    with pytest.raises(ValidationError, match="n_steps"):
        diagnose(spiking(), n_steps=0)
    with pytest.raises(ValidationError, match="minibatch_size"):
        diagnose(spiking(), minibatch_size=1.5)


def test_models_over_time():
    x = keras.Input((None, 3))
    model = randomize(keras.Model(x, L.Dense(2)(x)))
    converter = converted(model, temporal_model=True)
    with pytest.raises(ValidationError, match="over time"):
        diagnose(converter, X[:, None])
