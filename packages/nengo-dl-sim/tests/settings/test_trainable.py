import warnings

import nengo
import numpy as np
import pytest

from nengo_dl_sim.engine.parameter_names import parameter_names
from nengo_dl_sim.settings.config import configure_settings, get_setting
from nengo_dl_sim.settings.trainable import trainable_signals


def build(net):
    model = nengo.builder.Model()
    model.build(net)
    return model


def example():
    """A network with parameters of all kinds, and some that are none."""
    with nengo.Network(label="top", seed=0) as net:
        net.node = nengo.Node([1.0], label="in/put")
        net.a = nengo.Ensemble(4, 1, label="a")
        with nengo.Network() as net.sub:
            net.b = nengo.Ensemble(3, 2)
            net.neurons = nengo.Connection(
                net.b.neurons, net.b.neurons, transform=np.ones((3, 3)), label="rec"
            )
            net.decoded = nengo.Connection(net.a, net.b, function=lambda x: [x, x])
        net.plain = nengo.Connection(net.node, net.a)
        net.scaled = nengo.Connection(net.node, net.a, transform=2)
        net.probe = nengo.Probe(net.a)
        net.raw = nengo.Probe(net.a.neurons)
    return net


def learning():
    """A network of which online rules change decoders, weights and encoders."""
    with nengo.Network(seed=0) as net:
        net.a, net.b = nengo.Ensemble(4, 1), nengo.Ensemble(3, 1)
        net.pes = nengo.Connection(net.a, net.b, learning_rule_type=nengo.PES())
        net.bcm = nengo.Connection(
            net.a.neurons,
            net.b.neurons,
            transform=np.ones((3, 4)),
            learning_rule_type=nengo.BCM(),
        )
        net.voja = nengo.Connection(net.a, net.b, learning_rule_type=nengo.Voja())
    return net


def signals(model, *pairs):
    return {model.sig[obj][key] for obj, key in pairs}


def parts(net, *names):
    """The signals of some objects: of an ensemble its encoders and bias."""
    pairs = []
    for name in names:
        obj = getattr(net, name.split(".")[0])
        if name.endswith(".bias"):
            pairs.append((obj.neurons, "bias"))
        elif isinstance(obj, nengo.Ensemble):
            pairs.append((obj, "encoders"))
            if not name.endswith(".encoders"):
                pairs.append((obj.neurons, "bias"))
        else:
            pairs.append((obj, "weights"))
    return pairs


ALL = ("a", "b", "neurons", "decoded", "scaled")


# What is set, and what is trainable then.
SETTINGS = {
    "nothing": (lambda net: None, ALL),
    "True": (lambda net: configure_settings(trainable=True), ALL),
    "False": (lambda net: configure_settings(trainable=False), ()),
    "inference only": (
        lambda net: configure_settings(trainable=True, inference_only=True),
        (),
    ),
    "object": (
        lambda net: setattr(net.config[net.decoded], "trainable", False),
        ("a", "b", "neurons", "scaled"),
    ),
    "ensemble": (
        lambda net: setattr(net.config[net.a], "trainable", False),
        ("b", "neurons", "decoded", "scaled"),
    ),
    "neurons": (
        lambda net: setattr(net.config[net.a.neurons], "trainable", False),
        ("a.encoders", "b", "neurons", "decoded", "scaled"),
    ),
    "type": (
        lambda net: setattr(net.config[nengo.Connection], "trainable", False),
        ("a", "b"),
    ),
    "type of neurons": (
        lambda net: setattr(net.config[nengo.ensemble.Neurons], "trainable", False),
        ("a.encoders", "b.encoders", "neurons", "decoded", "scaled"),
    ),
    "subnetwork": (
        lambda net: setattr(net.config[net.sub], "trainable", False),
        ("a", "scaled"),
    ),
}


@pytest.mark.parametrize("setting, expected", SETTINGS.values(), ids=list(SETTINGS))
def test_trainable(setting, expected):
    net = example()
    with net:
        configure_settings()
        setting(net)
    model = build(net)
    only_runs = get_setting(net, "inference_only")
    found = trainable_signals(model, net, only_runs)
    assert found == signals(model, *parts(net, *expected))


def test_subnetworks_own_config():
    net = example()
    with net, net.sub:
        configure_settings(trainable=False)
    net.sub.config[net.b].trainable = True
    model = build(net)
    assert trainable_signals(model, net) == signals(
        model, *parts(net, "a", "b", "scaled")
    )


def test_without_network():
    model = build(example())
    assert trainable_signals(model, None) == frozenset()
    assert parameter_names(model, None) == {}


