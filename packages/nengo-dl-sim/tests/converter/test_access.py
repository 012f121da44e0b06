"""What is found where, as in NengoDL 3."""

import warnings

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator
from keras_models import L, agrees, converted, mlp, model_of, randomize

from nengo_dl_ops import LeakyReLU, SpikingLeakyReLU, TensorNode
from nengo_dl_sim.converter import Converter, LayerConverter
from nengo_dl_sim.converter.layer_converter import REGISTRY


def test_inputs_by_tensor_layer_and_list():
    model = mlp()
    converter = converted(model)
    node = converter.inputs[model.input]
    assert isinstance(node, nengo.Node)
    assert node is converter.inputs[model.inputs]
    assert node is converter.inputs[model.inputs[0]]
    assert node is converter.inputs[model.layers[0]]
    assert converter.net.nodes[0] is node
    assert node.label == "x"


def test_outputs_by_tensor_layer_and_list():
    model = mlp()
    converter = converted(model)
    probe = converter.outputs[model.output]
    assert isinstance(probe, nengo.Probe)
    assert probe is converter.outputs[model.outputs]
    assert probe is converter.outputs[model.layers[-1].output]
    assert probe is converter.outputs[model.layers[-1]]
    assert probe.label.startswith("out")


def test_lists_of_several_tensors():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    model = keras.Model([a, b], [L.Add()([a, b]), L.Subtract()([a, b])])
    converter = converted(model)
    assert converter.inputs[model.inputs] == [converter.inputs[a], converter.inputs[b]]
    assert len(converter.outputs[model.outputs]) == 2
    assert agrees(converter)


def test_iteration():
    model = mlp()
    converter = converted(model)
    assert [t is model.input for t in converter.inputs] == [True]
    assert [t is model.output for t in converter.outputs.keys()] == [True]
    assert len(converter.layers) == 3
    assert list(converter.inputs.values()) == [converter.net.nodes[0]]


def test_layers_by_tensor_and_layer():
    model = mlp()
    converter = converted(model)
    hidden = model.get_layer("hidden")
    neurons = converter.layers[hidden]
    assert neurons is converter.layers[hidden.output]
    assert isinstance(neurons, nengo.ensemble.Neurons)
    assert neurons.ensemble is converter.net.ensembles[0]
    assert neurons.ensemble.label == "hidden"
    assert neurons[:2].size_out == 2
    assert converter.layer_map[hidden][0][0] is neurons
    assert hidden in converter.layers
    assert L.Dense(3) not in converter.layers


def test_neurons_can_be_probed_in_slices():
    model = mlp()
    converter = converted(model)
    with converter.net:
        probe = nengo.Probe(converter.layers[model.get_layer("hidden")][:2])
    with simulator(converter.net) as sim:
        sim.run_steps(1)
        assert sim.data[probe].shape == (1, 2)


def test_layers_called_several_times_need_a_tensor():
    x = keras.Input((3,))
    shared = L.Dense(3, activation="relu")
    first = shared(x)
    second = shared(first)
    model = randomize(keras.Model(x, [second, L.Dense(2)(first)]))
    with pytest.raises(nengo.exceptions.ValidationError, match="split_shared_weights"):
        converted(model)
    converter = converted(model, split_shared_weights=True)
    assert agrees(converter)
    with pytest.raises(KeyError, match="called 2 times"):
        converter.layers[shared]
    assert converter.layers[first] is not converter.layers[second]
    assert converter.layers[second] is converter.layer_map[shared][1][0]
    assert converter.outputs[second] is converter.outputs[model.outputs[0]]


def test_layers_without_weights_may_be_called_several_times():
    x = keras.Input((3,))
    relu = L.ReLU()
    assert agrees(converted(keras.Model(x, relu(L.Rescaling(-1)(relu(x))))))


def test_keys_that_are_nothing_of_the_model():
    model = mlp()
    converter = converted(model)
    with pytest.raises(KeyError, match="not a layer"):
        converter.layers[L.Dense(3)]
    with pytest.raises(KeyError, match="not a tensor"):
        converter.layers[keras.Input((3,))]
    with pytest.raises(KeyError, match="tensor or layer"):
        converter.layers["hidden"]
    with pytest.raises(KeyError, match="input of the model"):
        converter.inputs[model.output]
    with pytest.raises(KeyError, match="output of the model"):
        converter.outputs[model.get_layer("hidden")]


