"""Random neuron types, synapses and processes."""

import nengo
from nengo.processes import (
    BrownNoise,
    FilteredNoise,
    Piecewise,
    PresentInput,
    WhiteNoise,
    WhiteSignal,
)

from nengo_dl_ops import Delay, LeakyReLU, SoftLIFRate, SpikingLeakyReLU

#: Makers of neuron types. Those that spike at random are not here: they draw from
#: other generators than Nengo's.
RATES = [
    lambda dice: nengo.RectifiedLinear(amplitude=dice.number(0.2, 2)),
    lambda dice: nengo.LIFRate(tau_rc=dice.number(0.01, 0.05)),
    lambda dice: nengo.Sigmoid(),
    lambda dice: nengo.Tanh(),
    lambda dice: nengo.AdaptiveLIFRate(inc_n=dice.number(0.001, 0.02), tau_n=0.03),
    lambda dice: SoftLIFRate(sigma=dice.number(0.05, 0.5)),
    lambda dice: LeakyReLU(negative_slope=dice.number(0, 0.5)),
]
SPIKES = [
    lambda dice: nengo.SpikingRectifiedLinear(amplitude=dice.number(0.2, 2)),
    lambda dice: nengo.LIF(tau_ref=dice.number(0, 0.0024), min_voltage=-0.3),
    lambda dice: nengo.LIF(initial_state={"voltage": nengo.dists.Choice([0.1])}),
    lambda dice: nengo.AdaptiveLIF(inc_n=dice.number(0.001, 0.02), tau_n=0.03),
    lambda dice: nengo.Izhikevich(reset_voltage=dice.number(-70, -50)),
    lambda dice: nengo.RegularSpiking(nengo.Tanh()),
    lambda dice: nengo.RegularSpiking(nengo.LIFRate(), amplitude=dice.number(0.5, 2)),
    lambda dice: SpikingLeakyReLU(negative_slope=dice.number(0, 0.5)),
]


def neuron_type(dice):
    return dice.one_of(dice.one_of([RATES, SPIKES]))(dice)


#: Makers of synapses: all that delay their input by a step at least.
SYNAPSES = [
    lambda dice: nengo.Lowpass(dice.number(0.002, 0.02)),
    lambda dice: nengo.Alpha(dice.number(0.002, 0.02)),
    lambda dice: nengo.Lowpass(0),
    lambda dice: nengo.Triangle(dice.one_of([0.005, 0.003, 0.001])),
    lambda dice: Delay(dice.one_of([0.001, 0.004, 0.012])),
    lambda dice: nengo.LinearFilter([1], [dice.number(0.005, 0.02), 1]),
    lambda dice: nengo.LinearFilter([dice.number(0.005, 0.02), 1], [2e-4, 0.03, 1]),
    lambda dice: nengo.LinearFilter([0.5, dice.number(0.1, 1)], [0.6, 1]),  # with D
    lambda dice: nengo.LinearFilter([dice.number(0.5, 1)], [1.0]),  # without state
    lambda dice: nengo.LinearFilter([1], [1e-6, 3e-4, 0.02, 1]),
    lambda dice: nengo.LinearFilter([0.5, 0.1], [1, -0.3, 0.1], analog=False),
    lambda dice: nengo.LinearFilter([1.0, 0.2], [1, -0.5], analog=False),
]


def synapse(dice, none=True):
    if none and dice.chance(40):
        return None
    return dice.one_of(SYNAPSES)(dice)


#: Makers of processes that fit any node or ensemble.
NOISE = [
    lambda dice, seed: WhiteNoise(nengo.dists.Gaussian(0, 0.02), seed=seed),
    lambda dice, seed: WhiteNoise(nengo.dists.Uniform(0, 0.2), scale=False, seed=seed),
    lambda dice, seed: FilteredNoise(
        synapse(dice, none=False), nengo.dists.Gaussian(0, 0.02), seed=seed
    ),
    lambda dice, seed: BrownNoise(nengo.dists.Gaussian(0, 0.1), seed=seed),
    lambda dice, seed: WhiteSignal(0.1, high=100, rms=0.4, y0=0.3, seed=seed),
    lambda dice, seed: WhiteSignal(0.02, high=200, rms=0.4, seed=seed),
]


def noise(dice):
    return dice.one_of(NOISE)(dice, dice.one_of([None, 5]))


def input_process(dice, size):
    kind = dice.one_of(["present", "piecewise", "noise", "noise"])
    if kind == "present":
        return PresentInput(dice.numbers(3, size), dice.one_of([0.004, 0.0015]))
    if kind == "piecewise":
        return Piecewise({0.004: dice.numbers(size), 0.0105: dice.numbers(size)})
    return noise(dice)
