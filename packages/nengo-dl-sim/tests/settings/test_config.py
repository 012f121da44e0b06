import dataclasses
import pickle

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.ensemble import Neurons
from nengo.exceptions import ConfigError, NetworkContextError, ValidationError

from nengo_dl_sim.settings.config import configure_settings, get_setting
from nengo_dl_sim.settings.settings import keeps_history, read_settings


def function(*_):
    raise NotImplementedError


GOOD = [
    ("dtype", "float16", "float16"),
    ("dtype", tf.float64, "float64"),
    ("dtype", np.float32, "float32"),
    ("inference_only", True, True),
    ("inference_only", np.bool_(False), False),
    ("keep_history", False, False),
    ("lif_smoothing", 0.5, 0.5),
    ("lif_smoothing", None, None),
    ("planner", function, function),
    ("simplifications", [], ()),
    ("simplifications", [function, len], (function, len)),
    ("sorter", function, function),
    ("trainable", None, None),
    ("trainable", False, False),
    ("regularizer", function, function),
    ("activity_regularizer", None, None),
    ("constraint", function, function),
    ("constraint", None, None),
]
BAD = [
    ("dtype", "int32"),
    ("dtype", "floaty"),
    ("dtype", "float"),
    ("dtype", float),
    ("dtype", np.int32),
    ("dtype", 1),
    ("dtype", None),
    ("inference_only", 1),
    ("inference_only", None),
    ("keep_history", "yes"),
    ("lif_smoothing", 0),
    ("lif_smoothing", -1.0),
    ("lif_smoothing", np.nan),
    ("lif_smoothing", np.inf),
    ("lif_smoothing", "0.1"),
    ("lif_smoothing", [1, 2]),
    ("planner", None),
    ("planner", "greedy"),
    ("simplifications", function),
    ("simplifications", [None]),
    ("simplifications", "abc"),
    ("sorter", 3),
    ("constraint", "positive"),
    ("regularizer", 0.1),
    ("regularizer", "l3"),
    ("activity_regularizer", "l3"),
    ("activity_regularizer", 0.1),
    ("trainable", 1),
    ("trainable", "True"),
]


@pytest.mark.parametrize("name, value, stored", GOOD)
def test_set_and_get(name, value, stored):
    with nengo.Network() as net:
        configure_settings(**{name: value})
    model = nengo.builder.Model()
    model.build(net)

    assert get_setting(net, name) == stored
    assert get_setting(model, name) == stored


@pytest.mark.parametrize("name, value", BAD)
def test_bad_value_sets_nothing(name, value):
    with nengo.Network() as net:
        other = {"lif_smoothing": 1} if name == "dtype" else {"dtype": "float64"}
        with pytest.raises(ValidationError, match=f"{name}: expected .*, got"):
            configure_settings(**other, **{name: value})

    assert get_setting(net, "dtype") == "float32"
    assert get_setting(net, "lif_smoothing") is None


def test_names_of_keras():
    with nengo.Network() as net:
        configure_settings(regularizer="l2", constraint="non_neg")
    assert isinstance(get_setting(net, "regularizer"), keras.regularizers.L2)
    assert isinstance(get_setting(net, "constraint"), keras.constraints.NonNeg)


def test_bad_value_in_config():
    with nengo.Network() as net:
        configure_settings(trainable=None)
        ens = nengo.Ensemble(2, 1)
    with pytest.raises(ValidationError, match="trainable: .*None, got 3"):
        net.config[ens].trainable = 3
    with pytest.raises(ValidationError, match="dtype: expected .*, got 'int8'"):
        net.config[nengo.Network].dtype = "int8"


@pytest.mark.row("S055")
def test_unknown_setting():
    expected = "'foo' is not a valid config parameter.* dtype, .* trainable"
    with nengo.Network() as net:
        with pytest.raises(ConfigError, match=expected):
            configure_settings(dtype="float64", foo=1)
    with pytest.raises(ConfigError, match=expected):
        get_setting(net, "foo")
    assert get_setting(net, "dtype") == "float32"


