"""
2. A number in the spikes of a population
=========================================

One neuron says little: its spikes are events in time, and its rate takes a while to be
counted. A population of neurons can say a number, such as a position or a speed, at any
moment. On this page a sine goes into 60 neurons, and is read from their spikes again.
"""

import nengo_dl

import matplotlib.pyplot as plt
import nengo
import numpy as np

# %%
# Encoding
# --------
#
# Each neuron of an ``Ensemble`` prefers a direction, its *encoder*. Here the number has
# one dimension, so there are two directions: up and down. A gain and a bias, drawn at
# random for each neuron, say from where on it fires and how fast.


def build(n_neurons):
    """Return a network in which a population gets a sine."""
    with nengo.Network(seed=1) as net:
        wave = nengo.Node(lambda t: np.sin(2 * np.pi * t))
        net.population = nengo.Ensemble(n_neurons, dimensions=1)
        nengo.Connection(wave, net.population)
        net.spikes = nengo.Probe(net.population.neurons)
        net.decoded = nengo.Probe(net.population, synapse=0.02)
    return net


net = build(60)

# %%
# How fast each neuron fires for each number is its *tuning curve*. Nengo computes them
# from what the simulator has built.

with nengo_dl.Simulator(net, progress_bar=False) as sim:
    x, rates = nengo.utils.ensemble.tuning_curves(net.population, sim)
    sim.run(1.0)

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(x, rates[:, ::4])
ax.set(title="Tuning curves", xlabel="number", ylabel="firing rate (Hz)")

# %%
# Half of the neurons fire more as the number grows, the other half fire less. Whatever
# the number is, some are active.
#
# Decoding
# --------
#
# To read the number again, each spike is given a weight, the *decoder* of its neuron,
# and a short trace in time, the *synapse*: here one that decays within 20 ms. The sum
# of all that is the decoded number. Nengo finds the weights when the simulator is made:
# by least squares, from the tuning curves. Nothing is trained.

times = sim.trange()
true = np.sin(2 * np.pi * times)[:, None]
order = np.argsort(sim.data[net.population].encoders[:, 0])
steps, rows = np.nonzero(sim.data[net.spikes][:, order])

fig, (top, bottom) = plt.subplots(
    2, 1, figsize=(7, 5), sharex=True, layout="constrained"
)
top.plot(times[steps], rows, "|", color="black", markersize=3)
top.set(title="Spikes of 60 neurons", ylabel="neuron")
bottom.plot(times, true, color="lightgray", linewidth=5, label="what goes in")
bottom.plot(times, sim.data[net.decoded], label="what is decoded")
bottom.set(ylabel="number", xlabel="time (s)")
bottom.legend(loc="upper right")

# %%
# How good is it?
# ---------------
#
# The decoded number is a little late, for that is what the two synapses on its way
# take: 5 ms, the default of connections, and 20 ms. And it trembles, since spikes are
# few. More neurons, or a slower synapse, tremble less.

passed = nengo.Lowpass(0.02).filt(nengo.Lowpass(0.005).filt(true))


def tremble(n_neurons):
    """Return the root mean square error of a population."""
    net = build(n_neurons)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        sim.run(1.0)
    return np.sqrt(np.mean((sim.data[net.decoded] - passed) ** 2))


for n_neurons in (15, 60, 240):
    print(f"Error with {n_neurons} neurons: {tremble(n_neurons):.3f}")

# %%
# This way of computing with populations is the *Neural Engineering Framework*, which
# Nengo is made for: numbers are encoded into spikes, and decoded by weights that are
# solved for.
#
# Try it
# ------
#
# - Give ``Ensemble`` ``max_rates=nengo.dists.Uniform(20, 40)``. What do slow neurons
#   cost?
# - Give it two dimensions, and a node that moves on a circle.
#
# Next: what connections can compute on the way.
