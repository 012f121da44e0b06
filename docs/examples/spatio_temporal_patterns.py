"""
Patterns in time: where rates are not enough
============================================

A spoken word reaches the brain as spikes of many channels, one for each pitch. Here are
words of which nothing but the order counts: in each of them every channel spikes once,
and no two channels spike at the same time. So all words have the same number of spikes,
in each channel and in each step. What differs is which channel follows which.

A network of spiking neurons is to tell ten such words apart. Its only memory are the
membranes of its neurons: there are no synapses, and no connections back. It is trained
three times, with the same initial weights and the same data,

1. in rates, the default of ``training_mode``;
2. ``"spike_aware"``: with the spikes of a run, and the gradient of rates;
3. with the spikes of a run, and a surrogate gradient that goes back through time.

Printed is how many words that it was not trained on the network knows in spikes. Then
membranes get a time constant that is too short for the task, and learn a better one.

Run it with ``python spatio_temporal_patterns.py``, which takes a minute or two.
``--quick`` makes it short. It needs ``nengo-dl`` and ``matplotlib``; in a clone of the
repository, ``uv run docs/examples/spatio_temporal_patterns.py`` installs them.
"""

import argparse

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser(description="Train with rates and with spikes.")
parser.add_argument("--quick", action="store_true", help="train for a short time")
N_EPOCHS = 10 if parser.parse_args().quick else 15
N_CHANNELS, N_WORDS, N_HIDDEN = 40, 10, 64
STEPS_PER_SPIKE = 2  # from one channel's spike to the next one's, of 1 ms
JITTER = 4  # how far a channel is from its place in the word, in places
MINIBATCH_SIZE = 32
SCALE = 20  # makes spikes smaller than 1 / dt, and weights larger
SPIKE = 1000 / SCALE  # the height of a spike
LEARNING_RATE = 0.02

# %%
# The words
# ---------
#
# A word is an order of the channels. Each time that it is spoken, channels come a
# little too early or too late, but still one after the other.

rng = np.random.RandomState(0)
words = np.array([rng.permutation(N_CHANNELS) for _ in range(N_WORDS)])


def speak(n_items):
    """Return spikes (n_items, n_steps, n_channels), and which words they are."""
    labels = rng.randint(N_WORDS, size=n_items)
    jittered = words[labels] + rng.normal(scale=JITTER, size=(n_items, N_CHANNELS))
    places = np.argsort(np.argsort(jittered, axis=1), axis=1)
    spikes = np.zeros((n_items, N_CHANNELS * STEPS_PER_SPIKE, N_CHANNELS))
    items = np.arange(n_items)[:, None]
    spikes[items, places * STEPS_PER_SPIKE, np.arange(N_CHANNELS)] = SPIKE
    return spikes, labels[:, None, None]


train_spikes, train_labels = speak(640)
test_spikes, test_labels = speak(320)

# %%
# This is what counts say about the words: nothing.

counts = test_spikes.sum(axis=1) / SPIKE
print(f"Spikes of a channel in any word: {counts.min():.0f} to {counts.max():.0f}")

# %%
# The network
# -----------
#
# Its initial weights are such that the spikes of all channels together make the
# membrane of a hidden neuron fluctuate up to its threshold
# (:class:`~nengo_dl.dists.FluctuationDriven`). The score of a word is the mean over all
# steps. As there is no synapse, that is a weighted sum of the numbers of spikes of the
# hidden neurons: it is they that must tell one order from another.
#
# Spikes have the height 1000 in Nengo, which is 1 / dt. Here they are smaller, so that
# weights are larger, and one learning rate fits weights and time constants. Weights are
# trained, biases are not.


def weights(rate, tau_rc):
    """Return initial weights from inputs that spike at a rate, in Hz."""
    return nengo_dl.dists.FluctuationDriven(rate, tau_rc, tau_syn=0, xi=1 / SCALE)


