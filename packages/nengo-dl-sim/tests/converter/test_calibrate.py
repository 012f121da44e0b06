"""Scales and biases that fit a number of steps."""

from typing import ClassVar

import keras
import nengo
import numpy as np
import pytest
from helpers import simulator
from keras_models import L, agrees, converted, mlp, randomize
from nengo.exceptions import ValidationError

from nengo_dl_ops import SpikingLeakyReLU
from nengo_dl_sim import configure_settings, get_setting
from nengo_dl_sim.converter import biases
from nengo_dl_sim.converter.biases import bias_of
from nengo_dl_sim.converter.rates import mean_outputs
from nengo_dl_sim.converter.scales import _Largest

SPIKING = {"relu": nengo.SpikingRectifiedLinear()}
X = np.random.RandomState(0).uniform(0, 1, (7, 3))


def spiking(model=None, swap=SPIKING, **kwargs):
    """Convert a model into spikes that are always the same."""
    converter = converted(model or mlp(), swap_activations=swap, **kwargs)
    converter.net.seed = 0
    return converter


def calibrate(converter, data=X, method="percentile", progress_bar=False, **kwargs):
    """Calibrate without a progress bar."""
    return converter.calibrate(data, method, progress_bar=progress_bar, **kwargs)


def error(converter, layer="hidden", n_steps=20):
    """Return the error of a layer in spikes."""
    return converter.diagnose(X, n_steps, progress_bar=False)[layer].error


def hidden(model):
    """Return the activations of the hidden layer."""
    return np.asarray(keras.Model(model.input, model.get_layer("hidden").output)(X))


def cnn():
    """Make a small model of a convolution, whose bias is that of the normalization."""
    x = keras.Input((4, 4, 1))
    y = L.Conv2D(2, 3, use_bias=False, name="conv")(x)
    y = L.BatchNormalization(name="norm")(y)
    y = L.Activation("relu", name="act")(y)
    return randomize(keras.Model(x, L.Dense(2, name="out")(L.Flatten()(y))))


@pytest.mark.parametrize("size", [2, 32])
@pytest.mark.parametrize("percentile", [99.9, 60])
def test_a_percentile_becomes_the_target_rate(percentile, size):
    model = mlp()
    converter = spiking(model)
    calibrate(converter, percentile=percentile, target_rate=200, minibatch_size=size)
    scale = converter.report()["hidden"].scale
    expected = np.percentile(np.abs(hidden(model)), percentile)
    np.testing.assert_allclose(scale * expected, 200)


def test_the_largest_activation_becomes_a_spike_each_step():
    model = mlp()
    converter = spiking(model)
    calibrate(converter, method="max")
    np.testing.assert_allclose(
        converter.report()["hidden"].scale * hidden(model).max(), 1000
    )
    row = converter.diagnose(X, 20, progress_bar=False)["hidden"]
    assert row.saturated == row.silent == 0


def test_neurons_that_rest_after_a_spike_get_no_faster():
    model = mlp()
    converter = spiking(model, {"relu": nengo.LIF(tau_ref=0.004)})
    calibrate(converter, method="max")
    np.testing.assert_allclose(
        converter.report()["hidden"].scale * hidden(model).max(), 250
    )


def test_amplitudes_and_earlier_scales_count():
    swap = {"relu": nengo.SpikingRectifiedLinear(amplitude=2)}
    converter = spiking(swap=swap, scale_firing_rates=7)
    calibrate(converter, method="max", target_rate=100)
    first = converter.report()["hidden"].scale
    calibrate(converter, method="max", target_rate=100)
    assert converter.report()["hidden"].scale == first
    assert converter.net.ensembles[0].neuron_type.amplitude == 2 / first


def test_spikes_get_more_exact():
    converter = spiking()
    before = error(converter)
    calibrate(converter)
    assert error(converter) < 0.1 < before


def test_rates_and_parameters_stay(tmp_path):
    converter = spiking(cnn())
    with simulator(converter.net) as sim:
        sim.save_params(tmp_path / "params")
    old = converter.net
    calibrate(converter, np.ones((3, 4, 4, 1)))
    assert converter.net is not old
    assert converter.net.seed == old.seed
    assert converter.outputs[converter.model.output] in converter.net.probes
    assert agrees(converter, training=True)
    with simulator(converter.net) as sim:
        sim.load_params(tmp_path / "params")


