"""Gradients through time of neurons that spike, next to dual numbers in NumPy."""

import inspect
from dataclasses import dataclass

import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import BuildError
from nengo.neurons import RegularSpiking, StochasticSpiking

from nengo_dl_ops import (
    BuildConfig,
    Builder,
    SpikingLeakyReLU,
    random_numbers,
    surrogates,
)

DT, N_STEPS, BATCH = 0.001, 30, 2


@dataclass(frozen=True)
class Dual:
    """Values (n_neurons, batch), and derivatives with an axis before for by what."""

    value: np.ndarray
    slope: np.ndarray

    __array_ufunc__ = None  # arrays leave operations with it to it

    def __add__(self, other):
        other = dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        other = dual(other)
        slope = self.slope * other.value + self.value * other.slope
        return Dual(self.value * other.value, slope)

    def __truediv__(self, other):
        return self * dual(other).map(lambda x: 1 / x, lambda x: -1 / x**2)

    def __sub__(self, other):
        return self + other * -1.0

    def __rsub__(self, other):
        return self * -1.0 + other

    __radd__, __rmul__ = __add__, __mul__

    def map(self, function, derivative):
        return Dual(function(self.value), derivative(self.value) * self.slope)


def dual(x):
    return x if isinstance(x, Dual) else Dual(np.asarray(x), np.zeros(1))


def where(condition, x, y):
    x, y = dual(x), dual(y)
    value = np.where(condition, x.value, y.value)
    return Dual(value, np.where(condition, x.slope, y.slope))


@dataclass(frozen=True)
class SpikesOf:
    """What is not smooth: with a surrogate's derivative at the threshold."""

    derivative: object
    detach_reset: bool

    def step(self, fires, distance):
        return distance.map(lambda _: fires.astype(float), self.derivative)

    def floor(self, x, lowest=-np.inf):
        nearest = np.maximum(np.round(x.value), lowest)
        return x.map(np.floor, lambda value: self.derivative(value - nearest))

    def reset(self, spikes, after, other):
        if self.detach_reset:
            return where(spikes.value > 0, after, other)
        return spikes * after + (1.0 - spikes) * other

    def subtract(self, voltage, spikes):
        return voltage - (spikes.value if self.detach_reset else spikes)


# The equations of Nengo's types, one step each.


def lif(p, J, state, rule):
    rest = state["refractory_time"] - DT
    time = DT - rest
    time = where(time.value < 0, 0.0, where(time.value > DT, DT, time))
    voltage = state["voltage"]
    decay = (time * (-1 / p["tau_rc"])).map(np.expm1, np.exp)
    voltage = voltage - (J - voltage) * decay
    fires = voltage.value > 1
    spikes = rule.step(fires, voltage - 1.0)
    passed = where(fires, (voltage - 1.0) / where(fires, J - 1.0, 1.0), 0.0)
    late = (-1.0 * passed).map(np.log1p, lambda x: 1 / (1 + x))
    rested = p["tau_ref"] + DT + p["tau_rc"] * late
    low = voltage.value < p["min_voltage"]
    voltage = where(low, p["min_voltage"], voltage)
    return p["amplitude"] / DT * spikes, {
        "voltage": rule.reset(spikes, dual(0.0), voltage),
        "refractory_time": rule.reset(spikes, rested, rest),
    }


def adaptive_lif(p, J, state, rule):
    n = state["adaptation"]
    output, new = lif(p, J - n, state, rule)
    return output, {
        **new,
        "adaptation": n + DT / p["tau_n"] * (p["inc_n"] * output - n),
    }


def rectified(p, J, state, rule):
    voltage = state["voltage"] + where(J.value > 0, J, 0.0) * DT
    spikes = rule.floor(voltage, lowest=1)
    new = {"voltage": rule.subtract(voltage, spikes)}
    return p["amplitude"] / DT * spikes, new


def leaky(p, J, state, rule):
    leaked = where(J.value < 0, p["negative_slope"] * J, J)
    voltage = state["voltage"] + leaked * DT
    spikes = rule.floor(voltage)
    new = {"voltage": rule.subtract(voltage, spikes)}
    return p["amplitude"] / DT * spikes, new


def izhikevich(p, J, state, rule):
    v, u = state["voltage"], state["recovery"]
    J = where(J.value < -30, -30.0, J)
    v = v + (0.04 * v * v + 5.0 * v + 140.0 - u + J) * (1000 * DT)
    spikes = rule.step(v.value >= 30, v * (1 / 30) - 1.0)
    v = rule.reset(spikes, dual(p["reset_voltage"]), v)
    u = u + p["tau_recovery"] * (p["coupling"] * v - u) * (1000 * DT)
    u = rule.reset(spikes, u + p["reset_recovery"], u)
    return spikes * (1 / DT), {"voltage": v, "recovery": u}


def regular(p, J, state, rule):
    voltage = state["voltage"] + J * DT
    spikes = rule.floor(voltage)
    new = {"voltage": rule.subtract(voltage, spikes)}
    return p["amplitude"] / DT * spikes, new


