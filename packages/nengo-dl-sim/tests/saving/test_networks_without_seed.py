"""Parameters of networks without a seed: Nengo builds other ones in each process."""

import subprocess
import sys
from pathlib import Path

import keras
import nengo
import numpy as np
import pytest
from helpers import SHARED, program_of
from nengo.exceptions import ValidationError

from nengo_dl_ops import Layer, tensor_layer
from nengo_dl_sim import Simulator, configure_settings

N_STEPS = 15

pytestmark = [
    pytest.mark.filterwarnings("ignore:No gradient reaches"),
    pytest.mark.filterwarnings("ignore:.*single step"),
]


def decoded(net):
    ens = nengo.Ensemble(12, 2)
    nengo.Connection(net.inp, ens, transform=nengo.dists.Uniform(-1, 1))
    out = nengo.Node(size_in=1)
    nengo.Connection(ens, out, function=lambda x: x[0] * x[1], synapse=0.005)
    net.p = nengo.Probe(out)


def recurrent(net):
    ens = nengo.Ensemble(12, 2, neuron_type=nengo.AdaptiveLIF())
    nengo.Connection(net.inp, ens)
    nengo.Connection(ens, ens, synapse=0.02)
    net.p = nengo.Probe(ens, synapse=0.01)


def to_neurons(net):
    """No decoded input: nothing reads the encoders."""
    ens = nengo.Ensemble(5, 1, neuron_type=nengo.LIFRate())
    transform = nengo.Dense((5, 2), init=nengo.dists.Gaussian(0, 1))
    nengo.Connection(net.inp, ens.neurons, transform=transform, synapse=None)
    net.p = nengo.Probe(ens.neurons)


def between_neurons(net):
    first, second = (nengo.Ensemble(6, 1) for _ in range(2))
    transform = nengo.Dense((6, 2), init=nengo.dists.Gaussian(0, 0.3))
    nengo.Connection(net.inp, first.neurons, transform=transform)
    transform = nengo.Dense((3, 4), init=nengo.dists.Gaussian(0, 0.3))
    nengo.Connection(first.neurons[:4], second.neurons[::2], transform=transform)
    nengo.Connection(first.neurons[:2], second.neurons[[0, 3]], synapse=None)
    net.p = nengo.Probe(second, synapse=None)


def layers(net):
    x = Layer(keras.layers.Dense(6))(net.inp)
    x = Layer(nengo.LIFRate(amplitude=0.1))(x)
    x = Layer(keras.layers.BatchNormalization(momentum=0.5))(x)
    x = Layer(keras.layers.Dense(3, activation="tanh"))(x)
    net.p = nengo.Probe(x)


def tensor_layers(net):
    x = tensor_layer(net.inp, keras.layers.Dense(6))
    x = tensor_layer(x, nengo.LIF(amplitude=0.1))
    x = tensor_layer(x, keras.layers.Dense(3), synapse=0.01)
    net.p = nengo.Probe(x)


def convolutional(net):
    transform = nengo.Convolution(2, (1, 2, 1), kernel_size=(1, 2), padding="same")
    x = Layer(nengo.RectifiedLinear())(net.inp, transform=transform)
    net.p = nengo.Probe(nengo.Ensemble(4, 1, neuron_type=nengo.LIF()).neurons)
    nengo.Connection(x, net.p.target, synapse=0.01)


def sparse(net):
    matrix = nengo.Sparse((12, 2), indices=[[0, 0], [3, 1], [7, 0], [9, 1]])
    ens = nengo.Ensemble(12, 1, neuron_type=nengo.RectifiedLinear())
    nengo.Connection(net.inp, ens.neurons, transform=matrix)
    net.p = nengo.Probe(ens.neurons)


def sparse_decoded(net):
    matrix = nengo.Sparse((4, 2), indices=[[0, 0], [3, 1]], init=[0.5, 2.0])
    ens = nengo.Ensemble(12, 4)
    nengo.Connection(net.inp, ens, transform=matrix)
    net.p = nengo.Probe(ens, synapse=0.01)


