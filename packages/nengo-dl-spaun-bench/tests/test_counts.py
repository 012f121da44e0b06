"""How far the operators of the benchmark networks merge: a guard that is no timer."""

import nengo
import pytest

import nengo_dl
from nengo_dl_spaun_bench import NETWORKS

# The most groups, when nothing is trained; those of the last need not grow with it.
GROUPS = {
    "cconv": 16,
    "integrator": 11,
    "pes": 13,
    "basal_ganglia": 17,
    "random_network": 9,
    "feed_forward": 17,
    "cuba": 10,
    "spaun_like": 80,
}
SIZES = {"spaun_like": (2, 5)}


def test_every_network_is_here():
    # The last is too large, and has tests of its own.
    assert [*GROUPS, "spaun"] == list(NETWORKS)


@pytest.mark.parametrize("name", GROUPS)
def test_groups_after_planning(name):
    net = NETWORKS[name](*SIZES.get(name, (16, 10)), nengo.LIF())
    with net:
        nengo_dl.configure_settings(inference_only=True)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        assert len(sim._engine.program.groups) <= GROUPS[name]


def test_equal_decoders_are_shared():
    """Five connections and an output of each ensemble are one product."""
    net = NETWORKS["random_network"](4, 10, nengo.LIF())
    with net:
        nengo_dl.configure_settings(inference_only=True)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        groups = sim._engine.program.groups
        decoded = [
            op
            for group in groups
            for op in group.ops
            if type(op) is nengo.builder.operator.DotInc and op.X.size == 40
        ]
        assert len(decoded) == 10
