"""
Semantic pointers: a memory of neurons
======================================

Pairs of semantic pointers are stored in a memory of neurons, then it is asked for one
of them.

The task is that of the paper on NengoDL [1]_. A network sees some pairs of an attribute
and a value (say *colour*, *red*), one after the other. It binds the two by circular
convolution, and adds them up in a recurrent ensemble of neurons, its memory. Then it is
given one of the attributes as a cue, and has to answer with the value that was bound to
it, which it gets by convolving the memory with the inverse of the cue.

All parts are built by the Neural Engineering Framework, so the network works before any
training. It is the better, the more neurons it has. Then all its parameters are trained
by gradient descent, through all steps of a trial. With few neurons that makes up for
much of what is missing.

Printed is how many of the answers are right, before and after training, for several
numbers of neurons per dimension. ``spa_memory_output`` gets ``accuracy.png``.

Run it with ``python spa_memory.py``, which takes some minutes. ``--quick`` makes it
short, and ``--help`` lists the options. It needs ``nengo-dl`` and ``matplotlib``; in a
clone of the repository, ``uv run docs/examples/spa_memory.py`` installs them. (The
example ``spa_retrieval.py`` is about retrieval alone, without a memory.)

.. [1] Rasmussen, D. (2019). NengoDL: Combining deep learning and neuromorphic modelling
   methods. *Neuroinformatics*, 17(4), 611-628.
"""

import argparse
import time
from pathlib import Path

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np

DIMENSIONS = 24  # of the semantic pointers
N_POINTERS = 24  # to choose attributes and values from
NODES = ("attribute", "value", "cue")
N_PAIRS = 2  # to remember in a trial
PAIR_STEPS, CUE_STEPS = 10, 10  # how long each is shown, in milliseconds
SCORED_STEPS = 3  # at the end of the cue
N_TRIALS = 2560  # to train on, and as many to test with
LEARNING_RATE = 3e-3  # divided by the neurons per dimension: weights are, too
MINIBATCH_SIZE = 64
SYNAPSE = 0.005  # in seconds


# %%
# The task
# --------
#
# A pair is shown for ten steps, then the next one, then the cue. Attributes and values
# of a trial are all different. Pointers have Fourier coefficients of length 1, so that
# the inverse of a pointer undoes what binding to it did.


