r"""
4. A network that remembers
===========================

All networks so far forget their input within some milliseconds, the time of their
synapses. A population that is connected to itself can hold a number, or let it move by
itself. A connection that leads back makes of a population a *dynamical system*.
"""

import nengo_dl

import matplotlib.pyplot as plt
import nengo
import numpy as np

# %%
# An integrator
# -------------
#
# If a population sends its own number back to itself, the number stays. What else comes
# in is added to it. How much is added depends on the synapse of the connection that
# leads back: with a time constant :math:`\tau` of 0.1 s, an input of 1 that is
# multiplied by 0.1 makes the number grow by 1 in each second.

TAU = 0.1

with nengo.Network(seed=3) as net:
    pulse = nengo.Node(lambda t: 2.0 if 0.2 < t < 0.5 else 0.0)
    memory = nengo.Ensemble(200, dimensions=1)
    nengo.Connection(pulse, memory, transform=TAU, synapse=TAU)
    nengo.Connection(memory, memory, synapse=TAU)
    remembered = nengo.Probe(memory, synapse=0.02)

with nengo_dl.Simulator(net, progress_bar=False) as sim:
    sim.run(2.0)

times = sim.trange()
fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.plot(times, np.clip(times - 0.2, 0, 0.3) * 2, "k:", label="exact integral")
ax.plot(times, sim.data[remembered], label="network")
ax.axvspan(0.2, 0.5, color="whitesmoke", label="input of 2")
ax.set(title="An integrator", xlabel="time (s)", ylabel="number", ylim=(-0.1, 1))
ax.legend(loc="lower right")
held = sim.data[remembered][-200:].mean()
print(f"Remembered after 1.5 s: {held:.2f} (put in: 0.60)")

# %%
# The input is over after half a second; the neurons keep the number in their spikes. It
# drifts a little, as what comes back is not exactly what is there.
#
# An oscillator
# -------------
#
# In the same way any system :math:`\dot x = f(x)` is built: the connection that leads
# back decodes :math:`\tau f(x) + x`. Here is one that turns at 2 Hz on a circle, and
# comes back to it from wherever it starts.

SPEED = 2 * np.pi * 2


def turn(x):
    """Return what leads back: on a circle of radius 0.8."""
    x0, x1 = x
    growth = 5 * (0.64 - x0**2 - x1**2)
    change = np.array([growth * x0 - SPEED * x1, growth * x1 + SPEED * x0])
    return TAU * change + x


with nengo.Network(seed=0) as net:
    kick = nengo.Node(lambda t: 1.0 if t < 0.05 else 0.0)
    state = nengo.Ensemble(400, dimensions=2)
    nengo.Connection(kick, state[0])
    nengo.Connection(state, state, function=turn, synapse=TAU)
    path = nengo.Probe(state, synapse=0.02)

with nengo_dl.Simulator(net, progress_bar=False) as sim:
    sim.run(3.0)

x = sim.data[path]
fig, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.6), layout="constrained", width_ratios=[2, 1]
)
left.plot(sim.trange(), x)
left.set(title="An oscillator", xlabel="time (s)", ylabel="numbers")
right.plot(*x.T, linewidth=0.8)
right.set(title="the same, as a path", aspect="equal")

settled = x[1000:, 0]
turns = np.count_nonzero((settled[1:] > 0) & (settled[:-1] <= 0)) / 2
print(f"Turns in a second: {turns:.1f}")

# %%
# Both networks were built of what they should do, not trained: the equation is in the
# weights. How to learn weights from examples is the subject of the pages that follow.
#
# Try it
# ------
#
# - Leave out ``0.64`` in ``growth``. What becomes of the circle?
# - Let 30 neurons remember, not 200. How long does the number stay?
#
# Next: the same networks, trained.