def stochastic(p, J, state, rule):
    expected = where(J.value < 0, J * -DT, J * DT)
    drawn = random_numbers.uniform(state["rng"], J.value.shape, "float64").numpy()
    # As many as there are thresholds, drawn + 0, 1, 2 ..., below.
    spikes = rule.floor(expected + (1 - drawn), lowest=1)
    return p["amplitude"] / DT * spikes * np.sign(J.value), {}


#: For each type: neurons with different parameters, currents between which they get
#: theirs, its equations, and the names of its parameters.
LIF = ["tau_rc", "tau_ref", "min_voltage", "amplitude"]
TYPES = {
    nengo.LIF: (
        [nengo.LIF(), nengo.LIF(0.05, 0.0031, -1, 2), nengo.LIF(tau_ref=0.0)],
        (-10, 30),
        lif,
        LIF,
    ),
    nengo.AdaptiveLIF: (
        [nengo.AdaptiveLIF(), nengo.AdaptiveLIF(0.02, 0.05, 0.03, 0.0011, -1, 2)],
        (-10, 30),
        adaptive_lif,
        [*LIF, "tau_n", "inc_n"],
    ),
    nengo.SpikingRectifiedLinear: (
        [nengo.SpikingRectifiedLinear(), nengo.SpikingRectifiedLinear(0.5)],
        (-600, 1800),
        rectified,
        ["amplitude"],
    ),
    SpikingLeakyReLU: (
        [SpikingLeakyReLU(), SpikingLeakyReLU(0.5, 0.1)],
        (-1500, 1500),
        leaky,
        ["amplitude", "negative_slope"],
    ),
    nengo.Izhikevich: (
        [nengo.Izhikevich(), nengo.Izhikevich(0.1, 0.25, -55.3, 4)],
        (-40, 60),
        izhikevich,
        ["tau_recovery", "coupling", "reset_voltage", "reset_recovery"],
    ),
    RegularSpiking: (
        [RegularSpiking(nengo.Tanh()), RegularSpiking(nengo.LIFRate(), amplitude=2)],
        (-1500, 1500),
        regular,
        ["amplitude"],
    ),
    StochasticSpiking: (
        [StochasticSpiking(nengo.Tanh()), StochasticSpiking(nengo.LIFRate(), 2)],
        (-1500, 1500),
        stochastic,
        ["amplitude"],
    ),
}

#: What no surrogate is for: the number drawn has no threshold.
WITHOUT_THRESHOLD = {nengo.PoissonSpiking}

SURROGATES = {
    "ATan": lambda detach: surrogates.ATan(detach_reset=detach),
    "Triangle": lambda detach: surrogates.Triangle(gamma=0.9, detach_reset=detach),
}

N = 10

each_type = pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
each_with_state = pytest.mark.parametrize(
    "kind",
    [kind for kind in TYPES if kind is not StochasticSpiking],
    ids=lambda kind: kind.__name__,
)


def test_all_types_that_spike_have_a_row():
    kinds = [
        kind
        for module in (nengo.neurons, inspect.getmodule(SpikingLeakyReLU))
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, nengo.neurons.NeuronType) and kind.spiking
    ]
    abstract = {nengo.neurons.RatesToSpikesNeuronType}
    assert {*kinds} - abstract == {*TYPES} | WITHOUT_THRESHOLD


def test_neurons_without_a_threshold_are_refused():
    poisson = nengo.PoissonSpiking(nengo.LIFRate())
    with pytest.raises(BuildError, match="PoissonSpiking: expected .*got ATan.*no thr"):
        surrogates.ATan().step_of(make_neurons([poisson]))


def make_neurons(types, dtype="float64", n=N):
    kind = Builder.find(type(types[0]))
    return kind(types, [n] * len(types), BuildConfig(DT, BATCH, dtype))


def currents(kind, rng):
    """Return currents that change, around a mean of each neuron; some do not."""
    types, (low, high), *_ = TYPES[kind]
    n = N * len(types)
    J = np.linspace(low, high, n)[:, None] + np.zeros((N_STEPS, n, BATCH))
    J[..., 1] += rng.uniform(-0.2, 0.2, (N_STEPS, n)) * (high - low)
    return J


def initial_state(types, rng):
    made = [one.make_state(N, rng=rng) for one in types]
    state = {}
    for name, value in made[0].items():
        if isinstance(value, np.ndarray):
            values = np.concatenate([one[name] for one in made])
            state[name] = np.stack([values] * BATCH, axis=-1)
    return state


def parameters(types, names):
    values = {name: [getattr(one, name) for one in types] for name in names}
    return {name: np.repeat(value, N)[:, None] for name, value in values.items()}


def with_seed(state, t):
    return {**state, "rng": tf.constant(t, tf.uint64)}


