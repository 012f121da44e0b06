"""
Spiking digits: train a network in rates, run it in spikes
==========================================================

A network of spiking neurons is trained on handwritten digits, then run in spikes. The
digits are scikit-learn's ``load_digits``: 1,797 real scans of 8 x 8 pixels, part
of the library. The network is convolutional, with two layers of neurons between the
pixels and a score for each digit. It never sees 357 of the scans in training; on those
it is then measured twice, with the same weights:

1. in rates, as it was trained: each neuron gives out its firing rate, at once;
2. in spikes, as a brain would do it: each neuron is silent but for its spikes, and the
   scores build up over 50 ms.

Printed are both accuracies (the second should be hardly below the first), how much the
neurons fire, and how long it all took. ``spiking_digits_output`` gets

- ``parameters.npz``: what was learned, for ``sim.load_params``;
- ``digits.png``: some of the digits, the spikes that they evoke, and the scores.

Run it with ``python spiking_digits.py``. ``--quick`` makes it short, and ``--help``
lists the options. It needs ``nengo-dl``, ``matplotlib`` and ``scikit-learn``; in a
clone of the repository, ``uv run docs/examples/spiking_digits.py`` installs them.
"""

import argparse
import time
from pathlib import Path

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

N_TRAINING = 1440  # 80 % of the scans
MINIBATCH_SIZE = 60
LEARNING_RATE = 2e-3
RATE = 150  # what an input of 1 makes a neuron fire, in Hz
SYNAPSE = 0.01  # how long a spike is felt, in seconds
N_SHOWN = 40  # neurons of each layer in the figure


# %%
# The data
# --------
#
# Four fifths of the scans are for training, as many of each digit. Shifted copies of
# them teach the network that a digit may be anywhere.


def split_digits(seed):
    """Return images and labels to train on, and those to test with."""
    images, labels = load_digits(return_X_y=True)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images / 16, labels, train_size=N_TRAINING, stratify=labels, random_state=seed
    )
    return (train_images, train_labels), (test_images, test_labels)


def with_shifts(images, labels):
    """Add copies of the images, shifted by a pixel up, down, left and right."""
    padded = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    copies = [padded[:, y : y + 8, x : x + 8] for y, x in corners]
    return np.concatenate(copies).reshape(-1, 64), np.tile(labels, len(copies))


# %%
# The network
# -----------
#
# A convolution is a transform of Nengo: it goes into a connection, like any other
# matrix of weights. ``nengo_dl.dists.He`` draws initial weights that keep the activity
# at about the same size from layer to layer. The same function builds the network in
# rates and in spikes, so parameters of one fit the other.


def build_network(neuron_type, seed, synapse=None):
    """Connect 64 pixels to two layers of neurons, and those to 10 scores."""
    he = nengo_dl.dists.He()
    first = nengo.Convolution(32, (8, 8, 1), padding="same", init=he)
    second = nengo.Convolution(
        64, first.output_shape, strides=(2, 2), padding="same", init=he
    )
    with nengo.Network(seed=seed) as net:
        net.config[nengo.Ensemble].neuron_type = neuron_type(amplitude=1 / RATE)
        net.config[nengo.Ensemble].gain = nengo.dists.Choice([RATE])
        net.config[nengo.Ensemble].bias = nengo.dists.Choice([0])

        net.pixels = nengo.Node(np.zeros(64))
        neurons1 = add_layer(net.pixels, first, synapse=None)
        neurons2 = add_layer(neurons1, second, synapse)
        scores = nengo.Node(size_in=10)
        nengo.Connection(neurons2, scores, transform=he, synapse=synapse)

        net.scores = nengo.Probe(scores, synapse=synapse)
        net.spikes = [nengo.Probe(layer) for layer in (neurons1, neurons2)]
    return net


def add_layer(source, convolution, synapse):
    """Connect neurons to what they see of ``source``."""
    neurons = nengo.Ensemble(convolution.output_shape.size, 1).neurons
    nengo.Connection(source, neurons, transform=convolution, synapse=synapse)
    return neurons


# %%
# Training
# --------
#
# Spiking neurons are trained by their rates, for a spike has no useful gradient. A rate
# is there at once, so one time step will do: axis 1 of the data is time.


def cross_entropy(scores, targets):
    """Return how far the scores are from naming the right digit."""
    losses = tf.nn.softmax_cross_entropy_with_logits(labels=targets, logits=scores)
    return tf.reduce_mean(losses)


def train(images, labels, n_epochs, seed, path):
    """Train the network for one step in rates, and save its parameters."""
    n_minibatches = n_epochs * len(images) // MINIBATCH_SIZE
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, n_minibatches)
    net = build_network(nengo.SpikingRectifiedLinear, seed)
    data = {net.pixels: images[:, None], net.scores: np.eye(10)[labels][:, None]}
    with nengo_dl.Simulator(net, minibatch_size=MINIBATCH_SIZE, seed=seed) as sim:
        sim.train(
            data,
            keras.optimizers.Adam(schedule),
            n_epochs=n_epochs,
            objective={net.scores: cross_entropy},
        )
        sim.save_params(path)


# %%
# Running
# -------
#
# All test images are one minibatch. In rates, again, one step is enough. In spikes each
# image is held for a number of steps, and synapses smooth the spikes.


def run(net, images, n_steps, path):
    """Show all images at once to a network with the parameters that were saved."""
    shown = np.tile(images[:, None], (1, n_steps, 1))
    with nengo_dl.Simulator(net, minibatch_size=len(images)) as sim:
        sim.load_params(path)
        sim.run_steps(n_steps, data={net.pixels: shown})
    return sim