def build_network(training_mode, tau_rc=0.02, trainable_neurons=None):
    """Return a network with what is trained, and how, as a choice."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(
            training_mode=training_mode,
            trainable=None,
            trainable_neurons=trainable_neurons,
        )
        net.config[nengo.ensemble.Neurons].trainable = False
        net.config[nengo.Ensemble].gain = nengo.dists.Choice([1])
        net.config[nengo.Ensemble].bias = nengo.dists.Choice([0.05])
        net.config[nengo.Connection].synapse = None

        net.channels = nengo.Node(np.zeros(N_CHANNELS))
        lif = nengo.LIF(tau_rc=tau_rc, amplitude=1 / SCALE)
        net.ensemble = nengo.Ensemble(N_HIDDEN, 1, neuron_type=lif)
        hidden = net.ensemble.neurons
        scores = nengo.Node(size_in=N_WORDS)
        rate = 1000 / (N_CHANNELS * STEPS_PER_SPIKE)
        nengo.Connection(net.channels, hidden, transform=weights(rate, tau_rc))
        nengo.Connection(hidden, scores, transform=weights(20, tau_rc))
        net.scores = nengo.Probe(scores, label="scores")
        net.hidden = nengo.Probe(hidden, label="hidden")
    return net


def crossentropy(y_true, y_pred):
    """Compare the mean over all steps with the labels."""
    mean = tf.reduce_mean(y_pred, axis=1)
    return keras.losses.sparse_categorical_crossentropy(
        y_true[:, 0, 0], mean, from_logits=True
    )


def accuracy(y_true, y_pred):
    """Return which items have the highest mean score for the right word."""
    mean = tf.reduce_mean(y_pred, axis=1)
    return keras.metrics.sparse_categorical_accuracy(y_true[:, 0, 0], mean)


# %%
# Three ways of training
# ----------------------
#
# ``fit`` measures the accuracy in training as the neurons are trained: in rates, or in
# spikes. Words that are new are predicted in spikes, whatever was done in training.

MODES = {
    "rate": "rate",
    "spike_aware": "spike_aware",
    "surrogate": nengo_dl.surrogates.FastSigmoid(slope=10),
}


def train(net):
    """Return the accuracy in each epoch, outputs for new words, and time constants."""
    with nengo_dl.Simulator(
        net, minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
    ) as sim:
        sim.compile(
            optimizer=keras.optimizers.Adam(LEARNING_RATE),
            loss={net.scores: crossentropy},
            metrics={net.scores: accuracy},
        )
        history = sim.fit(
            {net.channels: train_spikes},
            {net.scores: train_labels},
            epochs=N_EPOCHS,
            verbose=0,
        ).history
        outputs = sim.predict({net.channels: test_spikes}, verbose=0)
        # Only what has trained parameters shows them.
        trained = getattr(sim.data[net.ensemble], "neuron_parameters", {})
    return 100 * np.array(history["scores_accuracy"]), outputs, trained.get("tau_rc")


def known(scores):
    """Return how many new words have the highest mean score, in percent."""
    return 100 * np.mean(scores.mean(axis=1).argmax(axis=1) == test_labels[:, 0, 0])


in_training, in_spikes, rasters = {}, {}, {}
for name, mode in MODES.items():
    net = build_network(mode)
    in_training[name], outputs, _ = train(net)
    in_spikes[name] = known(outputs[net.scores])
    rasters[name] = outputs[net.hidden]
    print(f"Accuracy in the last epoch, {name}: {in_training[name][-1]:.1f} %")
    print(f"Accuracy of new words in spikes, {name}: {in_spikes[name]:.1f} %")
    print(f"Firing rate, {name}: {rasters[name].mean() * SCALE:.1f} Hz")

# %%
# What happened?
# --------------
#
# *In rates* a neuron answers to what comes in at the same step, and here that is one
# spike of one channel. So its rate, added up over all steps, is the same for all words:
# there is nothing to learn, and the accuracy stays at that of a guess, 10 %.
#
# *Spike-aware* training sees that the spikes differ between words. But the gradient of
# a step reaches only the channel that spikes in that step. Those before it, which the
# membrane remembers, decide as much whether a neuron spikes, and have no gradient.
#
# *A surrogate gradient* goes back through the membrane to all channels that brought the
# neuron to its threshold.

# %%
# Time constants
# --------------
#
# All that was with a good time constant: membranes of 20 ms remember some ten channels.
# With 5 ms they forget too soon. That is made good for in part if training may change
# the time constant of each neuron.

TAU_RC = 0.005
in_time = {}
for name, setting in {"fixed": None, "learned": {"tau_rc": "elementwise"}}.items():
    net = build_network(MODES["surrogate"], TAU_RC, setting)
    in_training[f"5 ms, {name}"], outputs, tau_rc = train(net)
    in_time[name] = known(outputs[net.scores])
    print(f"Accuracy of new words, 5 ms, {name}: {in_time[name]:.1f} %")
tau_rc *= 1000
print(f"Learned time constants: {tau_rc.min():.1f} to {tau_rc.max():.1f} ms")

# %%
# The figure
# ----------
#
# Above: one word twice, then another one; on the right, the accuracy as training goes
# on. Below: hidden neurons that answer to the first of them after each way of training,
# and the time constants that were learned.


def raster(axes, spikes, title, ylabel):
    """Show spikes (n_steps, n) as dots."""
    axes.scatter(*np.nonzero(spikes), s=5, color="black")
    axes.set(title=title, ylabel=ylabel, xlabel="time (ms)", xlim=(0, len(spikes)))
    axes.set_ylim(-1, spikes.shape[1])


first, second, *_ = np.flatnonzero(test_labels == test_labels[0])
other = np.flatnonzero(test_labels != test_labels[0])[0]
fig, axes = plt.subplots(2, 4, figsize=(16, 7), layout="constrained")
shown = {"a word": first, "the same word again": second, "another word": other}
# In the order of the first word, in which it is a line.
order = np.argsort(words[test_labels[first, 0, 0]])
for ax, (title, item) in zip(axes[0], shown.items(), strict=False):
    raster(ax, test_spikes[item][:, order], title, "channel")
for ax, name in zip(axes[1], MODES, strict=False):
    raster(ax, rasters[name][first], f"trained: {name}", "hidden neuron")

epochs = np.arange(1, N_EPOCHS + 1)
for name, values in in_training.items():
    axes[0, 3].plot(epochs, values, label=name)
axes[0, 3].axhline(100 / N_WORDS, color="black", linestyle=":", label="a guess")
axes[0, 3].set(title="in training", xlabel="epoch", ylabel="accuracy (%)")
axes[0, 3].set_ylim(0, 102)
axes[0, 3].legend(loc="upper left", bbox_to_anchor=(1, 1))
axes[1, 3].hist(tau_rc, bins=20, color="tab:gray")
axes[1, 3].axvline(1000 * TAU_RC, color="black", linestyle=":", label="before training")
axes[1, 3].set(title="learned", xlabel="time constant (ms)", ylabel="hidden neurons")
axes[1, 3].legend()
fig.savefig("spatio_temporal_patterns.png", dpi=100)
print("Look at spatio_temporal_patterns.png")
