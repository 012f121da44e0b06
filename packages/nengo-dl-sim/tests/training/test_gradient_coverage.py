"""Parameters that no gradient reaches, and steps that nothing passes, are named."""

import warnings

import keras
import nengo
import numpy as np
import pytest
from helpers import sgd, simulator, total
from nengo.builder import Model
from nengo.exceptions import ValidationError

from nengo_dl_ops import tensor_layer
from nengo_dl_sim import configure_settings
from nengo_dl_sim.evaluation.single_step import warn_single_step


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


def built(net):
    model = Model()
    model.build(net)
    return model


def test_synapses_on_the_way_to_a_learning_rule_count():
    with nengo.Network() as net:
        pre, post = nengo.Ensemble(5, 1), nengo.Node(size_in=1)
        conn = nengo.Connection(pre, post, synapse=None, learning_rule_type=nengo.PES())
        error = nengo.Node([0.0])
        p = nengo.Probe(post)
        q = nengo.Probe(conn, "weights")
    warn_single_step("Running", built(net), [p, q], 1)  # warnings are errors
    with net:
        late = nengo.Connection(error, conn.learning_rule, synapse=0.1)
    model = built(net)
    for probe in (p, q):
        with pytest.warns(UserWarning, match="Running for one timestep") as caught:
            warn_single_step("Running", model, [probe], 1)
        assert str(late) in str(caught[0].message)
    warn_single_step("Running", model, [p], 2)
