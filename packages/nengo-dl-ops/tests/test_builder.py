import nengo
import numpy as np
import pytest
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import (
    Copy,
    DotInc,
    ElementwiseInc,
    Operator,
    Reset,
    TimeUpdate,
)
from nengo.builder.probe import SimProbe
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.builder.transforms import ConvInc
from nengo.exceptions import BuildError

from nengo_dl_ops import (
    Builder,
    CopyBuilder,
    NeuronBuilder,
    OpBuilder,
    ProcessBuilder,
    SimTensorNode,
    SoftLIFRate,
)
from nengo_dl_ops.neurons import LIFBuilder, LIFRateBuilder


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """Let each test register what it likes."""
    monkeypatch.setattr(Builder, "_registry", dict(Builder._registry))


class Double(Operator):
    """Set a signal to twice another."""

    def __init__(self, x, y):
        super().__init__()
        self.sets, self.incs, self.reads, self.updates = [y], [], [x], []

    def make_step(self, signals, dt, rng):
        def step():
            signals[self.sets[0]][...] = 2 * signals[self.reads[0]]

        return step


def double(n):
    return Double(Signal(np.zeros(n), name="x"), Signal(np.zeros(n), name="y"))


def test_an_operator_of_the_user(compare):
    @Builder.register(Double)
    class DoubleBuilder(OpBuilder):
        def __init__(self, ops, layout, config):
            super().__init__(ops, layout, config)
            self.x = layout.concat([op.reads[0] for op in ops])
            self.y = layout.concat([op.sets[0] for op in ops])

        @classmethod
        def merge_key(cls, op):
            return 0

        def build_step(self, signals):
            signals.scatter(self.y, 2 * signals.gather(self.x))

    assert Builder.find(Double) is DoubleBuilder
    compare([double(3), double(2)])


def test_operators_do_not_merge_unless_they_say_so():
    class DoubleBuilder(OpBuilder):
        def build_step(self, signals):
            raise NotImplementedError

    op = double(3)
    assert DoubleBuilder.merge_key(op) == DoubleBuilder.merge_key(op)
    assert DoubleBuilder.merge_key(op) != DoubleBuilder.merge_key(double(3))


def test_a_type_without_a_builder_is_named():
    with pytest.raises(BuildError, match=r"test_builder\.Double'.*register\(Double\)"):
        Builder.find(Double)


def test_a_subclass_that_computes_the_same_is_served():
    class MyCopy(Copy):
        pass

    class MyLIF(nengo.LIF):
        def rates(self, x, gain, bias):
            return super().rates(x, gain, bias)

    assert Builder.find(MyCopy) is CopyBuilder
    assert Builder.find(MyLIF) is LIFBuilder
    assert Builder.find(nengo.LIFRate) is LIFRateBuilder


def test_a_subclass_that_computes_something_else_is_not_served():
    class MyCopy(Copy):
        def make_step(self, signals, dt, rng):
            return super().make_step(signals, dt, rng)

    class MyLIF(nengo.LIF):
        def step(self, dt, J, output, voltage, refractory_time):
            super().step(dt, J, output, voltage, refractory_time)

    for kind in (MyCopy, MyLIF):
        with pytest.raises(BuildError, match=kind.__name__):
            Builder.find(kind)

    @Builder.register(MyLIF)
    class MyLIFBuilder(NeuronBuilder):
        def step(self, J, state):
            return J, state

    assert Builder.find(MyLIF) is MyLIFBuilder


def test_registering_a_type_again_warns():
    with pytest.warns(UserWarning, match="Copy.*CopyBuilder; OtherBuilder replaces"):

        @Builder.register(Copy)
        class OtherBuilder(OpBuilder):
            def build_step(self, signals):
                raise NotImplementedError

    assert Builder.find(Copy) is OtherBuilder


def test_hooks_have_defaults(build):
    group = build([Copy(Signal(np.zeros(2)), Signal(np.zeros(2)))])
    assert group.builder.variables == []
    assert group.builder.post_build(np.random.RandomState(0)) is None
    assert group.builder.previous(group.ops[0]) == []


BUILT_IN = [
    Copy,
    DotInc,
    ElementwiseInc,
    Reset,
    TimeUpdate,
    ConvInc,
    SimNeurons,
    SimProbe,
    SimProcess,
    SimTensorNode,
    nengo.RectifiedLinear,
    nengo.SpikingRectifiedLinear,
    nengo.Sigmoid,
    nengo.Tanh,
    nengo.LIFRate,
    nengo.LIF,
    SoftLIFRate,
    nengo.synapses.LinearFilter,
    nengo.Lowpass,
    nengo.Alpha,
]


@pytest.mark.parametrize("kind", BUILT_IN)
def test_importing_the_package_registers_builders(kind):
    base = OpBuilder if issubclass(kind, Operator) else (NeuronBuilder, ProcessBuilder)
    assert issubclass(Builder.find(kind), base)
