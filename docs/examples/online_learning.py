"""
Online learning: PES next to gradient descent
=============================================

A *communication channel* passes a signal from one population of neurons to the next.
Its weights are the decoders of one connection. We learn them from nothing in two ways:

- *online*, by Nengo's learning rule PES [1]_: while the network runs, a population that
  represents the error changes the decoders, all the time, a bit in each step;
- *offline*, by gradient descent: ``sim.train`` looks at many examples before the
  network runs, and nothing changes afterwards.

After half of the time the world changes: from then on the channel is to turn its signal
around. What was learned offline cannot know that; what learns online does.

Run it with ``python online_learning.py``. ``--quick`` makes it short. It needs
``nengo-dl`` and ``matplotlib``; in a clone of the repository,
``uv run docs/examples/online_learning.py`` installs them.

.. [1] Bekolay, T., Kolbeck, C., and Eliasmith, C. (2013). Simultaneous unsupervised and
   supervised learning of cognitive functions in biologically plausible spiking neural
   networks. *Proceedings of the 35th Annual Conference of the Cognitive Science
   Society*, 169-174.
"""

import argparse

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np

parser = argparse.ArgumentParser(description="Compare PES and gradient descent.")
parser.add_argument("--quick", action="store_true", help="run for a short time")
SECONDS = 8 if parser.parse_args().quick else 40  # in the middle the world changes
MINIBATCH_SIZE = 10  # signals at once: each has its own copy of the network

# %%
# The channel
# -----------
#
# The signal has two dimensions. ``function`` makes the decoders zero at first. PES gets
# the error through a connection to the learning rule; ``wanted`` is the signal, or
# after half of the time its negative.
#
# Of the channel that is trained offline, nothing shall be trained but the decoders that
# PES learns, too. ``configure_settings(trainable=False)`` is for everything; what is
# set for one object counts more. What a learning rule changes is not trained unless
# its ``trainable`` is True: then training finds the values that it starts from.


def build_channel(online):
    """Build a channel that knows nothing yet."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=False)
        net.config[nengo.Ensemble].neuron_type = nengo.LIF()
        net.signal = nengo.Node(np.zeros(2), label="signal")
        pre, post = nengo.Ensemble(100, 2), nengo.Ensemble(100, 2)
        nengo.Connection(net.signal, pre)
        net.learned = nengo.Connection(pre, post, function=lambda x: [0, 0])
        net.output = nengo.Probe(net.learned, synapse=0.02, label="output")
        if online:
            add_learning(net, post)
        else:
            net.config[net.learned].trainable = True
    return net


def add_learning(net, post):
    """Let the connection learn from the difference to what is wanted."""
    net.wanted = nengo.Node(np.zeros(2), label="wanted")
    error = nengo.Ensemble(100, 2)
    nengo.Connection(post, error)
    nengo.Connection(net.wanted, error, transform=-1)
    net.learned.learning_rule_type = nengo.PES(learning_rate=1e-4)
    nengo.Connection(error, net.learned.learning_rule)


# %%
# The signals
# -----------
#
# White noise up to 2 Hz. What comes out of the channel is late, for it passes two
# synapses: with the same synapses we filter what we compare it with.


def make_signals(n, seconds, seed):
    """Return random signals."""
    process = nengo.processes.WhiteSignal(seconds, high=2, rms=0.4)
    rng = np.random.RandomState(seed)
    n_steps = int(1000 * seconds)
    return np.stack([process.run_steps(n_steps, d=2, rng=rng) for _ in range(n)])


def delayed(signals):
    """Filter signals as the channel does."""
    return nengo.Lowpass(0.02).filt(nengo.Lowpass(0.005).filt(signals, axis=1), axis=1)


signals = make_signals(MINIBATCH_SIZE, SECONDS, seed=0)
wanted = signals.copy()
wanted[:, len(wanted[0]) // 2 :] *= -1

# %%
# Learning online
# ---------------
#
# There is nothing to do but to run the network. In each item of the minibatch it starts
# from nothing, and learns from its own signal: what a learning rule changes belongs to
# the state of the simulation.

net = build_channel(online=True)
with nengo_dl.Simulator(
    net, minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
) as sim:
    sim.run(SECONDS, data={net.signal: signals, net.wanted: wanted})
    online = sim.data[net.output]

# %%
# Learning offline
# ----------------
#
# The examples are other signals, of half a second each. Decoders are small, as firing
# rates are around 100 Hz, and so is the learning rate.

net = build_channel(online=False)
examples = make_signals(200, 0.5, seed=1)
with nengo_dl.Simulator(
    net, minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
) as sim:
    data = {net.signal: examples, net.output: delayed(examples)}
    sim.train(data, keras.optimizers.Adam(3e-5), n_epochs=10)
    sim.run(SECONDS, data={net.signal: signals})
    offline = sim.data[net.output]

# %%
# Which one is better?
# --------------------
#
# Where nothing changes, gradient descent comes out first, and needs no time to learn
# while the network runs. PES follows the world as it is.

WINDOW = 500  # steps, to take the error of


def errors(outputs):
    """Return the root mean square error in each window of time."""
    squares = np.mean((outputs - delayed(wanted)) ** 2, axis=(0, 2))
    return np.sqrt(squares.reshape(-1, WINDOW).mean(axis=1))


n_windows = len(errors(online))
for moment, window in (
    ("at the start", 0),
    ("before the change", n_windows // 2 - 1),
    ("after the change", n_windows // 2),
    ("at the end", n_windows - 1),
):
    pes, descent = errors(online)[window], errors(offline)[window]
    print(f"Error {moment}: PES {pes:.3f}, gradient descent {descent:.3f}")

# %%
# The figure
# ----------

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
times = (np.arange(n_windows) + 0.5) * WINDOW / 1000
last = slice(-2000, None)
right.plot(sim.trange()[last], delayed(wanted)[0, last, 0], "k:", label="wanted")
for name, outputs in (("PES, online", online), ("gradient descent, offline", offline)):
    left.plot(times, errors(outputs), label=name)
    right.plot(sim.trange()[last], outputs[0, last, 0], linewidth=1, label=name)
left.axvline(SECONDS / 2, color="gray", linestyle="--", label="the world changes")
left.set(title="Error", xlabel="time (s)", ylabel="root mean square error")
left.set_ylim(0, 1.4 * left.get_ylim()[1])
left.legend(loc="upper right")
right.set(title="The end of a signal", xlabel="time (s)", ylabel="first dimension")
right.set_ylim(top=2 * right.get_ylim()[1])
right.legend(loc="upper right")
fig.savefig("online_learning.png", dpi=150)
print("Look at online_learning.png")
