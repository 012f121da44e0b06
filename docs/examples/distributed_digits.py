"""
Distributed digits: two workers train what one process trains
=============================================================

A small network learns the handwritten digits of scikit-learn's ``load_digits`` twice:
by two workers, each of which computes a half of every minibatch, then by one process.
The parameters are the same afterwards, to rounding, and so is the accuracy.

Run it with ``python distributed_digits.py``, which starts the workers as
``python -m nengo_dl.launch --workers 2 distributed_digits.py`` does. ``--quick`` makes
it short. It needs ``nengo-dl``, ``matplotlib`` and ``scikit-learn``; in a clone of the
repository, ``uv run docs/examples/distributed_digits.py`` installs them.
"""

import argparse
import contextlib
import os
import sys

import nengo_dl
from nengo_dl import launch

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

MINIBATCH_SIZE = 60  # of both workers together
IS_WORKER = "TF_CONFIG" in os.environ

parser = argparse.ArgumentParser(description="Train the digits with two workers.")
parser.add_argument("--quick", action="store_true", help="train for a short time")
N_EPOCHS = 2 if parser.parse_args().quick else 10

# %%
# The network
# -----------
#
# 64 pixels, 100 neurons, and a score for each digit. Double precision, so that hardly
# anything is rounded; and seeds, so that all workers build the same network. (The slope
# of LIF neurons has no bound at their threshold, where rounding comes to matter.)


def build():
    """Build a network with one layer of neurons."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        net.config[nengo.Connection].synapse = None
        net.pixels = nengo.Node(np.zeros(64))
        kind = nengo.RectifiedLinear(amplitude=0.01)
        neurons = nengo.Ensemble(100, 1, neuron_type=kind).neurons
        scores = nengo.Node(size_in=10)
        nengo.Connection(net.pixels, neurons, transform=nengo_dl.dists.Glorot())
        nengo.Connection(neurons, scores, transform=nengo_dl.dists.Glorot())
        net.scores = nengo.Probe(scores)
    return net


def load():
    """Return images, and the digits they show: one step of time for each."""
    images, digits = load_digits(return_X_y=True)
    return images[:, None, :] / 16, digits[:, None, None]


# %%
# Training
# --------
#
# The same function for workers and for one process. The simulator is made in the scope
# of the strategy, if there is one; all else is as ever. Of the workers, only the first
# one writes the file.


def train(strategy, path):
    """Train, and return the loss of each epoch, and the accuracy on other digits."""
    images, digits = load()
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        sim = nengo_dl.Simulator(
            build(), minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
        )
    with sim:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        sim.compile(keras.optimizers.Adam(1e-2), loss=loss, metrics=["accuracy"])
        history = sim.fit(images[:1440], digits[:1440], epochs=N_EPOCHS, verbose=0)
        found = sim.evaluate(images[1440:], digits[1440:], verbose=0, neurons="rates")
        sim.save_params(path)
    return history.history["loss"], 100 * found["probe_accuracy"]


# %%
# What a worker does
# ------------------
#
# It is this script, started with a ``TF_CONFIG`` of its own. It looks first whether the
# other worker is there: the strategy would wait for it without an end.

if IS_WORKER:
    nengo_dl.utils.check_cluster()
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    number, size = strategy.cluster_resolver.task_id, strategy.num_replicas_in_sync
    losses, accuracy = train(strategy, "workers")
    print(f"{MINIBATCH_SIZE // size} of {MINIBATCH_SIZE} items of each minibatch")
    print(f"Accuracy of worker {number}: {accuracy:.1f} %")
    sys.exit()

# %%
# Workers and one process
# -----------------------

status = launch.main(["--workers", "2", *sys.argv])
if status != 0:
    sys.exit(status)
losses, accuracy = train(None, "alone")
print(f"Accuracy of one process: {accuracy:.1f} %")

with np.load("workers.npz") as workers, np.load("alone.npz") as alone:
    names = [name for name in alone.files if alone[name].dtype == np.float64]
    sizes = {name: np.abs(alone[name]).max() for name in names}
    differences = {name: np.abs(workers[name] - alone[name]).max() for name in names}
    moved = [differences[name] / sizes[name] for name in names if sizes[name] > 0]
print(f"Greatest difference of parameters, of their size: {max(moved):.1e}")

# %%
# The figure
# ----------

fig, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.plot(np.arange(1, N_EPOCHS + 1), losses, "o-")
axes.set(title="Two workers and one process", xlabel="epoch", ylabel="loss")
fig.savefig("distributed_digits.png", dpi=150)
print("Look at distributed_digits.png")
