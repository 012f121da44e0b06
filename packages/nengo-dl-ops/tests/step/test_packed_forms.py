"""The shape in which a loop carries packed state."""

import nengo
import pytest
from nengo.builder import Model

from nengo_dl_ops import BuildConfig
from nengo_dl_ops.step import PlanSettings, SignalRoles, build_program

# What ensembles are alike (their neurons and dimensions), and the shape.
SHAPES = {
    "one number for each ensemble": ([(25, 1)] * 6, (6, 25)),
    "much left beyond whole vectors": ([(30, 1)] * 6, (180,)),
    "vectors": ([(25, 2)] * 6, (150,)),
    "one ensemble": ([(48, 1)], (48,)),
    "unequal ensembles": ([(24, 1), (32, 1)], (56,)),
}


@pytest.mark.parametrize("ensembles, shape", SHAPES.values(), ids=SHAPES)
def test_shape(ensembles, shape):
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.5])
        for n_neurons, dimensions in ensembles:
            ens = nengo.Ensemble(n_neurons, dimensions)
            nengo.Connection(node, ens[:1], synapse=None)
    model = Model(dt=0.001)
    model.build(net)
    program = build_program(
        model, model.operators, SignalRoles(), PlanSettings(), BuildConfig()
    )
    (voltages,) = (array for array in program.states if array.packing is not None)
    assert voltages.packed().shape == shape
    assert voltages.shape == (voltages.signal.size,)