@pytest.mark.parametrize(
    "key", [tf.nn.relu, keras.activations.relu, "relu", nengo.RectifiedLinear()]
)
def test_activations_are_exchanged(key):
    swap = {key: nengo.SpikingRectifiedLinear()}
    converter = converted(mlp(), swap_activations=swap)
    (ensemble,) = converter.net.ensembles
    assert ensemble.neuron_type == nengo.SpikingRectifiedLinear()


def test_layers_that_rectify_are_exchanged_too():
    x = keras.Input((3,))
    swap = {tf.nn.relu: nengo.LIF(), tf.nn.leaky_relu: SpikingLeakyReLU()}
    model = keras.Model(x, L.LeakyReLU()(L.ReLU()(x)))
    converter = converted(model, swap_activations=swap)
    types = [ens.neuron_type for ens in converter.net.ensembles]
    assert types == [nengo.LIF(), SpikingLeakyReLU()]


def test_an_activation_that_has_no_neurons_gets_some():
    x = keras.Input((3,))
    model = keras.Model(x, L.Dense(3, activation="elu")(x))
    converter = converted(
        model, swap_activations={tf.nn.elu: LeakyReLU}, allow_fallback=False
    )
    assert converter.net.ensembles[0].neuron_type == LeakyReLU()


def test_an_activation_becomes_a_function():
    converter = converted(mlp(), swap_activations={"relu": tf.nn.tanh})
    assert converter.net.ensembles[0].neuron_type == nengo.Tanh(tau_ref=1)
    with pytest.warns(UserWarning, match="TensorNode"):
        converter = converted(mlp(), swap_activations={"relu": tf.exp})
    assert any(isinstance(node, TensorNode) for node in converter.net.nodes)


def test_exchanges_that_nothing_needs():
    with pytest.warns(UserWarning, match="no layer has the activation sigmoid"):
        converted(mlp(), swap_activations={tf.nn.sigmoid: nengo.LIF()})


def test_synapses_follow_neurons_only():
    converter = converted(mlp(), synapse=0.01)
    filtered = [c for c in converter.net.all_connections if c.synapse is not None]
    (conn,) = filtered
    assert conn.pre == converter.net.ensembles[0].neurons
    assert conn.synapse == nengo.Lowpass(0.01)
    x = keras.Input((3,))
    model = keras.Model(x, L.ReLU()(x))
    converter = converted(model, synapse=0.01)
    assert converter.outputs[model.output].synapse == nengo.Lowpass(0.01)


def test_synapses_may_be_set_afterwards():
    converter = converted(mlp(), synapse=0.01)
    for conn in converter.net.connections:
        conn.synapse = None
    assert agrees(converter)


def test_weights_are_trained_where_the_layer_is():
    model = mlp()
    model.get_layer("out").trainable = False
    converter = Converter(model)
    found = {c.label: c for c in converter.net.all_connections}
    trainable = {k: converter.net.config[c].trainable for k, c in found.items() if k}
    assert trainable["hidden"] and trainable["hidden.bias"]
    assert trainable["out"] is False and trainable["out.bias"] is False


def test_training_changes_what_keras_would():
    model = mlp()
    x, y = np.ones((2, 3)), np.zeros((2, 2))
    converter = Converter(model)
    with simulator(converter.net, minibatch_size=2) as sim:
        sim.compile(keras.optimizers.SGD(0.01), "mse")
        sim.fit(x[:, None], y[:, None], verbose=0)
        found = sim.predict(x[:, None])[converter.outputs[model.output]][:, -1]
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(x, y, verbose=0)
    np.testing.assert_allclose(found, model.predict(x, verbose=0), rtol=1e-10)


def test_a_trainable_setting_of_the_user_counts():
    model = mlp()
    converter = Converter(model)
    conns = [c for c in converter.net.all_connections if "hidden" in (c.label or "")]
    for conn in conns:
        converter.net.config[conn].trainable = False
    with simulator(converter.net) as sim:
        before = [
            np.array(sim.data[c].weights) for c in conns if c.label != "hidden.input"
        ]
        sim.compile(keras.optimizers.SGD(0.1), "mse")
        sim.fit(np.ones((1, 1, 3)), np.zeros((1, 1, 2)), verbose=0)
        after = [
            np.array(sim.data[c].weights) for c in conns if c.label != "hidden.input"
        ]
    for x, y in zip(before, after, strict=True):
        np.testing.assert_array_equal(x, y)


def test_batch_normalization_that_could_be_trained_warns():
    x = keras.Input((3,))
    model = randomize(keras.Model(x, L.BatchNormalization(name="norm")(x)))
    with pytest.warns(UserWarning, match="norm .*mean and variance"):
        assert agrees(Converter(model))
    model.layers[-1].trainable = False
    assert agrees(Converter(model))


