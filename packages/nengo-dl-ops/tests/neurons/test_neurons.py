import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.signal import Signal
from nengo.dists import Choice, Uniform
from nengo.exceptions import BuildError, ValidationError
from nengo.neurons import RatesToSpikesNeuronType, RegularSpiking

from nengo_dl_ops import (
    BuildConfig,
    Builder,
    EulerLIF,
    ExactLIF,
    ExponentialLIF,
    Heaviside,
    IntegrateAndFire,
    LeakyReLU,
    NeuronBuilder,
    Rates,
    SoftLIFRate,
    SoftLIFRates,
    SpikingLeakyReLU,
)

#: For each neuron type: types of different parameters, which one group computes, and
#: the largest current (from its negative on) of the test.
TYPES = {
    "RectifiedLinear": ([nengo.RectifiedLinear(), nengo.RectifiedLinear(2)], 3),
    "SpikingRectifiedLinear": (
        [nengo.SpikingRectifiedLinear(), nengo.SpikingRectifiedLinear(0.5)],
        3000,
    ),
    "Sigmoid": ([nengo.Sigmoid(), nengo.Sigmoid(tau_ref=0.01)], 5),
    "Tanh": ([nengo.Tanh(), nengo.Tanh(tau_ref=0.01)], 3),
    "LIFRate": ([nengo.LIFRate(), nengo.LIFRate(0.05, 0.001, 2)], 5),
    "LIF": (
        [nengo.LIF(), nengo.LIF(0.05, 0.0031, -1, 2), nengo.LIF(min_voltage=-np.inf)],
        9,
    ),
    "SoftLIFRate": ([SoftLIFRate(), SoftLIFRate(0.1, tau_rc=0.05), SoftLIFRate(3)], 50),
    "AdaptiveLIFRate": (
        [nengo.AdaptiveLIFRate(), nengo.AdaptiveLIFRate(0.1, 0.05, 0.03, 0.001, 2)],
        9,
    ),
    "AdaptiveLIF": (
        [nengo.AdaptiveLIF(), nengo.AdaptiveLIF(0.1, 0.05, 0.03, 0.001, -1, 2)],
        9,
    ),
    "Izhikevich": (
        [nengo.Izhikevich(), nengo.Izhikevich(0.1, 0.25, -55.3, 4)],
        78,  # currents for whose rates there is no need to interpolate
    ),
    "RegularSpiking": (
        [RegularSpiking(nengo.Tanh()), RegularSpiking(nengo.LIFRate(), amplitude=2)],
        3000,
    ),
    "LeakyReLU": ([LeakyReLU(), LeakyReLU(0.1, 2)], 3),
    "SpikingLeakyReLU": ([SpikingLeakyReLU(), SpikingLeakyReLU(0.5, 0.1)], 3000),
    "ExponentialLIF": ([ExponentialLIF(), ExponentialLIF(0.05, 2)], 9),
    "ExactLIF": ([ExactLIF(), ExactLIF(0.05, 2)], 9),
    "EulerLIF": (
        [
            EulerLIF(),
            EulerLIF(0.05, 2, "subtract"),
            EulerLIF(0.01, 2, "subtract_delayed"),
        ],
        9,
    ),
    "IntegrateAndFire": (
        [IntegrateAndFire(), IntegrateAndFire(0.5, "subtract")],
        900,
    ),
    "Heaviside": ([Heaviside(), Heaviside(0.5)], 3),
}
SPIKING = [name for name, (types, _) in TYPES.items() if types[0].spiking]
each_type = pytest.mark.parametrize("types, scale", TYPES.values(), ids=TYPES)


def neurons(neuron_type, n, seed=0):
    state = neuron_type.make_state(n, rng=np.random.RandomState(seed))
    return SimNeurons(
        neuron_type,
        Signal(np.zeros(n), name="J"),
        Signal(np.zeros(n), name="output"),
        {name: Signal(value, name=name) for name, value in state.items()},
    )


