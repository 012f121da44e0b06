"""
6. From a Keras model to spikes
===============================

Many models are there already, trained in Keras. ``nengo_dl.Converter`` makes a network
of spiking neurons of one, with the same weights. On this page a small model reads
digits; we convert it, see it fail in spikes, and mend it in one line.
"""

# %%
# A trained model
# ---------------
#
# Nothing here is special, but one thing: the model ends with scores, not with a
# softmax, which neurons could not compute. The loss is told so by ``from_logits=True``.
import nengo_dl

import keras
import matplotlib.pyplot as plt
import nengo
import numpy as np
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype("float32")
train_x, test_x = images[:1400], images[1400:]
train_y, test_y = labels[:1400], labels[1400:]

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((64,), name="pixels"),
        keras.layers.Dense(64, activation="relu", name="hidden1"),
        keras.layers.Dense(32, activation="relu", name="hidden2"),
        keras.layers.Dense(10, name="scores"),
    ]
)
model.compile(
    keras.optimizers.Adam(0.005),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(train_x, train_y, epochs=20, batch_size=64, verbose=0)
print(f"Accuracy in Keras: {100 * model.evaluate(test_x, test_y, verbose=0)[1]:.1f} %")

# %%
# The conversion
# --------------
#
# ``swap_activations`` says which neurons take the place of ``relu``: these fire as
# often as their input is large. ``verify`` compares the network with the model, as long
# as its neurons give rates, and ``report`` says what became of each layer.

converter = nengo_dl.Converter(
    model, swap_activations={"relu": nengo.SpikingRectifiedLinear()}
)
converter.net.seed = 0
converter.verify(training=True, inputs=[test_x[:20]], atol=1e-4)
print(converter.report())

# %%
# In spikes
# ---------
#
# ``accuracy_curve`` shows each image for some steps, and takes after each step the
# digit with the highest score so far.

before = converter.accuracy_curve(test_x, test_y, n_steps=30, progress_bar=False)
print(f"Accuracy in spikes, as converted: {100 * before.accuracy[-1]:.1f} %")

# %%
# The weights are right, and the answers are not. An activation of 1 means one spike a
# second here, and in 30 ms hardly any neuron spikes. Rates must be higher. How much,
# for each layer, is measured by ``calibrate``, with some images of the training.

converter.calibrate(train_x[:200], n_steps=30, progress_bar=False)
after = converter.accuracy_curve(test_x, test_y, n_steps=30, progress_bar=False)
print(f"Accuracy in spikes, calibrated: {100 * after.accuracy[-1]:.1f} %")

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.plot(before.steps, 100 * before.accuracy, label="as converted")
ax.plot(after.steps, 100 * after.accuracy, label="calibrated")
ax.set(title="Accuracy in spikes", xlabel="steps", ylabel="%", ylim=(0, 102))
ax.legend(loc="center right")

# %%
# What is seen
# ------------
#
# ``converter.inputs`` and ``converter.outputs`` are where images go in and scores come
# out. Here is one image, and its scores over time: their mean so far.

node = converter.inputs[model.inputs[0]]
scores = converter.outputs[model.outputs[0]]
shown = np.tile(test_x[:1, None], (1, 30, 1))
with nengo_dl.Simulator(converter.net, progress_bar=False) as sim:
    sim.run_steps(30, data={node: shown})
mean_so_far = np.cumsum(sim.data[scores], axis=0) / np.arange(1, 31)[:, None]

fig, (left, right) = plt.subplots(
    1, 2, figsize=(8, 3.2), layout="constrained", width_ratios=[1, 2]
)
left.imshow(test_x[0].reshape(8, 8), cmap="gray_r")
left.set(xticks=[], yticks=[], title=f"a {test_y[0]}")
right.plot(np.arange(1, 31), mean_so_far, color="lightgray")
right.plot(np.arange(1, 31), mean_so_far[:, test_y[0]], label=f"score of {test_y[0]}")
right.set(title="Mean scores so far", xlabel="steps")
right.legend(loc="lower right")

# %%
# Try it
# ------
#
# - Calibrate for 8 steps, with ``["percentile", "bias"]`` as second argument.
# - ``print(converter.diagnose(train_x[:50], 30))`` says which layer loses most.
#
# If your own model is inaccurate in spikes: :doc:`/guide/inaccurate_conversion`. Next:
# learning while the network runs.
