"""
Semantic pointers: what is bound to the cue?
============================================

A semantic pointer is a vector that stands for a concept. Two of them are *bound* by
circular convolution, which gives a third one, and pairs add up to a *trace* that holds
all of them: say *colour* bound to *red*, plus *shape* bound to *round*. Given a cue,
*colour*, the trace is convolved with its inverse, which leaves *red*, and noise.

Neurons do this well if they are many. Here they are few, and gradient descent makes
them do better. (This is the first task of the paper on NengoDL [1]_. The second one, in
which the trace is built up over time in a memory, is the example ``spa_memory.py``.)

Run it with ``python spa_retrieval.py``. ``--quick`` makes it short. It needs
``nengo-dl`` and ``matplotlib``; in a clone of the repository,
``uv run docs/examples/spa_retrieval.py`` installs them.

.. [1] Rasmussen, D. (2019). NengoDL: Combining deep learning and neuromorphic modelling
   methods. *Neuroinformatics*, 17(4), 611-628.
"""

import argparse

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np

parser = argparse.ArgumentParser(description="Train the retrieval of bound pointers.")
parser.add_argument("--quick", action="store_true", help="train for a short time")
N_EPOCHS = 5 if parser.parse_args().quick else 40
DIMENSIONS = 32  # of the pointers
N_POINTERS = 32  # to choose attributes and values from
NEURONS_PER_DIMENSION = 10
MAX_PAIRS = 8  # in a trace
MINIBATCH_SIZE = 64

# %%
# Pointers and traces
# -------------------
#
# In the Fourier domain convolution is a product. Pointers whose Fourier coefficients
# all have the length 1 can be bound and unbound without loss: the inverse of such a
# pointer has the conjugate coefficients. A trial has a trace of some pairs, one of its
# attributes as a cue, and a value for an answer.

rng = np.random.RandomState(0)
phases = rng.uniform(-np.pi, np.pi, (N_POINTERS, DIMENSIONS // 2 + 1))
phases[:, [0, -1]] = 0
pointers = np.fft.irfft(np.exp(1j * phases), DIMENSIONS)


def convolve(a, b):
    """Bind pointers."""
    return np.fft.irfft(np.fft.rfft(a) * np.fft.rfft(b), DIMENSIONS)


def make_trials(n_trials, n_pairs):
    """Return traces, cues, and which pointers are right."""
    chosen = np.argsort(rng.rand(n_trials, N_POINTERS))[:, : 2 * n_pairs]
    attributes, values = chosen[:, :n_pairs], chosen[:, n_pairs:]
    traces = convolve(pointers[attributes], pointers[values]).sum(axis=1)
    return traces / np.sqrt(n_pairs), pointers[attributes[:, 0]], values[:, 0]


# %%
# The network
# -----------
#
# ``CircularConvolution`` is a network of Nengo: ensembles that multiply, between two
# Fourier transforms. With rectified linear neurons and without synapses it gives its
# answer in one step.

with nengo.Network(seed=0) as net:
    net.config[nengo.Ensemble].neuron_type = nengo.RectifiedLinear()
    net.config[nengo.Ensemble].gain = nengo.dists.Choice([1, -1])
    net.config[nengo.Ensemble].bias = nengo.dists.Uniform(-1, 1)
    net.config[nengo.Connection].synapse = None
    nengo_dl.configure_settings(trainable=None)

    trace = nengo.Node(np.zeros(DIMENSIONS))
    cue = nengo.Node(np.zeros(DIMENSIONS))
    unbind = nengo.networks.CircularConvolution(
        NEURONS_PER_DIMENSION, DIMENSIONS, invert_b=True
    )
    nengo.Connection(trace, unbind.input_a)
    nengo.Connection(cue, unbind.input_b)
    probe = nengo.Probe(unbind.output)

    # The product reads squares only. Plain outputs of its ensembles serve nobody, so
    # there is nothing that training could make of them.
    for squares in (unbind.product.sq1, unbind.product.sq2):
        for connection in squares.connections:
            if connection.post_obj is squares.output:
                net.config[connection].trainable = False

# %%
# Training
# --------
#
# The network sees traces of all sizes. Its target is the pointer itself, so that it
# learns to leave out the noise. We measure how often the answer is more like the right
# value than like any other pointer, and compare with exact convolution.

training = [make_trials(1024, n_pairs) for n_pairs in range(1, MAX_PAIRS + 1)]
traces, cues, answers = (
    np.concatenate(parts)[:, None] for parts in zip(*training, strict=True)
)
data = {trace: traces, cue: cues, probe: pointers[answers]}
tests = [make_trials(640, n_pairs) for n_pairs in range(1, MAX_PAIRS + 1)]


def right(outputs, answers):
    """Return how many answers are right, in percent."""
    return 100 * np.mean(np.argmax(outputs @ pointers.T, axis=1) == answers)


def accuracies(sim):
    """Return the accuracy for each number of pairs, on trials not trained on."""
    shown = [{trace: t[:, None], cue: c[:, None]} for t, c, _ in tests]
    outputs = [sim.predict(x)[probe][:, 0] for x in shown]
    return [right(y, a) for y, (_, _, a) in zip(outputs, tests, strict=True)]


with nengo_dl.Simulator(
    net, minibatch_size=MINIBATCH_SIZE, seed=0, progress_bar=False
) as sim:
    before = accuracies(sim)
    sim.train(data, keras.optimizers.RMSprop(1e-4), n_epochs=N_EPOCHS)
    after = accuracies(sim)

inverse = np.roll(np.arange(DIMENSIONS)[::-1], 1)
exact = [right(convolve(t, c[:, inverse]), answers) for t, c, answers in tests]
print("pairs   before   after training   exact (% right)")
for n_pairs, *values in zip(range(1, MAX_PAIRS + 1), before, after, exact, strict=True):
    print("{:>5}   {:>6.1f}   {:>5.1f}            {:>5.1f}".format(n_pairs, *values))

# %%
# The figure
# ----------

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
n_pairs = np.arange(1, MAX_PAIRS + 1)
ax.plot(n_pairs, exact, "k:", label="exact convolution")
ax.plot(n_pairs, before, "o-", label="neurons, before training")
ax.plot(n_pairs, after, "o-", label="neurons, after training")
ax.set(xlabel="pairs in the trace", ylabel="right answers (%)", ylim=(0, 102))
ax.legend(loc="lower left")
fig.savefig("spa_retrieval.png", dpi=150)
print("Look at spa_retrieval.png")