def full_weights(net):
    first, second = nengo.Ensemble(12, 2), nengo.Ensemble(9, 2)
    nengo.Connection(net.inp, first)
    solver = nengo.solvers.LstsqL2(weights=True)
    nengo.Connection(first, second, solver=solver)
    net.p = nengo.Probe(second, synapse=0.01)


def networks(net):
    product = nengo.networks.Product(10, 2)
    nengo.Connection(net.inp, product.input_a)
    nengo.Connection(net.inp[[1, 0]], product.input_b)
    convolution = nengo.networks.CircularConvolution(8, 2)
    nengo.Connection(product.output, convolution.input_a)
    nengo.Connection(net.inp, convolution.input_b)
    array = nengo.networks.EnsembleArray(8, 2)
    nengo.Connection(convolution.output, array.input)
    net.p = nengo.Probe(array.add_output("square", lambda x: x**2), synapse=0.01)


def gates(net):
    """Values on which the plan relies are the same, others are not."""
    first, second = (
        nengo.Ensemble(9, 2, neuron_type=nengo.LIFRate()) for _ in range(2)
    )
    nengo.Connection(net.inp, first)
    nengo.Connection(first, second, transform=0)
    nengo.Connection(net.inp, second.neurons, transform=np.ones((9, 2)))
    nengo.Connection(second, second.neurons, transform=[[0, 0]] * 9)
    net.p = nengo.Probe(second, synapse=None)


def direct(net):
    ens = nengo.Ensemble(7, 2, neuron_type=nengo.Direct())
    nengo.Connection(net.inp, ens, transform=nengo.dists.Uniform(-1, 1))
    other = nengo.Ensemble(9, 2, neuron_type=nengo.Izhikevich())
    nengo.Connection(ens, other, function=np.square)
    net.p = nengo.Probe(other, synapse=0.01)


FORMS = {
    form.__name__: form
    for form in (
        decoded,
        recurrent,
        to_neurons,
        between_neurons,
        layers,
        tensor_layers,
        convolutional,
        sparse,
        sparse_decoded,
        full_weights,
        networks,
        gates,
        direct,
    )
}


def with_pes(net):
    first, out, error = nengo.Ensemble(12, 2), *(nengo.Node(size_in=2) for _ in "12")
    nengo.Connection(net.inp, first)
    rule = nengo.PES(learning_rate=0.01)
    learned = nengo.Connection(first, out, learning_rule_type=rule)
    nengo.Connection(error, learned.learning_rule)
    nengo.Connection(net.inp, error, transform=-1)
    nengo.Connection(out, error)
    net.p, net.learned = nengo.Probe(out), learned


def with_pes_on_weights(net):
    first, second = nengo.Ensemble(12, 2), nengo.Ensemble(9, 2)
    nengo.Connection(net.inp, first)
    solver = nengo.solvers.LstsqL2(weights=True)
    net.learned = nengo.Connection(
        first, second, solver=solver, learning_rule_type=nengo.PES(0.01)
    )
    nengo.Connection(net.inp, net.learned.learning_rule)
    net.p = nengo.Probe(second, synapse=0.01)


def with_voja(net):
    ens = nengo.Ensemble(12, 2, intercepts=nengo.dists.Uniform(-0.9, 0))
    rule = nengo.Voja(learning_rate=0.5)
    nengo.Connection(net.inp, ens, synapse=None, learning_rule_type=rule)
    other = nengo.Ensemble(9, 2, radius=2)
    nengo.Connection(net.inp, other, learning_rule_type=nengo.Voja(learning_rate=0.1))
    nengo.Connection(ens, other)
    net.p = nengo.Probe(other, synapse=0.01)