def test_warnings_come_once():
    x = keras.Input((3,))
    y = L.LayerNormalization(name="norm")(L.Dense(4, "relu")(x))
    model = randomize(keras.Model(x, y))
    with pytest.warns(UserWarning, match="norm"):
        converter = spiking(model)
    calibrate(converter)  # warnings are errors
    assert "norm" in str(converter.report())


def test_layers_that_mix_neurons_are_fitted_by_their_inputs():
    x = keras.Input((3,))
    model = randomize(keras.Model(x, L.PReLU(name="hidden")(x)))
    converter = spiking(model)
    calibrate(converter, -X, method="max")
    np.testing.assert_allclose(converter.report()["hidden"].scale * X.max(), 1000)


def test_negative_activations_count_by_their_size():
    x = keras.Input((3,))
    model = keras.Model(x, L.LeakyReLU(negative_slope=0.5, name="hidden")(x))
    swap = {"leaky_relu": SpikingLeakyReLU(negative_slope=0.5)}
    converter = spiking(model, swap)
    calibrate(converter, -X, method="max")
    scale = converter.report()["hidden"].scale
    np.testing.assert_allclose(scale * X.max() / 2, 1000)


def test_silent_layers_keep_their_scale():
    x = keras.Input((3,))
    converter = spiking(keras.Model(x, L.ReLU(name="r")(x)), scale_firing_rates=5)
    calibrate(converter, -X)
    assert converter.report()["r"].scale == 5


def test_the_report_says_how_many_levels_outputs_have():
    converter = spiking()
    calibrate(converter, n_steps=8, target_rate=500)
    assert "multiples of 1/4 of that at 500" in converter.report()["hidden"].remarks[0]


def test_settings_of_the_network_stay():
    converter = spiking()
    with converter.net:
        configure_settings(stateful=False, keep_history=False, lif_smoothing=0.1)
    calibrate(converter)
    settings = {"stateful": False, "keep_history": False, "lif_smoothing": 0.1}
    assert {k: get_setting(converter.net, k) for k in settings} == settings


@pytest.mark.parametrize("what", [KeyboardInterrupt, MemoryError])
def test_what_is_interrupted_leaves_everything_as_it_was(what, monkeypatch):
    shown = []

    def interrupted(steps, objects):
        shown.append(objects)
        if len(shown) == 2:  # the first layer was shifted
            raise what
        return mean_outputs(steps, objects)

    monkeypatch.setattr(biases, "mean_outputs", interrupted)
    converter = spiking(scale_firing_rates=100)
    before = dict(vars(converter))
    transforms = [conn.transform for conn in converter.net.all_connections]
    report = str(converter.report())
    with pytest.raises(what):
        calibrate(converter, method=["max", "bias"], n_steps=4, initial_voltage=0.5)
    assert vars(converter) == before
    assert [x.transform for x in converter.net.all_connections] == transforms
    assert str(converter.report()) == report


def test_biases_do_not_make_up_for_the_time_that_synapses_take():
    found = []
    for synapse in (None, 0.005):
        converter = spiking(scale_firing_rates=1000, synapse=synapse)
        bias = bias_of(converter, converter.layers[converter.model.get_layer("out")])
        before = bias.values
        calibrate(converter, method="bias", n_steps=20)
        layer = converter.model.get_layer("out")
        after = bias_of(converter, converter.layers[layer]).values
        found.append(np.abs(after - before).max())
    # Over 20 steps, more than a fifth of the outputs is missing.
    assert max(found) < 0.03


def test_biases_are_shifted_by_the_mean_error():
    converter = spiking(scale_firing_rates=100)
    converter.net.seed = 1
    before = error(converter)
    calibrate(converter, method="bias", n_steps=20)
    assert converter.report()["hidden"].scale == 100
    assert "bias shifted" in converter.report()["hidden"].remarks[-1]
    assert error(converter) < before


def test_outputs_are_right_in_the_mean():
    model = mlp()
    converter = spiking(model, scale_firing_rates=100)
    calibrate(converter, method="bias", n_steps=20, minibatch_size=7)
    probe = converter.outputs[model.output]
    shown = {converter.inputs[model.input]: np.tile(X[:, None], (1, 20, 1))}
    with simulator(converter.net, minibatch_size=7) as sim:
        sim.run_steps(20, data=shown)
        found = sim.data[probe].mean(axis=(0, 1))
    np.testing.assert_allclose(found, np.asarray(model(X)).mean(axis=0), atol=1e-9)


