"""The contract's rows on training, one test for each, named by the row."""

import warnings

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import sgd, simulator, total
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_ops import SoftLIFRate, TensorNode, tensor_layer
from nengo_dl_sim import configure_settings

TF1 = tf.compat.v1.train


def linear(value=0.5):
    """A trainable weight of 1 from an input to a probe: its gradient is the input."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.a = nengo.Node([value])
        net.b = nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.a, net.b, transform=1.0, synapse=None)
        net.p = nengo.Probe(net.b, label="p")
    return net


def weight(sim, net):
    return float(np.squeeze(sim.data[net.conn].weights))


# -- XOR, memory: what the original asked of itself


def test_acceptance_xor():
    with nengo.Network(seed=0) as net:
        inputs, output = nengo.Node(np.zeros(2)), nengo.Node(size_in=1)
        tanh = nengo.Tanh(tau_ref=1)
        hidden = nengo.Ensemble(
            16, 1, neuron_type=tanh, gain=np.ones(16), bias=[0] * 16
        )
        weights = nengo.dists.Uniform(-1, 1)
        nengo.Connection(inputs, hidden.neurons, transform=weights, synapse=None)
        nengo.Connection(hidden.neurons, output, transform=weights, synapse=None)
        probe = nengo.Probe(output)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[:, None]
    data = {inputs: x, probe: np.array([0, 1, 1, 0])[:, None, None]}
    with simulator(net, minibatch_size=4, seed=0) as sim:
        untrained = sim.loss(data)
        sim.train(data, keras.optimizers.Adam(0.05), n_epochs=150)
        assert sim.loss(data) < 2e-3 < 0.1 < untrained


@pytest.mark.parametrize("truncation, limit", [(None, 0.0025), (5, 0.007)])
def test_acceptance_recurrent(truncation, limit):
    """Ten steps of an integrator."""
    with nengo.Network(seed=0) as net:
        inputs = nengo.Node([0.0])
        ens = nengo.Ensemble(
            20,
            1,
            neuron_type=nengo.RectifiedLinear(),
            max_rates=nengo.dists.Uniform(0.5, 1),
        )
        nengo.Connection(inputs, ens, synapse=None)
        nengo.Connection(ens, ens, transform=0.5, synapse=0)
        probe = nengo.Probe(ens)
    x = np.random.RandomState(0).uniform(-0.2, 0.2, (16, 10, 1))
    data = {inputs: x, probe: np.cumsum(x, axis=1)}
    with simulator(net, minibatch_size=8, jit_compile=True) as sim:
        untrained = sim.loss(data)
        optimizer = keras.optimizers.Adam(0.01)
        sim.train(data, optimizer, n_epochs=80, truncation=truncation)
        assert sim.loss(data) < limit < untrained


# -- what a single step, and Python, hide from gradients


def synaptic(where):
    with nengo.Network(seed=0) as net:
        a, b, c = nengo.Node([0.5]), nengo.Node(size_in=1), nengo.Node(size_in=1)
        nengo.Connection(a, b, synapse=None, transform=1.0)
        nengo.Connection(b, c, synapse=0.01 if where == "connection" else None)
        nengo.Connection(b, nengo.Node(size_in=1), synapse=0.01)  # leads nowhere
        net.p = nengo.Probe(c, synapse=0.01 if where == "probe" else None)
        nengo.Probe(c, synapse=0.01)  # has no objective
    return net


@pytest.mark.parametrize("where", ["connection", "probe", "neither"])
@pytest.mark.parametrize("n_steps", [1, 2])
@pytest.mark.parametrize("data", ["arrays", "number"])
@pytest.mark.row("S018")
def test_one_step_through_synapses(where, n_steps, data):
    net = synaptic(where)
    if data == "number":
        data, objective = n_steps, {net.p: total}
    else:
        data, objective = {net.p: np.zeros((1, n_steps, 1))}, None
    warned = {}
    with simulator(net) as sim:
        for name, use in (
            ("Training", lambda: sim.train(data, sgd(0.0), objective=objective)),
            ("Calculating loss", lambda: sim.loss(data, objective)),
        ):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    use()
                except ValidationError as error:  # a step that nothing passes
                    assert "depend" in str(error)
            start = f"{name} for one timestep, but "
            warned[name] = any(str(w.message).startswith(start) for w in caught)
    expected = n_steps == 1 and where != "neither"
    assert warned == {"Training": expected, "Calculating loss": expected}


def blocked():
    """Parameters before and after a Python function, and some that lead nowhere."""
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        a = nengo.Node([0.5], label="a")
        python = nengo.Node(lambda t, x: 2 * x, size_in=1)
        b, c = nengo.Node(size_in=1), nengo.Node(size_in=1)
        net.before = nengo.Connection(a, python, transform=2.0, synapse=None, label="x")
        net.after = nengo.Connection(python, b, transform=3.0, synapse=None, label="y")
        net.aside = nengo.Connection(a, c, transform=4.0, synapse=None, label="z")
        net.p, net.q = nengo.Probe(b), nengo.Probe(python)
    return net


@pytest.mark.parametrize("n_steps", [2, 6])  # written out, and as a loop
@pytest.mark.row("S057")
def test_parameters_that_no_gradient_reaches(n_steps):
    net = blocked()
    params = [(conn, "weights") for conn in (net.before, net.after, net.aside)]
    with simulator(net) as sim:
        with pytest.warns(UserWarning, match="No gradient reaches") as caught:
            sim.train(n_steps, sgd(0.1), objective={net.p: total})
            sim.train(n_steps, sgd(0.1), objective={net.p: total})
        assert len(caught) == 1
        message = str(caught[0].message)
        assert "connections/0 (x)/weights (from" in message
        assert "(z)" not in message  # no probe depends on it
        assert "Python functions" in message and "(y)" not in message
        before, after, aside = np.ravel(sim.data.get_params(*params))
        assert (before, aside) == (2, 4)
        assert after < 3

        with pytest.warns(UserWarning, match="Probe.* depends on none .*x.*y"):
            sim.train(n_steps, sgd(0.1), objective={net.q: total})
        np.testing.assert_array_equal(
            np.ravel(sim.data.get_params(*params)), [before, after, aside]
        )
    net.config[net.before].trainable = net.config[net.aside].trainable = False
    with simulator(net) as sim:  # warnings are errors
        sim.train(n_steps, sgd(0.1), objective={net.p: total})


@pytest.mark.parametrize("n_steps", [2, 6])
@pytest.mark.row("S057")
def test_layers_that_no_gradient_reaches(n_steps):
    with nengo.Network(seed=0) as net:
        a = nengo.Node([0.5])
        python = nengo.Node(lambda t, x: 2 * x, size_in=1)
        before = tensor_layer(a, keras.layers.Dense(1, name="first"))
        nengo.Connection(before, python, synapse=None)
        p = nengo.Probe(tensor_layer(python, keras.layers.Dense(1, name="second")))
    with simulator(net) as sim:
        with pytest.warns(UserWarning, match="No gradient reaches") as caught:
            sim.train(n_steps, sgd(0.1), objective={p: total})
    # Its own connection to the function is one, too.
    assert str(caught[0].message).count("kernel of") == 1
    assert str(caught[0].message).count("bias of") == 1


# -- counting, optimizers


@pytest.mark.row("S025", "S026")
def test_progress_and_training_mode(capsys, terminal):
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(5, 1, neuron_type=nengo.LIF())
        nengo.Connection(nengo.Node([0.5]), ens, synapse=None)
        p = nengo.Probe(ens.neurons)
    objective = {p: lambda y: tf.reduce_mean(y**2)}
    with simulator(net) as sim:
        rates = sim.loss(10, objective, training=True)
        assert capsys.readouterr().err == ""
        spikes = sim.loss(10, objective, training=False, progress_bar=True)
        assert "Calculating loss" in capsys.readouterr().err
        sim.train(10, sgd(0.0), objective=objective, progress_bar=True)
        assert "Training" in capsys.readouterr().err
    net.ensembles[0].neuron_type = nengo.LIFRate()
    with simulator(net) as sim:
        assert rates == pytest.approx(sim.loss(10, objective), rel=1e-5)
    assert abs(spikes - rates) > 0.1 * rates


@pytest.mark.row("S030")
def test_training_step():
    net = linear()
    with simulator(net, minibatch_size=2) as sim:
        x = np.ones((6, 4, 1))
        data, objective = {net.a: x}, {net.p: total}
        assert sim.training_step == 0
        sim.train(data, sgd(0.0), objective=objective, n_epochs=2)
        assert sim.training_step == 6
        sim.train(data, sgd(0.0), objective=objective, truncation=2)
        assert sim.training_step == 12
        sim.loss(data, objective)
        sim.run_batch(data, objective, training=True)
        assert sim.training_step == 12
        sim.reset()
        assert int(sim.training_step) == 0
    with net:
        configure_settings(inference_only=True)
    with simulator(net) as sim:
        assert sim.training_step is None


SCHEDULES = {
    "Keras, by its own count": lambda sim: keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    ),
    "Keras, by sim.training_step": lambda sim: keras.optimizers.SGD(
        lambda: 0.1 * 0.5 ** tf.cast(sim.training_step, tf.float32)
    ),
    "TensorFlow 1": lambda sim: TF1.GradientDescentOptimizer(
        TF1.exponential_decay(0.1, sim.training_step, 1, 0.5)
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.row("S030")
def test_schedules_see_the_step(name):
    net = linear()
    with simulator(net) as sim:
        optimizer, expected = SCHEDULES[name](sim), 1.0
        for step in range(4):
            sim.train(1, optimizer, objective={net.p: total})
            expected -= 0.1 * 0.5**step * 0.5
            assert weight(sim, net) == pytest.approx(expected, rel=1e-6)


@pytest.mark.row("S033")
def test_first_the_change_then_the_count_then_summaries(tmp_path):
    net, seen = linear(), []
    with simulator(net, tensorboard=tmp_path) as sim:

        def look():
            seen.append((int(sim.training_step), weight(sim, net)))

        sim.train(1, sgd(0.1), objective={net.p: total}, n_epochs=3, summaries=[look])
    assert [step for step, _ in seen] == [1, 2, 3]
    np.testing.assert_allclose([w for _, w in seen], [0.95, 0.9, 0.85])


@pytest.mark.parametrize("make", [
    lambda: keras.optimizers.SGD(0.1, momentum=0.5),
    lambda: TF1.MomentumOptimizer(0.1, 0.5),
], ids=["keras", "tf1"])  # fmt: skip
@pytest.mark.row("S072")
def test_state_belongs_to_the_optimizer(make):
    net = linear()
    others = {"one": total, "two": lambda y: 2 * tf.reduce_sum(y)}

    def run(same):
        optimizer, speed, expected = make(), 0.0, 1.0
        with simulator(net) as sim:
            for name in ("one", "two", "one", "two"):  # two compilations
                if not same:
                    optimizer, speed = make(), 0.0
                sim.train(1, optimizer, objective={net.p: others[name]})
                speed = 0.5 * speed + (0.5 if name == "one" else 1.0)
                expected -= 0.1 * speed
                assert weight(sim, net) == pytest.approx(expected, rel=1e-6)
        return expected

    assert abs(run(same=True) - run(same=False)) > 0.1


@pytest.mark.row("S082")
def test_truncation_cuts_gradients_not_the_state():
    """A weight into a sum over steps: gradients see only their own block."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", trainable=False)
        a, b = nengo.Node([1.0]), nengo.Node(size_in=1)
        net.conn = nengo.Connection(a, b, transform=1.0, synapse=None)
        net.config[net.conn].trainable = True
        nengo.Connection(b, b, synapse=0)
        p = nengo.Probe(b)
    rate, n_steps = 2.0**-7, 8  # exact in single precision, as Keras keeps it
    targets = np.zeros((1, n_steps, 1))

    def reference(truncation):
        w, state = 1.0, 0.0
        for start in range(0, n_steps, truncation):
            n = min(truncation, n_steps - start)
            steps = np.arange(1, n + 1)
            y = state + w * steps
            state += w * n
            w -= rate * np.mean(2 * y * steps)
        return w

    def error(outputs, targets):
        return tf.reduce_mean((outputs - targets) ** 2)

    for truncation, n_blocks in ((8, 1), (4, 2), (1, 8), (3, 3), (20, 1)):
        uneven = n_steps % truncation > 0
        with simulator(net) as sim, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sim.train(
                {p: targets}, sgd(rate), objective={p: error}, truncation=truncation
            )
            assert any("multiple of truncation" in str(w.message) for w in caught) == (
                uneven
            )
            assert weight(sim, net) == pytest.approx(reference(truncation), rel=1e-9)
            assert sim.training_step == n_blocks
    with simulator(net) as sim:
        for wrong in (0, -1, 1.5, "2"):
            with pytest.raises(ValidationError, match=f"truncation.*got {wrong!r}"):
                sim.train({p: targets}, sgd(), truncation=wrong)


