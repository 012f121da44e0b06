"""
From TensorFlow: a perceptron that learns with Keras, and runs in spikes
========================================================================

If you know Keras, you know how this network is trained: ``compile``, ``fit``,
``evaluate``, ``predict``. What is new is the network. It is one of Nengo, so after
training its neurons can be told to spike, as those of a brain or of a neuromorphic chip
do. A single spike says little, so the answer builds up over time: we look how the
accuracy grows with the number of time steps.

Run it with ``python from_tensorflow.py``. ``--quick`` makes it short. It needs
``nengo-dl``, ``matplotlib`` and ``scikit-learn``; in a clone of the repository,
``uv run docs/examples/from_tensorflow.py`` installs them.
"""

import argparse

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser(description="Train a network with Keras's methods.")
parser.add_argument("--quick", action="store_true", help="train for a short time")
N_EPOCHS = 8 if parser.parse_args().quick else 40
N_STEPS = 60  # to run in spikes, of 1 ms
MINIBATCH_SIZE = 60

# %%
# The data
# --------
#
# Scikit-learn's digits are 1,797 images of 8 x 8 pixels. All data of NengoDL has the
# axes *(item, time step, value)*. For a network that does not depend on time, one step
# is enough.

images, labels = load_digits(return_X_y=True)
train_images, test_images, train_labels, test_labels = train_test_split(
    images[:, None] / 16, labels[:, None, None], train_size=1440, random_state=0
)
test_images, test_labels = test_images[:300], test_labels[:300]  # 5 minibatches

# %%
# The network
# -----------
#
# In Keras it would be
#
# .. code-block:: python
#
#     keras.Sequential([
#         keras.Input((64,)),
#         keras.layers.Dense(128, activation="relu"),
#         keras.layers.Dense(64, activation="relu"),
#         keras.layers.Dense(10, use_bias=False),
#     ])
#
# In Nengo a layer is in two parts: a *connection* has the weights, and the *neurons* of
# an ensemble have biases and a nonlinearity. (Ensembles can represent vectors, too.
# Here we talk to their neurons, and leave out that part.) All of them are trainable,
# unless one says otherwise.
#
# A rectified linear neuron of Nengo gives out its firing rate. With a gain of 100 an
# input of 1 makes it fire at 100 Hz; an amplitude of 1/100 makes that a 1 for the next
# layer. So it is Keras's ``relu``, but its rate is one that spikes can follow.

RATE = 100
RELU = nengo.RectifiedLinear(amplitude=1 / RATE)
SPIKING = nengo.SpikingRectifiedLinear(amplitude=1 / RATE)


def dense(source, size):
    """Connect a layer of neurons to all outputs of ``source``."""
    neurons = nengo.Ensemble(size, 1).neurons
    nengo.Connection(source, neurons, transform=nengo_dl.dists.He(np.sqrt(2)))
    return neurons


with nengo.Network(seed=0) as net:
    net.config[nengo.Ensemble].neuron_type = RELU
    net.config[nengo.Ensemble].gain = nengo.dists.Choice([RATE])
    net.config[nengo.Ensemble].bias = nengo.dists.Choice([0])
    net.config[nengo.Connection].synapse = None

    pixels = nengo.Node(np.zeros(64), label="pixels")
    hidden = dense(dense(pixels, 128), 64)
    scores = nengo.Node(size_in=10)
    nengo.Connection(hidden, scores, transform=nengo_dl.dists.Glorot())
    probe = nengo.Probe(scores, label="scores")

# %%
# Training
# --------
#
# This is Keras's interface, with its optimizers, losses, metrics and callbacks. Only
# the size of minibatches is an argument of the simulator. In the end ``freeze_params``
# puts the trained parameters into the objects of the network.

with nengo_dl.Simulator(
    net, minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
) as sim:
    sim.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = sim.fit(
        train_images,
        train_labels,
        epochs=N_EPOCHS,
        validation_data=(test_images, test_labels),
    ).history
    values = sim.evaluate(test_images, test_labels)
    sim.freeze_params(net)

in_rates = 100 * values["scores_accuracy"]
print(f"Accuracy in rates:  {in_rates:.1f} %")

# %%
# Spikes
# ------
#
# The network is an ordinary object, so we can change it. All neurons shall spike, and
# connections get a synapse: it spreads each spike out over some milliseconds, so that
# the neurons behind it see the rate rather than single spikes. Now each image is shown
# for 60 steps of a millisecond. ``predict`` returns the outputs at all of them.

for ensemble in net.all_ensembles:
    ensemble.neuron_type = SPIKING
for connection in net.connections[1:]:  # from the pixels come no spikes
    connection.synapse = 0.005
probe.synapse = 0.005

with nengo_dl.Simulator(
    net, minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
) as sim:
    outputs = sim.predict(np.tile(test_images, (1, N_STEPS, 1)))[probe]

right = np.argmax(outputs, axis=-1) == test_labels[..., 0]
in_spikes = 100 * right.mean(axis=0)
for step in (10, 20, 40, N_STEPS):
    print(f"Accuracy in spikes: {in_spikes[step - 1]:.1f} % after {step} steps")

# %%
# The figure
# ----------
#
# On the left is how training went; on the right, what the same weights do in spikes.
# Spikes have to pass two layers, so for some steps nothing at all comes out.

fig, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4), sharey=True, layout="constrained"
)
epochs = np.arange(1, N_EPOCHS + 1)
left.plot(epochs, 100 * np.array(history["scores_accuracy"]), label="training")
left.plot(
    epochs, 100 * np.array(history["val_scores_accuracy"]), label="held-out digits"
)
left.set(
    title="Training in rates", xlabel="epoch", ylabel="accuracy (%)", ylim=(0, 102)
)
left.legend(loc="lower right")
right.axhline(in_rates, color="gray", linestyle=":", label="in rates")
right.plot(np.arange(1, N_STEPS + 1), in_spikes, color="tab:orange", label="in spikes")
right.set(title="Running in spikes", xlabel="time steps (of 1 ms)")
right.legend(loc="lower right")
fig.savefig("from_tensorflow.png", dpi=150)
print("Look at from_tensorflow.png")
