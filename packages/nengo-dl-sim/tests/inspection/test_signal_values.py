"""``sim.signals``: within a run, between runs, and set by the user."""

import functools

import helpers
import keras
import nengo
import numpy as np
import pytest
from nengo.exceptions import (
    ReadonlyError,
    SimulationError,
    SimulatorClosed,
    ValidationError,
)
from nengo.transforms import SparseMatrix

from nengo_dl_sim import Simulator, configure_settings

N_STEPS = 8


def network(look=None, **settings):
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64", **settings)
        net.stimulus = nengo.Node([0.7])
        net.ens = nengo.Ensemble(8, 1)
        net.out = nengo.Node(size_in=1)
        nengo.Connection(net.stimulus, net.ens)
        net.learned = nengo.Connection(
            net.ens,
            net.out,
            function=lambda x: 0,
            learning_rule_type=nengo.PES(1e-3),
        )
        nengo.Connection(nengo.Node([-1.0]), net.learned.learning_rule)
        net.probe = nengo.Probe(net.out)
        if look is not None:
            watch = nengo.Node(lambda t, x: look(t), size_in=1, size_out=0)
            nengo.Connection(net.out, watch, synapse=None)
    return net


simulator = functools.partial(helpers.simulator, seed=1)


def seen_in(kind, read, n_steps=N_STEPS, **kwargs):
    """What a node sees of a simulator in each step."""
    box, seen = {}, []

    def look(t):
        if "sim" in box:
            seen.append(np.array(read(box["sim"], net)))

    net = network(look)
    with kind(net, seed=1, progress_bar=False, **kwargs) as sim:
        box["sim"] = sim
        sim.run_steps(n_steps)
    return np.array(seen)


def signal(obj, name):
    return lambda sim, net: sim.signals[sim.model.sig[obj(net)][name]]