# -- rates for spikes


NEURONS = {
    "LIF": (nengo.LIF(tau_rc=0.03), nengo.LIFRate(tau_rc=0.03), None),
    "smoothed LIF": (nengo.LIF(), SoftLIFRate(sigma=0.4), 0.4),
    "rectified": (nengo.SpikingRectifiedLinear(), nengo.RectifiedLinear(), None),
}


def population(neuron_type, smoothing=None, **settings):
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", lif_smoothing=smoothing, **settings)
        net.a = nengo.Node([0.5])
        net.ens = nengo.Ensemble(
            10, 1, neuron_type=neuron_type, max_rates=nengo.dists.Uniform(50, 150)
        )
        nengo.Connection(net.a, net.ens, synapse=None)
        net.p = nengo.Probe(net.ens.neurons)
    return net


@pytest.mark.row("S040", "S042")
@pytest.mark.parametrize("name", NEURONS)
def test_rates_stand_in_for_spikes(name):
    spiking, rate, smoothing = NEURONS[name]
    net = population(spiking, smoothing)
    with simulator(net) as sim, nengo.Simulator(net, progress_bar=False) as reference:
        expected = rate.rates(
            np.full((1, 1), 0.5) @ sim.data[net.ens].encoders.T,
            sim.data[net.ens].gain,
            sim.data[net.ens].bias,
        )
        found = sim.run_batch(5, {net.p: None}, training=True)[net.p]
        np.testing.assert_allclose(found[0, 0], np.repeat(expected, 5, axis=0))
        before = dict(sim.signals.items())
        sim.run_batch(5, {net.p: None}, training=True, isolate_state=False)
        for signal, value in sim.signals.items():
            if "voltage" in signal.name or "refractory" in signal.name:
                np.testing.assert_array_equal(value, before[signal])  # frozen
        sim.reset()
        sim.train(5, sgd(0.0), objective={net.p: total})
        sim.run_steps(20)  # inference is as it was: spikes
        reference.run_steps(20)
        np.testing.assert_allclose(sim.data[net.p], reference.data[net.p])