@pytest.mark.parametrize(
    "model",
    [
        lambda: mlp(activity_regularizer="l2"),
        lambda: model_of(L.ActivityRegularization(0.1, name="hidden"), (3,)),
    ],
)
def test_regularizers_of_activities_are_settings_of_objects(model):
    model = model()
    hidden = model.get_layer("hidden")
    converter = Converter(model)  # nothing to warn of
    assert not converter.report()["hidden"].remarks
    settings = converter.net.config[converter.layers[hidden]]
    (part,) = settings.activity_regularizer.parts
    assert part.regularizer is hidden.activity_regularizer
    other = converted(model)
    assert other.net.config[other.layers[hidden]].activity_regularizer is None


@pytest.mark.parametrize(
    "layer",
    [
        lambda: L.Dense(2, activity_regularizer="l2", name="part"),
        lambda: L.LSTM(2, activity_regularizer="l2", name="part"),
        lambda: L.TimeDistributed(L.Dense(2, activity_regularizer="l2"), name="part"),
    ],
)
def test_regularizers_of_activities_over_time_warn(layer):
    x = keras.Input((4, 2))
    model = keras.Model(x, layer()(x))
    with pytest.warns(UserWarning, match="part .*activity_regularizer.*over time"):
        converter = Converter(model, temporal_model=True)
    assert "activity_regularizer" in str(converter)


def test_regularizers_of_weights_are_settings_of_connections():
    model = mlp(kernel_regularizer="l2", bias_constraint="non_neg")
    converter = Converter(model)
    assert not converter.report()["hidden"].remarks
    found = {c.label: c for c in converter.net.all_connections}
    config, hidden = converter.net.config, model.get_layer("hidden")
    kernel, bias = config[found["hidden"]], config[found["hidden.bias"]]
    assert kernel.regularizer.regularizer is hidden.kernel_regularizer
    assert bias.constraint.constraint is hidden.bias_constraint
    assert kernel.constraint is None and bias.regularizer is None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*size_out", UserWarning)  # Nengo's own
        copy = converter.net.copy()
    (conn,) = (c for c in copy.connections if c.label == "hidden")
    assert copy.config[conn].regularizer is not None


def test_own_layers_are_registered():
    class Twice(L.Layer):
        def call(self, x):
            return 2 * x

    @Converter.register(Twice)
    class ConvertTwice(LayerConverter):
        def convert(self, node_id):
            assert self.input_shape(node_id) == self.output_shape(node_id) == (3,)
            output = self.add_nengo_obj(node_id)
            conn = self.add_connection(node_id, output, transform=2)
            self.set_trainable(conn, False)
            return output

    try:
        x = keras.Input((3,))
        layer = Twice()
        converter = converted(keras.Model(x, layer(x)), allow_fallback=False)
        assert agrees(converter)
        assert isinstance(converter.get_converter(layer), ConvertTwice)
        with pytest.warns(UserWarning, match="registered before"):
            Converter.register(Twice)(ConvertTwice)
    finally:
        REGISTRY.pop(Twice)


def test_own_converters_say_what_they_do_not_support():
    class Power(L.Layer):
        def __init__(self, power):
            super().__init__()
            self.power = power

        def call(self, x):
            return x**self.power

    class ConvertPower(LayerConverter):
        unsupported_args = [("power", 1)]

        def convert(self, node_id):
            return self.get_input_obj(node_id)

    REGISTRY[Power] = ConvertPower
    try:
        x = keras.Input((3,))
        assert agrees(converted(keras.Model(x, Power(1)(x))))
        with pytest.warns(UserWarning, match="power=2"):
            assert agrees(converted(keras.Model(x, Power(2)(x))))
        ConvertPower.allow_fallback = False
        with pytest.raises(TypeError, match="power=2"):
            converted(keras.Model(x, Power(2)(x)))
    finally:
        REGISTRY.pop(Power)


def test_report_has_a_line_for_each_layer():
    model = mlp()
    converter = converted(model, scale_firing_rates=10, synapse=0.1)
    hidden, out = converter.report().lines
    assert (hidden.layer, hidden.type, hidden.converted) == (
        "hidden",
        "Dense",
        "native",
    )
    assert (hidden.neurons, hidden.parameters, hidden.scale) == (4, 16, 10)
    assert (out.neurons, out.parameters, out.scale) == (0, 10, None)
    text = str(converter)
    assert text == str(converter.report())
    assert "RectifiedLinear" in text and "Lowpass" in text
    with pytest.raises(KeyError, match="no layer"):
        converter.report()["nothing"]
