r"""
From Nengo: the same network, in batches, trained
=================================================

If you know Nengo, you know most of this. A network of spiking neurons computes the
square of a sine in two steps: one ensemble computes the sine, the next one the square.

Here we

1. run it in Nengo's own simulator and in NengoDL's, and get the same answer;
2. run it for many inputs at once;
3. train it by gradient descent, and see how much of its error goes away;
4. give what was learned back to Nengo.

Run it with ``python from_nengo.py``. ``--quick`` makes it short. It needs ``nengo-dl``
and ``matplotlib``; in a clone of the repository, ``uv run docs/examples/from_nengo.py``
installs them.
"""

# %%
# What is imported is Nengo as usual, NengoDL, and Keras for its optimizers. There are
# two lengths of the script: a convincing one, and a quick one.

import argparse

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np

parser = argparse.ArgumentParser(description="Simulate, batch and train a network.")
parser.add_argument("--quick", action="store_true", help="train for a short time")
N_EPOCHS = 20 if parser.parse_args().quick else 150

# %%
# A network, as ever
# ------------------
#
# Nothing in it is special to NengoDL. There are few neurons, so that there is an error
# to see. The input is a slow ramp through all values of :math:`x`, the answer is to be
# :math:`\sin^2(\pi x)`.
#
# One thing is of use for training later: ``amplitude`` scales what a spike does, so
# that the firing rates of about 100 Hz count as values about one. Then the decoders are
# not far smaller than all other parameters, and one learning rate fits them all.


def wanted(x):
    """Compute what the network is to compute."""
    return np.sin(np.pi * x) ** 2


with nengo.Network(seed=0) as net:
    net.config[nengo.Ensemble].neuron_type = nengo.LIF(amplitude=0.01)
    ramp = nengo.Node(lambda t: 2 * t - 1)
    first = nengo.Ensemble(30, 1)
    second = nengo.Ensemble(30, 1)
    nengo.Connection(ramp, first)
    nengo.Connection(first, second, function=lambda x: np.sin(np.pi * x))
    output = nengo.Node(size_in=1)
    nengo.Connection(second, output, function=np.square)
    probe = nengo.Probe(output, synapse=0.01)

# %%
# Two simulators
# --------------
#
# Only the name of the simulator changes. NengoDL computes in single precision, Nengo in
# double, so the results differ in the last digits.

with nengo.Simulator(net, progress_bar=False) as sim:
    sim.run(1.0)
    times, by_nengo = sim.trange(), sim.data[probe]

with nengo_dl.Simulator(net, progress_bar=False) as sim:
    sim.run(1.0)
    by_nengo_dl = sim.data[probe]

difference = np.abs(by_nengo - by_nengo_dl).max()
print(f"Greatest difference between simulators: {difference:.1e}")

# %%
# Many inputs at once
# -------------------
#
# A simulator for a minibatch of 64 runs 64 copies of the network, which share their
# parameters but nothing else. ``data`` replaces the output of the node: here by 64
# values of :math:`x`, each held for 200 steps. We take the mean over the last 100 steps
# for the answer.

MINIBATCH_SIZE = 64
test_x = np.linspace(-1, 1, MINIBATCH_SIZE)


def answers(sim):
    """Return the answer for each of the test values."""
    held = np.tile(test_x[:, None, None], (1, 200, 1))
    sim.soft_reset(include_probes=True)
    sim.run_steps(200, data={ramp: held})
    return sim.data[probe][:, 100:, 0].mean(axis=1)


def error(y):
    """Return the root mean square error of answers."""
    return np.sqrt(np.mean((y - wanted(test_x)) ** 2))


# %%
# Training
# --------
#
# Nengo solves for the decoders of each connection apart, and draws encoders and biases
# at random. Gradient descent tunes all of them together, on pairs of :math:`x` and
# :math:`\sin^2(\pi x)`. LIF neurons take part by their firing rates, which are
# differentiable, and go back to spikes when we run the network again.
#
# Each item of the data holds its :math:`x` for 80 steps, for the signals must pass
# three synapses. Targets that are NaN count for nothing: we only ask for the right
# answer in the last 5 steps.

N_ITEMS, N_STEPS = 640, 80
x = np.random.RandomState(0).uniform(-1, 1, (N_ITEMS, 1, 1))
inputs = np.tile(x, (1, N_STEPS, 1))
targets = np.full((N_ITEMS, N_STEPS, 1), np.nan)
targets[:, -5:] = wanted(x)

with nengo_dl.Simulator(
    net, minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
) as sim:
    before = answers(sim)
    optimizer = keras.optimizers.Adam(1e-3)
    sim.train({ramp: inputs, probe: targets}, optimizer, n_epochs=N_EPOCHS)
    after = answers(sim)
    sim.freeze_params(net)

print(f"Error before training: {error(before):.4f}")
print(f"Error after training:  {error(after):.4f}")

# %%
# Back to Nengo
# -------------
#
# ``freeze_params`` above has put the trained parameters into the objects of the
# network. It is a plain Nengo network again, for any simulator. On the ramp, too, it is
# now closer to what is wanted, which arrives 20 ms late, for that is what synapses
# take.

with nengo.Simulator(net, progress_bar=False) as sim:
    sim.run(1.0)
    frozen = sim.data[probe]

late = wanted(2 * (times - 0.02) - 1)
for name, y in (("before", by_nengo), ("after", frozen)):
    rms = np.sqrt(np.mean((y[100:, 0] - late[100:]) ** 2))
    print(f"Error of the ramp in Nengo, {name} training: {rms:.4f}")

# %%
# The figure
# ----------

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(times, late, color="black", linestyle=":", label="wanted")
left.plot(times, by_nengo, linewidth=4, color="lightgray", label="nengo.Simulator")
left.plot(times, by_nengo_dl, linewidth=1, label="nengo_dl.Simulator")
left.plot(times, frozen, linewidth=1, label="nengo.Simulator, after training")
left.set(title="Two simulators", xlabel="time (s)", ylabel="output", ylim=(-0.1, 1.7))
right.plot(test_x, wanted(test_x), color="black", linestyle=":", label="wanted")
right.plot(test_x, before, label=f"before training (error {error(before):.3f})")
right.plot(test_x, after, label=f"after training (error {error(after):.3f})")
right.set(title="64 inputs at once", xlabel="$x$", ylabel="answer", ylim=(-0.1, 1.7))
for ax in (left, right):
    ax.legend(loc="upper right")
fig.savefig("from_nengo.png", dpi=150)
print("Look at from_nengo.png")
