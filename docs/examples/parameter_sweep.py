"""
Parameter sweep: many small simulations at once
===============================================

Which learning rate, how many neurons, and which firing rates? Optuna draws them at
random for a small spiking classifier of scikit-learn's ``load_digits``, in several
processes with one simulator each, and keeps what comes out in a file that all of them
share. The guide has a page on what there is to know, "Many simulations at once".

Run it with ``python parameter_sweep.py``; ``--quick`` makes it short. It needs
``nengo-dl``, ``matplotlib``, ``scikit-learn`` and ``optuna``; in a clone of the
repository, ``uv run docs/examples/parameter_sweep.py`` installs them.
"""

import argparse
import os
import tempfile

# TensorFlow's notes about a missing graphics card look like errors of this script.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nengo_dl

import joblib
import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
import optuna
from sklearn.datasets import load_digits

parser = argparse.ArgumentParser(description="Search for parameters of a classifier.")
parser.add_argument("--quick", action="store_true", help="do few and short trials")
QUICK = parser.parse_args().quick
N_PROCESSES = 2
N_TRIALS = 2 if QUICK else 10  # of each process
N_EPOCHS = 2 if QUICK else 10
N_STEPS = 30  # of a run in spikes

# %%
# One trial
# ---------
#
# Trained in rates, measured in spikes. Each process has one thread for TensorFlow: more
# processes than that would only take turns.


def build(n_neurons, max_rate):
    """Build a network with one layer of spiking neurons."""
    with nengo.Network(seed=0) as net:
        threads = ("intra_op_parallelism_threads", "inter_op_parallelism_threads")
        nengo_dl.configure_settings(session_config=dict.fromkeys(threads, 1))
        net.config[nengo.Connection].synapse = None
        pixels = nengo.Node(np.zeros(64))
        kind = nengo.SpikingRectifiedLinear(amplitude=1 / max_rate)
        rates, bias = nengo.dists.Choice([max_rate]), nengo.dists.Choice([0])
        ens = nengo.Ensemble(
            n_neurons, 1, neuron_type=kind, max_rates=rates, intercepts=bias
        )
        scores = nengo.Node(size_in=10)
        nengo.Connection(pixels, ens.neurons, transform=nengo_dl.dists.Glorot())
        nengo.Connection(ens.neurons, scores, transform=nengo_dl.dists.Glorot())
        nengo.Probe(scores)
    return net


def objective(trial):
    """Draw parameters, and return the accuracy in spikes."""
    n_neurons = trial.suggest_int("n_neurons", 20, 200, log=True)
    max_rate = trial.suggest_float("max_rate", 20, 500, log=True)
    learning_rate = trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True)
    images, digits = load_digits(return_X_y=True)
    x = np.repeat(images[:, None, :] / 16, N_STEPS, axis=1)
    y = np.repeat(digits[:, None, None], N_STEPS, axis=1)
    net = build(n_neurons, max_rate)
    with nengo_dl.Simulator(net, minibatch_size=100, seed=0, progress_bar=False) as sim:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        sim.compile(keras.optimizers.Adam(learning_rate), loss=loss)
        # A step of training, many of a run: rates need no time.
        sim.fit(x[:1400, :1], y[:1400, :1], epochs=N_EPOCHS, verbose=0)
        scores = sim.predict(x[1400:], verbose=0)[net.probes[0]]
    found = scores.mean(axis=1).argmax(axis=-1)
    return float(np.mean(found == digits[1400:]))


# %%
# Several processes
# -----------------
#
# Each does some of the trials. They share nothing but a file. The seeds differ, or all
# would draw the same.


def work(path, seed):
    """Do the trials of one process."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.load_study(
        study_name="digits",
        storage=storage_of(path),
        sampler=optuna.samplers.RandomSampler(seed=seed),
    )
    study.optimize(objective, n_trials=N_TRIALS)


def storage_of(path):
    """Open the file in which trials are kept."""
    backend = optuna.storages.journal.JournalFileBackend(path)
    return optuna.storages.JournalStorage(backend)


folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, "trials.log")
study = optuna.create_study(
    study_name="digits", storage=storage_of(path), direction="maximize"
)
# Its processes are started anew, not forked: TensorFlow does not survive a fork.
joblib.Parallel(n_jobs=N_PROCESSES, backend="loky")(
    joblib.delayed(work)(path, seed) for seed in range(N_PROCESSES)
)

# %%
# What came out
# -------------

trials = sorted(study.trials, key=lambda trial: trial.value)
for trial in trials[-5:]:
    values = ", ".join(f"{name} {value:.4g}" for name, value in trial.params.items())
    print(f"Accuracy {100 * trial.value:5.1f} % with {values}")
print(f"Trials: {len(trials)}, the best with {100 * study.best_value:.1f} %")

fig, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
for ax, name in zip(axes, study.best_params, strict=True):
    ax.semilogx([t.params[name] for t in trials], [100 * t.value for t in trials], "o")
    ax.set(xlabel=name)
axes[0].set(ylabel="accuracy in spikes (%)")
fig.savefig("parameter_sweep.png", dpi=150)
folder.cleanup()
print("Look at parameter_sweep.png")