def uniform(scale):
    return lambda rng, shape: rng.uniform(-scale, scale, size=shape)


@each_type
def test_merged_with_different_parameters_as_nengo(types, scale, compare):
    ops = [neurons(neuron_type, i + 2, i) for i, neuron_type in enumerate(types)]
    compare(ops, draw=uniform(scale), n_steps=12)


INITIAL_STATES = {
    "LIF": nengo.LIF(
        initial_state={"voltage": Choice([-0.5]), "refractory_time": [0.001] * 3}
    ),
    "no minimum": nengo.LIF(
        min_voltage=-np.inf, initial_state={"voltage": Uniform(-1, 0)}
    ),
    "LIF above its threshold": nengo.LIF(initial_state={"voltage": Choice([1.9])}),
    "AdaptiveLIF": nengo.AdaptiveLIF(initial_state={"adaptation": [0.1, 0.2, 3]}),
    "AdaptiveLIFRate": nengo.AdaptiveLIFRate(initial_state={"adaptation": Choice([1])}),
    "Izhikevich": nengo.Izhikevich(
        initial_state={"voltage": Choice([-65]), "recovery": Choice([-10])}
    ),
    "RegularSpiking": RegularSpiking(
        nengo.Tanh(), initial_state={"voltage": [0, 0, 0.9]}
    ),
    "SpikingLeakyReLU": SpikingLeakyReLU(initial_state={"voltage": Choice([0.5])}),
    "ExactLIF above its threshold": ExactLIF(initial_state={"voltage": [1.9] * 3}),
    "EulerLIF": EulerLIF(initial_state={"voltage": [0.5, -1, 0.9]}),
    "IntegrateAndFire": IntegrateAndFire(initial_state={"voltage": Choice([0.9])}),
}


@pytest.mark.parametrize("neuron_type", INITIAL_STATES.values(), ids=INITIAL_STATES)
def test_initial_states_as_nengo(neuron_type, compare):
    op = neurons(neuron_type, 3)
    for name, given in neuron_type.initial_state.items():
        value = np.asarray(op.state[name].initial_value)
        assert not isinstance(given, list) or value.tolist() == given
    compare([op], draw=uniform(30), n_steps=6)


@each_type
def test_single_precision(types, scale, compare):
    compare([neurons(types[0], 4)], uniform(scale), 2, dtype="float32", atol=1e-4)


@pytest.mark.parametrize("name", SPIKING)
@pytest.mark.parametrize("dt", [0.0005, 0.004])
def test_spikes_with_other_time_steps_as_nengo(name, dt, compare):
    types, scale = TYPES[name]
    compare([neurons(types[1], 5)], uniform(scale), n_steps=20, dt=dt)


@pytest.mark.parametrize("name", SPIKING)
def test_identical_spikes_over_a_thousand_steps(name):
    types, scale = TYPES[name]
    n, n_steps = 50, 1000
    current = np.linspace(-0.1, 1, n) * scale
    state = types[0].make_state(n, rng=np.random.RandomState(0))
    config = BuildConfig(dtype="float64")
    builder = Builder.find(type(types[0]))([types[0]], [n], config)

    @tf.function(jit_compile=True, autograph=False)
    def run(J, state):
        def step(last, _):
            return builder.step(J, last[1])

        return tf.scan(step, tf.range(n_steps), (tf.zeros_like(J), state))[0]

    start = {name: tf.constant(v[:, None]) for name, v in state.items()}
    spikes = run(tf.constant(current[:, None]), start)
    expected = np.zeros((n_steps, n))
    for output in expected:
        types[0].step(0.001, current, output, **state)
    np.testing.assert_array_equal(spikes[..., 0], expected)
    assert np.count_nonzero(expected) > 1000


def mean_output(neuron_type, current):
    if isinstance(neuron_type, RatesToSpikesNeuronType):  # another operator's work
        return neuron_type.amplitude * current[:, None]
    return neuron_type.rates(current, np.ones(1), np.zeros(1))


