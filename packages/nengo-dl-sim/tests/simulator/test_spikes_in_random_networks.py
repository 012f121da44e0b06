"""Random networks that train with spikes compute in training what they do in a run."""

import os
import warnings

import hypothesis
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import simulator
from hypothesis import HealthCheck, assume, note
from hypothesis import strategies as st
from nengo.exceptions import NengoException
from random_networks.description import describe
from random_networks.networks import networks

from nengo_dl_ops import surrogates
from nengo_dl_sim import configure_settings

#: How many networks to try, others in every run; by default a few, always the same.
N_NETWORKS = int(os.environ.get("NENGO_DL_RANDOM_NETWORKS", 0))

N_STEPS = 12

search = hypothesis.settings(
    derandomize=not N_NETWORKS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def box(x):
    return tf.cast(abs(x) < 0.5, x.dtype)


MODES = [
    "spike_aware",
    surrogates.ATan(),
    surrogates.SuperSpike(beta=10, detach_reset=True),
    surrogates.Triangle(),
    box,
]


@st.composite
def spiking_networks(draw):
    """Draw networks in which every ensemble that spikes does so in training."""
    net = draw(networks())
    dtype = draw(st.sampled_from(["float32", "float64"]))
    with net:
        configure_settings(dtype=dtype, training_mode=None)
    spiking = [ens for ens in net.all_ensembles if ens.neuron_type.spiking]
    assume(spiking)
    probed = [(probe.obj, probe.attr) for probe in net.all_probes]
    for ens in spiking:
        state = [(ens.neurons, name) for name in ens.neuron_type.probeable[1:]]
        if draw(st.integers(0, 2)) == 0 and not any(pair in probed for pair in state):
            ens.neuron_type = draw(st.sampled_from(AT_RANDOM))
        poisson = isinstance(ens.neuron_type, nengo.PoissonSpiking)
        modes = MODES[:1] if poisson else MODES
        net.config[ens].training_mode = draw(st.sampled_from(modes))
    return net


#: Types that the random networks do not have, as Nengo draws other numbers.
AT_RANDOM = [
    nengo.StochasticSpiking(nengo.LIFRate()),
    nengo.PoissonSpiking(nengo.RectifiedLinear()),
]

sizes = st.sampled_from([None, 1, 3])


def built(net):
    """Build a network, unless Nengo cannot."""
    model = nengo.builder.Model()
    try:
        model.build(net)
    except NengoException:
        assume(False)
    return model


def compare_with_training(net, size, jit_compile):
    note(describe(net))
    probes = dict.fromkeys(net.all_probes)
    with warnings.catch_warnings(action="ignore"):
        model = built(net)
        options = {"minibatch_size": size, "seed": 7, "jit_compile": jit_compile}
        with simulator(None, model=model, **options) as sim:
            in_run, in_training = (
                sim.run_batch(N_STEPS, probes, training=training)
                for training in (False, True)
            )
    for probe in probes:
        np.testing.assert_array_equal(in_training[probe], in_run[probe], str(probe))


@hypothesis.given(spiking_networks(), sizes)
@hypothesis.settings(search, max_examples=4)
def test_training_computes_what_a_run_does(net, size):
    compare_with_training(net, size, jit_compile=False)


@pytest.mark.slow
@hypothesis.given(spiking_networks(), sizes, st.sampled_from([False] * 9 + [True]))
@hypothesis.settings(search, max_examples=N_NETWORKS or 15)
def test_training_computes_what_a_run_does_in_many(net, size, jit_compile):
    compare_with_training(net, size, jit_compile)
