"""
A converted CNN: from a trained Keras model to spikes
=====================================================

A convolutional network is trained in Keras on handwritten digits of 28 x 28 pixels, and
``nengo_dl.Converter`` makes a network of spiking neurons of it. Here we

1. look at the report: what became of each layer;
2. see the network fail in spikes, and let ``diagnose`` say why;
3. calibrate it, and see how accurate it is after each step;
4. put what calibration has changed back into a Keras model, and into a network that
   runs in Nengo's own simulator.

Run it with ``python converted_cnn.py``: it takes about two minutes on two cores.
``--quick`` makes it short. It needs ``nengo-dl``, ``matplotlib`` and ``scikit-learn``;
in a clone of the repository, ``uv run docs/examples/converted_cnn.py`` installs them.
"""

import argparse

import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
from sklearn.datasets import load_digits

parser = argparse.ArgumentParser(description="Convert a trained CNN into spikes.")
parser.add_argument("--quick", action="store_true", help="train and test on less")
QUICK = parser.parse_args().quick
N_COPIES = 8 if QUICK else 100  # of each training image, shifted
N_TEST = 100 if QUICK else 797  # images to test with
N_IMAGES = 64 if QUICK else 200  # of the training, to calibrate with
N_STEPS = 32  # to run in spikes, of 1 ms
MINIBATCH_SIZE = 50

# %%
# The data
# --------
#
# Scikit-learn's digits are 1,797 scans of 8 x 8 pixels. Each pixel becomes a square of
# 3 x 3, and 2 empty pixels around all of them make 28 x 28. 1,000 images are for
# training, as copies that are shifted by up to 2 pixels; the other ones are for the
# test.

bunch = load_digits()
images = np.kron(bunch.images / 16, np.ones((1, 3, 3)))
images = np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None].astype(np.float32)
order = np.random.RandomState(0).permutation(len(images))
train_images, test_images = np.split(images[order], [1000])
train_labels, test_labels = np.split(bunch.target[order], [1000])
test_images, test_labels = test_images[:N_TEST], test_labels[:N_TEST]


def shifted(images, rng):
    """Shift each image by up to 2 pixels along both axes."""
    moves = rng.integers(-2, 3, (len(images), 2))
    pairs = zip(images, moves, strict=True)
    return np.stack([np.roll(image, move, axis=(0, 1)) for image, move in pairs])


# %%
# The model
# ---------
#
# Nothing in it is special to NengoDL, but three choices make the conversion exact:
# ``relu``, average pooling instead of maximum pooling, and no softmax at the end (the
# loss is told ``from_logits=True``).

keras.utils.set_random_seed(0)
layers = keras.layers
model = keras.Sequential(
    [
        keras.Input((28, 28, 1), name="image"),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="conv1"),
        layers.Conv2D(
            32, 3, strides=2, padding="same", activation="relu", name="conv2"
        ),
        layers.AveragePooling2D(2, name="pool2"),
        layers.Conv2D(64, 3, padding="same", activation="relu", name="conv3"),
        layers.AveragePooling2D(2, name="pool3"),
        layers.Flatten(name="flat"),
        layers.Dropout(0.3, name="drop3"),
        layers.Dense(64, activation="relu", name="dense"),
        layers.Dropout(0.3, name="drop4"),
        layers.Dense(10, name="scores"),
    ],
    name="cnn",
)

rng = np.random.default_rng(0)
copies = np.concatenate([shifted(train_images, rng) for _ in range(N_COPIES)])
n_minibatches = len(copies) // MINIBATCH_SIZE
model.compile(
    keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, n_minibatches)),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(copies, np.tile(train_labels, N_COPIES), batch_size=MINIBATCH_SIZE, verbose=0)
_, accuracy = model.evaluate(test_images, test_labels, verbose=0)
print(f"Accuracy in Keras: {100 * accuracy:.2f} %")

# %%
# The conversion
# --------------
#
# ``swap_activations`` puts neurons that spike in the place of ``relu``. The network has
# a seed, from which the voltages follow that its neurons begin with. All layers are
# converted natively; ``Dropout`` works in training only.

converter = nengo_dl.Converter(
    model,
    inference_only=True,
    swap_activations={"relu": nengo.SpikingRectifiedLinear()},
)
converter.net.seed = 0
print(converter.report())

