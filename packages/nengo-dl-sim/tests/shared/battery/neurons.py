"""Neuron types. (Those that spike at random are tested by their statistics.)"""

import nengo
from nengo.dists import Choice, Uniform

from nengo_dl_ops import LeakyReLU, SoftLIFRate, SpikingLeakyReLU

NEURONS = [
    nengo.RectifiedLinear(),
    nengo.RectifiedLinear(amplitude=0.5),
    nengo.SpikingRectifiedLinear(),
    nengo.SpikingRectifiedLinear(initial_state={"voltage": Choice([0.3])}),
    nengo.Sigmoid(),
    nengo.Sigmoid(tau_ref=0.002),
    nengo.Tanh(),
    nengo.Tanh(tau_ref=0.002),
    nengo.LIFRate(),
    nengo.LIFRate(tau_rc=0.03, tau_ref=0.001, amplitude=2),
    nengo.LIF(),
    nengo.LIF(min_voltage=-0.5, tau_ref=0.0015, amplitude=0.5),
    nengo.LIF(initial_state={"voltage": Choice([0.7]), "refractory_time": Choice([0])}),
    nengo.AdaptiveLIFRate(tau_n=0.05, inc_n=0.02),
    nengo.AdaptiveLIFRate(initial_state={"adaptation": Choice([0.5])}),
    nengo.AdaptiveLIF(tau_n=0.05, inc_n=0.02),
    nengo.Izhikevich(),
    nengo.Izhikevich(reset_voltage=-55.5, coupling=0.22),
    nengo.RegularSpiking(nengo.LIFRate()),
    nengo.RegularSpiking(nengo.Tanh(), amplitude=2),  # with negative spikes
    SoftLIFRate(sigma=0.1),
    LeakyReLU(negative_slope=0.1),
    SpikingLeakyReLU(negative_slope=0.1),
    nengo.Direct(),
]


def add_neurons(bench, number, kind):
    name = f"{number} {kind}"
    ens = nengo.Ensemble(6, 1, neuron_type=kind, intercepts=Uniform(-0.9, 0.5))
    nengo.Connection(bench.input[number % 18], ens, synapse=0.003)
    output = ens if isinstance(kind, nengo.Direct) else ens.neurons
    bench.record(name, output, spikes=kind.spiking)
