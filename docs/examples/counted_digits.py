"""
Counted digits: accuracy and energy at three firing rates
=========================================================

What does a spiking network cost, and does it get better if it spikes more? One network
is trained three times on handwritten digits, each time with a penalty that holds its
neurons near another firing rate. Each is then measured twice: how many digits it reads
right, and how many operations that takes, by the metrics of NeuroBench. What these
would cost on several devices follows from published measurements.

Then one of the networks leaves NengoDL: it is written to a file of NIR, a format of
many simulators and chips. If Norse is installed, it reads the file and runs it, and
accuracy and spikes are printed side by side.

``counted_digits_output`` gets

- ``digits.nir``: the network;
- ``energy.png``: accuracy and energy of the three, and what takes it.

Run it with ``python counted_digits.py``. ``--quick`` makes it short, and ``--help``
lists the options. It needs ``nengo-dl[nir]``, ``matplotlib`` and ``scikit-learn``.
"""

import argparse
from pathlib import Path

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

N_NEURONS = 100  # in each layer
MINIBATCH_SIZE = 60
N_TRAINED = 25  # steps of training
DT = 0.001  # the length of a step, in seconds
RATES = (10, 40, 160)  # where neurons are held, in Hz

# Initial weights: a spike comes seldom, so it has to count for more than a pixel.
OF_PIXELS, OF_SPIKES = nengo_dl.dists.He(scale=2), nengo_dl.dists.He(scale=30)


# %%
# The network
# -----------
#
# The neurons are LIF neurons by Euler's method, as most libraries have them. With an
# amplitude of ``DT`` a spike is 1 high in its step. A regularizer of activities charges
# the distance of the mean rate from the one that is wanted. There are no synapses,
# which would smooth spikes, so training has to know them: it takes surrogate gradients.


def build_network(rate, seed):
    """Connect 64 pixels to two layers of neurons, and those to 10 scores."""

    def charge(outputs):
        """Return how far the mean rate is from the wanted one, squared."""
        return keras.ops.square(keras.ops.mean(outputs) / (DT * rate) - 1)

    with nengo.Network(seed=seed) as net:
        nengo_dl.configure_settings(
            activity_regularizer=charge, training_mode=nengo_dl.surrogates.ATan()
        )
        net.pixels = nengo.Node(np.zeros(64), label="pixels")
        first = add_layer(net.pixels, OF_PIXELS, "first")
        second = add_layer(first, OF_SPIKES, "second")
        scores = nengo.Node(size_in=10, label="scores")
        nengo.Connection(
            second, scores, transform=OF_SPIKES, synapse=None, label="to scores"
        )
        net.scores = nengo.Probe(scores)
    return net


def add_layer(source, weights, name):
    """Connect neurons to what they see of ``source``."""
    neurons = nengo.Ensemble(
        N_NEURONS,
        1,
        neuron_type=nengo_dl.neurons.EulerLIF(tau_rc=0.01, amplitude=DT),
        gain=np.ones(N_NEURONS),
        bias=np.ones(N_NEURONS),
        label=name,
    ).neurons
    nengo.Connection(
        source, neurons, transform=weights, synapse=None, label=f"to {name}"
    )
    return neurons


# %%
# Training and counting
# ---------------------
#
# An image is shown for a number of steps, in training for fewer; the digit with the
# highest mean score is the answer. The callback ``SpikeCounts`` would show firing rates
# after each epoch; here one count at the end is enough.


def cross_entropy(labels, scores):
    """Return how far the mean scores are from naming the right digit."""
    means = keras.ops.mean(scores, axis=1)
    targets = keras.ops.one_hot(keras.ops.cast(labels[:, 0, 0], "int32"), 10)
    return keras.ops.categorical_crossentropy(targets, means, from_logits=True)


def train(sim, net, images, labels, n_epochs):
    """Train a network with spikes."""
    sim.compile(keras.optimizers.Adam(5e-3), loss=cross_entropy)
    shown = {net.pixels: np.tile(images[:, None], (1, N_TRAINED, 1))}
    sim.fit(shown, {net.scores: labels[:, None, None]}, epochs=n_epochs, verbose=0)


def accuracy(scores, labels):
    """Return how many digits have the highest mean score, in percent."""
    return 100 * np.mean(np.argmax(scores.mean(axis=1), axis=-1) == labels)


def measure(sim, net, images, labels, n_steps):
    """Run a network in spikes; return accuracy and counts."""
    shown = {net.pixels: np.tile(images[:, None], (1, n_steps, 1))}
    scores = sim.predict(shown, verbose=0)[net.scores]
    return accuracy(scores, labels), sim.count_operations(shown)