@pytest.mark.row("S041")
def test_inference_only():
    net = population(nengo.LIF(), inference_only=True)
    with simulator(net) as sim:
        for use in (
            lambda: sim.train(5, sgd(), objective={net.p: total}),
            lambda: sim.loss(5, {net.p: total}, training=True),
            lambda: sim.run_batch(5, {net.p: None}, training=True),
            lambda: sim.check_gradients(),
        ):
            for kind in (ValidationError, SimulationError):
                with pytest.raises(kind, match="inference_only"):
                    use()
        assert sim.loss(5, {net.p: total}) > 0


@pytest.mark.row("S058")
def test_soft_lif_for_small_values():
    """For (J - 1) / sigma far below zero the rate goes to zero, not to NaN."""
    rate = SoftLIFRate(sigma=0.02, tau_rc=0.02, tau_ref=0.002)
    J = np.array([-5.0, 0.3, 0.39, 0.41, 0.59, 0.61, 0.9, 1.0, 1.5])
    # 1 / log1p(1 / z) by series where z = sigma * softplus is tiny.
    exponent = (J - 1) / 0.02
    z = 0.02 * np.log1p(np.exp(np.minimum(exponent, 700)))
    inverse = np.where(exponent < -30, -exponent - np.log(0.02), np.log1p(1 / z))
    with np.errstate(all="raise", under="ignore"):
        found = rate.rates(J[:, None], np.ones(1), np.zeros(1))
    np.testing.assert_allclose(found[:, 0], 1 / (0.002 + 0.02 * inverse), rtol=1e-9)