def with_bcm_and_oja(net):
    first, second = nengo.Ensemble(12, 2), nengo.Ensemble(9, 2)
    nengo.Connection(net.inp, first)
    nengo.Connection(
        first,
        second,
        solver=nengo.solvers.LstsqL2(weights=True),
        learning_rule_type={"bcm": nengo.BCM(1e-6), "oja": nengo.Oja(1e-3)},
    )
    net.p = nengo.Probe(second, synapse=0.01)


def with_rls(net):
    ens, out = nengo.Ensemble(12, 2), nengo.Node(size_in=2)
    nengo.Connection(net.inp, ens)
    learned = nengo.Connection(
        ens, out, learning_rule_type=nengo.RLS(learning_rate=1e-3)
    )
    nengo.Connection(out, learned.learning_rule)
    nengo.Connection(net.inp, learned.learning_rule, transform=-1)
    net.p = nengo.Probe(out)


LEARNING = {
    form.__name__: form
    for form in (with_pes, with_pes_on_weights, with_voja, with_bcm_and_oja, with_rls)
}


def build(form, seed=None, **settings):
    with nengo.Network(seed=seed) as net:
        configure_settings(trainable=None, **settings)
        net.inp = nengo.Node([0.0, 0.0])
        form(net)
    return net


def make_sim(net, **kwargs):
    arguments = {"minibatch_size": 2, "jit_compile": False, "progress_bar": False}
    return Simulator(net, **{**arguments, **kwargs})


def inputs(size=2):
    rng = np.random.RandomState(0)
    return rng.uniform(-1, 1, (2, N_STEPS, size)).astype(np.float32)


def run(sim, net, x=None):
    x = inputs() if x is None else x
    x = x[: sim.minibatch_size or 1]
    sim.run_steps(N_STEPS, data={net.inp: x})
    data = sim.data[net.p]
    return (data if sim.minibatch_size else data[None])[:, -N_STEPS:]


def run_from_start(sim, net):
    sim.soft_reset(include_probes=True)
    return run(sim, net)


def train(sim, net):
    targets = np.ones((2, N_STEPS, net.p.size_in))
    data = {net.inp: inputs(), net.p: targets}
    sim.train(data, keras.optimizers.SGD(1e-3), n_epochs=2)


def first_process(form, path):
    """Train or learn, save, and return what the network gives, from its beginning."""
    net = build(form)
    with make_sim(net) as sim:
        if form in FORMS.values():
            train(sim, net)
            sim.save_params(path)
            return run_from_start(sim, net)
        start = run_from_start(sim, net)
        sim.save_params(path, include_local=True)
        return np.stack([start, run(sim, net)])


