import numpy as np
import pytest
from nengo.builder.operator import Reset, TimeUpdate
from nengo.builder.probe import SimProbe
from nengo.builder.signal import Signal


def signal(*shape):
    return Signal(np.zeros(shape), name=str(shape))


CASES = {
    "zeros": lambda: [Reset(signal(3)), Reset(signal(2))],
    "numbers": lambda: [
        Reset(signal(3), value=2.5),
        Reset(signal(2)),
        Reset(signal(1), 1),
    ],
    "matrices": lambda: [Reset(signal(3, 2), value=1), Reset(signal(4, 2))],
    "other shapes": lambda: [
        Reset(signal(3, 2), value=1),
        Reset(signal(2, 4)),
        Reset(signal(3), value=2),
    ],
    "scalar": lambda: [Reset(signal(), value=1)],
    "views": lambda: [Reset(signal(5)[1:3], value=1), Reset(signal(5, 2)[::2, 1])],
    "probes": lambda: [SimProbe(signal(3)), SimProbe(signal(2, 2))],
}


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_as_nengo(make, compare):
    compare(make())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_time_as_nengo(dtype, compare):
    step = Signal(np.array(0, np.int64), name="step")
    time = Signal(np.array(0.0), name="time")
    atol = 0 if dtype == "float64" else 1e-6
    compare([TimeUpdate(step, time)], n_steps=7, dtype=dtype, atol=atol, dt=0.0007)


def test_time_does_not_drift(build):
    step = Signal(np.array(999_999, np.int64), name="step")
    time = Signal(np.array(0.0), name="time")
    group = build([TimeUpdate(step, time)], dtype="float32")
    values = group({step: np.array([999_999]), time: np.zeros(1)})
    assert values[step] == 1_000_000
    assert values[time] == np.float32(1000)
