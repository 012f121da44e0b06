import numpy as np
import pytest
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.synapses import Triangle

from nengo_dl_ops import Builder

#: The first axis of these triangles' states has 11 places, with steps of 1 ms.
SHAPES = {
    "one": [(3,)],
    "merged": [(3,), (1,), (4,)],
    "matrices": [(3, 2), (2,), (1, 4)],
}


def synapse(t=0.01, shape=(3,), mode="update", dt=0.001, y0=0):
    process = Triangle(t)
    state = process.make_state(shape, shape, dt, y0=y0)
    return SimProcess(
        process,
        Signal(np.zeros(shape), name="input"),
        Signal(np.zeros(shape), name="output"),
        Signal(np.array(0.0), name="time"),
        mode=mode,
        state={name: Signal(value, name=name) for name, value in state.items()},
    )


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_as_nengo(shapes, compare):
    compare([synapse(shape=shape) for shape in shapes], n_steps=25, batch=3)


@pytest.mark.parametrize("t, dt", [(0, 0.001), (0.001, 0.001), (0.01, 0.0005)])
def test_lengths_as_nengo(t, dt, compare_eagerly):
    compare_eagerly([synapse(t, dt=dt)], n_steps=25, dt=dt)


@pytest.mark.parametrize("mode", ["set", "inc"])
def test_modes_as_nengo(mode, compare_eagerly):
    compare_eagerly([synapse(mode=mode)], n_steps=14)


def test_initial_output_as_nengo(compare_eagerly):
    compare_eagerly([synapse(y0=1.5)], n_steps=14)


def test_single_precision(compare_eagerly):
    compare_eagerly([synapse()], n_steps=30, dtype="float32", atol=1e-5)


def test_places_in_the_ring_may_differ(compare_eagerly):
    ops = [synapse(), synapse()]
    for place, op in enumerate(ops):
        op.state["Xi"]._initial_value = np.array([3.0 + place])
    compare_eagerly(ops, n_steps=14)


def test_triangles_of_other_lengths_do_not_merge():
    merge_key = Builder.find(SimProcess).merge_key
    lengths = [0.01, 0.0101, 0.02, 0.0]
    assert len({merge_key(synapse(t)) for t in lengths}) == 3
