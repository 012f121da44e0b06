"""
5. Train a network, and let it spike
====================================

Weights that nobody can write down are learned from examples, by gradient descent. On
this page a network of two layers learns to tell two half moons apart. Its neurons learn
as if they gave their rates, and spike afterwards.
"""

import nengo_dl

import matplotlib.pyplot as plt
import nengo
import numpy as np
from sklearn.datasets import make_moons

# %%
# The data
# --------
#
# Points in the plane, in two classes. Data of NengoDL always has an axis for time:
# ``(items, steps, size)``. A point that stands still for one step is enough for
# training.

points, labels = make_moons(600, noise=0.15, random_state=0)
train_x, test_x = points[:400, None, :], points[400:, None, :]
train_y, test_y = labels[:400, None, None], labels[400:, None, None]
print("Inputs:", train_x.shape, "labels:", train_y.shape)

# %%
# The network
# -----------
#
# As in a network of Keras, layers of neurons are connected by matrices of weights,
# which begin at random. ``ensemble.neurons`` means the neurons themselves, without
# encoders and decoders.
#
# Neurons fire some hundred times a second. ``amplitude=0.01`` lets a spike count 0.01,
# so that 100 Hz means 1, which is a size that optimizers are used to.

with nengo.Network(seed=0) as net:
    net.config[nengo.Ensemble].neuron_type = nengo.LIF(amplitude=0.01)
    net.config[nengo.Ensemble].max_rates = nengo.dists.Choice([100])
    net.config[nengo.Ensemble].intercepts = nengo.dists.Uniform(-0.5, 0.5)
    net.config[nengo.Connection].synapse = None

    point = nengo.Node([0, 0], label="point")
    layer1 = nengo.Ensemble(40, 1).neurons
    layer2 = nengo.Ensemble(40, 1).neurons
    scores = nengo.Node(size_in=2)
    for start, end in ((point, layer1), (layer1, layer2), (layer2, scores)):
        nengo.Connection(start, end, transform=nengo_dl.dists.Glorot())

    now = nengo.Probe(scores, label="now")
    smooth = nengo.Probe(scores, synapse=0.03, label="smooth")
    spikes = nengo.Probe(layer2)

# %%
# Training
# --------
#
# A spike is a jump, and a jump has no slope to descend. So, while it is trained, the
# network is computed with the firing rates of its neurons, which have one. That is the
# default; ``sim.fit`` does it by itself.
#
# The interface is that of Keras: ``compile`` with an optimizer and a loss, then
# ``fit``.

import keras

sim = nengo_dl.Simulator(net, minibatch_size=50, seed=0, progress_bar=False)
sim.compile(
    keras.optimizers.Adam(0.01),
    loss={now: keras.losses.SparseCategoricalCrossentropy(from_logits=True)},
)
history = sim.fit({point: train_x}, {now: train_y}, epochs=30, verbose=0).history

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(history["loss"])
ax.set(title="Learning", xlabel="epoch", ylabel="loss")

# %%
# Running
# -------
#
# When training is over the neurons spike. A point is now shown for 150 steps, and what
# the scores have become in the last one, smoothed by a synapse, counts.


def accuracy(scores):
    """Return how many points have the higher score in the right class, in percent."""
    return 100 * np.mean(np.argmax(scores, axis=-1) == test_y[:, 0, 0])


in_rates = sim.predict({point: test_x}, neurons="rates")[now][:, -1]
run = sim.predict({point: np.repeat(test_x, 150, axis=1)})
in_spikes = run[smooth][:, -1]
print(f"Accuracy in rates: {accuracy(in_rates):.1f} %")
print(f"Accuracy in spikes: {accuracy(in_spikes):.1f} %")

# %%
# A synapse needs time. At first no spike has come through, and the answer is a guess.

by_step = [accuracy(run[smooth][:, step]) for step in range(150)]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.plot(by_step)
left.axhline(accuracy(in_rates), color="gray", linestyle=":", label="in rates")
left.set(title="Accuracy over time", xlabel="time (ms)", ylabel="%", ylim=(0, 103))
left.legend(loc="lower right")
steps, neurons = np.nonzero(run[spikes][0])
right.plot(steps, neurons, "|", color="black", markersize=4)
right.set(title="Spikes for one point", xlabel="time (ms)", ylabel="neuron")
sim.close()

# %%
# That rates and spikes agree is not luck: over time, spikes *are* rates. Where a
# network has only a few steps, or where it matters when a spike comes, there is more to
# choose: :doc:`/guide/training_with_spikes`.
#
# Try it
# ------
#
# - Replace ``nengo.LIF`` by ``nengo.SpikingRectifiedLinear``.
# - Show a point for 30 steps only. What helps: a shorter synapse, or higher rates?
#
# Next: a network that was trained elsewhere.