def test_outside_of_a_network():
    with pytest.raises(NetworkContextError, match="with network"):
        configure_settings(dtype="float64")


def test_defaults():
    net = nengo.Network()
    for network in (net, None, nengo.builder.Model()):
        assert get_setting(network, "dtype") == "float32"
        assert get_setting(network, "dtype", "float64") == "float64"
        assert get_setting(network, "keep_history") is True
        assert get_setting(network, "inference_only") is False
        assert get_setting(network, "planner", function) is function

    with net:
        configure_settings()
    assert get_setting(net, "dtype", "float64") == "float64"
    assert net.config[nengo.Network].dtype == "float32"
    net.config[nengo.Network].planner = function
    assert get_setting(net, "planner", len) is function


def test_settings_belong_to_the_top_level_network():
    with nengo.Network() as net:
        with nengo.Network() as subnet:
            configure_settings(dtype="float64")
            other = nengo.Network(add_to_container=False)
            with other:
                configure_settings(dtype="float16")

    assert get_setting(net, "dtype") == "float64"
    assert get_setting(subnet, "dtype") == "float32"
    assert get_setting(other, "dtype") == "float16"


def test_later_calls_keep_earlier_settings():
    with nengo.Network() as net:
        configure_settings(dtype="float64", keep_history=False)
        ens = nengo.Ensemble(2, 1)
        net.config[nengo.Ensemble].radius = 3
        configure_settings(trainable=False)
        net.config[ens].trainable = True
        configure_settings(trainable=None, keep_history=True)

    assert get_setting(net, "dtype") == "float64"
    assert get_setting(net, "keep_history") is True
    assert get_setting(net, "trainable", obj=ens) is True
    assert net.config[nengo.Ensemble].radius == 3


def test_keep_history_of_one_probe():
    with nengo.Network() as net:
        configure_settings(keep_history=False)
        node = nengo.Node([1])
        with nengo.Network():
            first, second = nengo.Probe(node), nengo.Probe(node)
    net.config[second].keep_history = True

    assert get_setting(net, "keep_history", obj=first) is False
    assert get_setting(net, "keep_history", obj=second) is True


# For an ensemble in net > sub > subsub: what is set in order, then what counts for
# the ensemble, for its neurons, and for a connection next to it.
NEAREST = {
    "nothing": ([], (None, None, None)),
    "all": ([("net", "all", False)], (False, False, False)),
    "type before all": (
        [("net", "all", False), ("net", nengo.Ensemble, True)],
        (True, True, False),
    ),
    "type before later all": (
        [("net", nengo.Ensemble, True), ("net", "all", False)],
        (False, False, False),
    ),
    "all networks": ([("net", nengo.Network, False)], (False, False, False)),
    "neurons type": ([("net", Neurons, False)], (None, False, None)),
    "neurons type before ensemble type": (
        [("net", Neurons, False), ("net", nengo.Ensemble, True)],
        (True, False, None),
    ),
    "ensemble before neurons type": (
        [("net", Neurons, False), ("net", "ens", True)],
        (True, True, None),
    ),
    "neurons before ensemble": (
        [("net", "neurons", False), ("net", "ens", True)],
        (True, False, None),
    ),
    "ensemble in inner config": (
        [("subsub", "ens", True), ("net", "ens", False)],
        (True, True, None),
    ),
    "ensemble in outer config before inner type": (
        [("subsub", nengo.Ensemble, True), ("net", "ens", False)],
        (False, False, None),
    ),
    "network before type": (
        [("net", nengo.Ensemble, False), ("net", "sub", True)],
        (True, True, True),
    ),
    "inner network before outer": (
        [("net", "sub", True), ("net", "subsub", False)],
        (False, False, False),
    ),
    "network in inner config before outer": (
        [("net", "subsub", True), ("sub", "subsub", False)],
        (False, False, False),
    ),
    "inner type before outer network": (
        [("net", "sub", True), ("subsub", nengo.Connection, False)],
        (True, True, False),
    ),
    "inner all before outer type": (
        [("net", nengo.Ensemble, True), ("sub", "all", False)],
        (False, False, False),
    ),
    "None says nothing": (
        [("net", "all", False), ("sub", "all", None), ("net", "ens", None)],
        (False, False, False),
    ),
    "type next to it": ([("net", nengo.Connection, True)], (None, None, True)),
}


