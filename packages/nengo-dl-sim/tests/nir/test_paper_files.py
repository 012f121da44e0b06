"""Files of the NIR paper: the spikes of their equations, written here in NumPy."""

from pathlib import Path

import nengo
import nir
import numpy as np
import pytest
from nengo.processes import PresentInput

from nengo_dl_sim.nir import load

DATA = Path(__file__).parent / "data"


def run(net, x, dt, *recorded):
    (source,) = net.inputs.values()
    source.output = PresentInput(x, dt)
    with net:
        probes = [nengo.Probe(obj, attr) for obj, attr in recorded]
    with nengo.Simulator(net, dt=dt, progress_bar=False) as sim:
        sim.run_steps(len(x))
    return [sim.data[probe] for probe in probes]


@pytest.mark.parametrize(
    "integration, rms", [("euler", 1e-3), ("exponential", 1.1e-3), ("exact", 1e-8)]
)
def test_one_neuron_spikes_as_the_exact_solution(integration, rms):
    """The exact solution is in single precision."""
    x, voltage, spikes = np.loadtxt(DATA / "lif_exact.csv", delimiter=",").T
    net = load(DATA / "lif_norse.nir", dt=1e-4, integration=integration)
    output, found = net.outputs["output"], net.nodes["1"].neurons
    found_spikes, u = run(net, x[:, None], 1e-4, (output, None), (found, "voltage"))
    assert np.count_nonzero(spikes) == 4
    np.testing.assert_array_equal(found_spikes[:, 0], spikes)
    v = 0.1 * u[:, 0]  # in units of the threshold, which is 0.1
    assert np.sqrt(np.mean((v - voltage) ** 2)) < rms


def affine(node, x):
    return node.weight @ x + getattr(node, "bias", 0)


class CubaLIF:
    """The equations of NIR, in steps by Euler's method."""

    def __init__(self, node, dt, subtract):
        self.node, self.dt, self.subtract = node, dt, subtract
        self.current = self.v = np.zeros(len(node.r))

    def step(self, x):
        n, dt = self.node, self.dt
        self.current = self.current + dt / n.tau_syn * (n.w_in * x - self.current)
        change = n.v_leak - self.v + n.r * self.current
        self.v = self.v + dt / n.tau_mem * change
        spikes = self.v > n.v_threshold
        below = self.v - n.v_threshold + n.v_reset
        self.v = np.where(spikes, below if self.subtract else n.v_reset, self.v)
        return spikes.astype(float)


@pytest.mark.parametrize(
    "name, reset",
    [
        ("braille_noDelay_bias_zero", "zero"),
        ("braille_noDelay_noBias_subtract", "subtract"),
    ],
)
def test_recurrent_networks_spike_as_their_equations(name, reset):
    path, dt, n_steps = DATA / f"{name}.nir", 1e-4, 200
    x = (np.random.RandomState(0).rand(n_steps, 12) < 0.2).astype(float)
    net = load(path, dt=dt, reset=reset)
    first, second = net.nodes["lif1.lif"].neurons, net.outputs["output"]
    found = run(net, x, dt, (first, None), (second, None))

    nodes = nir.read(path, type_check=False).nodes
    lif1, lif2 = (
        CubaLIF(nodes[name], dt, reset == "subtract") for name in ("lif1.lif", "lif2")
    )
    spikes1, expected = np.zeros(len(lif1.v)), ([], [])
    for row in x:
        recurrent = affine(nodes["lif1.w_rec"], spikes1)  # of the step before
        spikes1 = lif1.step(affine(nodes["fc1"], row) + recurrent)
        expected[0].append(spikes1)
        expected[1].append(lif2.step(affine(nodes["fc2"], spikes1)))
    for values, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(values, right)
        assert np.any(values)


def convolution(node, x):
    """Of channels first, as the PyTorch that wrote the file computes it."""
    (ph, pw), (sh, sw) = node.padding, node.stride
    x = np.pad(x, [(0, 0), (ph, ph), (pw, pw)])
    views = np.lib.stride_tricks.sliding_window_view(
        x, node.weight.shape[2:], axis=(1, 2)
    )[:, ::sh, ::sw]
    y = np.einsum("chwij,ocij->ohw", views, node.weight.astype(float))
    return y + node.bias[:, None, None]


def sum_pool(node, x):
    (kh, kw), c = node.kernel_size, len(x)
    return x.reshape(c, x.shape[1] // kh, kh, x.shape[2] // kw, kw).sum((2, 4))


class IF:
    def __init__(self, node):
        self.node, self.v = node, np.zeros(node.r.shape)

    def step(self, x):
        self.v = self.v + self.node.r * x
        spikes = self.v > self.node.v_threshold
        self.v = np.where(spikes, self.node.v_reset, self.v)
        return spikes.astype(float)


def test_convolutional_network_spikes_as_its_equations():
    """Sinabs adds what it is given to the voltage: spikes have the integral 1."""
    path, n_steps, dt = DATA / "cnn_sinabs.nir", 12, 0.001
    x = (np.random.RandomState(0).rand(n_steps, 2, 34, 34) < 0.25).astype(float)
    net = load(path, dt=dt, spike_height="amplitude_over_dt")
    names = ("1", "3", "6", "10", "12")
    found = run(
        net,
        x.reshape(n_steps, -1) / dt,
        dt,
        *((net.nodes[name].neurons, None) for name in names),
    )

    nodes = nir.read(path, type_check=False).nodes
    neurons = {name: IF(nodes[name]) for name in names}
    for step, values in enumerate(x):
        for name in map(str, range(13)):
            kind = type(nodes[name]).__name__
            if name in neurons:
                values = neurons[name].step(values)
                recorded = found[names.index(name)][step] * dt
                np.testing.assert_array_equal(recorded, values.ravel(), err_msg=name)
            elif kind == "Flatten":
                values = values.ravel()
            else:
                compute = {"Conv2d": convolution, "SumPool2d": sum_pool}
                values = compute.get(kind, affine)(nodes[name], values)
    assert all(np.any(spikes) for spikes in found[:4])