# %%
# Another library
# ---------------
#
# Spikes of 1 are what Norse expects. It gives the scores of each step; spikes are
# counted by a hook that looks at what the neurons give.


def run_in_norse(path, images, n_steps):
    """Return scores and the number of spikes; None if Norse is not installed."""
    try:
        import nir
        import norse.torch
        import torch
    except ImportError:
        return None
    network = norse.torch.from_nir(nir.read(path), dt=DT)
    spikes, scores, state = [], [], None
    for module in network.modules():
        if type(module).__name__.startswith("LIF"):
            module.register_forward_hook(
                lambda module, inputs, outputs: spikes.append(outputs[0].sum().item())
            )
    pixels = torch.tensor(images, dtype=torch.float32)
    with torch.no_grad():
        for _ in range(n_steps):
            step, state = network(pixels, state)
            scores.append(step.numpy())
    return np.stack(scores, axis=1), sum(spikes)


# %%
# Results
# -------
#
# Loihi pays for spikes, a CPU for all products, whatever the rate: on it, more spikes
# cost nothing, and fewer save nothing.


def report(rate, percent, counts):
    """Print a line for one network."""
    operations, n = counts.synaptic_operations, counts.of_items["NeuronSteps"][0]
    mean = counts.total["Spikes"] / (counts.n_items * n * DT)
    print(
        f"{rate:>4} Hz wanted: {mean:6.1f} Hz, "
        f"{percent:5.1f} % right, {operations['Effective_MACs']:9,.0f} MACs, "
        f"{operations['Effective_ACs']:9,.0f} ACs, "
        f"{1e6 * counts.energy('loihi').joules:6.2f} uJ on Loihi, "
        f"{1e6 * counts.energy('cpu').joules:8.1f} uJ on a CPU"
    )


def plot(found, path):
    """Draw accuracy and energy, and the parts of it."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    joules = [1e6 * counts.energy("loihi").joules for _, _, counts in found]
    left.plot(joules, [percent for _, percent, _ in found], "o-")
    for (rate, percent, _), energy in zip(found, joules, strict=True):
        left.annotate(f"{rate} Hz", (energy, percent))
    left.set(xlabel="energy of a digit on Loihi (uJ)", ylabel="right (%)")
    bottom = np.zeros(len(found))
    parts = [counts.energy("loihi").parts for _, _, counts in found]
    for name in parts[0]:
        heights = np.array([1e6 * each[name] for each in parts])
        names = [f"{rate} Hz" for rate, _, _ in found]
        right.bar(names, heights, bottom=bottom, label=name)
        bottom += heights
    right.set(ylabel="energy of a digit on Loihi (uJ)")
    right.legend()
    fig.savefig(path, dpi=150)


# %%
# All together
# ------------
#
# The last network, which spikes most, is summarised, exported, and run elsewhere.


def main():
    """Train, count, print, draw, export."""
    options = parse_options()
    options.output.mkdir(parents=True, exist_ok=True)
    images, labels = load_digits(return_X_y=True)
    images, test_images, labels, test_labels = train_test_split(
        images / 16, labels, train_size=1440, stratify=labels, random_state=options.seed
    )
    found, path = [], options.output / "digits.nir"
    for rate in RATES:
        net = build_network(rate, options.seed)
        with nengo_dl.Simulator(net, DT, minibatch_size=MINIBATCH_SIZE) as sim:
            train(sim, net, images, labels, options.epochs)
            result = measure(sim, net, test_images, test_labels, options.steps)
            nengo_dl.nir.export(sim, path, spike_height="one")
        found.append((rate, *result))
        report(*found[-1])
    plot(found, options.output / "energy.png")

    _, percent, counts = found[-1]
    counts.summary()
    print(f"Accuracy in NengoDL: {percent:.1f} %, {counts.total['Spikes']} spikes")
    elsewhere = run_in_norse(path, test_images, options.steps)
    if elsewhere is None:
        print("Norse is not installed: pip install norse")
    else:
        scores, n_spikes = elsewhere
        percent = accuracy(scores, test_labels)
        print(f"Accuracy in Norse: {percent:.1f} %, {n_spikes:.0f} spikes")
    print(f"Look at the files in {options.output}")


def parse_options():
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Count what digits cost in spikes.")
    add = parser.add_argument
    add("--epochs", type=int, default=20, help="how often to see all digits")
    quick = "train for a short time: the same as --epochs 6"
    add("--quick", dest="epochs", action="store_const", const=6, help=quick)
    add("--seed", type=int, default=0, help="of the split and of the weights")
    add("--steps", type=int, default=50, help="milliseconds to run in spikes")
    add("--output", type=Path, default="counted_digits_output", help="a folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