# %%
# ``verify`` compares the network in rates with the model. So the weights are right, and
# what is lost from here on is lost by spikes.

images_of_training = train_images[:N_IMAGES]
converter.verify(training=True, inputs=[images_of_training[:10]], atol=1e-4)

# %%
# Spikes as they are
# ------------------
#
# ``accuracy_curve`` shows each image for some steps, and takes the digit with the
# largest mean score so far.


def run_in_spikes(name):
    """Return the accuracy after each step, and print some of it."""
    curve = converter.accuracy_curve(test_images, test_labels, N_STEPS)
    for step in (8, 16, 32):
        print(f"{name}, {step} steps: {100 * curve.accuracy[step - 1]:.2f} %")
    return curve


uncalibrated = run_in_spikes("Uncalibrated")

# %%
# That is little more than a guess. Why? ``diagnose`` compares each layer with that of
# the model.

diagnosed = images_of_training[:32]
print(converter.diagnose(diagnosed, N_STEPS))

# %%
# An activation of 1 is one spike a second, which is hardly one in 32 steps of a
# millisecond: most neurons are silent, and each spike of the others is far too high.
#
# Calibration
# -----------
#
# ``calibrate`` looks at what the model computes for some images (those of the training,
# as the test shall stay one). The first method chooses a scale of firing rates for each
# layer, so that the largest activations become a spike in each step.

converter.calibrate(images_of_training, "percentile", n_steps=N_STEPS)
with_scales = run_in_spikes("Scales")

# %%
# The second one shifts the biases of each layer by the mean error that is left. In its
# full length this script shows 99.1 % in Keras. In spikes, after 8, 16 and 32 steps, it
# shows 14.9, 15.9 and 19.6 % uncalibrated, 97.4, 98.0 and 98.5 % with scales, and 98.2,
# 99.0 and 99.1 % with scales and biases.

converter.calibrate(images_of_training, "bias", n_steps=N_STEPS)
calibrated = run_in_spikes("Scales and biases")
print(calibrated)
print(converter.diagnose(diagnosed, N_STEPS))

# %%
# What neurons fire is the price: the rates in the table are spikes a neuron and second.

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for curve, label in (
    (uncalibrated, "uncalibrated"),
    (with_scales, "scales"),
    (calibrated, "scales and biases"),
):
    left.plot(curve.steps, 100 * curve.accuracy, label=label)
left.set(title="Calibration", xlabel="steps", ylabel="accuracy (%)", ylim=(0, 102))
left.legend(loc="center right")
calibrated.plot(right)
right.set_title("What it takes")
fig.savefig("converted_cnn.png", dpi=150)
print("Look at converted_cnn.png")

# %%
# Back to Keras, and to Nengo
# ---------------------------
#
# Scales belong to the network, but biases to the model, too. ``to_keras`` makes a model
# with those that a simulator has; ``freeze_params`` puts them into the objects of the
# network. That has no TensorNodes, and so any simulator of Nengo runs it, with the same
# spikes. (Biases are shifted for spikes: in rates they may cost some accuracy.)

node = converter.inputs[model.inputs[0]]
probe = converter.outputs[model.outputs[0]]
shown = np.tile(test_images[:1].reshape(1, 1, -1), (1, N_STEPS, 1))
with nengo_dl.Simulator(converter.net) as sim:
    sim.run_steps(N_STEPS, data={node: shown})
    by_nengo_dl = sim.data[probe].mean(axis=0)
    shifted_model = converter.to_keras(sim)
    sim.freeze_params(converter.net)

expected = np.argmax(shifted_model.predict(test_images, verbose=0), axis=-1)
print(f"Accuracy back in Keras: {100 * np.mean(expected == test_labels):.2f} %")

node.output = shown[0, 0]
with nengo.Simulator(converter.net) as sim:
    sim.run_steps(N_STEPS)
    by_nengo = sim.data[probe].mean(axis=0)

print(f"Digit: {test_labels[0]}, in Nengo: {np.argmax(by_nengo)}")
difference = np.abs(by_nengo - by_nengo_dl).max() / np.abs(by_nengo).max()
print(f"Greatest difference between simulators: {difference:.1e}")