# -- what is computed, and what is left alone


@pytest.mark.row("S045")
def test_gradients_of_several_uses_add_up():
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", trainable=False)
        a, b, c = nengo.Node([2.0]), nengo.Node(size_in=1), nengo.Node(size_in=1)
        net.conn = nengo.Connection(a, b, transform=1.0, synapse=None)
        net.config[net.conn].trainable = True
        for factor in (1.0, 3.0, -0.5):
            nengo.Connection(b, c, transform=factor, synapse=None)
        p, q = nengo.Probe(c), nengo.Probe(b)
    with simulator(net) as sim:
        sim.train(2, sgd(0.01), objective={p: total, q: total})
        assert weight(sim, net) == pytest.approx(1 - 0.01 * 2 * 2 * (3.5 + 1))


@pytest.mark.row("S047")
def test_memory_of_the_graph_does_not_grow_with_steps():
    """Long sequences are a loop: only what it carries is kept for each step."""
    net = population(nengo.LIF())
    graphs = {}

    def objective(outputs):
        graphs[outputs.shape[1]] = outputs.graph
        return total(outputs)

    with simulator(net) as sim:
        for n_steps in (10, 1000):
            sim.train(n_steps, sgd(1e-9), objective={net.p: objective})
    sizes = {n: len(graph.get_operations()) for n, graph in graphs.items()}
    assert sizes[1000] == sizes[10] > 0


