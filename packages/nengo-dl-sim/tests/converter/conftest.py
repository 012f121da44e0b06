"""Settings of the tests of the converter."""

import contextlib

import keras
import pytest


@contextlib.contextmanager
def floats_of_keras(dtype):
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)


@pytest.fixture(autouse=True, scope="module")
def float64():
    """Let models compute in float64, to compare exactly."""
    # For the module, as fixtures of a module are made before those of a test.
    with floats_of_keras("float64"):
        yield


@pytest.fixture
def float32():
    """Let models compute in float32, as they do by default."""
    with floats_of_keras("float32"):
        yield
