r"""
A Legendre memory unit reads digits, one pixel at a time
========================================================

A network that sees an image one pixel after the other must remember the pixels before.
The Legendre memory unit (LMU) does that with a linear memory, in the form of a
differential equation, whose matrices are known.

Its state :math:`m` holds the last :math:`\theta` seconds of a signal :math:`u`, as
coefficients of Legendre polynomials [1]_:

.. math::

   \theta \dot m = A m + B u, \qquad
   A_{ij} = (2i + 1) \begin{cases} -1 & i < j \\ (-1)^{i-j+1} & i \ge j \end{cases},
   \qquad B_i = (2i + 1) (-1)^i

We build it from Nengo's objects, look at what it remembers, and train a classifier
around it, next to one of the same size without this memory.

Run it with ``python legendre_memory.py``. ``--quick`` makes it short. It needs
``nengo-dl``, ``matplotlib`` and ``scikit-learn``; in a clone of the repository,
``uv run docs/examples/legendre_memory.py`` installs them.

.. [1] Voelker, A. R., Kajić, I., and Eliasmith, C. (2019). Legendre memory units:
   Continuous-time representation in recurrent neural networks. *Advances in Neural
   Information Processing Systems*, 32.
"""

import argparse

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
from scipy.linalg import expm
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser(description="Train a Legendre memory unit.")
parser.add_argument("--quick", action="store_true", help="train for a short time")
N_EPOCHS = 4 if parser.parse_args().quick else 30
N_PIXELS = 64  # the window of the memory, in steps: theta
ORDER = 32  # of the memory: the number of polynomials
N_HIDDEN = 48
MINIBATCH_SIZE = 60

# %%
# The data
# --------
#
# The rows of an 8 x 8 image, one after the other, make 64 time steps of one value.

images, labels = load_digits(return_X_y=True)
train_images, test_images, train_labels, test_labels = train_test_split(
    images[:, :, None] / 16, labels[:, None, None], train_size=1440, random_state=0
)
test_images, test_labels = test_images[:300], test_labels[:300]  # 5 minibatches

# %%
# The memory
# ----------
#
# If :math:`u` is constant during a step, the equation can be solved exactly: the state
# after a step is :math:`\bar A m + \bar B u`, with :math:`\bar A = e^{A / \theta}` and
# :math:`\bar B = A^{-1} (\bar A - I) B`, for :math:`\theta` in steps.


def memory_matrices(order, theta):
    """Return the matrices of a step."""
    i, j = np.indices((order, order))
    a = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1))
    b = (2 * np.arange(order) + 1) * (-1.0) ** np.arange(order)
    step_a = expm(a / theta)
    return step_a, np.linalg.solve(a, (step_a - np.eye(order)) @ b)[:, None]


# %%
# In Nengo it is a node that passes on what comes in, connected with itself. A synapse
# of 0 seconds delays by one step. (No synapse at all would be a circle without a
# beginning.) Its two connections are not trained.


def add_memory(net):
    """Return the input and the state of a Legendre memory."""
    step_a, step_b = memory_matrices(ORDER, N_PIXELS)
    u, m = nengo.Node(size_in=1), nengo.Node(size_in=ORDER)
    for connection in (
        nengo.Connection(m, m, transform=step_a, synapse=0),
        nengo.Connection(u, m, transform=step_b, synapse=None),
    ):
        net.config[connection].trainable = False
    return u, m


# %%
# What does it remember? The value :math:`\theta'` before the end is
# :math:`\sum_i P_i(2 \theta' / \theta - 1) \, m_i`, where :math:`P_i` are the Legendre
# polynomials. So 32 numbers give back an image of 64 pixels, somewhat blurred.

with nengo.Network() as net:
    nengo_dl.configure_settings(trainable=None)
    pixels = nengo.Node([0])
    u, m = add_memory(net)
    nengo.Connection(pixels, u, synapse=None)
    state = nengo.Probe(m)

with nengo_dl.Simulator(net, minibatch_size=5, progress_bar=False) as sim:
    last_states = sim.predict(test_images[:5])[state][:, -1]

ages = (N_PIXELS - 0.5 - np.arange(N_PIXELS)) / N_PIXELS
recalled = np.polynomial.legendre.legval(2 * ages - 1, last_states.T)
error = np.sqrt(np.mean((recalled - test_images[:5, :, 0]) ** 2))
print(f"Error of recalled pixels: {error:.3f} (pixels are from 0 to 1)")

# %%
# The network
# -----------
#
# Hidden units see the pixel, themselves and the memory; what is written to the memory
# is a mix of the pixel and the hidden units. All these weights are trained. Without the
# memory it is a simple recurrent network.


def build_network(with_memory):
    """Connect pixels, memory, hidden units and scores."""
    glorot = nengo_dl.dists.Glorot()
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=None, keep_history=False)
        net.config[nengo.Connection].synapse = None
        net.config[nengo.Ensemble].neuron_type = nengo.Tanh(tau_ref=1)
        net.config[nengo.Ensemble].gain = nengo.dists.Choice([1])
        net.config[nengo.Ensemble].bias = nengo.dists.Choice([0])

        pixels = nengo.Node([0], label="pixels")
        hidden = nengo.Ensemble(N_HIDDEN, 1).neurons
        nengo.Connection(pixels, hidden, transform=glorot)
        nengo.Connection(hidden, hidden, transform=glorot, synapse=0)
        if with_memory:
            u, m = add_memory(net)
            nengo.Connection(pixels, u)
            nengo.Connection(hidden, u, transform=np.zeros((1, N_HIDDEN)), synapse=0)
            nengo.Connection(m, hidden, transform=glorot)
        scores = nengo.Node(size_in=10)
        nengo.Connection(hidden, scores, transform=glorot)
        nengo.Probe(scores, label="scores")
    return net


# %%
# Training
# --------
#
# Gradients go back through all 64 steps. Only the scores in the last step count, so the
# probe keeps no history.

accuracies = {}
for name, with_memory in (("without memory", False), ("with memory", True)):
    net = build_network(with_memory)
    with nengo_dl.Simulator(
        net, minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
    ) as sim:
        sim.compile(
            keras.optimizers.Adam(3e-3),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        history = sim.fit(
            train_images,
            train_labels,
            epochs=N_EPOCHS,
            validation_data=(test_images, test_labels),
        ).history
    accuracies[name] = 100 * np.array(history["val_scores_accuracy"])
    print(f"Accuracy {name}: {accuracies[name][-1]:.1f} %")

# %%
# The figure
# ----------

fig = plt.figure(figsize=(11, 3.4), layout="constrained")
left, right = fig.subfigures(1, 2, width_ratios=[1.25, 1])
axes = left.subplots(2, 5)
for i, (seen, kept) in enumerate(axes.T):
    seen.imshow(test_images[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
    kept.imshow(recalled[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
axes[0, 0].set_ylabel("seen")
axes[1, 0].set_ylabel("recalled")
left.suptitle(f"{N_PIXELS} pixels from {ORDER} numbers")
ax = right.subplots()
for name, values in accuracies.items():
    ax.plot(range(1, N_EPOCHS + 1), values, label=name)
ax.axhline(10, color="gray", linestyle=":", label="by chance")
ax.set(xlabel="epoch", ylabel="accuracy, held-out digits (%)", ylim=(0, 100))
ax.legend(loc="lower right")
fig.savefig("legendre_memory.png", dpi=150)
print("Look at legendre_memory.png")
