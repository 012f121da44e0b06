"""Training time constants of synapses, and parameters of neurons."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import engine_of, groups_of, reference, sgd, simulator, total
from lif_slopes import lif_slope
from nengo.exceptions import BuildError, SimulationError, ValidationError

from nengo_dl_ops import Delay, surrogates
from nengo_dl_sim import configure_settings

DT = 0.001
N_STEPS = 12
WEIGHTS = np.array([[1.3, -0.2], [0.7, 0.9], [-0.4, 1.6]])

#: What is trained, and above which value each of it stays.
BUILT = {"tau": 0.004, "alpha": 0.003, "tau_rc": 0.02, "tau_ref": 0.002, "inc_n": 0.01}
LOWEST = {"tau": DT, "alpha": DT, "tau_rc": DT, "tau_ref": 0.0, "inc_n": 0.0}


ADAPTIVE = (nengo.AdaptiveLIFRate, nengo.AdaptiveLIF)


def chain(kind=nengo.AdaptiveLIFRate, mode=None, trained=True, each=False, **values):
    """An input, filtered, that drives neurons, whose activities are filtered."""
    values = {**BUILT, **values}
    own = {name: values[name] for name in ("tau_rc", "tau_ref")}
    own |= {"inc_n": values["inc_n"]} if kind in ADAPTIVE else {}
    with nengo.Network(seed=0) as net:
        configure_settings(
            dtype="float64",
            trainable=False,
            training_mode=mode,
            trainable_neurons=None,
            trainable_synapse=None,
        )
        net.x = nengo.Node([0.9, 0.7], label="x")
        net.ens = nengo.Ensemble(
            3,
            1,
            neuron_type=kind(**own),
            gain=np.array([2.0, 4.0, 3.0]),
            bias=np.array([1.2, 0.5, 2.0]),
            label="neurons",
        )
        net.tau = nengo.Connection(
            net.x, net.ens.neurons, transform=WEIGHTS, synapse=values["tau"]
        )
        net.y = nengo.Node(size_in=3)
        net.alpha = nengo.Connection(
            net.ens.neurons, net.y, synapse=nengo.Alpha(values["alpha"])
        )
        net.p = nengo.Probe(net.ens.neurons)
        net.q = nengo.Probe(net.y)
    if trained:
        form = "elementwise" if each else True
        net.config[nengo.Connection].trainable_synapse = form
        net.config[net.ens].trainable_neurons = dict.fromkeys(own, form)
    return net


def inputs(n_steps=N_STEPS):
    rng = np.random.RandomState(1)
    return rng.uniform(0.2, 1.5, (1, n_steps, 2))


def weighted(outputs):
    """An objective: everything, weighted by numbers that differ."""
    weights = np.random.RandomState(2).randn(1, N_STEPS, 3)
    return tf.reduce_sum(outputs * tf.constant(weights, outputs.dtype)) / 1000


def current(sim, net):
    """The values of all that is trained, by the names in `BUILT`."""
    synapses = {"tau": net.tau, "alpha": net.alpha}
    neurons = sim.data[net.ens].neuron_parameters
    return {
        **{
            name: sim.data[conn].synapse_parameters["tau"]
            for name, conn in synapses.items()
            if sim.data.trained_names(conn)
        },
        **{name: neurons[name] for name in sim.data.trained_names(net.ens)},
    }


def gradients(net, probe="q", rate=1e-3):
    """The gradients of all that is trained, from one step of gradient descent."""
    with simulator(net) as sim:
        before = current(sim, net)
        data = {net.x: inputs(), getattr(net, probe): np.zeros((1, N_STEPS, 3))}
        objective = {getattr(net, probe): weighted}
        sim.train({net.x: data[net.x]}, sgd(rate), objective=objective)
        after = current(sim, net)
    # A step of the unconstrained number, and how the value follows from that.
    steps = {
        name: np.log(after[name] - LOWEST[name]) - np.log(before[name] - LOWEST[name])
        for name in before
    }
    return {
        name: -step / rate / (before[name] - LOWEST[name])
        for name, step in steps.items()
    }


def loss(**values):
    """The loss of a network that is built with other values."""
    net = chain(trained=False, **values)
    with simulator(net) as sim:
        return sim.loss({net.x: inputs()}, objective={net.q: weighted}, training=True)


def test_gradients_in_rate_mode_are_those_of_the_loss():
    found = gradients(chain())
    assert set(found) == set(BUILT)
    for name, value in BUILT.items():
        d = 1e-4 * value
        change = loss(**{name: value + d}) - loss(**{name: value - d})
        assert found[name] == pytest.approx(change / (2 * d), rel=1e-6), name


def test_gradients_of_each_element_add_up_to_that_of_one():
    each, one = gradients(chain(each=True)), gradients(chain())
    for name, value in one.items():
        assert np.shape(each[name]) == (3,)
        assert np.sum(each[name]) == pytest.approx(value, rel=1e-9), name


def test_gradients_agree_with_finite_differences():
    net = chain(nengo.AdaptiveLIF, each=True)
    with simulator(net, minibatch_size=2) as sim:
        values = np.repeat(inputs(), 2, axis=0)
        sim.check_gradients([net.q], inputs={net.x: values}, rtol=1e-5)


def lif_slopes(x, surrogate, which):
    """Derivatives of the weighted spikes of the chain; ``which`` is varied."""
    tau, tau_rc, tau_ref = (BUILT[name] for name in ("tau", "tau_rc", "tau_ref"))
    d_tau, d_rc, d_ref = (float(which == n) for n in ("tau", "tau_rc", "tau_ref"))
    gain, bias = np.array([2.0, 4.0, 3.0]), np.array([1.2, 0.5, 2.0])
    A = np.exp(-DT / tau)
    dA = A * DT / tau**2 * d_tau
    f, df = [np.zeros(3)], [np.zeros(3)]
    # Nengo's order: neurons see what is filtered one step later.
    for u in x[:-1] @ WEIGHTS.T:
        df.append(dA * (f[-1] - u) + A * df[-1])
        f.append(A * f[-1] + (1 - A) * u)
    with reference(chain(nengo.LIF, trained=False)) as sim:
        (voltage,) = (
            op.state["voltage"]
            for op in sim.model.operators
            if isinstance(op, nengo.builder.neurons.SimNeurons)
        )
    return lif_slope(
        np.random.RandomState(2).randn(1, N_STEPS, 3)[0] / 1000,
        surrogate,
        bias + gain * np.array(f),
        gain * np.array(df),
        voltage=voltage.initial_value,
        tau_rc=tau_rc,
        d_rc=d_rc,
        tau_ref=tau_ref,
        d_ref=d_ref,
    )


def test_gradients_of_spikes_are_those_of_back_propagation_through_time():
    surrogate = surrogates.ATan()
    net = chain(nengo.LIF, mode=surrogate)
    net.config[net.alpha].trainable_synapse = False
    found = gradients(net, probe="p", rate=1e-4)
    for name in ("tau", "tau_rc", "tau_ref"):
        expected = lif_slopes(inputs()[0], surrogate, name)
        assert abs(expected) > 1
        assert found[name] == pytest.approx(expected, rel=1e-8), name


def run(sim, net, n_steps=40):
    sim.run_steps(n_steps)
    return np.stack([sim.data[net.p], sim.data[net.q]])


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "XLA"])
@pytest.mark.parametrize("each", [False, True], ids=["one", "elementwise"])
def test_before_training_all_is_as_in_nengo(each, jit_compile):
    net = chain(nengo.AdaptiveLIF, each=each)
    with reference(net) as sim:
        expected = run(sim, net)
    with simulator(net, minibatch_size=2, jit_compile=jit_compile) as sim:
        found = run(sim, net)
    assert np.any(expected[0])
    for item in (0, 1):
        np.testing.assert_allclose(found[:, item], expected, rtol=1e-9, atol=1e-9)


def train(sim, net, n_epochs=2):
    data = {net.x: inputs(), net.q: np.full((1, N_STEPS, 3), 20.0)}
    sim.train(data, keras.optimizers.Adam(0.1), n_epochs=n_epochs)


@pytest.mark.parametrize("mode", [None, surrogates.ATan()], ids=["rate", "surrogate"])
def test_frozen_networks_spike_alike_in_nengo(mode):
    net = chain(nengo.AdaptiveLIF, mode=mode)
    with simulator(net) as sim:
        train(sim, net)
        values = current(sim, net)
        trained = run(sim, net)
        sim.freeze_params(net)
    assert net.tau.synapse == nengo.Lowpass(values["tau"])
    assert net.alpha.synapse == nengo.Alpha(values["alpha"])
    for name in ("tau_rc", "tau_ref", "inc_n"):
        assert getattr(net.ens.neuron_type, name) == values[name] != BUILT[name]
    with reference(net) as sim:
        np.testing.assert_allclose(run(sim, net), trained, rtol=1e-9, atol=1e-9)


def test_values_of_elements_cannot_be_frozen():
    net = chain(each=True)
    with simulator(net) as sim:
        before = sim.get_nengo_params([net.tau, net.ens])
        train(sim, net)
        for obj, name in ((net.tau, "tau"), (net.ens, "tau_rc"), (net, "tau")):
            match = rf"one {name}.*got 3 that differ"
            with pytest.raises(ValidationError, match=match):
                sim.freeze_params(obj)
    assert before[0]["synapse"] == net.tau.synapse == nengo.Lowpass(BUILT["tau"])
    assert before[1]["neuron_type"] == net.ens.neuron_type


def test_data_has_the_current_values():
    net = chain()
    with simulator(net) as sim:
        assert current(sim, net) == BUILT  # exactly
        assert sim.data[net.ens].max_rates is sim.model.params[net.ens].max_rates
        train(sim, net)
        values, data = current(sim, net), sim.data[net.ens]
        assert sim.data.get_params((net.tau, "synapse_parameters")) == [
            {"tau": values["tau"]}
        ]
    for name, value in values.items():
        assert value > LOWEST[name]
        assert value != BUILT[name]
    changed = {name: values[name] for name in ("tau_rc", "tau_ref", "inc_n")}
    expected = nengo.AdaptiveLIFRate(**changed).max_rates_intercepts(
        data.gain, data.bias
    )
    np.testing.assert_allclose((data.max_rates, data.intercepts), expected, rtol=1e-12)


def test_data_has_the_current_values_of_elements():
    net = chain(nengo.LIFRate, each=True)
    with simulator(net) as sim:
        assert np.shape(current(sim, net)["tau"]) == (3,)
        train(sim, net)
        data = sim.data[net.ens]
    for i in range(3):
        own = {name: data.neuron_parameters[name][i] for name in ("tau_rc", "tau_ref")}
        expected = nengo.LIFRate(**own).max_rates_intercepts(
            data.gain[[i]], data.bias[[i]]
        )
        assert (data.max_rates[i], data.intercepts[i]) == expected


def test_files_have_them(tmp_path):
    net = chain(each=True)
    with simulator(net) as sim:
        train(sim, net)
        values, trained = current(sim, net), run(sim, net)
        sim.save_params(tmp_path / "params")
        sim.save_checkpoint(tmp_path / "checkpoint")
    with np.load(tmp_path / "params.npz") as file:
        np.testing.assert_allclose(
            np.exp(np.squeeze(file["connections/0/synapse/unconstrained_tau"])) + DT,
            values["tau"],
        )
        assert "ensembles/0 (neurons)/unconstrained_tau_rc" in file
    with simulator(net) as sim:
        sim.load_params(tmp_path / "params")
        np.testing.assert_equal(current(sim, net), values)
        np.testing.assert_array_equal(run(sim, net), trained)
    with simulator(net) as sim:
        sim.restore_checkpoint(tmp_path / "checkpoint")
        np.testing.assert_equal(current(sim, net), values)


def test_time_constants_are_computed_once_for_all_steps():
    net = chain(nengo.LIFRate)
    with simulator(net) as sim:
        program = engine_of(sim).program
        stages = program.stages(training=True).stages
        loops = [group for one in stages if not one.batched for group in one.groups]
        kinds = {type(op).__name__ for group in loops for op in group.ops}
    assert "SimParametricProcess" in kinds
    assert not kinds & {"SimBoundedParameter", "SimProcessCoefficients"}


def test_nothing_is_added_where_nothing_is_trained():
    nets = [chain(trained=False), chain(trained=False)]
    nets[1].config[nengo.Connection].trainable_synapse = False
    nets[1].config[nets[1].ens].trainable_neurons = []
    kinds = []
    for net in nets:
        with simulator(net) as sim:
            kinds.append([{type(op) for op in ops} for ops in groups_of(sim)])
    assert kinds[0] == kinds[1]


def test_nothing_is_trained_in_networks_for_inference_only():
    net = chain()
    with net:
        configure_settings(inference_only=True)
    with simulator(net) as sim:
        assert not sim.data.trained_names(net.tau)
        with pytest.raises(SimulationError, match="inference"):
            train(sim, net)


LEARNED = {"tau": 0.01, "tau_rc": 0.02}


def test_changed_time_constants_are_found_again():
    teacher = chain(nengo.LIFRate, trained=False, **LEARNED)
    x = np.repeat(np.random.RandomState(3).uniform(0, 1.5, (4, 8, 2)), 5, axis=1)
    with simulator(teacher, minibatch_size=4) as sim:
        targets = sim.predict({teacher.x: x})[teacher.p]
    net = chain(nengo.LIFRate, tau=2 * LEARNED["tau"], tau_rc=LEARNED["tau_rc"] / 2)
    with net:
        net.config[net.alpha].trainable_synapse = False
        net.config[net.ens].trainable_neurons = ["tau_rc"]
    with simulator(net, minibatch_size=4) as sim:
        optimizer = keras.optimizers.Adam(0.05)
        sim.train({net.x: x, net.p: targets}, optimizer, n_epochs=120)
        tau = sim.data[net.tau].synapse_parameters["tau"]
        tau_rc = sim.data[net.ens].neuron_parameters["tau_rc"]
    assert (tau, tau_rc) == pytest.approx(tuple(LEARNED.values()), rel=0.05)


@pytest.mark.parametrize("synapse", [None, nengo.synapses.Triangle(0.01)])
def test_synapses_without_a_time_constant(synapse):
    """Are refused if they are meant, and left out if all are."""
    net = chain()
    net.tau.synapse = synapse
    with simulator(net) as sim:
        assert not sim.data.trained_names(net.tau)
    net.config[net.tau].trainable_synapse = True
    match = r"trainable_synapse of <Connection.*Lowpass or Alpha.*trainable_synapse = F"
    with pytest.raises(BuildError, match=match):
        simulator(net)


def test_neurons_without_a_parameter():
    net = chain(nengo.LIFRate)
    with net:
        other = nengo.Ensemble(2, 1, neuron_type=nengo.Sigmoid())
        configure_settings(trainable_neurons=["tau_ref", "tau_rc"])
    with simulator(net) as sim:
        assert sim.data.trained_names(other) == {"tau_ref"}
    net.config[other].trainable_neurons = ["tau_rc"]
    match = r"trainable_neurons of <Ensemble.*Sigmoid.*\(tau_ref, gain\), got 'tau_rc'"
    with pytest.raises(BuildError, match=match):
        simulator(net)


def test_parameters_that_no_neurons_have():
    net = chain()
    net.config[nengo.Ensemble].trainable_neurons = ["tau_rx"]
    del net.config[net.ens].trainable_neurons
    with pytest.raises(BuildError, match="'tau_rx', which can be trained of none"):
        simulator(net)


def test_values_at_their_bounds_are_refused():
    match = r"trainable_synapse of .*expected tau of Lowpass.*greater than 0.001.*0.001"
    with pytest.raises(BuildError, match=match):
        simulator(chain(tau=0.001))
    match = r"trainable_neurons of .*expected inc_n of .*greater than 0, .*got 0"
    with pytest.raises(BuildError, match=match):
        simulator(chain(inc_n=0))


@pytest.mark.parametrize(
    "name, value",
    [
        ("trainable_synapse", "each"),
        ("trainable_synapse", 0.1),
        ("trainable_neurons", "tau_rc"),
        ("trainable_neurons", [1]),
        ("trainable_neurons", {"tau_rc": "each"}),
        ("trainable_neurons", True),
    ],
)
def test_settings_of_another_form(name, value):
    with nengo.Network() as net:
        with pytest.raises(ValidationError, match=f"{name}: expected"):
            configure_settings(**{name: value})
        configure_settings(**{name: None})
    with pytest.raises(ValidationError, match=f"{name}: expected"):
        setattr(net.config[nengo.Network], name, value)


def delayed(seconds, trained=True, mode=True, **settings):
    """Two inputs, delayed."""
    with nengo.Network(seed=0) as net:
        configure_settings(
            dtype="float64", trainable=False, trainable_synapse=None, **settings
        )
        net.x = nengo.Node([0.3, 0.2])
        net.y = nengo.Node(size_in=2)
        synapse = Delay(seconds, max_delay=0.02)
        net.conn = nengo.Connection(net.x, net.y, synapse=synapse)
        net.p = nengo.Probe(net.y)
    if trained:
        net.config[net.conn].trainable_synapse = mode
    return net


def smooth(n_steps):
    """Inputs with slopes that tell a longer delay from a shorter one."""
    t = np.arange(n_steps)[None, :, None]
    return np.exp(-(((t - np.array([12, 14])) / 8.0) ** 2))


def test_a_delay_is_found():
    target = delayed(0.012, trained=False)
    x = smooth(50)
    with simulator(target, minibatch_size=1) as sim:
        y = sim.predict({target.x: x})[target.p]
    net = delayed(0.005)
    with simulator(net, minibatch_size=1) as sim:
        assert sim.data[net.conn].synapse_parameters == {"seconds": 0.005}
        optimizer = keras.optimizers.Adam(0.05)
        sim.train({net.x: x, net.p: y}, optimizer, n_epochs=100)
        found = sim.data[net.conn].synapse_parameters["seconds"]
    assert found == pytest.approx(0.012, abs=2e-4)


def test_delays_of_each_dimension():
    """As in Nengo before training; after it, frozen to whole steps."""
    net = delayed([0.002, 0.007], mode="elementwise")
    x = smooth(30)
    with net:
        net.x.output = nengo.processes.PresentInput(x[0], DT)
    with reference(net) as sim:
        sim.run_steps(30)
        expected = sim.data[net.p]
    with simulator(net) as sim:
        sim.run_steps(30)
        np.testing.assert_allclose(sim.data[net.p], expected, rtol=1e-9, atol=1e-12)
        sim.train({net.x: x}, sgd(0.5), objective={net.p: total})
        trained = sim.data[net.conn].synapse_parameters["seconds"]
        assert np.all(np.abs(trained / DT - np.rint(trained / DT)) > 1e-3)
        # Between two steps the interpolation is smooth.
        sim.check_gradients([net.p], inputs={net.x: x})
        sim.freeze_params(net)
    assert trained.shape == (2,)
    assert np.all(trained != [0.002, 0.007])
    np.testing.assert_array_equal(net.conn.synapse.seconds, trained)


def test_delays_that_cannot_be_trained():
    match = "trainable_synapse of .*'elementwise' for the seconds of .*got True"
    with pytest.raises(BuildError, match=match):
        simulator(delayed([0.002, 0.007]))
    match = "expected seconds of .*greater than 0.001 and less than 0.02, .*got 0.02"
    with pytest.raises(BuildError, match=match):
        simulator(delayed(0.02))