def make_pointers(n, rng):
    """Return vectors of length 1 that can be bound and unbound without loss."""
    phases = rng.uniform(-np.pi, np.pi, size=(n, DIMENSIONS // 2 + 1))
    phases[:, [0, -1]] = 0
    return np.fft.irfft(np.exp(1j * phases), DIMENSIONS)


def make_trials(pointers, rng):
    """Return what the network sees in each trial, and which pointers are right."""
    n_steps = N_PAIRS * PAIR_STEPS + CUE_STEPS
    shown = {name: np.zeros((N_TRIALS, n_steps, DIMENSIONS)) for name in NODES}
    answers = np.zeros(N_TRIALS, int)
    for trial in range(N_TRIALS):
        chosen = rng.choice(len(pointers), (2, N_PAIRS), replace=False)
        for pair, (attribute, value) in enumerate(chosen.T):
            steps = slice(pair * PAIR_STEPS, (pair + 1) * PAIR_STEPS)
            shown["attribute"][trial, steps] = pointers[attribute]
            shown["value"][trial, steps] = pointers[value]
        cued = rng.randint(N_PAIRS)
        shown["cue"][trial, -CUE_STEPS:] = pointers[chosen[0, cued]]
        answers[trial] = chosen[1, cued]
    return shown, answers


# %%
# The network
# -----------
#
# Rectified linear neurons have rates, not spikes, and there are synapses only in the
# memory: everything else is there in the same step. So a trial can be as short as 30
# steps.


def build_network(neurons_per_dimension, seed):
    """Bind, remember, unbind."""
    with nengo.Network(seed=seed) as net:
        net.config[nengo.Ensemble].neuron_type = nengo.RectifiedLinear()
        net.config[nengo.Ensemble].gain = nengo.dists.Choice([1, -1])
        net.config[nengo.Ensemble].bias = nengo.dists.Uniform(-1, 1)
        net.config[nengo.Connection].synapse = None
        nengo_dl.configure_settings(trainable=None)

        net.inputs = {name: nengo.Node(np.zeros(DIMENSIONS)) for name in NODES}
        bind = nengo.networks.CircularConvolution(neurons_per_dimension, DIMENSIONS)
        memory = nengo.Ensemble(neurons_per_dimension * DIMENSIONS, DIMENSIONS)
        unbind = nengo.networks.CircularConvolution(
            neurons_per_dimension, DIMENSIONS, invert_b=True
        )
        nengo.Connection(net.inputs["attribute"], bind.input_a)
        nengo.Connection(net.inputs["value"], bind.input_b)
        # What is shown for all its steps adds up to the pair itself.
        gain = SYNAPSE / (0.001 * PAIR_STEPS)
        nengo.Connection(bind.output, memory, transform=gain, synapse=SYNAPSE)
        nengo.Connection(memory, memory, synapse=SYNAPSE)
        nengo.Connection(memory, unbind.input_a)
        nengo.Connection(net.inputs["cue"], unbind.input_b)
        net.answer = nengo.Probe(unbind.output)
        for convolution in (bind, unbind):
            leave_unused_outputs(net, convolution.product)
    return net


def leave_unused_outputs(net, product):
    """Do not train what nothing depends on: a product reads nothing but squares."""
    for array in (product.sq1, product.sq2):
        for connection in array.connections:
            if connection.post_obj is array.output:
                net.config[connection].trainable = False


# %%
# Training and testing
# --------------------
#
# The answer is the mean over the last steps of a trial. Targets that are NaN count for
# nothing, so the network may do as it likes before.


def accuracy(sim, net, trials, pointers):
    """Return how many answers are most like the right value, in percent."""
    shown, answers = trials
    right = []
    for start in range(0, N_TRIALS, MINIBATCH_SIZE):
        items = slice(start, start + MINIBATCH_SIZE)
        data = {net.inputs[name]: shown[name][items] for name in NODES}
        sim.soft_reset(include_probes=True)
        sim.run_steps(shown["cue"].shape[1], data=data, progress_bar=False)
        answer = sim.data[net.answer][:, -SCORED_STEPS:].mean(axis=1)
        right.append(np.argmax(answer @ pointers.T, axis=1) == answers[items])
    return 100 * np.mean(right)


def train(sim, net, trials, pointers, n_epochs, learning_rate):
    """Train on the last steps of each trial; those before have no target."""
    shown, answers = trials
    targets = np.full(shown["cue"].shape, np.nan)
    targets[:, -SCORED_STEPS:] = pointers[answers][:, None]
    data = {net.inputs[name]: shown[name] for name in NODES}
    sim.train(
        {**data, net.answer: targets},
        keras.optimizers.RMSprop(learning_rate),
        n_epochs=n_epochs,
    )


def measure(neurons_per_dimension, n_epochs, seed):
    """Return the accuracy before and after training, on trials not trained on."""
    rng = np.random.RandomState(seed)
    pointers = make_pointers(N_POINTERS, rng)
    training_trials, test_trials = (make_trials(pointers, rng) for _ in range(2))
    net = build_network(neurons_per_dimension, seed)
    with nengo_dl.Simulator(
        net, minibatch_size=MINIBATCH_SIZE, seed=seed, progress_bar=False
    ) as sim:
        before = accuracy(sim, net, test_trials, pointers)
        rate = LEARNING_RATE / neurons_per_dimension
        train(sim, net, training_trials, pointers, n_epochs, rate)
        return before, accuracy(sim, net, test_trials, pointers)


def plot_accuracy(neurons, results, path):
    """Draw the accuracies over the number of neurons."""
    fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for values, label in zip(np.transpose(results), ("before", "after"), strict=True):
        ax.plot(neurons, values, "o-", label=f"{label} training")
    ax.axhline(100 / N_POINTERS, color="gray", linestyle=":", label="by chance")
    ax.set(xlabel="neurons per dimension", ylabel="right answers (%)", ylim=(0, 100))
    fig.legend(loc="outside upper center", ncols=3)
    fig.savefig(path, dpi=150)


# %%
# All together
# ------------
#
# Last comes what the script does when it is run.


def main():
    """Measure, print, draw."""
    start, options = time.perf_counter(), parse_options()
    options.output.mkdir(parents=True, exist_ok=True)
    results = []
    print("neurons per dimension   before   after training (% right)")
    for neurons in options.neurons:
        results.append(measure(neurons, options.epochs, options.seed))
        print("{:>21}   {:>6.1f}   {:>5.1f}".format(neurons, *results[-1]), flush=True)
    plot_accuracy(options.neurons, results, options.output / "accuracy.png")
    print(f"All took {time.perf_counter() - start:.0f} s")
    print(f"Look at the file in {options.output}")


def parse_options():
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train a memory of semantic pointers.")
    add = parser.add_argument
    sizes = [5, 10, 20, 30, 50]
    add("--neurons", type=positive, nargs="+", default=sizes, help="per dimension")
    add("--epochs", type=positive, default=10, help="how often to see all trials")
    add("--quick", action="store_true", help="the same as --neurons 5 15 --epochs 2")
    add("--seed", type=int, default=0, help="of the pointers, trials and networks")
    add("--output", type=Path, default="spa_memory_output", help="a folder")
    options = parser.parse_args()
    if options.quick:
        options.neurons, options.epochs = [5, 15], 2
    return options


def positive(text):
    """Convert to a whole number above zero."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {text}")
    return int(text)


if __name__ == "__main__":
    main()
