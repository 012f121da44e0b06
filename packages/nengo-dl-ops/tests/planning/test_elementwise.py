"""What planning asks of the builders that are registered for processes."""

import nengo
import numpy as np
import pytest
from nengo.builder.operator import DotInc, ElementwiseInc, Reset
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.params import NumberParam
from nengo.synapses import Synapse

from nengo_dl_ops import Builder, InputProcess, ProcessBuilder
from nengo_dl_ops.operators.processes import draws_random_numbers
from nengo_dl_ops.planning.narrow_results import narrow_results
from nengo_dl_ops.planning.share_results import share_results


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """Let each test register what it likes."""
    monkeypatch.setattr(Builder, "_registry", dict(Builder._registry))


class Decay(Synapse):
    """Keep a share of the last output, and add the input."""

    kept = NumberParam("kept", low=0, high=1)

    def __init__(self, kept):
        super().__init__(default_size_in=1, default_size_out=1)
        self.kept = kept

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {"X": np.zeros(shape_out)}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        def step(t, x):
            state["X"][...] = self.kept * state["X"] + x
            return state["X"]

        return step


class ClippedLowpass(nengo.Lowpass):
    """Overrides how it is computed."""

    def make_step(self, *args, **kwargs):
        step = super().make_step(*args, **kwargs)
        return lambda t, x: np.clip(step(t, x), -1, 1)


class SlowLowpass(nengo.Lowpass):
    """Computed as all lowpass filters are."""


def register_decay(elementwise):
    @Builder.register(Decay)
    class DecayBuilder(ProcessBuilder):
        @classmethod
        def merge_key(cls, op):
            return op.process.kept

        def step(self, u, state):
            new = self.ops[0].process.kept * state["X"] + u
            return new[0], {"X": new}

    DecayBuilder.elementwise = elementwise


def vector(n):
    return Signal(np.zeros(n))


TIME = vector(())


def synapse(process, x, shape=()):
    state = {"X": vector((*shape, *x.shape))}
    return SimProcess(process, x, vector(x.shape), TIME, "update", state)


def two_of(process, shape=()):
    """Two equal synapses of one input, and who reads them."""
    x = vector(3)
    filters = [synapse(process, x, shape) for _ in range(2)]
    readers = [DotInc(vector((2, 3)), op.output, vector(2)) for op in filters]
    return [*filters, *readers]


def with_equal_elements(process):
    """A product of equal elements, filtered, and what takes it elementwise."""
    weights = Signal(np.ones((3, 2)))
    y = vector(3)
    filtered = synapse(process, y)
    last = ElementwiseInc(Signal(np.arange(3.0)), filtered.output, vector(3))
    return [Reset(y), DotInc(weights, vector(2), y), filtered, last], {weights}


def test_equal_synapses_of_a_user_are_computed_once():
    register_decay(elementwise=True)
    ops = two_of(Decay(0.5))
    found = share_results(ops, ())
    assert [op.X for op in found if type(op) is DotInc] == [ops[0].output] * 2
    assert ops[0] in found and ops[1] not in found


def test_a_synapse_of_a_user_has_one_element_where_all_are_equal():
    register_decay(elementwise=True)
    ops, fixed = with_equal_elements(Decay(0.5))
    _, _, filtered, last = narrow_results(ops, fixed)
    assert filtered.process is ops[2].process
    assert filtered.input.shape == filtered.state["X"].shape == (1,)
    assert type(last) is DotInc and last.X is filtered.output


@pytest.mark.parametrize("registered", [True, False])
def test_other_synapses_of_a_user_are_left_alone(registered):
    if registered:
        register_decay(elementwise=False)
    ops = two_of(Decay(0.5))
    assert share_results(ops, ()) == ops
    ops, fixed = with_equal_elements(Decay(0.5))
    assert narrow_results(ops, fixed) == ops


def test_unequal_synapses_of_a_user_are_not_shared():
    register_decay(elementwise=True)
    ops = two_of(Decay(0.5))
    ops[1] = synapse(Decay(0.25), ops[0].input)
    ops[3] = DotInc(ops[3].A, ops[1].output, ops[3].Y)
    assert share_results(ops, ()) == ops


@pytest.mark.parametrize(
    ("kind", "n_computed"), [(nengo.Lowpass, 1), (SlowLowpass, 1), (ClippedLowpass, 2)]
)
def test_a_type_is_shared_if_the_builder_of_its_base_computes_it(kind, n_computed):
    found = share_results(two_of(kind(0.1), shape=(1,)), ())
    assert sum(type(op) is SimProcess for op in found) == n_computed


class Ramp(nengo.Process):
    """A function of time, as a process."""

    def make_step(self, shape_in, shape_out, dt, rng, state):
        return lambda t: np.full(shape_out, t)


class NoisyInput(nengo.processes.PresentInput):
    """Adds noise to what it presents."""

    def make_step(self, shape_in, shape_out, dt, rng, state):
        step = super().make_step(shape_in, shape_out, dt, rng, state)
        return lambda t: step(t) + rng.normal(size=shape_out)


def test_processes_that_draw_no_random_numbers():
    assert not draws_random_numbers(nengo.processes.PresentInput([[1]], 0.1))
    assert not draws_random_numbers(nengo.processes.Piecewise({0: [1]}))
    assert draws_random_numbers(nengo.processes.WhiteNoise())
    assert draws_random_numbers(NoisyInput([[1]], 0.1))
    assert draws_random_numbers(nengo.Lowpass(0.1))
    assert draws_random_numbers(Ramp())

    @Builder.register(Ramp)
    class RampInput(InputProcess):
        draws = False

    assert not draws_random_numbers(Ramp())


def test_what_is_known_of_an_input_is_no_builder():
    @Builder.register(Decay)
    class DecayInput(InputProcess):
        pass

    op = synapse(Decay(0.5), vector(2))
    assert Builder.of(op).python
