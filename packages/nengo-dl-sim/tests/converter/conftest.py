"""Settings of the tests of the converter."""

import keras
import pytest


@pytest.fixture(autouse=True)
def float64():
    """Let models compute in float64, to compare exactly."""
    before = keras.config.floatx()
    policy = keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(policy)
