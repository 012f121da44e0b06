"""
3. What a connection computes
=============================

Decoders need not give back the number that went in. Nengo can solve for weights that
decode any function of it: its square, a product, a direction. So a network that
computes is a chain of populations, and what is computed lies in the connections between
them.
"""

import nengo_dl

import matplotlib.pyplot as plt
import nengo
import numpy as np

# %%
# A function
# ----------
#
# Two numbers go into a population of two dimensions. One connection from it decodes
# their product, another one their sum.

with nengo.Network(seed=0) as net:
    first = nengo.Node(lambda t: np.sin(2 * np.pi * t), label="first")
    second = nengo.Node(lambda t: np.cos(3 * np.pi * t), label="second")

    both = nengo.Ensemble(200, dimensions=2, radius=1.5)
    nengo.Connection(first, both[0])
    nengo.Connection(second, both[1])

    product = nengo.Ensemble(60, dimensions=1)
    nengo.Connection(both, product, function=lambda x: x[0] * x[1])
    total = nengo.Ensemble(60, dimensions=1, radius=2)
    nengo.Connection(both, total, transform=[[1, 1]])

    of_product = nengo.Probe(product, synapse=0.02)
    of_total = nengo.Probe(total, synapse=0.02)

# %%
# - ``both[0]`` is a part of the population's numbers: the first one.
# - ``function`` is what is decoded. Nengo evaluates it at some points before the
#   simulation, to solve for weights; it is not called any more while the network runs.
# - ``transform`` is a matrix that multiplies what is decoded: ``[[1, 1]]`` adds two
#   numbers.
# - ``radius`` is how large the numbers may become. Two that are each within 1 make a
#   point within 1.41.

with nengo_dl.Simulator(net, progress_bar=False) as sim:
    sim.run(1.0)

times = sim.trange()
a, b = np.sin(2 * np.pi * times), np.cos(3 * np.pi * times)
fig, axes = plt.subplots(2, 1, figsize=(7, 5), sharex=True, layout="constrained")
for ax, name, wanted, probe in (
    (axes[0], "product", a * b, of_product),
    (axes[1], "sum", a + b, of_total),
):
    ax.plot(times, wanted, color="lightgray", linewidth=5, label="exact")
    ax.plot(times, sim.data[probe], label="network")
    ax.set_ylabel(name)
axes[0].set_title("Computed by spiking neurons")
axes[0].legend(loc="upper right")
axes[1].set_xlabel("time (s)")

late = nengo.Lowpass(0.02).filt(nengo.Lowpass(0.01).filt((a * b)[:, None]))
error = np.sqrt(np.mean((sim.data[of_product] - late) ** 2))
print(f"Error of the product: {error:.3f}")

# %%
# Many inputs at once
# -------------------
#
# Is the product right everywhere? We ask for all pairs of 15 numbers: a minibatch of
# 225 copies of the network, each of which gets its own values in ``data``. They run at
# the same time, and share all weights.

grid = np.linspace(-1, 1, 15)
pairs = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 1, 2)
held = np.tile(pairs, (1, 150, 1))  # each pair for 150 steps

with nengo_dl.Simulator(net, minibatch_size=225, progress_bar=False) as sim:
    sim.run_steps(150, data={first: held[..., :1], second: held[..., 1:]})
    answers = sim.data[of_product][:, 100:, 0].mean(axis=1)

wanted = pairs[:, 0, 0] * pairs[:, 0, 1]
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
area = {"extent": (-1, 1, -1, 1), "origin": "lower", "vmin": -1, "vmax": 1}
left.imshow(answers.reshape(15, 15), cmap="RdBu", **area)
left.set(title="product", xlabel="first", ylabel="second")
image = right.imshow((answers - wanted).reshape(15, 15), cmap="RdBu", **area)
right.set(title="error", xlabel="first", yticks=[])
fig.colorbar(image, ax=right)
print(f"Mean error of 225 products: {np.abs(answers - wanted).mean():.3f}")

# %%
# Try it
# ------
#
# - Decode ``np.sign(x[0])`` in place of the product. Why can't a jump be decoded well?
# - How long do 225 copies take, next to one? ``time.perf_counter()`` tells.
#
# Next: connections that lead back.
