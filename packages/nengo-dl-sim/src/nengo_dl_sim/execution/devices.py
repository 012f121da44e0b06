"""Where a simulation runs: the devices that there are, and what to say of them."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_ops.user_warnings import warn_user

logger = logging.getLogger(__name__)

#: What a name of a device leaves out if the device is in this process.
_HERE = {"job": "localhost", "replica": 0, "task": 0}


def check_device(value: Any) -> None:
    """
    Check the argument ``device``.

    Looks for devices, which starts TensorFlow.

    Raises a ``ValidationError`` if the value is neither None nor the name of a device
    that there is.
    """
    if value is None:
        return
    try:
        with tf.device(value):
            wanted = _spec(value)
    except (TypeError, ValueError) as error:
        raise ValidationError(
            f'expected a device such as "/cpu:0" or "/gpu:0", got {value!r}',
            attr="device",
        ) from error
    found = [device.name for device in tf.config.list_logical_devices()]
    if not any(_is_of(_spec(name), wanted) for name in found):
        raise ValidationError(
            f"expected a device that TensorFlow finds ({', '.join(found)}), "
            f"got {value!r}",
            attr="device",
        )


def announce_device(value: Any) -> None:
    """
    Log what a simulator runs on; warn once if no graphics card can be used.

    Parameters
    ----------
    value : str or tf.config.LogicalDevice or None
        The device that was chosen.

    Warns
    -----
    UserWarning
        If no device was chosen, and there is no GPU: once in a process.
    """
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    if value is None:
        kinds = "CPU/GPU" if has_gpu else "CPU"
    else:
        kinds = _spec(value).device_type or "CPU"
    logger.info("Running on %s", kinds)
    if value is None and not has_gpu:
        _warn_without_gpu()


@cache
def _warn_without_gpu() -> None:
    warn_user(
        "No GPU support detected: running on the CPU. For a graphics card of NVIDIA, "
        'TensorFlow needs its libraries (pip install "tensorflow[and-cuda]"). To run '
        'on the CPU without this warning, use Simulator(device="/cpu:0")'
    )


def _spec(device: Any) -> tf.DeviceSpec:
    """Read the name of a device."""
    name = device.name if isinstance(device, tf.config.LogicalDevice) else device
    return tf.DeviceSpec.from_string(name)


def _is_of(found: tf.DeviceSpec, wanted: tf.DeviceSpec) -> bool:
    """Tell whether a device is one of those that a name allows."""
    parts = ("job", "replica", "task", "device_type", "device_index")
    for part in parts:
        value = getattr(wanted, part)
        if value is None:
            continue
        there = getattr(found, part)
        if value != (_HERE.get(part) if there is None else there):
            return False
    return True