@each_type
def test_the_training_output_is_the_rate(types, scale, build):
    ops = [neurons(neuron_type, 40) for neuron_type in types]
    group = build(ops, training=True, dtype="float64")
    current = np.linspace(-scale, scale, 40)
    values = {
        sig: np.repeat(sig.initial_value[..., None], 1, -1) for sig in group.bases
    }
    values |= {op.J: current[:, None] for op in ops}
    outcome = group(values)
    for op in ops:
        rates = mean_output(op.neurons, current)
        np.testing.assert_allclose(outcome[op.output], rates, rtol=1e-12, atol=1e-12)
        for name, signal in op.state.items():
            if name != "adaptation":
                np.testing.assert_array_equal(outcome[signal], values[signal])


def training_output(types, J, smoothing=None):
    config = BuildConfig(dtype=J.dtype.name)
    builder = Builder.find(type(types[0]))(types, [J.shape[0] // len(types)], config)
    mode = Rates() if smoothing is None else SoftLIFRates(smoothing)
    with tf.GradientTape() as tape:
        tape.watch(J)
        output, _ = mode.step_of(builder).compute(J, {"adaptation": tf.zeros_like(J)})
    return output.numpy(), tape.gradient(output, J).numpy()


@each_type
@pytest.mark.parametrize("smoothing", [None, 0.05])
def test_gradients_as_finite_differences(types, scale, smoothing):
    J, delta = np.linspace(-0.99 * scale, 0.97 * scale, 60)[:, None], 1e-6
    assert np.min(np.abs(J - 1)) > delta  # there is no gradient at the threshold
    _, gradient = training_output(types[:1], tf.constant(J), smoothing)
    above, _ = training_output(types[:1], tf.constant(J + delta), smoothing)
    below, _ = training_output(types[:1], tf.constant(J - delta), smoothing)
    np.testing.assert_allclose(
        gradient, (above - below) / (2 * delta), rtol=1e-5, atol=1e-5
    )


EXTREME = [-1e6, -100, -1, 0, 1 - 6e-8, 1, 1 + 1.2e-7, 1 + 1e-5, 2, 100, 1e6]


@each_type
@pytest.mark.parametrize("smoothing", [None, 0.05])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_and_gradients_are_finite(types, scale, smoothing, dtype):
    del scale
    J = tf.constant(np.array(EXTREME)[:, None], dtype)
    for neuron_type in types:
        output, gradient = training_output([neuron_type], J, smoothing)
        assert np.all(np.isfinite(output))
        assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("types", [TYPES["LIFRate"][0], TYPES["LIF"][0]])
def test_no_rate_and_no_gradient_up_to_the_threshold(types):
    J = tf.constant([[-1e6], [0.0], [1 - 6e-8], [1.0]])
    output, gradient = training_output(types[:1], J)
    np.testing.assert_array_equal(output, np.zeros((4, 1)))
    np.testing.assert_array_equal(gradient, np.zeros((4, 1)))


@pytest.mark.parametrize("sigma", [0.02, 1.0])
def test_smoothing_trains_lif_as_soft_lif(sigma):
    J = tf.constant(np.linspace(-3, 3, 20)[:, None])
    lif, soft = nengo.LIF(0.03, 0.001, amplitude=2), SoftLIFRate(sigma, 0.03, 0.001, 2)
    smoothed, gradient = training_output([lif], J, sigma)
    expected, expected_gradient = training_output([soft], J)
    np.testing.assert_array_equal(smoothed, expected)
    np.testing.assert_array_equal(gradient, expected_gradient)


# SoftLIFRate as a type of Nengo's


def test_soft_lif_rate_as_its_equation():
    J, sigma = np.linspace(-2, 5, 50), 0.3
    z = sigma * np.log(1 + np.exp((J - 1) / sigma))
    expected = 2 / (0.001 + 0.03 * np.log(1 + 1 / z))
    neuron_type = SoftLIFRate(sigma, tau_rc=0.03, tau_ref=0.001, amplitude=2)
    np.testing.assert_allclose(neuron_type.rates(J, [1], [0])[:, 0], expected)


def test_soft_lif_rate_far_below_the_threshold():
    """Where ``z`` goes to zero, ``log(1 + 1 / z)`` is the distance in sigmas."""
    J = np.array([-1e4, -100.0, -10.0])
    rates = SoftLIFRate(0.1).rates(J, [1], [0])[:, 0]
    expected = 1 / (0.002 + 0.02 * ((1 - J) / 0.1 - np.log(0.1)))
    np.testing.assert_allclose(rates, expected, rtol=1e-10)


def test_soft_lif_rate_goes_to_lif_rate():
    J = np.linspace(-5, 5, 40)
    soft, hard = (t.rates(J, [1], [0]) for t in (SoftLIFRate(1e-5), nengo.LIFRate()))
    np.testing.assert_allclose(soft, hard, rtol=1e-3, atol=0.01)


def test_soft_lif_rate_runs_in_nengo():
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(10, 1, neuron_type=SoftLIFRate(0.2))
        probe = nengo.Probe(ens.neurons)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(2)
    gain, bias = sim.data[ens].gain, sim.data[ens].bias
    expected = SoftLIFRate(0.2).rates([0], gain, bias)
    np.testing.assert_allclose(sim.data[probe][-1:], expected)


def test_soft_lif_rate_parameters():
    assert repr(SoftLIFRate()) == "SoftLIFRate()"
    assert repr(SoftLIFRate(sigma=1.0, tau_rc=0.02)) == "SoftLIFRate()"
    assert repr(SoftLIFRate(0.5)) == "SoftLIFRate(sigma=0.5)"
    assert SoftLIFRate(0.5) == SoftLIFRate(sigma=0.5) != SoftLIFRate()
    with pytest.raises(ValidationError, match="sigma"):
        SoftLIFRate(0)


# LeakyReLU and SpikingLeakyReLU as types of Nengo's


def test_leaky_relu_as_its_equation():
    currents = np.array([-200.0, -1, 0, 1, 150])
    expected = 2 * np.array([-20, -0.1, 0, 1, 150])
    for neuron_type in (LeakyReLU(0.1, 2), SpikingLeakyReLU(0.1, 2)):
        np.testing.assert_allclose(
            neuron_type.rates(currents, [1], [0])[:, 0], expected
        )


@pytest.mark.parametrize("kind", [LeakyReLU, SpikingLeakyReLU])
def test_leaky_relu_gain_and_bias(kind):
    gain, bias = kind().gain_bias([100, 200], [-0.5, 0.5])
    rates, intercepts = kind().max_rates_intercepts(gain, bias)
    np.testing.assert_allclose([rates, intercepts], [[100, 200], [-0.5, 0.5]])
    np.testing.assert_allclose(kind().rates([1.0], gain, bias), [rates])


def test_spiking_leaky_relu_spikes_with_these_rates():
    currents, n_steps = np.array([-700.0, -10, 0, 30, 2500]), 1000
    neuron_type = SpikingLeakyReLU(negative_slope=0.2, amplitude=0.5)
    voltage, total = np.full(5, 0.5), np.zeros(5)
    spikes = np.zeros(5)
    for _ in range(n_steps):
        neuron_type.step(0.001, currents, spikes, voltage)
        total += spikes * 0.001
        assert np.all((voltage >= 0) & (voltage < 1))
        np.testing.assert_array_equal(spikes % 500, 0)
    rates = neuron_type.rates(currents, [1], [0])[:, 0]
    np.testing.assert_allclose(total, rates, atol=0.5)


@pytest.mark.parametrize("kind", [LeakyReLU, SpikingLeakyReLU])
def test_leaky_relu_runs_in_nengo(kind):
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].max_rates = Choice([5000])
        ens = nengo.Ensemble(10, 1, neuron_type=kind(0.5))
        nengo.Connection(nengo.Node(-1), ens, synapse=None)
        probe = nengo.Probe(ens.neurons)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(20)
    assert sim.data[probe].min() < 0 < sim.data[probe].max()


@pytest.mark.parametrize("kind", [LeakyReLU, SpikingLeakyReLU])
def test_leaky_relu_parameters(kind):
    assert repr(kind()) == f"{kind.__name__}()"
    assert repr(kind(0.1, 2)) == f"{kind.__name__}(negative_slope=0.1, amplitude=2)"
    assert kind(0.3) == kind() != kind(amplitude=2)
    assert kind.negative
    with pytest.raises(ValidationError, match="amplitude"):
        kind(amplitude=0)


def test_only_the_spiking_one_spikes():
    assert SpikingLeakyReLU.spiking
    assert not LeakyReLU.spiking
    assert not LeakyReLU().make_state(3)


# the machinery


def test_parameters_that_agree_are_one_number():
    types, config = [nengo.LIF(), nengo.LIF(tau_ref=0.003)], BuildConfig()
    builder = Builder.find(nengo.LIF)(types, [2, 1], config)
    assert builder.parameter("tau_rc") == 0.02
    np.testing.assert_array_equal(
        builder.parameter("tau_ref"), np.float32([[0.002], [0.002], [0.003]])
    )


def test_types_do_not_merge_with_others():
    merge_key = Builder.find(SimNeurons).merge_key
    keys = {merge_key(neurons(types[0], 3)) for types, _ in TYPES.values()}
    assert len(keys) == len(TYPES)


def test_a_type_of_the_user(compare, monkeypatch):
    class Square(nengo.neurons.NeuronType):
        state = {"last": nengo.dists.Choice([0.5])}

        def step(self, dt, J, output, last):
            output[...] = last
            last[...] = J**2

    monkeypatch.setattr(Builder, "_registry", dict(Builder._registry))

    @Builder.register(Square)
    class SquareBuilder(NeuronBuilder):
        def step(self, J, state):
            return state["last"], {"last": J**2}

    compare([neurons(Square(), 3), neurons(Square(), 2)])


def test_what_is_left_out_of_the_state_keeps_its_value(build, monkeypatch):
    class Half(nengo.neurons.NeuronType):
        state = {"kept": Choice([0.5]), "changed": Choice([1])}

        def step(self, dt, J, output, kept, changed):
            raise NotImplementedError

    monkeypatch.setattr(Builder, "_registry", dict(Builder._registry))

    @Builder.register(Half)
    class HalfBuilder(NeuronBuilder):
        def step(self, J, state):
            return state["kept"] * J, {"changed": state["changed"] + 1}

    (op,) = ops = [neurons(Half(), 2)]
    group = build(ops, dtype="float64")
    values = group({**group.initial_values(), op.J: np.array([[3.0], [4]])})
    np.testing.assert_array_equal(values[op.output], [[1.5], [2]])
    np.testing.assert_array_equal(values[op.state["kept"]], [[0.5], [0.5]])
    np.testing.assert_array_equal(values[op.state["changed"]], [[2], [2]])


def test_state_that_the_type_does_not_have_is_refused(build, monkeypatch):
    class Plain(nengo.neurons.NeuronType):
        def step(self, dt, J, output):
            raise NotImplementedError

    monkeypatch.setattr(Builder, "_registry", dict(Builder._registry))

    @Builder.register(Plain)
    class PlainBuilder(NeuronBuilder):
        def step(self, J, state):
            return J, {"voltage": J}

    group = build([neurons(Plain(), 2)])
    with pytest.raises(BuildError, match=r"PlainBuilder.*\[\], got 'voltage'"):
        group(group.initial_values())
