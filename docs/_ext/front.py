"""Compute the pictures of the front page, when the site is built."""

import os
from collections.abc import Callable
from pathlib import Path

import nengo_dl
from nengo_dl_spaun_bench.spaun import motor
from nengo_dl_spaun_bench.spaun.drawing import strokes

import keras
import matplotlib
import nengo
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sphinx.application import Sphinx

_GRAY, _ORANGE, _INK = "#aab2bc", "#d95f0e", "#21252b"
_STYLE = {
    "svg.hashsalt": "front",  # the same picture is the same file
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GRAY,
    "font.size": 11,
}


def _marks(times: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a short upright line for each spike, as one line with gaps."""
    nan = np.full_like(times, np.nan)
    x = np.stack([times, times, nan], axis=1)
    y = np.stack([rows - 0.4, rows + 0.4, nan], axis=1)
    return x.ravel(), y.ravel()


def draw_population(path: Path) -> None:
    """Draw the spikes of a population, and what is decoded from them."""
    with nengo.Network(seed=1) as net:
        wave = nengo.Node(lambda t: np.sin(2 * np.pi * t))
        population = nengo.Ensemble(50, 1, max_rates=nengo.dists.Uniform(60, 120))
        nengo.Connection(wave, population)
        spikes = nengo.Probe(population.neurons)
        decoded = nengo.Probe(population, synapse=0.02)
    with nengo_dl.Simulator(net, progress_bar=False, device="/cpu:0") as sim:
        sim.run(1.0)
    order = np.argsort(sim.data[population].encoders[:, 0])
    steps, rows = np.nonzero(sim.data[spikes][:, order])
    fig = Figure(figsize=(5, 3.6), layout="constrained")
    top, bottom = fig.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    top.plot(*_marks(sim.trange()[steps], rows), color=_INK, linewidth=0.7)
    top.set(ylabel="neuron", yticks=[])
    bottom.plot(sim.trange(), np.sin(2 * np.pi * sim.trange()), _GRAY, linewidth=4)
    bottom.plot(sim.trange(), sim.data[decoded], _ORANGE)
    bottom.set(ylabel="decoded", yticks=[-1, 0, 1], xlabel="time (s)")
    fig.savefig(path, metadata={"Date": None})


def _train() -> tuple[keras.Model, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return a small model, what it was trained with, and a test."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype("float32")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    hidden = [layers.Dense(n, activation="relu", name=f"d{n}") for n in (64, 32)]
    model = keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(10, name="y")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.005), loss, metrics=["accuracy"])
    model.fit(images[:1400], labels[:1400], batch_size=64, epochs=20, verbose=0)
    return model, images[:200], (images[1400:], labels[1400:])


def draw_conversion(path: Path) -> None:
    """Draw how accurate a converted network is after each step."""
    model, shown, test = _train()
    _, in_keras = model.evaluate(*test, verbose=0)
    spikes = {"relu": nengo.SpikingRectifiedLinear()}
    converter = nengo_dl.Converter(model, swap_activations=spikes)
    converter.net.seed = 0
    fig = Figure(figsize=(5, 3.6), layout="constrained")
    ax = fig.subplots()
    ax.axhline(100 * in_keras, color=_GRAY, linewidth=4, label="in Keras")
    for name, color in (("as converted", _INK), ("calibrated", _ORANGE)):
        if name == "calibrated":
            converter.calibrate(shown, n_steps=30, progress_bar=False)
        curve = converter.accuracy_curve(*test, n_steps=30, progress_bar=False)
        ax.plot(curve.steps, 100 * curve.accuracy, color, label=f"in spikes, {name}")
    ax.set(xlabel="steps of 1 ms", ylabel="accuracy (%)", ylim=(0, 100))
    ax.legend(loc="center right", frameon=False)
    fig.savefig(path, metadata={"Date": None})


def _run_motor(n_steps: int = 850) -> np.ndarray:
    """Return what Spaun's motor module does with the pen, for each digit."""
    with nengo.Network(seed=1) as net:
        nengo_dl.configure_settings(inference_only=True)
        go, digit = nengo.Node([0.0]), nengo.Node(np.zeros(11))
        part = motor.motor()
        nengo.Connection(go, part.ramp.run, synapse=None)
        nengo.Connection(go, part.drawing, synapse=None)
        nengo.Connection(digit, part.sources, synapse=None)
        pen = nengo.Probe(part.pen)
    wanted = np.eye(11)[:10, None].repeat(n_steps, axis=1)
    started = np.tile(np.arange(n_steps)[None, :, None] >= 50, (10, 1, 1))
    with nengo_dl.Simulator(
        net, minibatch_size=10, progress_bar=False, device="/cpu:0"
    ) as sim:
        sim.run_steps(n_steps, data={go: started.astype(float), digit: wanted})
    return sim.data[pen]


def draw_digits(path: Path) -> None:
    """Draw the strokes of the pen."""
    fig = Figure(figsize=(5, 2.6), layout="constrained")
    for ax, pen in zip(fig.subplots(2, 5).flat, _run_motor(), strict=True):
        for stroke in strokes(pen):
            ax.plot(*stroke.T, _ORANGE, linewidth=2)
        ax.set(aspect="equal", xlim=(-0.9, 0.9), ylim=(-1.1, 1.1))
        ax.axis("off")
    fig.savefig(path, metadata={"Date": None})


_PICTURES: dict[str, Callable[[Path], None]] = {
    "population.svg": draw_population,
    "conversion.svg": draw_conversion,
    "digits.svg": draw_digits,
}


def _draw_all(app: Sphinx) -> None:
    """Draw what is not there, or older than this file."""
    folder = Path(app.srcdir, "front")
    folder.mkdir(exist_ok=True)
    for name, draw in _PICTURES.items():
        path = folder / name
        if not path.exists() or os.stat(path).st_mtime < os.stat(__file__).st_mtime:
            with matplotlib.rc_context(_STYLE):
                draw(path)


def setup(app: Sphinx) -> dict:
    """Draw before pages are read."""
    app.connect("builder-inited", _draw_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
