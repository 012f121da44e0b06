"""What the sessions of TensorFlow 1 took, where it still means something."""

import subprocess
import sys

import nengo
import pytest
from nengo.exceptions import ConfigError, ValidationError

from nengo_dl_sim import configure_settings

PROCESS = """
import nengo, tensorflow as tf
from nengo_dl_sim import Simulator, configure_settings

with nengo.Network() as net:
    configure_settings(session_config={
        "gpu_options.allow_growth": True, "allow_soft_placement": False,
        "intra_op_parallelism_threads": 1, "inter_op_parallelism_threads": 3})
    nengo.Node([0.5])
model = nengo.builder.Model()
model.build(net)
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
with Simulator(None, model=model, device="/cpu:1", progress_bar=False) as sim:
    assert tf.constant(1.0).device.endswith("CPU:1")
    sim.run_steps(2)
assert tf.constant(1.0).device.endswith("CPU:0")
assert tf.config.threading.get_intra_op_parallelism_threads() == 1
assert tf.config.threading.get_inter_op_parallelism_threads() == 3
assert not tf.config.get_soft_device_placement()
Simulator(net, progress_bar=False).close()  # the same again is fine
with net:
    configure_settings(session_config={"intra_op_parallelism_threads": 2})
try:
    Simulator(net, progress_bar=False)
except nengo.exceptions.SimulationError as error:
    assert "intra_op_parallelism_threads" in str(error) and "too late" in str(error)
else:
    raise AssertionError
"""


@pytest.mark.slow
@pytest.mark.row("S062", "S075")
def test_session_config_and_device_of_the_context():
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROCESS],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "value",
    [
        {"log_device_placement": True},
        {"gpu_options.allow_growth": 1},
        {"intra_op_parallelism_threads": True},
        {"inter_op_parallelism_threads": -1},
        {"graph_options.optimizer_options": 3},
        "allow_growth",
    ],
)
@pytest.mark.row("S062")
def test_what_means_nothing_in_tensorflow_2(value):
    with nengo.Network(), pytest.raises((ValidationError, ConfigError)) as caught:
        configure_settings(session_config=value)
    assert "session_config: expected a dictionary with" in str(caught.value)
    assert "no meaning in TensorFlow 2" in str(caught.value)