def nested(settings):
    objects = {}
    with nengo.Network() as objects["net"]:
        configure_settings()
        with nengo.Network() as objects["sub"]:
            configure_settings()
            with nengo.Network() as objects["subsub"]:
                configure_settings()
                ens = nengo.Ensemble(2, 1)
                conn = nengo.Connection(ens, ens)
    objects.update(ens=ens, neurons=ens.neurons, conn=conn)
    for network, key, value in settings:
        if key == "all":
            with objects["net"], objects[network]:
                configure_settings(trainable=value)
        else:
            objects[network].config[objects.get(key, key)].trainable = value
    return objects


@pytest.mark.parametrize("settings, expected", NEAREST.values(), ids=list(NEAREST))
def test_nearest_trainable(settings, expected):
    objects = nested(settings)
    found = tuple(
        get_setting(objects["net"], "trainable", obj=objects[name])
        for name in ("ens", "neurons", "conn")
    )
    assert found == expected


def test_trainable_of_networks():
    objects = nested([("net", "sub", False), ("sub", "subsub", True)])
    net = objects["net"]
    assert get_setting(net, "trainable", obj=net) is None
    assert get_setting(net, "trainable", obj=objects["sub"]) is False
    assert get_setting(net, "trainable", obj=objects["subsub"]) is True


def test_reading_makes_no_entries():
    objects = nested([])
    before = set(objects["net"].config.params)
    get_setting(objects["net"], "trainable", obj=objects["ens"])
    assert set(objects["net"].config.params) == before


def test_foreign_object_has_the_setting_of_its_type():
    with nengo.Network() as net:
        configure_settings(trainable=None)
    net.config[nengo.Ensemble].trainable = False
    with nengo.Network():
        ens = nengo.Ensemble(2, 1)
    assert get_setting(net, "trainable", obj=ens) is False


@pytest.mark.parametrize(
    "copy", [lambda net: net.copy(), lambda net: pickle.loads(pickle.dumps(net))]
)
def test_copied_networks_keep_their_settings(copy):
    with nengo.Network() as net:
        configure_settings(dtype="float64", trainable=False)
        ens = nengo.Ensemble(2, 1)
    net.config[ens].trainable = True

    again = copy(net)
    assert get_setting(again, "dtype") == "float64"
    assert get_setting(again, "trainable", obj=again.ensembles[0]) is True
    assert get_setting(again, "trainable", obj=again) is False
    with again:
        configure_settings(dtype="float16", trainable=True)
    assert get_setting(net, "dtype") == "float64"
    assert get_setting(net, "trainable") is False


def test_settings_are_read_at_once():
    """A simulator goes by what was set when it was made."""
    with nengo.Network() as net:
        configure_settings(stateful=False, sorter=function, simplifications=[len])
    settings = read_settings(net)
    with net:
        configure_settings(stateful=True)
    assert not settings.stateful and settings.sorter is function
    assert settings.planner is None and settings.dtype == "float32"
    assert settings.simplifications == (len,)
    assert read_settings(net, "float64", optimize=False) == dataclasses.replace(
        settings, stateful=True, dtype="float64", simplifications=()
    )
    assert read_settings(None) == read_settings(nengo.Network())


def test_keeps_history_of_each_probe():
    with nengo.Network() as net:
        probes = [nengo.Probe(nengo.Node(0)) for _ in range(2)]
        configure_settings(keep_history=False)
        net.config[probes[0]].keep_history = True
    assert [keeps_history(net, probe) for probe in probes] == [True, False]
