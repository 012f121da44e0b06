"""Planners, sorters and simplifications change how fast a network runs, not results."""

import itertools
from functools import partial

import nengo
import numpy as np
import pytest
from helpers import program_of

from nengo_dl_ops.planning.fold_copies import fold_copies, remove_constant_copies
from nengo_dl_ops.planning.greedy_planner import greedy_planner, noop_planner
from nengo_dl_ops.planning.narrow_results import narrow_results
from nengo_dl_ops.planning.share_results import share_results
from nengo_dl_ops.planning.simplify import (
    DEFAULT_SIMPLIFICATIONS,
    RUN_ONLY_SIMPLIFICATIONS,
    remove_identity_muls,
    remove_unmodified_resets,
    remove_zero_incs,
)
from nengo_dl_ops.planning.sorters import noop_order_signals, order_signals
from nengo_dl_ops.planning.transitive_planner import transitive_planner
from nengo_dl_ops.planning.tree_planner import tree_planner
from nengo_dl_sim import Simulator, configure_settings

N_STEPS = 15

PLANNERS = {
    "greedy": greedy_planner,
    "tree": tree_planner,
    "tree-1": partial(tree_planner, max_depth=1),
    "transitive": transitive_planner,
    "noop": noop_planner,
}
SORTERS = {"order": order_signals, "noop": noop_order_signals}
SIMPLIFICATIONS = {
    "none": (),
    "default": DEFAULT_SIMPLIFICATIONS,
    "run only": RUN_ONLY_SIMPLIFICATIONS,
    "reversed": RUN_ONLY_SIMPLIFICATIONS[::-1],
    **{
        function.__name__: (function,)
        for function in (
            remove_constant_copies,
            remove_unmodified_resets,
            remove_zero_incs,
            remove_identity_muls,
            fold_copies,
            share_results,
            narrow_results,
        )
    },
}


def wave(t):
    return [np.sin(20 * t), 0.3, np.cos(30 * t)]


def gates():
    """Arrays that are silenced, by populations and by a node, through relays."""
    stimulus = nengo.Node(wave)
    relay, other = nengo.Node(size_in=3), nengo.Node(size_in=3)
    array = nengo.networks.EnsembleArray(4, 3)
    gate = nengo.Ensemble(5, 1)
    nengo.Connection(stimulus, relay, synapse=None)
    nengo.Connection(relay[::-1], other, synapse=None)
    nengo.Connection(other, array.input, transform=np.eye(3), synapse=None)
    nengo.Connection(array.output, array.input, transform=0.5)
    nengo.Connection(relay[1], gate, synapse=None)
    for ens in array.ea_ensembles:
        nengo.Connection(gate, ens.neurons, transform=-np.ones((4, 1)))
        nengo.Connection(relay[0], ens.neurons, transform=-np.ones((4, 1)), synapse=0.1)
    nengo.Probe(array.output)
    nengo.Probe(array.ea_ensembles[1].neurons)
    nengo.Probe(other, synapse=0.01)


def equal_outputs():
    """Connections with equal decoders, in a loop, some of them probed."""
    stimulus = nengo.Node([0.5, -0.2])
    a, b = nengo.Ensemble(6, 2), nengo.Ensemble(6, 2)
    nengo.Connection(stimulus, a, synapse=None)
    for _ in range(2):
        nengo.Probe(nengo.Connection(a, b, synapse=0.02))
        nengo.Connection(b, a, transform=0.3)
    nengo.Connection(b, a.neurons, transform=np.zeros((6, 2)))
    for _ in range(2):
        nengo.Probe(a, synapse=0.01)
    nengo.Probe(b, synapse=nengo.Alpha(0.03))


def learning():
    """Weights that change online, and an unused node."""
    stimulus = nengo.Node(wave)
    ens, unused = nengo.Ensemble(8, 3), nengo.Node(size_in=2)
    error = nengo.Node(size_in=2)
    nengo.Connection(stimulus, ens)
    nengo.Connection(ens[:2], unused)
    conn = nengo.Connection(
        ens, error, function=lambda x: x[:2] ** 2, learning_rule_type=nengo.PES(1e-2)
    )
    nengo.Connection(stimulus[[2, 0]], error, transform=-1)
    nengo.Connection(error, conn.learning_rule)
    nengo.Probe(error)
    nengo.Probe(conn, "weights")


NETWORKS = [gates, equal_outputs, learning]


def build(make):
    with nengo.Network(seed=2) as net:
        net.config[nengo.Ensemble].neuron_type = nengo.RectifiedLinear()
        make()
    return net


@pytest.fixture(scope="module")
def expected():
    """What nengo.Simulator gives."""
    outputs = {}
    for make in NETWORKS:
        net = build(make)
        with nengo.Simulator(net, progress_bar=False) as sim:
            sim.run_steps(N_STEPS)
        outputs[make] = [sim.data[probe] for probe in net.probes]
        assert all(np.ptp(output) > 1e-3 for output in outputs[make])
    return outputs


def check(make, expected, inference_only=True, jit_compile=False, **settings):
    net = build(make)
    with net:
        configure_settings(dtype="float64", inference_only=inference_only, **settings)
    with Simulator(net, progress_bar=False, jit_compile=jit_compile) as sim:
        sim.run_steps(N_STEPS)
        for probe, output in zip(net.probes, expected[make], strict=True):
            atol = 1e-12 * np.max(np.abs(output), initial=1)
            np.testing.assert_allclose(sim.data[probe], output, rtol=0, atol=atol)
        return sum(len(group.ops) for group in program_of(sim).groups)


COMBINATIONS = list(itertools.product(PLANNERS, SORTERS, SIMPLIFICATIONS))


@pytest.mark.slow
@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("planner, sorter, simplifications", COMBINATIONS)
def test_results_are_equal(make, planner, sorter, simplifications, expected):
    check(
        make,
        expected,
        planner=PLANNERS[planner],
        sorter=SORTERS[sorter],
        simplifications=SIMPLIFICATIONS[simplifications],
    )


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("inference_only", [False, True])
@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_results_by_default(make, inference_only, jit_compile, expected):
    check(make, expected, inference_only, jit_compile)


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_results_of_all_at_once(make, expected):
    """Each setting in turn, with the others as they come (all of them: see above)."""
    for i, simplifications in enumerate(SIMPLIFICATIONS.values()):
        check(
            make,
            expected,
            planner=list(PLANNERS.values())[i % len(PLANNERS)],
            sorter=list(SORTERS.values())[i % len(SORTERS)],
            simplifications=simplifications,
        )
