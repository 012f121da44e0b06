"""
7. Learning while the network runs
==================================

Gradient descent learns first and runs afterwards. A brain does both at once. In Nengo a
connection may have a *learning rule*, which changes its weights in each step, by what
the neurons do and by an error that comes from the network itself. On this page two
populations learn to talk, and learn anew when the world changes.
"""

import nengo_dl

import matplotlib.pyplot as plt
import nengo
import numpy as np

# %%
# A rule and an error
# -------------------
#
# The rule PES (prescribed error sensitivity) needs to know how wrong the output is. The
# error is a node or population like any other: output minus what is wanted.
#
# In the middle of the simulation, what is wanted turns around.

SECONDS = 6
HALF = SECONDS / 2

with nengo.Network(seed=0) as net:
    signal = nengo.Node(nengo.processes.WhiteSignal(SECONDS, high=2, rms=0.5, seed=1))
    wanted = nengo.Node(lambda t, x: x if t < HALF else -x, size_in=1)
    nengo.Connection(signal, wanted, synapse=None)

    pre = nengo.Ensemble(60, dimensions=1)
    post = nengo.Node(size_in=1)
    nengo.Connection(signal, pre)
    learned = nengo.Connection(
        pre,
        post,
        function=lambda x: 0,  # it knows nothing in the beginning
        learning_rule_type=nengo.PES(learning_rate=1e-3),
    )

    error = nengo.Node(size_in=1)
    nengo.Connection(post, error)
    nengo.Connection(wanted, error, transform=-1)
    nengo.Connection(error, learned.learning_rule)

    of_post = nengo.Probe(post, synapse=0.01)
    of_wanted = nengo.Probe(wanted, synapse=0.01)
    weights = nengo.Probe(learned, "weights", sample_every=0.05)

sim = nengo_dl.Simulator(net, progress_bar=False)
sim.run(SECONDS)

# %%
# There is no training here, and no data: running is learning.

times = sim.trange()
fig, (top, bottom) = plt.subplots(
    2, 1, figsize=(7, 5), sharex=True, layout="constrained"
)
top.plot(times, sim.data[of_wanted], color="lightgray", linewidth=4, label="wanted")
top.plot(times, sim.data[of_post], linewidth=1, label="output")
top.axvline(HALF, color="gray", linestyle=":")
top.set(title="PES: the output follows what is wanted", ylabel="number")
top.legend(loc="upper right")
bottom.plot(sim.trange(sample_every=0.05), sim.data[weights][:, 0, ::6])
bottom.axvline(HALF, color="gray", linestyle=":")
bottom.set(ylabel="some weights", xlabel="time (s)")

errors = np.abs(sim.data[of_post] - sim.data[of_wanted])[:, 0]
second = [errors[1000 * i : 1000 * (i + 1)].mean() for i in range(SECONDS)]
print("Error in each second:", " ".join(f"{value:.2f}" for value in second))

# %%
# What was learned belongs to the simulation
# ------------------------------------------
#
# Weights under a rule are part of the *state*, like voltages.
# ``sim.data[learned].weights`` has them as they are now; ``sim.soft_reset()`` forgets
# them; and with ``minibatch_size`` each copy learns weights of its own. To keep them,
# put them back into the network: ``freeze_params`` makes them the weights that it
# begins with.

now = sim.data[learned].weights
sim.freeze_params(net)
sim.close()
print(f"Weights are between {now.min():.4f} and {now.max():.4f}")
print("The connection's solver is now", type(learned.solver).__name__)

# %%
# Try it
# ------
#
# - Multiply the learning rate by 10, and by 100. What becomes of the output?
# - Compare with gradient descent: the example :doc:`/gallery/online_learning`.
#
# Next: counting what it costs, and taking networks elsewhere.