@pytest.mark.parametrize("use", ["train", "loss", "run_batch"])
@pytest.mark.row("S059")
def test_errors_of_python_functions(use):
    def faulty(t, x):
        if t > 0.0025:
            raise KeyError("no such thing")
        return x

    with nengo.Network(seed=0) as net:
        a, b = nengo.Node([0.5]), nengo.Node(size_in=1)
        python = nengo.Node(faulty, size_in=1, label="bad")
        nengo.Connection(a, b, transform=2.0, synapse=None)
        nengo.Connection(a, python, synapse=None)
        nengo.Connection(python, b, synapse=None)
        p = nengo.Probe(b)
    for conn in net.connections[1:]:
        with net:
            configure_settings(trainable=None)
        net.config[conn].trainable = False
    with simulator(net) as sim:
        calls = {
            "train": lambda: sim.train(5, sgd(), objective={p: total}),
            "loss": lambda: sim.loss(5, {p: total}),
            "run_batch": lambda: sim.run_batch(5, {p: None}),
        }
        with pytest.raises(SimulationError, match="faulty.*KeyError.*no such thing"):
            calls[use]()
        assert sim.loss(2, {p: total}) == pytest.approx(2 * 1.5)


@pytest.mark.parametrize("use", ["train", "loss", "run_batch", "check_gradients"])
@pytest.mark.row("S104")
def test_the_simulation_is_left_alone(use):
    """State, probes, steps, and the random numbers of everything that draws some."""

    def run(use):
        with nengo.Network(seed=0) as net:
            noise = nengo.Node(nengo.processes.WhiteNoise(seed=None), size_out=1)
            process = nengo.Node(Remembering(), size_in=1, size_out=1)
            ens = nengo.Ensemble(5, 1, noise=nengo.processes.WhiteNoise(scale=False))
            conn = nengo.Connection(noise, ens, synapse=0.1)
            nengo.Connection(noise, process, synapse=None)
            nengo.Connection(
                ens, nengo.Node(size_in=1), learning_rule_type=nengo.PES(), synapse=0.1
            )
            probes = [nengo.Probe(x) for x in (noise, ens, ens.neurons, process)]
            probes.append(nengo.Probe(conn))
        objective = {probes[1]: total}
        with simulator(net, minibatch_size=2, seed=0) as sim:
            sim.run_steps(3)
            if use == "train":
                sim.train(6, sgd(0.0), objective=objective)
            elif use == "loss":
                sim.loss(6, objective)
            elif use == "run_batch":
                sim.run_batch(6, {probes[1]: None, probes[3]: None})
            elif use == "check_gradients":
                sim.check_gradients([probes[0]])
            assert sim.n_steps == 3
            sim.run_steps(3)
            return [sim.data[probe] for probe in probes]

    for found, expected in zip(run(use), run(None), strict=True):
        np.testing.assert_array_equal(found, expected)


