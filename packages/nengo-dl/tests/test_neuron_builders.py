"""Neuron types that are registered in the manner of NengoDL 3 run and train."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.exceptions import BuildError, ValidationError
from nengo.params import NumberParam

import nengo_dl
from nengo_dl.neuron_builders import (
    LIFBuilder,
    LIFRateBuilder,
    RectifiedLinearBuilder,
    SimNeuronsBuilder,
    TFNeuronBuilder,
)

IMPL = SimNeuronsBuilder.TF_NEURON_IMPL
NATIVE = dict(IMPL)


class Clipped(nengo.RectifiedLinear):
    """Rates up to a limit; no state, and a parameter of its own."""

    limit = NumberParam("limit")

    def __init__(self, limit=50.0):
        super().__init__()
        self.limit = limit

    def step(self, dt, J, output):
        output[...] = np.clip(J, 0, self.limit)


class Integrating(nengo.neurons.NeuronType):
    """Spikes when its voltage reaches 1, and adapts: two variables of state."""

    state = {"voltage": nengo.dists.Choice([0.2]), "tired": nengo.dists.Choice([0])}
    spiking = True

    def gain_bias(self, max_rates, intercepts):
        return np.full_like(max_rates, 200), np.zeros_like(max_rates)

    def step(self, dt, J, output, voltage, tired):
        voltage += dt * (J - tired)
        spiked = voltage > 1
        output[...] = spiked / dt
        voltage[spiked] = 0
        tired += spiked


class RoundedLIF(nengo.LIF):
    """A refractory period of whole steps."""

    def step(self, dt, J, output, voltage, refractory_time):
        rounded = nengo.LIF(self.tau_rc, dt * np.round(self.tau_ref / dt))
        rounded.step(dt, J, output, voltage, refractory_time)


class ClippedBuilder(RectifiedLinearBuilder):
    def build_pre(self, signals, config):
        super().build_pre(signals, config)
        types, sizes = [op.neurons for op in self.ops], [op.J.size for op in self.ops]
        self.limit = signals.op_constant(types, sizes, "limit", signals.dtype)

    def step(self, J, dt):
        # Constants of the minibatch's shape, as many builders had them.
        return tf.minimum(
            tf.where(J > 0, J, tf.zeros(self.J_data.full_shape, J.dtype)), self.limit
        )


class IntegratingBuilder(TFNeuronBuilder):
    spiking = True

    def step(self, J, dt, voltage, tired):
        voltage += dt * (J - tired)
        spiked = voltage > 1
        spikes = tf.cast(spiked, J.dtype)
        return spikes / dt, tf.where(spiked, tf.zeros_like(J), voltage), tired + spikes

    def training_step(self, J, dt, **state):
        return tf.nn.relu(J)


class IntegratingWhole(IntegratingBuilder):
    """The same as a whole ``build_step``, which reads and writes signals itself."""

    def build_step(self, signals):
        J = signals.gather(self.J_data)
        if signals.training:
            signals.scatter(self.output_data, tf.nn.relu(J))
            return
        sigs = [self.state_data["voltage"], self.state_data["tired"]]
        results = self.step(J, signals.dt, *map(signals.gather, sigs))
        for sig, value in zip([self.output_data, *sigs], results, strict=True):
            signals.scatter(sig, value)


class RoundedLIFBuilder(LIFBuilder):
    def build_pre(self, signals, config):
        super().build_pre(signals, config)
        self.tau_ref = signals.dt * tf.round(self.tau_ref / signals.dt)


class RateOfAnother(RoundedLIFBuilder):
    """Trains by the step of another builder, called as a function."""

    def training_step(self, J, dt, **state):
        return LIFRateBuilder.step(self, J, dt)


ROWS = {
    "no state": (ClippedBuilder, [Clipped(40), Clipped(70)]),
    "state": (IntegratingBuilder, [Integrating()]),
    "whole build_step": (IntegratingWhole, [Integrating()]),
    "derived": (RoundedLIFBuilder, [RoundedLIF(tau_ref=0.0024), RoundedLIF(0.05)]),
    "borrowed": (RateOfAnother, [RoundedLIF(tau_ref=0.0024)]),
}


RATES = {
    "max_rates": nengo.dists.Choice([200]),
    "intercepts": nengo.dists.Choice([0]),
}


def network(types, rates=RATES):
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64", trainable=None)
        stim = nengo.Node([0.9])
        net.probes_ = []
        for neuron_type in types:
            ens = nengo.Ensemble(4, 1, neuron_type=neuron_type, **rates)
            net.config[ens].trainable = False
            weights = np.arange(10, 90, 20)[:, None] / 200
            conn = nengo.Connection(stim, ens.neurons, transform=weights, synapse=None)
            net.probes_.append(nengo.Probe(ens.neurons))
            net.weights = conn
    return net, stim


@pytest.mark.parametrize("jit_compile", [True, False])
@pytest.mark.parametrize("row", ROWS)
def test_runs_as_in_nengo(row, jit_compile, monkeypatch):
    builder, types = ROWS[row]
    monkeypatch.setitem(IMPL, type(types[0]), builder)
    net, _ = network(types)
    with nengo.Simulator(net, progress_bar=False) as core:
        core.run_steps(60)
    arguments = {"progress_bar": False, "jit_compile": jit_compile}
    with nengo_dl.Simulator(net, minibatch_size=2, **arguments) as sim:
        assert not any(group.python for group in sim._engine.program.groups)
        sim.run_steps(60)
        for probe in net.probes_:
            assert np.any(core.data[probe] > 0)
            for item in sim.data[probe]:
                np.testing.assert_allclose(item, core.data[probe], atol=1e-9)


@pytest.mark.parametrize("row", ROWS)
def test_trains(row, monkeypatch):
    builder, types = ROWS[row]
    monkeypatch.setitem(IMPL, type(types[0]), builder)
    net, stim = network(types)
    x, y = np.full((4, 2, 1), 0.9), np.full((4, 2, 4), 30.0)
    with nengo_dl.Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        before = sim.data[net.weights].weights
        sim.compile(keras.optimizers.SGD(1e-5), "mse")
        losses = sim.fit({stim: x}, {probe: y for probe in net.probes_}, epochs=3)
        after = sim.data[net.weights].weights
    assert losses.history["loss"][-1] < losses.history["loss"][0]
    assert np.any(before != after)


def test_gradient_is_that_of_training_step(monkeypatch):
    monkeypatch.setitem(IMPL, Integrating, IntegratingBuilder)
    net, stim = network([Integrating()])
    (probe,) = net.probes_
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        before = sim.data[net.weights].weights
        sim.compile(keras.optimizers.SGD(0.1), {probe: lambda y, out: out})
        sim.fit({stim: np.full((1, 1, 1), 0.5)}, {probe: np.zeros((1, 1, 4))})
        after = sim.data[net.weights].weights
    # The mean over four outputs w * x, by w; all of them are above zero.
    np.testing.assert_allclose(after - before, np.full((4, 1), -0.1 * 200 * 0.5 / 4))


def test_builders_of_nengo_types_serve_others(monkeypatch):
    found = []
    for make in (
        lambda kind: kind,
        lambda kind: type("Derived", (kind,), {"step": fails}),
    ):
        kinds = {make(kind): builder for kind, builder in NATIVE.items()}
        for kind, builder in kinds.items():
            monkeypatch.setitem(IMPL, kind, builder)
        bases = {kind: issubclass(kind, nengo.RegularSpiking) for kind in kinds}
        net, stim = network([k(*[nengo.LIFRate()] * bases[k]) for k in kinds], {})
        with net:
            nengo_dl.configure_settings(lif_smoothing=0.1)
        data = {probe: np.ones((1, 2, 4)) for probe in net.probes_}
        with nengo_dl.Simulator(net, progress_bar=False, jit_compile=False) as sim:
            sim.run_steps(20)
            objective = {probe: nengo_dl.obj.mse for probe in data}
            loss = sim.loss(
                {stim: np.ones((1, 2, 1)), **data}, objective, training=True
            )
            found.append([loss, *(sim.data[probe] for probe in net.probes_)])
    for native, adapted in zip(*found, strict=True):
        np.testing.assert_allclose(native, adapted, rtol=1e-9)


def fails(self, *args, **kwargs):
    raise AssertionError("expected not to run in Python")


def test_registry_knows_nengo_types_and_takes_replacements(monkeypatch):
    assert IMPL[nengo.LIF] is LIFBuilder
    assert nengo.Izhikevich not in IMPL

    class Half(RectifiedLinearBuilder):
        def step(self, J, dt):
            return super().step(J, dt) / 2

    net, _ = network([nengo.RectifiedLinear()])
    found = []
    for builder in (NATIVE[nengo.RectifiedLinear], Half):
        monkeypatch.setitem(IMPL, nengo.RectifiedLinear, builder)
        with nengo_dl.Simulator(net, progress_bar=False, jit_compile=False) as sim:
            sim.run_steps(1)
            found.append(sim.data[net.probes_[0]])
    np.testing.assert_allclose(found[0], 2 * found[1])


class TooFew(IntegratingBuilder):
    def step(self, J, dt, voltage, tired):
        return J, voltage


class WrongType(IntegratingBuilder):
    def step(self, J, dt, voltage, tired):
        return tf.cast(J, tf.int32), voltage, tired


class WrongShape(IntegratingBuilder):
    def step(self, J, dt, voltage, tired):
        return tf.zeros((7, 7), J.dtype), voltage, tired


class NoStep(TFNeuronBuilder):
    pass


class MannerOf2(TFNeuronBuilder):
    def __init__(self, ops, signals, config):
        super().__init__(ops)


class Unrelated:
    def __init__(self, ops):
        pass


BAD = {
    TooFew: (ValidationError, r"\(output, voltage, tired\), got 2 values"),
    WrongType: (BuildError, "WrongType: expected output of type float64, got int32"),
    WrongShape: (BuildError, r"shape \(minibatch_size, n_neurons\) = \(1, 4\), got"),
    NoStep: (BuildError, "NoStep has no step"),
    MannerOf2: (BuildError, r"made from the operators alone \(__init__\(self, ops\)"),
    Unrelated: (BuildError, "Unrelated has no build_pre and no build_step: derive it"),
}


@pytest.mark.parametrize("builder", BAD)
def test_wrong_builders_are_explained(builder, monkeypatch):
    error, text = BAD[builder]
    monkeypatch.setitem(IMPL, Integrating, builder)
    net, _ = network([Integrating()])
    with pytest.raises(error, match=text):
        with nengo_dl.Simulator(net, progress_bar=False) as sim:
            sim.run_steps(1)


def test_spiking_builder_without_training_step(monkeypatch):
    class Untrainable(TFNeuronBuilder):
        spiking = True
        step = IntegratingBuilder.step

    monkeypatch.setitem(IMPL, Integrating, Untrainable)
    net, stim = network([Integrating()])
    (probe,) = net.probes_
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(2)
        sim.compile("sgd", {probe: "mse"})
        with pytest.raises(BuildError, match="Untrainable spikes and has no training"):
            sim.fit({stim: np.ones((1, 2, 1))}, {probe: np.ones((1, 2, 4))})