def second_process(form, path, check=lambda output: None, **kwargs):
    """Load in a network that the same code made, and return what it gives."""
    net = build(form)
    with make_sim(net, **kwargs) as sim:
        check(run_from_start(sim, net))
        sim.reset()
        sim.load_params(path)
        start = run_from_start(sim, net)
        if form in FORMS.values():
            return start
        sim.load_params(path, include_local=True)
        return np.stack([start, run(sim, net)])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of files, and what the networks of a first process give."""
    folder = tmp_path_factory.mktemp("saved")
    forms = {**FORMS, **LEARNING}
    return folder, {
        name: first_process(form, folder / name) for name, form in forms.items()
    }


def close(output, expected):
    scale = np.max(np.abs(expected))
    return np.allclose(output, expected, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.parametrize("name", {**FORMS, **LEARNING})
def test_load_of_what_another_build_saved(saved, name):
    folder, outputs = saved
    expected = outputs[name]
    assert np.ptp(expected) > 0

    def differs(output):
        assert not close(output, expected if name in FORMS else expected[0])

    form = {**FORMS, **LEARNING}[name]
    assert close(second_process(form, folder / name, differs), expected)


#: What is loaded in another process, too. All are loaded in this one.
ELSEWHERE = [*FORMS, *list(LEARNING)[::3]]

SCRIPT = """
import sys
sys.path[:0] = {folders!r}
import numpy as np
import test_networks_without_seed as t
forms = {{**t.FORMS, **t.LEARNING}}
saved = t.Path({saved!r})
outputs = {{name: t.second_process(forms[name], saved / name) for name in {names!r}}}
np.savez({result!r}, **outputs)
"""


def test_load_in_another_process(saved, tmp_path):
    folder, outputs = saved
    result = tmp_path / "result.npz"
    script = SCRIPT.format(
        folders=[str(SHARED), str(Path(__file__).parent)],
        saved=str(folder),
        result=str(result),
        names=ELSEWHERE,
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True)
    with np.load(result) as found:
        wrong = [name for name in ELSEWHERE if not close(found[name], outputs[name])]
    assert wrong == []


SIMULATORS = {
    "no minibatch": ({}, {"minibatch_size": None}),
    "another minibatch": ({}, {"minibatch_size": 32}),
    "compiled": ({}, {"minibatch_size": 1, "jit_compile": True}),
    "double": ({"dtype": "float64"}, {}),
    "unsimplified": ({"simplifications": []}, {}),
    "inference": ({"inference_only": True}, {}),
}


@pytest.mark.parametrize("name", ["to_neurons", "gates", "decoded"])
@pytest.mark.parametrize("kind", SIMULATORS)
def test_load_in_another_kind_of_simulator(saved, name, kind):
    folder, outputs = saved
    settings, options = SIMULATORS[kind]
    net = build(FORMS[name], **settings)
    with make_sim(net, **options) as sim:
        sim.load_params(folder / name)
        sim.soft_reset(include_probes=True)
        x = np.resize(inputs(), (sim.minibatch_size or 1, N_STEPS, 2))
        output = run(sim, net, x)
    expected = outputs[name]
    assert close(output[:2], expected[: len(output)])


def assert_same(values, expected):
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-6, atol=1e-7)


def shown(sim, net):
    """All that ``sim.data`` shows of parameters."""
    wanted = [
        (ens, key)
        for ens in net.all_ensembles
        for key in ("encoders", "scaled_encoders", "bias", "gain")
    ]
    wanted += [(conn, "weights") for conn in net.all_connections]
    return [v for v in sim.data.get_params(*wanted) if v is not None]


@pytest.mark.parametrize("name", ["decoded", "to_neurons", "between_neurons", "gates"])
def test_data_shows_what_was_loaded(saved, name, tmp_path):
    """Also what nothing depends on; and it is saved again."""
    folder, _ = saved
    nets = [build(FORMS[name]) for _ in range(2)]
    with make_sim(nets[0]) as sim:
        built = shown(sim, nets[0])
        sim.load_params(folder / name)
        first = shown(sim, nets[0])
        sim.run_steps(2)
        sim.save_params(tmp_path / "again")
        sim.reset()
        assert_same(shown(sim, nets[0]), built)
    with make_sim(nets[1]) as sim:
        sim.load_params(tmp_path / "again")
        assert_same(shown(sim, nets[1]), first)


@pytest.mark.parametrize("name", ["to_neurons", "between_neurons", "gates"])
def test_what_was_loaded_goes_back_to_nengo(saved, name):
    """Gains, too: they scale what comes to neurons."""
    folder, _ = saved
    net = build(rates(FORMS[name]))
    with make_sim(net, minibatch_size=None) as sim:
        sim.load_params(folder / name)
        sim.run_steps(5)
        sim.freeze_params(net)
        with nengo.Simulator(net, progress_bar=False) as core:
            core.run_steps(5)
        np.testing.assert_allclose(
            core.data[net.p], sim.data[net.p], rtol=1e-4, atol=1e-4
        )


def rates(form):
    """Replace neurons that start from random voltages, which freezing leaves alone."""

    def make(net):
        form(net)
        for ens in net.all_ensembles:
            ens.neuron_type = nengo.LIFRate()

    return make


def test_initial_values_count_from_the_next_reset(tmp_path):
    """The present of a simulation stays, unless nothing was done."""
    nets = [build(decoded) for _ in range(2)]
    with make_sim(nets[0]) as sim:
        sim.save_params(tmp_path / "built")
        expected = run_from_start(sim, nets[0])
    with make_sim(nets[1]) as sim:
        (ens,) = nets[1].ensembles
        voltage = sim.model.sig[ens.neurons]["voltage"]
        sim.run_steps(1)
        before = sim.signals[voltage].copy()
        sim.load_params(tmp_path / "built")
        np.testing.assert_array_equal(sim.signals[voltage], before)
        assert close(run_from_start(sim, nets[1]), expected)
        sim.reset()
        built = sim.signals[voltage].copy()
        sim.load_params(tmp_path / "built")
        assert np.all(sim.signals[voltage] != built)
        assert close(run(sim, nets[1]), expected)


def test_another_type_of_neurons(tmp_path):
    """Trained with rates, run with spikes: voltages are those of the build."""
    net = build(rates(decoded))
    with make_sim(net) as sim:
        sim.save_params(tmp_path / "rates")
        expected = shown(sim, net)
    net = build(decoded)
    with make_sim(net) as sim:
        (ens,) = net.ensembles
        before = sim.signals[sim.model.sig[ens.neurons]["voltage"]]
        sim.load_params(tmp_path / "rates")
        assert_same(shown(sim, net), expected)
        np.testing.assert_array_equal(
            sim.signals[sim.model.sig[ens.neurons]["voltage"]], before
        )
        sim.save_params(tmp_path / "spikes")
    with make_sim(build(rates(decoded))) as sim:
        sim.load_params(tmp_path / "spikes")


def twins(net):
    """With ``inference_only`` the decoders of both are one, and so are synapses."""
    ens = nengo.Ensemble(9, 2, neuron_type=nengo.LIFRate())
    nengo.Connection(net.inp, ens)
    net.out = nengo.Node(size_in=4)
    for half in (net.out[:2], net.out[2:]):
        nengo.Connection(ens, half, synapse=0.005)
    net.gate = nengo.Connection(net.inp[0], net.out[0], transform=0, synapse=0.01)
    net.p = nengo.Probe(net.out)


def twins_that_learn(net):
    """PES keeps factors, which each plan has of its own."""
    twins(net)
    with_pes(net)
    nengo.Connection(net.p.target, net.out[:2])
    net.p = nengo.Probe(net.out)


@pytest.mark.parametrize("form", [twins, twins_that_learn])
@pytest.mark.parametrize("minibatch_size", [None, 2])
def test_planned_anew_in_the_middle(form, minibatch_size, tmp_path):
    """A plan that relied on values that change gives its state to one that does not."""
    with make_sim(build(rates(form))) as sim:
        sim.save_params(tmp_path / "other")
    outputs, plans = [], []
    for settings in ({"inference_only": True}, {"simplifications": []}):
        net = build(rates(form), seed=0, **settings)
        with make_sim(net, seed=0, minibatch_size=minibatch_size) as sim:
            run(sim, net)
            plans.append(program_of(sim))
            sim.load_params(tmp_path / "other")
            plans.append(program_of(sim))
            assert sim.n_steps == N_STEPS
            outputs.append(run(sim, net))
    assert plans[0] is not plans[1]
    assert plans[2] is plans[3]
    assert close(*outputs)


def test_not_planned_anew_if_something_would_be_lost(tmp_path):
    """Then nothing changes."""

    def form(net):
        twins(net)
        layer = Layer(keras.layers.BatchNormalization())(net.p.target)
        net.p = nengo.Probe(layer)

    with make_sim(build(form)) as sim:
        sim.save_params(tmp_path / "other")
    net = build(form, inference_only=True)
    with make_sim(net) as sim:
        run(sim, net)
        before = shown(sim, net)
        with pytest.raises(ValidationError, match="'connections/.*losing what layers"):
            sim.load_params(tmp_path / "other")
        assert_same(shown(sim, net), before)
        run(sim, net)
        sim.reset()
        sim.load_params(tmp_path / "other")
        run(sim, net)


def probed_twins(net):
    """One of the values that is relied on is read elsewhere, too."""
    twins(net)
    nengo.Probe(net.connections[1], "weights")


def test_a_value_that_is_relied_on_and_shown(tmp_path):
    source = build(probed_twins)
    with make_sim(source) as sim:
        train(sim, source)
        sim.save_params(tmp_path / "other")
        expected = run_from_start(sim, source)
    net = build(probed_twins, inference_only=True)
    with make_sim(net) as sim:
        sim.load_params(tmp_path / "other")
        assert close(run_from_start(sim, net), expected)


@pytest.mark.parametrize("form", [to_neurons, gates])
def test_what_nothing_depends_on_does_not_make_another_plan(form, tmp_path):
    with make_sim(build(form)) as sim:
        sim.save_params(tmp_path / "built")
    with make_sim(build(form, inference_only=True)) as sim:
        program = program_of(sim)
        sim.load_params(tmp_path / "built")
        assert program_of(sim) is program


def test_state_of_another_plan(tmp_path):
    """Its arrays may have the same shapes."""

    def form(net, order):
        outs = [nengo.Node(size_in=2), nengo.Node(size_in=2)]
        for number in order:
            nengo.Connection(net.inp, outs[number], synapse=0.01 * (1 + number))
        net.p = nengo.Probe(outs[0])

    with make_sim(build(lambda net: form(net, [0, 1]))) as sim:
        sim.run_steps(2)
        sim.save_params(tmp_path / "state", include_local=True)
    with make_sim(build(lambda net: form(net, [1, 0]))) as sim:
        sim.load_params(tmp_path / "state")
        with pytest.raises(ValidationError, match="arranged in another way"):
            sim.load_params(tmp_path / "state", include_local=True)


@pytest.mark.parametrize("name", ["to_neurons", "layers", "with_voja", "with_pes"])
def test_checkpoint_of_another_build(name, tmp_path):
    """Also training goes on, which starts from the initial state again and again."""
    form = {**FORMS, **LEARNING}[name]
    net = build(form)
    with make_sim(net) as sim:
        if name in FORMS:
            train(sim, net)
        run(sim, net)
        sim.save_checkpoint(tmp_path)
        expected = [run(sim, net), run_from_start(sim, net)]
        if name in FORMS:
            train(sim, net)
            expected.append(run(sim, net))
    net = build(form)
    with make_sim(net) as sim:
        sim.restore_checkpoint(tmp_path)
        output = [run(sim, net), run_from_start(sim, net)]
        if name in FORMS:
            train(sim, net)
            output.append(run(sim, net))
    np.testing.assert_array_equal(np.stack(output), np.stack(expected))


@pytest.mark.parametrize("form", [twins, twins_that_learn])
@pytest.mark.parametrize("anew", [False, True])
def test_checkpoint_of_a_plan_that_relies_on_values(form, anew, tmp_path):
    """Of the plan that was made first, and of the one after loading other values."""
    with make_sim(build(rates(form))) as sim:
        sim.save_params(tmp_path / "other")
    net = build(rates(form), inference_only=True)
    with make_sim(net) as sim:
        if anew:
            sim.load_params(tmp_path / "other")
        run(sim, net)
        sim.save_checkpoint(tmp_path / "run")
        expected = run(sim, net)
    net = build(rates(form), inference_only=True)
    with make_sim(net) as sim:
        run(sim, net)
        sim.restore_checkpoint(tmp_path / "run")
        assert sim.n_steps == N_STEPS
        assert close(run(sim, net), expected)
