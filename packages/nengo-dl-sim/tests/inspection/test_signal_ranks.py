"""Models built by hand and probes of everything: signals of every rank, as in Nengo."""

import nengo
import numpy as np
import pytest
from nengo.builder import Model
from nengo.builder.operator import Copy, DotInc, ElementwiseInc, Reset
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_sim import Simulator, configure_settings

SYNAPSES = {
    "none": None,
    "Lowpass": nengo.Lowpass(0.005),
    "Alpha": nengo.Alpha(0.005),
    "two poles": nengo.LinearFilter([1], [1e-4, 0.02, 1]),
    "passthrough": nengo.LinearFilter([0.002, 1], [0.01, 1]),
    "a gain": nengo.LinearFilter([2], [1], analog=False),
    "Triangle": nengo.Triangle(0.004),
}


def probes_of_weights(synapse):
    """Weights of rank 0, 1 and 2, learned and constant, and activities."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        wave = nengo.Node(lambda t: np.sin(300 * t))
        vector = nengo.Node(lambda t: [t, np.cos(300 * t)])
        ens = nengo.Ensemble(4, 1, neuron_type=nengo.RectifiedLinear())
        nengo.Connection(wave, ens, synapse=None)
        scalar = nengo.Connection(wave, nengo.Node(size_in=1), transform=-0.5)
        diagonal = nengo.Connection(
            vector, nengo.Node(size_in=2), transform=[0.5, 2.0], synapse=None
        )
        learned = nengo.Connection(
            ens, nengo.Node(size_in=1), learning_rule_type=nengo.PES(), synapse=None
        )
        nengo.Connection(wave, learned.learning_rule, synapse=None)
        hebbian = nengo.Connection(
            ens.neurons,
            ens.neurons,
            transform=np.full((4, 4), 1e-3),
            learning_rule_type=nengo.BCM(1e-7),
        )
        for connection in (scalar, diagonal, learned, hebbian):
            nengo.Probe(connection, "weights", synapse=synapse)
        for obj in (vector, ens, ens.neurons):
            nengo.Probe(obj, synapse=synapse)
    return net


def compare(net, models, minibatch_size, jit_compile=False):
    with nengo.Simulator(None, model=models[0], progress_bar=False) as ref:
        ref.run_steps(8)
    with Simulator(
        None,
        model=models[1],
        minibatch_size=minibatch_size,
        jit_compile=jit_compile,
        progress_bar=False,
    ) as sim:
        sim.run_steps(8)
    for probe in net.all_probes:
        for data in sim.data[probe] if minibatch_size else [sim.data[probe]]:
            np.testing.assert_allclose(data, ref.data[probe], atol=1e-10)


def two_models(net, change=lambda model: None):
    models = [Model(dt=0.001) for _ in range(2)]
    for model in models:
        model.build(net)
        change(model)
    return models


@pytest.mark.parametrize("minibatch_size", [None, 3])
@pytest.mark.parametrize("synapse", SYNAPSES.values(), ids=SYNAPSES)
def test_probes_with_synapses(synapse, minibatch_size):
    net = probes_of_weights(synapse)
    compare(net, two_models(net), minibatch_size)


def add_by_hand(model, probe):
    """Add products and copies of signals of many ranks, that end in one vector."""
    wave = model.sig[model.toplevel.all_nodes[0]]["out"]
    rng = np.random.RandomState(0)
    total = Signal(np.zeros(2), name="total")
    model.add_op(Reset(total))
    # Parts of a matrix that is state, in any order.
    matrix = Signal(rng.normal(size=(3, 2)), name="matrix")
    other = Signal(rng.normal(size=(3, 2)), name="other")
    model.add_op(Copy(matrix, other, src_slice=[2, 0, 0], dst_slice=[1, 2, 0]))
    model.add_op(Reset(matrix[1:], value=0.5))
    model.add_op(ElementwiseInc(Signal(1.0), wave, matrix[0, :]))
    model.add_op(DotInc(Signal(-0.5), wave, total))
    model.add_op(DotInc(wave, Signal(2), total))
    model.add_op(
        DotInc(other, Signal(rng.normal(size=(2, 1))), Signal(np.zeros((3, 1))))
    )
    model.add_op(DotInc(Signal(np.eye(2, dtype=int)), other[1, :], total))
    for row, inc in ((0, True), (2, True)):
        model.add_op(Copy(other[row, :], total, inc=inc))
    model.add_op(Copy(other, total, src_slice=([0, 1], [1, 1]), inc=True))
    model.sig[probe]["in"] = total


@pytest.mark.parametrize("minibatch_size", [None, 3])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_models_built_by_hand(minibatch_size, jit_compile):
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        probe = nengo.Probe(nengo.Node(lambda t: [np.sin(300 * t), t]))
    models = two_models(net, lambda model: add_by_hand(model, probe))
    compare(net, models, minibatch_size, jit_compile)


REFUSED = {
    "DotInc": lambda s: DotInc(s(2, 3), s(2), s(2), reshape=False),
    "ElementwiseInc": lambda s: ElementwiseInc(s(3), s(2), s(3)),
    "ElementwiseInc of three axes": lambda s: ElementwiseInc(
        *[s(1, 1, 1)] * 2, s(1, 1, 1)
    ),
    "Copy": lambda s: Copy(s(2), s(3)),
    "Copy of a part": lambda s: Copy(s(2), s(3), src_slice=[2]),
    "Copy twice": lambda s: Copy(s(2), s(3), dst_slice=[1, 1]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    with nengo.Network() as net:
        nengo.Probe(nengo.Node([1.0]))
    model = Model(dt=0.001)
    model.build(net)
    op = REFUSED[name](lambda *shape: Signal(np.zeros(shape), name=f"of {shape}"))
    model.add_op(op)
    with pytest.raises(BuildError) as error:
        Simulator(None, model=model, progress_bar=False)
    assert str(op) in str(error.value) and "expected" in str(error.value)
