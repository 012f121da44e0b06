"""Devices: those that there are, and what is said of them."""

import logging
import warnings
from collections import namedtuple

import nengo
import pytest
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_sim import Simulator
from nengo_dl_sim.execution import devices
from nengo_dl_sim.execution.devices import check_device

Device = namedtuple("Device", "name")


def network():
    with nengo.Network() as net:
        nengo.Node([0.0])
    return net


@pytest.fixture
def with_gpu(monkeypatch):
    """A machine that has a processor and one card."""
    found = [Device("/device:CPU:0"), Device("/device:GPU:0")]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda: found)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    devices._warn_without_gpu.cache_clear()


LOCAL = "/job:localhost/replica:0/task:0/device:"
PROCESSOR = [
    None,
    "",
    "/cpu:0",
    "cpu:0",
    "/CPU:0",
    "cpu",
    "/device:CPU:*",
    LOCAL + "CPU:0",
]


@pytest.mark.parametrize("name", PROCESSOR)
def test_names_of_what_is_there(name):
    check_device(name)


def test_a_device_itself():
    check_device(tf.config.list_logical_devices()[0])


@pytest.mark.parametrize("name", ["/gpu:0", "GPU", "/device:GPU:0", LOCAL + "GPU:0"])
def test_names_of_a_card(name, with_gpu):
    check_device(name)


MISSING = ["/gpu:1", "/tpu:9", "tpu", "/cpu:7", "/job:worker/cpu:0", "/device:XPU:0"]


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_an_error_that_lists_the_rest(name, with_gpu):
    found = r"\(/device:CPU:0, /device:GPU:0\)"
    with pytest.raises(ValidationError, match=f"device: .*{found}, got '{name}'"):
        check_device(name)


@pytest.mark.parametrize("name", ["/gpu:99", "/tpu:9", "/cpu:99"])
def test_nothing_is_built_for_a_device_that_is_missing(name, monkeypatch):
    net = network()
    monkeypatch.setattr(nengo.builder.Model, "build", pytest.fail)
    with pytest.raises(ValidationError, match="device: .*/device:CPU:0.*, got"):
        Simulator(net, device=name, progress_bar=False)


@pytest.mark.parametrize("name", ["no such device", "/cpu:x", 3, b"/cpu:0", ["/cpu:0"]])
def test_what_is_no_device(name):
    with pytest.raises(ValidationError, match='device such as "/cpu:0".*got'):
        check_device(name)


@pytest.mark.parametrize(
    "name, gpu, kinds",
    [
        (None, False, "CPU"),
        (None, True, "CPU/GPU"),
        ("/cpu:0", False, "CPU"),
        ("/cpu:0", True, "CPU"),
        ("/gpu:0", True, "GPU"),
    ],
)
def test_the_log_says_what_is_used(name, gpu, kinds, request, caplog):
    request.getfixturevalue("with_gpu" if gpu else "without_gpu")
    with caplog.at_level(logging.INFO, "nengo_dl_sim"):
        devices.announce_device(name)
    assert caplog.messages == [f"Running on {kinds}"]


def test_without_a_card_there_is_one_warning(without_gpu, caplog):
    net = network()
    with caplog.at_level(logging.INFO, "nengo_dl_sim"), warnings.catch_warnings():
        warnings.simplefilter("error")
        Simulator(net, device="/cpu:0", progress_bar=False).close()
    assert "Running on CPU" in caplog.messages
    with pytest.warns(
        UserWarning, match="No GPU support detected.*tensorflow"
    ) as caught:
        for _ in range(2):
            Simulator(net, progress_bar=False).close()
    assert [warning.filename for warning in caught] == [__file__]


def test_with_a_card_there_is_none(with_gpu):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        devices.announce_device(None)
