"""What is trained: settings of networks, of kinds of objects and of objects."""

import nengo
import numpy as np
import pytest
from helpers import sgd, simulator, total
from nengo.exceptions import ValidationError
from networks import levels

from nengo_dl_sim import configure_settings

ENCODERS, BIAS, WEIGHTS = "scaled_encoders", "bias", "weights"


ALL = {
    *((name, part) for name in ("outer", "inner", "last") for part in (ENCODERS, BIAS)),
    *((name, WEIGHTS) for name in ("plain", "decoded", "within")),
}


def parts_of(*names):
    return {part for part in ALL if part[0] in names}


def set_on(*path):
    """Set trainable on something: the network it is set in, the object, the value."""

    def apply(net):
        for owner, key, value in path:
            config = (getattr(net, owner) if owner else net).config
            config[key(net) if not isinstance(key, type) else key].trainable = value

    return apply


def obj(name):
    return lambda net: getattr(net, name)


def with_settings(where, value):
    def apply(net):
        with net:
            if where is None:
                configure_settings(trainable=value)
            else:
                with getattr(net, where):
                    configure_settings(trainable=value)

    return apply


LEVELS = {
    "default": (lambda net: None, ALL),
    "all off": (with_settings(None, False), set()),
    "all on": (with_settings(None, True), ALL),
    "object": (
        set_on((None, obj("inner"), False)),
        ALL - parts_of("inner"),
    ),
    "neurons": (
        set_on((None, lambda net: net.inner.neurons, False)),
        ALL - {("inner", BIAS)},
    ),
    "type": (
        set_on((None, nengo.Connection, False)),
        ALL - parts_of("plain", "decoded", "within"),
    ),
    "type of neurons": (
        set_on((None, nengo.ensemble.Neurons, False)),
        {part for part in ALL if part[1] != BIAS},
    ),
    "ensembles": (
        set_on((None, nengo.Ensemble, False)),
        parts_of("plain", "decoded", "within"),
    ),
    "network": (
        set_on((None, obj("sub"), False)),
        ALL - parts_of("inner", "last", "within"),
    ),
    "network inside": (
        set_on((None, obj("deep"), False)),
        ALL - parts_of("last", "within"),
    ),
    "object before network": (
        set_on((None, obj("sub"), False), (None, obj("last"), True)),
        ALL - parts_of("inner", "within"),
    ),
    "network before type": (
        set_on((None, nengo.Ensemble, False), (None, obj("sub"), True)),
        ALL - parts_of("outer"),
    ),
    "nearer network": (
        set_on((None, obj("sub"), False), (None, obj("deep"), True)),
        ALL - parts_of("inner"),
    ),
    "own config of a network": (
        with_settings("sub", False),
        ALL - parts_of("inner", "last", "within"),
    ),
    "nearest config": (
        lambda net: (with_settings(None, False)(net), with_settings("deep", True)(net)),
        parts_of("last", "within"),
    ),
}


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.row("S103")
def test_trainable_on_every_level_of_a_config(name):
    apply, expected = LEVELS[name]
    net = levels()
    apply(net)
    parts = sorted(ALL)
    wanted = [(getattr(net, owner), part) for owner, part in parts]
    with simulator(net) as sim:
        before = sim.data.get_params(*wanted)
        if not expected:
            with pytest.raises(ValidationError, match="trainable parameters, got none"):
                sim.train(2, sgd(1e-3), objective={net.p: total})
            return
        sim.train(2, sgd(1e-3), objective={net.p: total})
        after = sim.data.get_params(*wanted)
    changed = {
        part
        for part, old, new in zip(parts, before, after, strict=True)
        if not np.array_equal(old, new)
    }
    assert changed == expected


@pytest.mark.row("S103")
def test_objects_made_later_and_wrong_values():
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=False)
        a, b = nengo.Node([0.5]), nengo.Node(size_in=1)
        later = nengo.Connection(a, b, transform=0.5, synapse=None)
        p = nengo.Probe(b)
    for wrong in (1, "yes", 0.5):
        with pytest.raises(ValidationError, match=f"trainable.*got {wrong!r}"):
            net.config[later].trainable = wrong
        with net, pytest.raises(ValidationError, match=f"trainable.*got {wrong!r}"):
            configure_settings(trainable=wrong)
    with simulator(net) as sim:
        with pytest.raises(ValidationError, match="trainable parameters, got none"):
            sim.train(2, sgd(1e-3), objective={p: total})


@pytest.mark.parametrize("asked", [None, True])
@pytest.mark.row("S103")
def test_what_online_rules_change_is_not_trained(asked):
    """What a rule changes is left out, unless asked for; what is around it is not."""
    with nengo.Network(seed=0) as net:
        configure_settings(trainable=None)
        a, error = nengo.Node([0.5]), nengo.Node([0.1])
        pre = nengo.Ensemble(5, 1, neuron_type=nengo.RectifiedLinear())
        b = nengo.Node(size_in=1)
        nengo.Connection(a, pre, synapse=None)
        conn = nengo.Connection(pre, b, learning_rule_type=nengo.PES(), synapse=None)
        nengo.Connection(error, conn.learning_rule, synapse=None)
        p = nengo.Probe(b)
        net.config[conn].trainable = asked
    if asked:
        with pytest.warns(UserWarning, match="online learning rule changes it"):
            sim = simulator(net)
    else:
        sim = simulator(net)
    with sim:
        before = np.array(sim.data[conn].weights)
        bias = np.array(sim.data[pre].bias)
        sim.train(2, sgd(1e-3), objective={p: total})
        assert not np.array_equal(sim.data[pre].bias, bias)
        assert np.array_equal(sim.data[conn].weights, before) != bool(asked)
        before = np.array(sim.data[conn].weights)
        sim.run_steps(5)
        assert not np.array_equal(sim.data[conn].weights, before)
