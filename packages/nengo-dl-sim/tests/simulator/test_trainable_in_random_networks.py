"""Random networks whose parameters are to be trained run as in nengo.Simulator."""

import os

import hypothesis
import nengo
from hypothesis import HealthCheck, assume
from hypothesis import strategies as st
from nengo.exceptions import BuildError
from random_networks.comparison import compare_with_nengo, settings
from random_networks.networks import networks

from nengo_dl_ops import SimNeuronsBuilder, surrogates
from nengo_dl_sim import configure_settings

#: How many networks to try, others in every run; by default a few, always the same.
N_NETWORKS = int(os.environ.get("NENGO_DL_RANDOM_NETWORKS", 0))

search = hypothesis.settings(
    derandomize=not N_NETWORKS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def names_of(ens):
    """What can be trained of an ensemble."""
    kind = ens.neuron_type
    if isinstance(kind, nengo.Direct):
        return []
    parts = {"": kind}
    if isinstance(kind, nengo.RegularSpiking):
        parts["base_type."] = kind.base_type
    found = [
        f"{prefix}{name}"
        for prefix, part in parts.items()
        for name, bounds in SimNeuronsBuilder.trainable_parameters(part, 0.001).items()
        if bounds.contain(getattr(part, name))
    ]
    starts = SimNeuronsBuilder.trainable_starts(kind)
    return [*found, "gain", *(f"initial_{name}" for name in starts)]


@st.composite
def trainable_networks(draw):
    """Draw networks of which something is to be trained."""
    net = draw(networks())
    with net:
        configure_settings(
            training_mode=surrogates.ATan(),
            trainable_neurons=None,
            trainable_synapse=draw(st.sampled_from([True, "elementwise"])),
        )
    for ens in net.all_ensembles:
        names = names_of(ens)
        chosen = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
        form = draw(st.sampled_from([True, "elementwise"]))
        net.config[ens].trainable_neurons = dict.fromkeys(chosen, form)
    return net


def compare(net, settings):
    try:
        compare_with_nengo(net, settings)
    except BuildError as error:  # what cannot be trained is not what is tested here
        assume("trainable_" not in str(error))
        raise


@hypothesis.given(trainable_networks(), settings)
@hypothesis.settings(search, max_examples=N_NETWORKS or 8)
def test_equals_nengo(net, settings):
    compare(net, settings)
