"""
1. What a spiking neuron does
=============================

A unit of an ordinary neural network gives out a number. A spiking neuron gives out
nothing at all, most of the time, and now and then a *spike*: an event without a size.
On this page one such neuron is simulated, and we look at what goes in and what comes
out.
"""

# %%
# Three packages are all it takes: Nengo describes networks, NengoDL computes them, and
# Matplotlib draws. (Without a graphics card the first simulator warns that there is
# none. Nothing here needs one.)

import nengo_dl

import matplotlib.pyplot as plt
import nengo
import numpy as np

# %%
# One neuron
# ----------
#
# The usual model is the *leaky integrate-and-fire* neuron (LIF). It has a voltage,
# which rises with the current that comes in, and leaks away over time. When the voltage
# reaches 1, the neuron spikes, and the voltage goes back to 0, where it stays for 2 ms.
#
# A ``Node`` gives the input, an ``Ensemble`` is a group of neurons (here of one), a
# ``Connection`` goes from one to the other, and a ``Probe`` records something. The
# input grows from 0 to 1.5 in half a second; the neuron's ``gain`` doubles it.

with nengo.Network(seed=0) as net:
    ramp = nengo.Node(lambda t: 3 * t)
    neuron = nengo.Ensemble(1, 1, neuron_type=nengo.LIF(), gain=[2], bias=[0])
    nengo.Connection(ramp, neuron.neurons, synapse=None)
    voltage = nengo.Probe(neuron.neurons, "voltage")
    spikes = nengo.Probe(neuron.neurons)

with nengo_dl.Simulator(net, progress_bar=False) as sim:
    sim.run(0.5)

print("Steps and probed values:", sim.data[spikes].shape)
print("Spikes:", np.count_nonzero(sim.data[spikes]))
print("Height of a spike:", sim.data[spikes].max())

# %%
# The simulation went in 500 steps of 1 ms. A spike is one step in which the output is
# 1000, which is ``1 / dt``: its area is 1, whatever the length of a step.

times = sim.trange()
spike_times = times[sim.data[spikes][:, 0] > 0]

fig, (top, middle, bottom) = plt.subplots(
    3, 1, figsize=(7, 4.5), sharex=True, layout="constrained", height_ratios=[2, 2, 1]
)
top.plot(times, 6 * times)
top.axhline(1, color="gray", linestyle=":")
top.set(title="One LIF neuron", ylabel="current")
middle.plot(times, sim.data[voltage])
middle.set(ylabel="voltage")
bottom.vlines(spike_times, 0, 1)
bottom.set(ylabel="spikes", yticks=[], xlabel="time (s)")

# %%
# (Voltages begin anywhere between 0 and 1.) Below a current of 1 nothing happens: as
# much leaks away as comes in. Above, the neuron spikes, and the larger the current, the
# more often.
#
# How often
# ---------
#
# So what the neuron says is not in a spike but in their number: the *firing rate*, in
# spikes per second (Hz). We give 40 currents to 40 copies of the neuron at once: that
# is what ``minibatch_size`` is for. ``data`` replaces the output of the node, with the
# shape ``(copies, steps, size)``.

currents = np.linspace(0, 5, 40)
with nengo_dl.Simulator(net, minibatch_size=40, progress_bar=False) as sim:
    sim.run_steps(500, data={ramp: np.tile(currents[:, None, None] / 2, (1, 500, 1))})
    measured = np.count_nonzero(sim.data[spikes], axis=1)[:, 0] / 0.5

# %%
# There is a formula for this rate, too. Nengo knows it as the type ``LIFRate``, a
# neuron that gives its rate in each step, and no spikes.

by_formula = nengo.LIFRate().rates(currents, gain=1, bias=0)[:, 0]

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(currents, by_formula, color="lightgray", linewidth=6, label="formula")
ax.plot(currents, measured, "o", markersize=4, label="spikes counted")
ax.set(title="Current and firing rate", xlabel="current", ylabel="firing rate (Hz)")
ax.legend()
error = np.abs(measured - by_formula).max()
print(f"Greatest difference: {error:.1f} Hz")

# %%
# This curve is the *activation function* of a LIF neuron, as ReLU is that of another
# unit. It has a slope, and a single spike has none: that will matter for training.
#
# Try it
# ------
#
# - Replace ``nengo.LIF()`` by ``nengo.SpikingRectifiedLinear()``. What is its curve?
# - Run 50 steps in place of 500. Why do the rates become coarse?
#
# Next: many neurons, and how a number can be read from their spikes.