def reference(kind, J, start, rule):
    """Return outputs and what is left, with derivatives by currents and start."""
    types, _, step, names = TYPES[kind]
    directions = np.eye(N_STEPS + len(start))[:, :, None, None]
    state = {
        name: Dual(value, directions[:, N_STEPS + i])
        for i, (name, value) in enumerate(start.items())
    }
    outputs = []
    for t in range(N_STEPS):
        current = Dual(J[t], directions[:, t])
        state = with_seed(state, t)
        output, new = step(parameters(types, names), current, state, rule)
        outputs.append(output)
        state = {**state, **new}
    return outputs, [state[name] for name in start]


def back_propagated(step, J, start, weights):
    """Return the same in TensorFlow: outputs, what is left, gradients of their sum."""
    sources = [tf.constant(J), *map(tf.constant, start.values())]
    compute = tf.function(step.compute, autograph=False)
    with tf.GradientTape() as tape:
        tape.watch(sources)
        state, found = dict(zip(start, sources[1:], strict=True)), []
        for t, current in enumerate(tf.unstack(sources[0])):
            output, new = compute(current, with_seed(state, t))
            state = {**state, **new}
            found.append(output)
        found += [state[name] for name in start]
        total = tf.add_n(
            [tf.reduce_sum(w * y) for w, y in zip(weights, found, strict=True)]
        )
    gradients = tape.gradient(total, sources)
    return found, np.stack([*gradients[0].numpy(), *gradients[1:]])


def relative_error(found, expected):
    """Return the largest error, for each neuron next to its largest derivative."""
    largest = np.max(np.abs(expected), axis=0)
    return np.max(np.abs(found - expected) / np.maximum(largest, 1e-9))


@pytest.mark.parametrize("detach", [False, True], ids=["through reset", "detached"])
@pytest.mark.parametrize("name", SURROGATES)
@each_type
def test_gradients_through_time(kind, name, detach):
    rng = np.random.RandomState(0)
    types, surrogate = TYPES[kind][0], SURROGATES[name](detach)
    J, start = currents(kind, rng), initial_state(types, rng)

    def derivative(x):
        return surrogate.derivative(tf.constant(x)).numpy()

    outputs, left = reference(kind, J, start, SpikesOf(derivative, detach))
    weights = [rng.normal(size=x.value.shape) for x in [*outputs, *left]]
    step = surrogate.step_of(make_neurons(types))
    found, gradients = back_propagated(step, J, start, weights)
    for mine, theirs in zip(found, [*outputs, *left], strict=True):
        np.testing.assert_allclose(mine, theirs.value, rtol=1e-9, atol=1e-12)
    expected = sum(w * x.slope for w, x in zip(weights, [*outputs, *left], strict=True))
    assert relative_error(gradients, expected) < 1e-8
    fired = np.sum([x.value != 0 for x in outputs], axis=0)
    assert np.max(fired) > 3


@each_with_state
def test_the_reference_is_nengo(kind):
    rng = np.random.RandomState(1)
    types = TYPES[kind][0]
    J, start = currents(kind, rng), initial_state(types, rng)
    outputs, left = reference(kind, J, start, SpikesOf(np.zeros_like, True))
    for i, one in enumerate(types):
        part = slice(i * N, (i + 1) * N)
        state = {name: value[part].copy() for name, value in start.items()}
        for t in range(N_STEPS):
            output = np.zeros((N, BATCH))
            one.step(DT, J[t, part], output, **state)
            np.testing.assert_allclose(outputs[t].value[part], output, rtol=1e-12)
        for expected, found in zip(state.values(), left, strict=True):
            np.testing.assert_allclose(found.value[part], expected, rtol=1e-9)


@each_with_state
def test_without_a_surrogate_gradients_are_those_of_a_run(kind):
    """What is left of them as long as no spike comes or goes: finite differences."""
    rng = np.random.RandomState(2)
    types, (low, high), *_ = TYPES[kind]
    J, start = currents(kind, rng), initial_state(types, rng)
    step = surrogates.CustomSurrogate(tf.zeros_like).step_of(make_neurons(types))

    def run(J):
        return back_propagated(step, J, start, weights)

    weights = [np.zeros_like(J[0])] * N_STEPS
    weights += [rng.normal(size=J[0].shape) for _ in start]
    change, size = rng.normal(size=J.shape), 1e-9 * (high - low)
    (up, _), (down, _) = run(J + size * change), run(J - size * change)
    for one, other in zip(up[:N_STEPS], down[:N_STEPS], strict=True):
        np.testing.assert_array_equal(one, other)  # the same spikes
    difference = sum(
        w * np.subtract(one, other) / (2 * size)
        for w, one, other in zip(weights, up, down, strict=True)
    )
    _, gradients = run(J)
    expected = np.sum(gradients[:N_STEPS] * change, axis=0)
    scale = np.max(np.abs(difference), initial=1e-9)
    np.testing.assert_allclose(difference, expected, rtol=1e-4, atol=1e-4 * scale)