def test_direct_mode_has_no_parameters():
    with nengo.Network() as net:
        ens = nengo.Ensemble(1, 2, neuron_type=nengo.Direct())
        scaled = nengo.Connection(ens, ens, transform=2)
    model = build(net)
    assert trainable_signals(model, net) == signals(model, (scaled, "weights"))


@pytest.mark.parametrize("value", [True, False, None])
@pytest.mark.parametrize(
    "kind", [nengo.Ensemble, nengo.ensemble.Neurons, nengo.Connection, nengo.Network]
)
def test_the_last_word_counts(kind, value):
    """A later call is instead of what was set for types, not for objects."""
    net, once = example(), example()
    for network in (net, once):
        with network:
            configure_settings(trainable=None)
    net.config[kind].trainable = not value
    for network in (net, once):
        network.config[network.plain].trainable = not value
        with network:
            configure_settings(dtype="float64")  # says nothing of it
    assert net.config[kind].trainable is not value
    for network in (net, once):
        with network:
            configure_settings(trainable=value)
    found, expected = [
        {
            parameter_names(model, network)[sig]
            for sig in trainable_signals(model, network)
        }
        for network in (net, once)
        for model in [build(network)]
    ]
    assert found == expected
    net.config[kind].trainable = not value
    assert net.config[kind].trainable is not value


def test_what_online_rules_change_is_not_trainable():
    net = learning()
    model = build(net)
    assert trainable_signals(model, net) == signals(
        model, *parts(net, "a", "b.bias", "voja")
    )


@pytest.mark.parametrize("name", ["pes", "bcm", "b"])
def test_online_rule_and_explicitly_trainable(name):
    net = learning()
    with net:
        configure_settings(trainable=None)
    net.config[getattr(net, name)].trainable = True
    model = build(net)
    with pytest.warns(UserWarning, match="online learning rule") as caught:
        found = trainable_signals(model, net)
    assert len(caught) == 1
    assert str(getattr(net, name)) in str(caught[0].message)
    asked = {"b": "b.encoders"}.get(name, name)
    assert found == signals(model, *parts(net, "a", "b.bias", "voja", asked))
    assert found <= set(parameter_names(model, net))


def test_online_rule_and_not_trainable():
    net = learning()
    with net:
        configure_settings(trainable=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trainable_signals(build(net), net) == frozenset()


def test_transforms():
    conv = nengo.Convolution(2, (4, 1), kernel_size=(3,), strides=(1,))
    with nengo.Network() as net:
        four, two = nengo.Node(size_in=4), nengo.Node(size_in=2)
        nengo.Connection(four, nengo.Node(size_in=4), transform=conv, label="conv")
        for values, label in ((np.ones(2), "sparse"), (np.array([1, 1]), "integer")):
            sparse = nengo.Sparse((2, 2), indices=[[0, 0], [1, 1]], init=values)
            nengo.Connection(two, two, transform=sparse, label=label)
    model = build(net)
    trainable = trainable_signals(model, net)
    by_label = {conn.label: model.sig[conn]["weights"] for conn in net.connections}
    assert trainable == {by_label["conv"], by_label["sparse"]}


def test_names():
    net = example()
    model = build(net)
    names = parameter_names(model, net)
    probed = next(c for c in model.sig if getattr(c, "post_obj", None) is net.probe)
    assert names == {
        model.sig[net.node]["out"]: "nodes/0 (in_put)/out",
        model.sig[net.a]["encoders"]: "ensembles/0 (a)/encoders",
        model.sig[net.a.neurons]["bias"]: "ensembles/0 (a)/bias",
        model.sig[net.b]["encoders"]: "ensembles/1/encoders",
        model.sig[net.b.neurons]["bias"]: "ensembles/1/bias",
        model.sig[net.scaled]["weights"]: "connections/1/weights",
        model.sig[net.neurons]["weights"]: "connections/2 (rec)/weights",
        model.sig[net.decoded]["weights"]: "connections/3/weights",
        model.sig[probed]["weights"]: "probes/0/weights",
    }


@pytest.mark.parametrize("make", [example, learning])
def test_names_are_stable_and_unique(make):
    networks = [make() for _ in range(2)]
    first, second = (
        list(parameter_names(build(net), net).values()) for net in networks
    )
    assert first == second
    assert len(set(first)) == len(first)


def test_every_trainable_signal_has_a_name():
    for net in (example(), learning()):
        model = build(net)
        assert trainable_signals(model, net) <= set(parameter_names(model, net))