def run_in_rates(images, seed, path):
    """Return the scores that the network gives in rates."""
    net = build_network(nengo.RectifiedLinear, seed)
    return run(net, images, 1, path).data[net.scores]


def run_in_spikes(images, seed, n_steps, path):
    """Return the scores over time, and the spikes of each layer."""
    # Spikes that excite a neuron and spikes that inhibit it come at different times,
    # and a neuron cannot go below zero. Synapses spread spikes out, so that they meet;
    # without, the second layer fires far too much.
    net = build_network(nengo.SpikingRectifiedLinear, seed, SYNAPSE)
    sim = run(net, images, n_steps, path)
    return sim.data[net.scores], [sim.data[probe] for probe in net.spikes]


# %%
# Results
# -------
#
# A digit is what has the highest score in the last step.


def accuracy(scores, labels):
    """Return how many digits have the highest score in the end, in percent."""
    return 100 * np.mean(np.argmax(scores[:, -1], axis=-1) == labels)


def firing_rate(spikes):
    """Return the mean over neurons, digits and time, in Hz."""
    # A spike is a value of amplitude / dt for one step, so its mean is a rate.
    means = [layer.mean(axis=(0, 1)) for layer in spikes]
    return RATE * np.concatenate(means).mean()


def plot_digits(images, labels, scores, spikes, path):
    """Draw a row for each digit: the image, some neurons' spikes, the scores."""
    fig, axes = plt.subplots(
        len(images),
        3,
        figsize=(11, 1.9 * len(images)),
        sharex="col",
        width_ratios=[1, 3, 3],
        layout="constrained",
    )
    shown = some_neurons(spikes)
    for i, (image_ax, spikes_ax, scores_ax) in enumerate(axes):
        plot_image(image_ax, images[i], labels[i], np.argmax(scores[i, -1]))
        plot_spikes(spikes_ax, shown[i])
        lines = plot_scores(scores_ax, scores[i], labels[i])
    label_columns(axes)
    fig.legend(lines, range(10), title="score of", loc="outside right center")
    fig.savefig(path, dpi=150)


def some_neurons(spikes):
    """Pick neurons at random, as many of each layer."""
    rng = np.random.RandomState(0)
    picks = [rng.permutation(layer.shape[-1])[:N_SHOWN] for layer in spikes]
    return np.concatenate(
        [layer[..., pick] for layer, pick in zip(spikes, picks, strict=True)], axis=-1
    )


def plot_image(ax, image, label, answer):
    """Draw a digit, and say what it was taken for."""
    ax.imshow(image.reshape(8, 8), cmap="gray_r")
    ax.set(xticks=[], yticks=[], xlabel=f"a {label}, read as {answer}")


def plot_spikes(ax, spikes):
    """Draw a line for each neuron, with a mark for each spike."""
    steps, neurons = np.nonzero(spikes)
    ax.plot(steps + 1, neurons, "|", color="black", markersize=3)
    ax.axhline(N_SHOWN - 0.5, color="gray", linewidth=0.5)
    ax.set(ylim=(-1, 2 * N_SHOWN), yticks=[N_SHOWN / 2, 3 * N_SHOWN / 2])
    ax.set_yticklabels(["layer 1", "layer 2"], rotation=90, va="center")


def plot_scores(ax, scores, label):
    """Draw the score of each digit over time; return the lines, as thin as most."""
    times = np.arange(1, len(scores) + 1)
    ax.plot(times, scores[:, label], color="lightgray", linewidth=7)
    ax.set(ylabel="score")
    return ax.plot(times, scores)


def label_columns(axes):
    """Say what the columns of the figure show."""
    titles = [
        "Digit",
        f"Spikes of {N_SHOWN} neurons a layer",
        "Scores (gray: the right one)",
    ]
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title)
    for ax in axes[-1, 1:]:
        ax.set_xlabel("time (ms)")


def report(name, value, unit=""):
    """Print one result."""
    print(f"{name + ':':<20}{value:>6.1f} {unit}")


# %%
# All together
# ------------
#
# Last comes what the script does when it is run.


def main():
    """Train, test, print, draw."""
    start, options = time.perf_counter(), parse_options()
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "parameters.npz"
    training_set, (images, labels) = split_digits(options.seed)

    train(*with_shifts(*training_set), options.epochs, options.seed, path)
    trained = time.perf_counter()
    rate_scores = run_in_rates(images, options.seed, path)
    scores, spikes = run_in_spikes(images, options.seed, options.steps, path)
    plot_digits(images[:5], labels, scores, spikes, options.output / "digits.png")

    report("Accuracy in rates", accuracy(rate_scores, labels), "%")
    report("Accuracy in spikes", accuracy(scores, labels), "%")
    report("Mean firing rate", firing_rate(spikes), "Hz")
    report("Training took", trained - start, "s")
    report("All took", time.perf_counter() - start, "s")
    print(f"Look at the files in {options.output}")


def parse_options():
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train on digits, run in spikes.")
    add = parser.add_argument
    add("--epochs", type=positive, default=15, help="how often to see all digits")
    quick = "train for a short time: the same as --epochs 2"
    add("--quick", dest="epochs", action="store_const", const=2, help=quick)
    add("--seed", type=int, default=0, help="of the split and of the weights")
    add("--steps", type=positive, default=50, help="milliseconds to run in spikes")
    add("--output", type=Path, default="spiking_digits_output", help="a folder")
    return parser.parse_args()


def positive(text):
    """Convert to a whole number above zero."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {text}")
    return int(text)


if __name__ == "__main__":
    main()