class Remembering(nengo.Process):
    """Draws random numbers, and remembers outside of its signals."""

    def make_step(self, shape_in, shape_out, dt, rng, state):
        memory = []

        def step(t, x):
            memory.append(rng.uniform())
            return sum(memory)

        return step


@pytest.mark.row("S104")
def test_every_minibatch_starts_anew():
    with nengo.Network(seed=0) as net:
        node = nengo.Node(Remembering(), size_in=1, size_out=1)
        p = nengo.Probe(node)
        counted = nengo.Node(nengo.processes.FilteredNoise(), size_out=1)
        q = nengo.Probe(counted)
        a = nengo.Node([0.0])
        nengo.Connection(a, node, synapse=None)
    with simulator(net, minibatch_size=2, seed=0) as sim:
        x = {a: np.zeros((6, 50, 1))}
        found = sim.run_batch(x, {p: None, q: None}, combine=np.concatenate)
        again = sim.run_batch(x, {p: None, q: None}, combine=np.concatenate)
        np.testing.assert_array_equal(found[p], again[p])
        np.testing.assert_array_equal(found[q], again[q])
        assert len(np.unique(found[p][:, -1])) == len(np.unique(found[q][:, -1])) == 6
        # A memory that was not emptied would be some 100 after four times 50 steps.
        assert np.all(np.abs(found[p][:, -1] - 25) < 10)
        sim.run_steps(50)
        np.testing.assert_allclose(sim.data[q], found[q][:2], rtol=1e-6)


@pytest.mark.row("S124")
def test_built_once():
    net, traced = linear(), []

    def objective(outputs):
        traced.append(0)
        return total(outputs)

    with simulator(net) as sim:
        optimizer = sgd(0.01)
        for _ in range(3):
            sim.train(2, optimizer, objective={net.p: objective}, n_epochs=2)
            sim.train(2, sgd(0.01), objective={net.p: objective})
            sim.loss(2, {net.p: objective})
        assert len(traced) == 2  # one for training, one for the loss
        sim.reset()
        sim.train(2, optimizer, objective={net.p: objective})
        assert len(traced) == 2


@pytest.mark.row("S043")
def test_outputs_of_tensor_nodes_are_checked_at_build():
    for function, match in (
        (lambda t, x: tf.concat([x, x], axis=1), "shape"),
        (lambda t, x: tf.cast(x, tf.int32), "int32|type"),
        (lambda t, x: 0.0, "tensor|Tensor"),
    ):
        with nengo.Network() as net:
            TensorNode(function, size_in=2, size_out=2)
        with pytest.raises(ValidationError, match=match):
            simulator(net)
