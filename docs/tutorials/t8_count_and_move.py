"""
8. Count the spikes, save the network, run it elsewhere
=======================================================

A network that works is to be compared, kept and used. On this page we count what its
neurons do, save what was learned, and run it without TensorFlow: in Nengo's own
simulator, and as a graph of NIR, which other platforms read.
"""

import nengo_dl

import matplotlib.pyplot as plt
import nengo
import numpy as np

# %%
# A network to keep
# -----------------
#
# It learns to compute a curve, from one number to another. After a while (one second or
# so on two cores) it is good enough.

rng = np.random.RandomState(0)
x = rng.uniform(-1, 1, size=(512, 1, 1))
y = np.sin(3 * x)


def build(neuron_type):
    """Return a network with one layer of neurons."""
    with nengo.Network(seed=0) as net:
        net.config[nengo.Connection].synapse = None
        net.number = nengo.Node([0], label="number")
        net.layer = nengo.Ensemble(
            50,
            1,
            neuron_type=neuron_type,
            max_rates=nengo.dists.Uniform(50, 150),
            label="layer",
        )
        net.output = nengo.Node(size_in=1, label="output")
        nengo.Connection(net.number, net.layer)
        nengo.Connection(
            net.layer.neurons, net.output, transform=np.zeros((1, 50)), label="read"
        )
        net.now = nengo.Probe(net.output)
        net.smooth = nengo.Probe(net.output, synapse=0.03)
        net.spikes = nengo.Probe(net.layer.neurons)
    return net


import keras

net = build(nengo.SpikingRectifiedLinear(amplitude=0.01))
with nengo_dl.Simulator(net, minibatch_size=64, seed=0, progress_bar=False) as sim:
    sim.train({net.number: x, net.now: y}, keras.optimizers.Adam(0.01), n_epochs=30)
    print(f"Loss in rates: {sim.loss({net.number: x, net.now: y}, training=True):.4f}")
    sim.save_params("curve.npz")

# %%
# ``curve.npz`` is a file of NumPy with the name and value of each parameter. It can be
# read without NengoDL.

with np.load("curve.npz") as file:
    print([name for name in file.files if "weights" in name or "bias" in name])

# %%
# Counting
# --------
#
# On hardware for spikes, energy goes with their number, and with the number of weights
# that each of them meets: *synaptic operations*. A spike is one step with a value above
# zero, so spikes can be counted in what a probe has recorded. ``count_operations``
# counts all of it, for each layer and each connection.

grid = np.linspace(-1, 1, 41)
shown = np.tile(grid[:, None, None], (1, 200, 1))
with nengo_dl.Simulator(net, minibatch_size=41, progress_bar=False) as sim:
    sim.load_params("curve.npz")
    sim.run_steps(200, data={net.number: shown})
    fired = np.count_nonzero(sim.data[net.spikes], axis=(1, 2))
    answers = sim.data[net.smooth][:, -1, 0]
    counts = sim.count_operations({net.number: shown})
    sim.freeze_params(net)

rate = fired.mean() / 50 / 0.2
print(f"Spikes of an item: {fired.mean():.0f}; mean rate: {rate:.0f} Hz")
counts.summary()

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.plot(grid, np.sin(3 * grid), color="lightgray", linewidth=5, label="wanted")
left.plot(grid, answers, "o", markersize=3, label="in spikes, after 200 ms")
left.set(title="What it computes", xlabel="number", ylabel="output")
left.legend(loc="upper left")
right.bar(grid, fired, width=0.04)
right.set(title="What it takes", xlabel="number", ylabel="spikes in 200 ms")

# %%
# What these words mean, and how many joules they are: :doc:`/guide/counting_spikes`.
#
# Elsewhere: Nengo
# ----------------
#
# ``freeze_params``, above, has put the trained values into the objects of the network.
# It is a plain Nengo network again, for ``nengo.Simulator`` or any other backend.

net.number.output = [0.5]
with nengo.Simulator(net, progress_bar=False) as sim:
    sim.run_steps(200)
in_nengo = sim.data[net.smooth][-1, 0]
print(f"Output for 0.5 in Nengo: {in_nengo:.2f} (wanted: {np.sin(1.5):.2f})")

# %%
# Elsewhere: NIR
# --------------
#
# Simulators of other languages, and several chips, read graphs of NIR. Not all neurons
# have a counterpart there; what is not exact is refused, with the reason:

try:
    nengo_dl.nir.export(net)
except nengo.exceptions.ValidationError as refused:
    print(str(refused)[:300])
except ImportError:
    print('NIR is not installed: pip install "nengo-dl[nir]"')

# %%
# Neurons that are exact in NIR, and what else there is to know, are in
# :doc:`/guide/nir`.
#
# Where to go on
# --------------
#
# That is the end of the path. :doc:`/guide/index` answer single questions,
# :doc:`/gallery/index` show whole programs, and :doc:`/explanation/index` says how it
# all works.