def test_each_calibration_begins_with_the_keras_model():
    converter = spiking(scale_firing_rates=100)
    found = []
    for _ in range(2):
        calibrate(converter, method="bias", n_steps=5)
        neurons = converter.layers[converter.model.get_layer("hidden")]
        found.append(bias_of(converter, neurons).values)
    np.testing.assert_array_equal(*found)
    calibrate(converter)
    assert agrees(converter, training=True)


def test_biases_of_channels_and_of_layers_before():
    model = cnn()
    converter = spiking(model, scale_firing_rates=100)
    bias = bias_of(converter, converter.layers[model.get_layer("act")])
    assert bias.rows.tolist() == [0, 1] * 4
    before = bias.values
    np.testing.assert_allclose(bias.shift(np.arange(8.0)), [3, 4])
    np.testing.assert_allclose(bias.values, before + [3, 4])


def test_neurons_with_a_maximum():
    x = keras.Input((3,))
    model = randomize(keras.Model(x, L.ReLU(max_value=0.5, name="hidden")(x)))
    converter = spiking(model)
    calibrate(converter, method=["max", "bias"], n_steps=5)
    np.testing.assert_allclose(converter.report()["hidden"].scale * X.max(), 1000)
    assert error(converter) < 0.1


def test_progress_is_shown():
    class Bar(nengo.utils.progress.ProgressBar):
        shown: ClassVar = []

        def update(self, progress):
            self.shown.append((progress.n_steps, progress.max_steps))

    calibrate(spiking(), method=["max", "bias"], n_steps=4, progress_bar=Bar)
    totals = {total for _, total in Bar.shown}
    assert totals == {len(X), 4}
    assert (4, 4) in Bar.shown and (len(X), len(X)) in Bar.shown


def test_layers_without_bias_say_so():
    x = keras.Input((3,))
    y = L.Dense(3, "relu", use_bias=False, name="hidden")(x)
    converter = spiking(randomize(keras.Model(x, y)))
    calibrate(converter, method=["max", "bias"], n_steps=2)
    assert "no bias" in converter.report()["hidden"].remarks[-1]


def test_methods_are_combined():
    converter = spiking()
    calibrate(converter, method=["percentile", "bias"], target_rate=100, n_steps=10)
    line = converter.report()["hidden"]
    assert line.scale is not None and "shifted" in line.remarks[-1]


@pytest.mark.parametrize("q", [99.9, 50, 100, 3])
def test_percentiles_of_parts(q):
    numbers = np.random.RandomState(0).randn(20, 2, 6)
    rows = np.array([[0, 2, 4], [1, 3, 5]])
    one = _Largest(q, rows)
    for start in range(0, 20, 3):
        one.add(numbers[start : start + 3], 20)
    expected = [np.percentile(np.abs(numbers[..., row]), q) for row in rows]
    np.testing.assert_allclose(one.values, expected)


WRONG = {
    "shape": ({"data": np.ones((5, 4))}, "got shape"),
    "empty": ({"data": np.ones((0, 3))}, "at least one item"),
    "nan": ({"data": np.full((1, 3), np.nan)}, "3 that are NaN"),
    "method": ({"method": "mean"}, "'max' or 'percentile'"),
    "both": ({"method": ["max", "percentile"]}, "'max' or 'percentile'"),
    "none": ({"method": []}, "'max' or 'percentile'"),
    "percentile": ({"percentile": 101}, "percentile.*at most 100"),
    "target": ({"target_rate": 0}, "target_rate.*more than 0"),
    "infinite": ({"target_rate": np.inf}, "target_rate.*finite"),
    "slow": ({"target_rate": 10, "n_steps": 50}, "n_steps=50 steps.*20 Hz, got 10"),
    "steps": ({"n_steps": 0}, "n_steps"),
    "no percentile": ({"method": "max", "percentile": 99}, "for 'percentile' only"),
    "no rate": ({"method": "bias", "target_rate": 9}, "target_rate for 'max' or"),
    "no channels": ({"method": "bias", "per_channel": True}, "per_channel for 'max'"),
    "channels": ({"per_channel": 1}, "per_channel"),
    "voltage": ({"initial_voltage": 1.5}, "initial_voltage.*part of the threshold"),
    "bar": ({"method": "bias", "progress_bar": "no"}, "progress_bar"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_arguments(wrong):
    kwargs, message = WRONG[wrong]
    converter = spiking()
    before = converter.net
    with pytest.raises(ValidationError, match=message):
        calibrate(converter, **kwargs)
    assert converter.net is before


def test_networks_in_rates():
    with pytest.raises(ValidationError, match="swap_activations"):
        calibrate(converted(mlp()))
