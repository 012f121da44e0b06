"""
TensorNodes: Keras layers inside a Nengo network
================================================

Not everything is best said in neurons. A ``TensorNode`` is a node of a Nengo network
that computes with TensorFlow: a function, a Keras layer, or a whole Keras model. It is
compiled, differentiated and batched together with all the rest.

Here spiking neurons read handwritten digits through a small convolutional model of
Keras. At first the model stays as it was initialised, at random, and only the Nengo
part is trained. Then both are trained together, which is much better.

Run it with ``python tensor_nodes.py``. ``--quick`` makes it short. It needs
``nengo-dl``, ``matplotlib`` and ``scikit-learn``; in a clone of the repository,
``uv run docs/examples/tensor_nodes.py`` installs them.
"""

import argparse

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser(description="Train Keras and Nengo together.")
parser.add_argument("--quick", action="store_true", help="train for a short time")
N_EPOCHS = 3 if parser.parse_args().quick else 20
N_STEPS, N_BRIGHT = 80, 50  # to run in spikes, of 1 ms
MINIBATCH_SIZE = 60

images, labels = load_digits(return_X_y=True)
train_images, test_images, train_labels, test_labels = train_test_split(
    images[:, None] / 16, labels[:, None, None], train_size=1440, random_state=0
)
test_images, test_labels = test_images[:300], test_labels[:300]  # 5 minibatches

# %%
# Three ways to make a TensorNode
# -------------------------------
#
# - ``nengo_dl.TensorNode(function, ...)`` is a node like any other, to be connected by
#   hand. The function gets the time, in seconds, and a batch of inputs. Here it is a
#   screen that goes dark.
# - ``nengo_dl.Layer(what)(input)`` makes a node and connects it to its input. It takes
#   Keras layers and models, and functions of ``x``. ``shape_in`` says how to see the
#   values of a Nengo signal, which is flat.
# - ``nengo_dl.tensor_layer(input, what, ...)`` does both in one call; further arguments
#   are those of the function, or of the class of Keras layers.
#
# Between them are neurons of Nengo. What comes before them sets their currents, and
# their spikes are what the last layer sees, through a synapse.


def go_dark(t, x):
    """Show the image at first only."""
    return x * tf.cast(t < 0.001 * (N_BRIGHT + 0.5), x.dtype)


def build_keras_model(trainable):
    """Return a small model that finds ten features in an image."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    model.trainable = trainable
    return model


def build_network(model, synapse=None):
    """Connect pixels, screen, Keras model, neurons and scores in a row."""
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].gain = nengo.dists.Choice([100])
        net.config[nengo.Ensemble].bias = nengo.dists.Uniform(-50, 50)
        he = nengo_dl.dists.He()

        net.pixels = nengo.Node(np.zeros(64))
        screen = nengo_dl.TensorNode(go_dark, size_in=64, size_out=64)
        nengo.Connection(net.pixels, screen, synapse=None)
        features = nengo_dl.Layer(model)(screen, shape_in=(8, 8, 1))
        relu = nengo.SpikingRectifiedLinear(amplitude=0.01)
        neurons = nengo.Ensemble(100, 1, neuron_type=relu).neurons
        nengo.Connection(features, neurons, transform=he, synapse=None)
        scores = nengo_dl.tensor_layer(
            neurons, keras.layers.Dense, units=10, synapse=synapse
        )
        net.scores = nengo.Probe(scores, label="scores", synapse=synapse)
    return net


# %%
# Training
# --------
#
# For training there are no synapses, and one step is enough: spiking neurons take part
# by their firing rates. The weights of the Keras model are parameters of the simulator:
# ``fit`` changes them, unless the model is not ``trainable``, and ``save_params`` saves
# them.


def train(model, path):
    """Train what is trainable; return the loss after each epoch."""
    net = build_network(model)
    with nengo_dl.Simulator(
        net, minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
    ) as sim:
        sim.compile(
            keras.optimizers.Adam(2e-3),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        history = sim.fit(train_images, train_labels, epochs=N_EPOCHS).history
        sim.save_params(path)
    return history["loss"]


# %%
# Running in spikes
# -----------------
#
# The same network with synapses gets these parameters, and sees held-out digits. The
# answer is read in the last step before the screen goes dark.


def run_in_spikes(model, path):
    """Return the scores of the test images over time."""
    net = build_network(model, synapse=0.005)
    with nengo_dl.Simulator(
        net, minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
    ) as sim:
        sim.load_params(path)
        return sim.predict(np.tile(test_images, (1, N_STEPS, 1)))[net.scores]


losses, outputs = {}, {}
for name, trainable in (("Nengo part only", False), ("Keras and Nengo", True)):
    model = build_keras_model(trainable)
    losses[name] = train(model, "tensor_nodes.npz")
    outputs[name] = run_in_spikes(model, "tensor_nodes.npz")
    answers = np.argmax(outputs[name][:, N_BRIGHT - 1], axis=-1)
    accuracy = 100 * np.mean(answers == test_labels[:, 0, 0])
    print(f"Accuracy in spikes, trained {name}: {accuracy:.1f} %")

# %%
# The figure
# ----------

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for name, values in losses.items():
    left.semilogy(range(1, N_EPOCHS + 1), values, label=f"trained: {name}")
left.set(title="Training", xlabel="epoch", ylabel="loss")
left.xaxis.get_major_locator().set_params(integer=True)
left.legend()
times, label = np.arange(1, N_STEPS + 1), test_labels[0, 0, 0]
for digit in range(10):
    color = "tab:orange" if digit == label else "lightgray"
    scores = outputs["Keras and Nengo"][0, :, digit]
    right.plot(times, scores, color=color, linewidth=2 if digit == label else 1)
right.axvspan(N_BRIGHT, N_STEPS, color="black", alpha=0.15, label="the screen is dark")
right.plot([], color="tab:orange", label=f"score of {label}, which is right")
right.plot([], color="lightgray", label="other scores")
right.set(title=f"Spikes: a {label} is shown", xlabel="time (ms)", ylabel="score")
right.set_ylim(top=1.6 * right.get_ylim()[1])
right.legend(loc="upper right")
fig.savefig("tensor_nodes.png", dpi=150)
print("Look at tensor_nodes.png")
