"""What the tests of signals share."""

import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout


@pytest.fixture
def loaded():
    """Load signals with values (minibatch last) and return layout and dictionary."""

    def load(values, constants=(), dtype="float64"):
        layout = SignalLayout(values, constants, dtype)
        signals = SignalDict(layout.n_rows)
        for sig, value in values.items():
            if value is not None:
                place = layout[sig]
                rows = (len(place.rows), *place.row_shape, np.shape(value)[-1])
                value = tf.constant(np.reshape(value, rows), place.dtype)
                signals.load(place.rows, value)
        return layout, signals

    return load


@pytest.fixture
def base():
    """Make a base signal of a shape, with the numbers from 0 on."""

    def make(*shape, name="base", dtype=float):
        values = np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape)
        return Signal(values, name=name)

    return make