READS = {
    "learned weights": signal(lambda net: net.learned, "weights"),
    "bias": signal(lambda net: net.ens.neurons, "bias"),
    "encoders": signal(lambda net: net.ens, "encoders"),
    "voltage": signal(lambda net: net.ens.neurons, "voltage"),
    "step": lambda sim, net: sim.signals[sim.model.step],
    "time": lambda sim, net: sim.signals[sim.model.time],
    "n_steps": lambda sim, net: sim.n_steps,
    "sim.time": lambda sim, net: sim.time,
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_nodes_see_the_present(read, jit_compile):
    expected = seen_in(nengo.Simulator, READS[read], optimize=False)
    found = seen_in(Simulator, READS[read], jit_compile=jit_compile)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert len(np.unique(expected[:, ...].reshape(N_STEPS, -1).sum(1))) > 1 or (
        read in ("bias", "encoders")
    )


def test_nodes_see_every_item():
    def read(sim, net):
        return sim.signals[sim.model.sig[net.learned]["weights"]]

    found = seen_in(Simulator, read, minibatch_size=2)
    expected = np.repeat(seen_in(Simulator, read), 2, axis=0)
    assert found.shape == (2 * N_STEPS, 2, 1, 8)  # it is called for each item
    for item in range(2):
        np.testing.assert_allclose(found[:, item], expected, rtol=1e-12)


def test_nodes_see_live_weights():
    """Where Nengo shows those that were built, ``sim.data`` has the present ones."""

    def weights(sim, net):
        return sim.data[net.learned].weights

    found = seen_in(Simulator, weights)
    np.testing.assert_array_equal(found, seen_in(Simulator, READS["learned weights"]))


@pytest.mark.parametrize(
    "read, message",
    [
        (signal(lambda net: net.out, "in"), "not kept. To see it, probe"),
        (lambda sim, net: sim.data[net.probe], "run single steps"),
    ],
)
def test_what_nodes_cannot_see(read, message):
    with pytest.raises(SimulationError, match=message):
        seen_in(Simulator, read)


def test_data_of_probes_in_single_steps():
    """It is that of all steps before, as in Nengo."""
    box, seen = {}, []
    net = network(lambda t: seen.append(len(box["sim"].data[net.probe])) if box else 0)
    with simulator(net) as sim:
        box["sim"] = sim
        for _ in range(3):
            sim.step()
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("pure", [None, False])
def test_functions_of_time_see_the_present(pure):
    """Or an error that says how to make them, if they are called ahead."""
    box, seen = {}, []
    net = network(pure_functions=pure)

    def look(t):
        if box:
            sim = box["sim"]
            seen.append(sim.signals[sim.model.sig[net.learned]["weights"]].sum())
        return 0.0

    with net:
        nengo.Node(look)
    with simulator(net) as sim:
        box["sim"] = sim
        for _ in range(3):
            sim.step()  # ahead of nothing
        if pure is None:
            with pytest.raises(SimulationError, match="pure_functions=False"):
                sim.run_steps(3)
        else:
            sim.run_steps(3)
            assert len(seen) == 6
            assert np.all(np.diff(seen[1:]) > 0)


def test_between_runs():
    """What is not kept is an error, or NaN among others; before the first step zero."""
    net = network()
    with simulator(net) as sim:
        transient = sim.model.sig[net.out]["in"]
        np.testing.assert_array_equal(sim.signals[transient], [0])
        sim.run_steps(2)
        with pytest.raises(SimulationError, match="probe the object"):
            sim.signals[transient]
        assert np.isnan(dict(sim.signals.items())[transient]).all()
        assert len(list(sim.signals.values())) == len(sim.signals)
        assert "nan" in str(sim.signals)
        sim.reset()
        np.testing.assert_array_equal(sim.signals[transient], [0])


@pytest.mark.parametrize("minibatch_size", [None, 2])
@pytest.mark.parametrize("name", ["bias", "voltage", "weights"])
def test_set(name, minibatch_size):
    """As in Nengo, what follows is computed with it."""
    values = {
        "bias": np.linspace(0, 3, 8),
        "voltage": np.linspace(0, 1, 8),
        "weights": np.linspace(0, 1e-2, 8)[None],
    }

    def run(sim, net, kind):
        sim.run_steps(3)
        owner = net.learned if name == "weights" else net.ens.neurons
        sig = sim.model.sig[owner][name]
        if kind is nengo.Simulator:  # which protects constants
            sim.signals[sig].setflags(write=True)
        sim.signals[sig] = values[name]
        shown = np.array(sim.signals[sig])
        sim.run_steps(20)
        return shown, sim.data[net.probe]

    net = network()
    with nengo.Simulator(net, seed=1, progress_bar=False, optimize=False) as ref:
        _, expected = run(ref, net, nengo.Simulator)
    with simulator(net, minibatch_size=minibatch_size) as sim:
        shown, found = run(sim, net, Simulator)
    for item in range(minibatch_size or 1):
        of_item = found if minibatch_size is None else found[item]
        np.testing.assert_allclose(of_item, expected, atol=1e-12)
        is_state = name != "bias" and minibatch_size is not None
        np.testing.assert_array_equal(shown[item] if is_state else shown, values[name])
    assert len(np.unique(expected)) > 3


def test_set_one_value_for_each_item():
    net = network()
    with simulator(net, minibatch_size=2) as sim:
        sig = sim.model.sig[net.ens.neurons]["voltage"]
        values = np.arange(16.0).reshape(2, 8) / 16
        sim.signals[sig] = values
        np.testing.assert_array_equal(sim.signals[sig], values)
        sim.signals[sig] = 0.5
        np.testing.assert_array_equal(sim.signals[sig], np.full((2, 8), 0.5))


def test_set_what_is_trained_and_learned():
    """The sum of both is what is set."""
    net = network(trainable=None)
    with net:
        net.config[net.learned].trainable = True
    with pytest.warns(UserWarning, match="online"):
        sim = simulator(net)
    with sim:
        sim.run_steps(3)
        sig = sim.model.sig[net.learned]["weights"]
        sim.signals[sig] = np.ones((1, 8))
        np.testing.assert_allclose(sim.signals[sig], np.ones((1, 8)))
        np.testing.assert_allclose(sim.data[net.learned].weights, np.ones((1, 8)))


def test_set_sparse_weights():
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        transform = nengo.Sparse((2, 2), indices=[[0, 0], [1, 1]], init=[1.0, 2.0])
        out = nengo.Node(size_in=2)
        conn = nengo.Connection(
            nengo.Node([1.0, 1.0]), out, transform=transform, synapse=None
        )
        probe = nengo.Probe(out)
    with simulator(net) as sim:
        sig = sim.model.sig[conn]["weights"]
        sim.signals[sig] = [3.0, 4.0]
        sim.run_steps(1)
        sim.signals[sig] = SparseMatrix([[0, 0], [1, 1]], [5.0, 6.0], (2, 2))
        sim.run_steps(1)
        np.testing.assert_array_equal(sim.data[probe], [[3, 4], [5, 6]])
        with pytest.raises(ValidationError, match="its indices are others"):
            sim.signals[sig] = SparseMatrix([[0, 1], [1, 1]], [5.0, 6.0], (2, 2))


def bias(sim, net):
    return sim.model.sig[net.ens.neurons]["bias"]


def refractory(sim, net):
    return sim.model.sig[net.ens.neurons]["refractory_time"]


REFUSED = {
    "shape": (bias, np.ones(7), r"numbers of shape \(8,\)"),
    "rank": (bias, np.ones((2, 8)), r"numbers of shape \(8,\)"),
    "text": (bias, "abc", "numbers of shape"),
    "text in a list": (bias, ["1"] * 8, "of type <U1"),
    "complex": (bias, np.ones(8) * 1j, "of type complex128"),
    "dates": (bias, np.zeros(8, "datetime64[s]"), "of type datetime64"),
    "objects": (bias, None, "of type object"),
    "ragged": (bias, [[1], [1, 2]], "numbers of shape"),
    "nan": (refractory, np.nan, "finite numbers of type float64"),
    "infinity": (bias, [np.inf] * 8, "finite numbers of type float64"),
    "clock": (lambda sim, net: sim.model.step, 5, "sets to zero"),
    "time": (lambda sim, net: sim.model.time, 5.0, "sets to zero"),
    "transient": (lambda sim, net: sim.model.sig[net.out]["in"], 1.0, "data={node"),
    "node": (lambda sim, net: sim.model.sig[net.stimulus]["out"], 1.0, "data={node"),
    "unknown": (lambda sim, net: nengo.builder.Signal([1.0]), 1.0, "of the model"),
    "no signal": (lambda sim, net: "bias", 1.0, "of the model"),
}


@pytest.fixture(scope="module")
def built():
    net = network()
    with simulator(net) as sim:
        sim.run_steps(2)
        yield sim, net


@pytest.mark.parametrize("name", REFUSED)
def test_refused(built, name):
    sim, net = built
    find, value, message = REFUSED[name]
    before = dict(sim.signals.items())
    with pytest.raises(ValidationError, match=message):
        sim.signals[find(sim, net)] = value
    for sig, found in sim.signals.items():
        np.testing.assert_array_equal(found, before[sig])


def test_too_large_for_the_type():
    with nengo.Network() as net:
        ens = nengo.Ensemble(3, 1)
        nengo.Probe(ens)
    with simulator(net) as sim:
        with pytest.raises(ValidationError, match="finite numbers of type float32"):
            sim.signals[sim.model.sig[ens.neurons]["bias"]] = 1e39


WRITES = {
    "all": lambda array: array.__setitem__(..., 1.0),
    "one": lambda array: array.__setitem__(0, 1.0),
    "part": lambda array: array[:2].__setitem__(0, 1.0),
    "in place": lambda array: array.__iadd__(1.0),
    "out": lambda array: np.multiply(array, 2.0, out=array),
}


@pytest.mark.parametrize("name", WRITES)
def test_arrays_say_how_to_set_a_signal(built, name):
    sim, net = built
    array = sim.signals[bias(sim, net)]
    with pytest.raises(ReadonlyError, match=r"sim.signals\[sig\] = value"):
        WRITES[name](array)


def test_what_is_computed_from_them_is_plain(built):
    sim, net = built
    array = sim.signals[bias(sim, net)]
    for computed in (array + 1, np.abs(array), np.array(array), 2 * array[:2]):
        assert type(computed) is np.ndarray
        computed[0] = 1.0
    assert np.ndim(array.sum()) == 0


def test_not_within_a_run():
    box = {}

    def look(t):
        if box:
            sim = box["sim"]
            sim.signals[bias(sim, net)] = 0.0

    net = network(look)
    with simulator(net) as sim:
        box["sim"] = sim
        with pytest.raises(SimulationError, match="between runs"):
            sim.run_steps(2)
    with pytest.raises(SimulatorClosed):
        sim.signals[bias(sim, net)] = 0.0


@pytest.mark.parametrize("name", ["weights", "bias", "step", "time", "transient"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_arrays_that_are_kept_follow_the_simulation(name, jit_compile):
    """As in Nengo; parts of them, too. What is not kept between steps becomes NaN."""
    net = network()
    with simulator(net, jit_compile=jit_compile) as sim:
        sig = {
            "weights": sim.model.sig[net.learned]["weights"],
            "bias": sim.model.sig[net.ens.neurons]["bias"],
            "step": sim.model.step,
            "time": sim.model.time,
            "transient": sim.model.sig[net.out]["in"],
        }[name]
        kept, start = sim.signals[sig], np.array(sim.signals[sig])
        part = kept[..., -1:] if kept.ndim else kept
        assert sim.signals[sig] is kept
        sim.run_steps(20)
        if name == "transient":
            assert np.isnan(kept).all()
        else:
            expected = dict(sim.signals.items())[sig]
            np.testing.assert_array_equal(kept, expected)
            assert name == "bias" or not np.array_equal(kept, start)
        if name in ("weights", "bias"):
            sim.signals[sig] = 0.25
            np.testing.assert_array_equal(part, np.full(part.shape, 0.25))
        sim.reset()
        np.testing.assert_array_equal(kept, start)


def test_arrays_that_are_kept_follow_training():
    net = network()
    with net:
        probe = nengo.Probe(net.ens)
    with simulator(net) as sim:
        kept = sim.signals[sim.model.sig[net.ens.neurons]["bias"]]
        start = np.array(kept)
        target = {net.stimulus: np.ones((1, 5, 1)), probe: np.full((1, 5, 1), 3.0)}
        sim.train(target, keras.optimizers.SGD(1.0))
        np.testing.assert_array_equal(kept, sim.data[net.ens].bias)
        assert not np.array_equal(kept, start)


def test_arrays_that_are_kept_follow_within_a_run():
    """So do those that a node keeps, and looks at in each step."""
    box = {}

    def read(sim, net):
        if "kept" not in box:
            box["kept"] = sim.signals[sim.model.sig[net.learned]["weights"]]
        return box["kept"]

    expected = seen_in(nengo.Simulator, read, optimize=False)
    box.clear()
    found = seen_in(Simulator, read)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
