"""
Trains the weights of Spaun's vision.

Run it with ``python -m nengo_dl_spaun_bench.spaun.vision_training vision.npz``. Neurons
are trained in rates (which NengoDL does with LIF neurons by itself), then measured in
spikes, with images that were not trained on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nengo
import numpy as np

from .paths import STYLE, style
from .symbols import (
    DIGITS,
    GLYPHS,
    SIDE,
    SYMBOLS,
    digit_images,
    glyph_image,
    split,
    training_set,
)
from .vision import BETWEEN_LAYERS, initial_weights, layers

SEED = 1
EPOCHS = 60
MINIBATCH_SIZE = 256
LEARNING_RATE = 1e-3

#: Images without anything, next to all others.
BLANKS = 300

#: How much errors of the style count, next to those of scores.
STYLE_WEIGHT = 1.0


def targets(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """
    Say what vision is to give out.

    Parameters
    ----------
    images : (n, 64) array
        Images.
    labels : (n,) array
        Positions in `SYMBOLS`, or -1 of what shows nothing.

    Returns
    -------
    targets : (n, 28) array
        1 for the symbol that is shown and 0 for the others; the style of a digit,
        and NaN where there is none.
    """
    made = np.zeros((len(images), len(SYMBOLS) + len(STYLE)))
    for row, image, label in zip(made, images, labels, strict=True):
        if label >= 0:
            row[label] = 1
        row[len(SYMBOLS) :] = np.nan
        if 0 <= label < len(DIGITS):
            row[len(SYMBOLS) :] = np.clip(style(image, label), -0.5, 0.5)
    return made


def train(seed: int = SEED, epochs: int = EPOCHS) -> dict[str, np.ndarray]:
    """
    Train weights.

    Parameters
    ----------
    seed : int
        Of the initial weights, of the jitter and of the order of the images.
    epochs : int
        How often all images are seen.

    Returns
    -------
    weights : dict of array
        What `vision.layers` takes.
    """
    # Imported here, because TensorFlow takes seconds.
    import tensorflow as tf

    import nengo_dl

    images, labels = training_set(seed)
    rng = np.random.RandomState(seed)
    images = np.concatenate([images, 0.04 * np.abs(rng.randn(BLANKS, SIDE**2))])
    labels = np.concatenate([labels, np.full(BLANKS, -1)])
    weights = initial_weights(seed)
    with nengo.Network(seed=seed) as net:
        pixels = nengo.Node(np.zeros(SIDE**2))
        neurons, output, connections = layers(pixels, weights, None)
        scores = nengo.Probe(output[: len(SYMBOLS)])
        styles = nengo.Probe(output[len(SYMBOLS) :])
    wanted = targets(images, labels)[:, None]
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE, epochs * -(-len(images) // MINIBATCH_SIZE)
    )
    with nengo_dl.Simulator(
        net, minibatch_size=MINIBATCH_SIZE, seed=seed, progress_bar=False
    ) as sim:
        sim.compile(
            tf.keras.optimizers.Adam(schedule),
            loss={scores: nengo_dl.losses.nan_mse, styles: nengo_dl.losses.nan_mse},
            loss_weights={scores: 1.0, styles: STYLE_WEIGHT},
        )
        sim.fit(
            {pixels: images[:, None]},
            {scores: wanted[..., : len(SYMBOLS)], styles: wanted[..., len(SYMBOLS) :]},
            epochs=epochs,
            verbose=2,
        )
        names = ("weights1", "weights2", "read_out")
        weights = {
            name: sim.data[c].weights
            for name, c in zip(names, connections, strict=True)
        }
        for k, layer in enumerate(neurons, start=1):
            weights[f"bias{k}"] = sim.data[layer].bias
    return weights


def accuracy(weights: dict[str, np.ndarray], seed: int = 0) -> tuple[float, float]:
    """
    Measure spiking vision: each image is shown for 150 ms.

    Parameters
    ----------
    weights : dict of array
        What `vision.layers` takes.
    seed : int
        Of the jitter of glyphs.

    Returns
    -------
    digits, glyphs : float
        Fractions of test digits and of jittered glyphs whose score is the highest,
        on average over the last 50 ms.
    """
    import nengo_dl

    rng = np.random.RandomState(seed)
    images, labels = digit_images()
    _, test = split()
    glyphs = [glyph_image(s, rng) for s in GLYPHS for _ in range(30)]
    shown = np.concatenate([images[test], glyphs])
    wanted = np.concatenate(
        [labels[test], np.repeat(len(DIGITS) + np.arange(len(GLYPHS)), 30)]
    )
    with nengo.Network(seed=seed) as net:
        pixels = nengo.Node(np.zeros(SIDE**2))
        _, output, _ = layers(pixels, weights, BETWEEN_LAYERS)
        probe = nengo.Probe(output)
    with nengo_dl.Simulator(net, minibatch_size=len(shown), progress_bar=False) as sim:
        sim.run_steps(150, data={pixels: np.repeat(shown[:, None], 150, axis=1)})
        scores = sim.data[probe][:, -50:, : len(SYMBOLS)].mean(axis=1)
    right = scores.argmax(axis=1) == wanted
    return float(right[: len(test)].mean()), float(right[len(test) :].mean())


if __name__ == "__main__":
    weights = train()
    digits, glyphs = accuracy(weights)
    print(f"right in spikes: {digits:.4f} of digits, {glyphs:.4f} of glyphs")
    Path(sys.argv[1]).unlink(missing_ok=True)
    stored: dict[str, Any] = {k: v.astype(np.float16) for k, v in weights.items()}
    np.savez_compressed(sys.argv[1], **stored)
