import numpy as np
import pytest
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.synapses import Alpha, LinearFilter, Lowpass

from nengo_dl_ops import Builder


def discrete(num, den):
    return LinearFilter(num, den, analog=False)


#: For each case of Nengo's: filters of different parameters, which one group computes.
GROUPS = {
    "no state": [Lowpass(0), LinearFilter([3], [2]), discrete([0.5], [1])],
    "one state": [Lowpass(0.005), Lowpass(0.1), discrete([0.25], [1, -0.75])],
    "equal filters": [Lowpass(0.01), Lowpass(0.01)],
    "no passthrough": [Alpha(0.005), Alpha(0.1), LinearFilter([1], [1e-4, 0.01, 1])],
    "equal filters of order 2": [Alpha(0.01), Alpha(0.01)],
    "passthrough": [
        LinearFilter([0.01, 2], [0.1, 1]),
        LinearFilter([0.2, 1], [0.3, 1]),
    ],
    "passthrough, order 2": [LinearFilter([1e-3, 0.1, 2], [1e-3, 0.1, 1])],
    "with and without": [LinearFilter([0.01, 2], [0.1, 1]), Lowpass(0.03)],
    "with and without, order 2": [
        LinearFilter([1e-3, 0.1, 2], [1e-3, 0.1, 1]),
        Alpha(0.02),
    ],
    "methods": [
        LinearFilter([1], [0.01, 1], method=method)
        for method in ("zoh", "bilinear", "euler", "backward_diff")
    ],
    "order 5": [
        LinearFilter([1], np.poly([-10, -20, -30, -40, -50])),
        LinearFilter([1, 2, 3], np.poly([-10, -20, -30, -40, -80])),
    ],
    "delay": [discrete([1], [1, 0, 0, 0])],
}


def synapse(process, shape=(3,), mode="update", dt=0.001):
    state = process.make_state(shape, shape, dt)
    return SimProcess(
        process,
        Signal(np.zeros(shape), name="input"),
        Signal(np.zeros(shape), name="output"),
        Signal(np.array(0.0), name="time"),
        mode=mode,
        state={name: Signal(value, name=name) for name, value in state.items()},
    )


@pytest.mark.parametrize("processes", GROUPS.values(), ids=GROUPS)
def test_merged_with_different_parameters_as_nengo(processes, compare):
    ops = [synapse(process, (i + 1,)) for i, process in enumerate(processes)]
    compare(ops, n_steps=12)


@pytest.mark.parametrize("process", [Lowpass(0.01), Alpha(0.01), Lowpass(0)])
def test_matrices_as_nengo(process, compare):
    compare([synapse(process, shape) for shape in [(3, 2), (1, 4), (5,), (2, 1)]])


@pytest.mark.parametrize("mode", ["set", "inc", "update"])
def test_modes_as_nengo(mode, compare):
    compare([synapse(Lowpass(0.01), mode=mode), synapse(Lowpass(0.02), mode=mode)])


@pytest.mark.parametrize("name", ["one state", "no passthrough", "with and without"])
@pytest.mark.parametrize("dt", [0.0005, 0.01])
def test_other_time_steps_as_nengo(name, dt, compare):
    compare([synapse(process, dt=dt) for process in GROUPS[name]], dt=dt, n_steps=8)


@pytest.mark.parametrize("name", ["one state", "no passthrough", "with and without"])
def test_single_precision(name, compare):
    compare([synapse(p) for p in GROUPS[name]], dtype="float32", atol=1e-5)


def test_one_batch_item(compare):
    compare([synapse(Alpha(0.01))], batch=1)


def test_filters_of_different_order_or_mode_do_not_merge():
    merge_key = Builder.find(SimProcess).merge_key
    processes = Lowpass(0), Lowpass(0.1), Alpha(0.1)
    keys = {merge_key(synapse(p, mode=m)) for p in processes for m in ("set", "inc")}
    assert len(keys) == 6


def test_a_synapse_without_a_builder_is_named():
    class Delayed(Lowpass):
        def make_step(self, *args, **kwargs):
            raise NotImplementedError

    with pytest.raises(BuildError, match="Delayed"):
        Builder.find(SimProcess).merge_key(synapse(Delayed(0.01)))
