"""A simulator is used by one thread at a time, and not from within its own run."""

import threading

import keras
import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_sim import Simulator


class Gate:
    """A function of a node with input that waits in the middle of a run."""

    def __init__(self):
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, t, x):
        if t > 0.0025:
            self.reached.set()
            assert self.go_on.wait(300)
        return x


def make(output):
    with nengo.Network(seed=0) as net:
        net.stimulus = nengo.Node([0.5])
        net.node = nengo.Node(output, size_in=1, size_out=1)
        nengo.Connection(net.stimulus, net.node, synapse=None)
        net.ens = nengo.Ensemble(3, 1)
        nengo.Connection(net.stimulus, net.ens, synapse=None)
        net.probe = nengo.Probe(net.node)
        net.trained = nengo.Probe(net.ens)
    return net


USES = {
    "run_steps": lambda sim, net, path: sim.run_steps(1),
    "run": lambda sim, net, path: sim.run(0.001),
    "step": lambda sim, net, path: sim.step(),
    "reset": lambda sim, net, path: sim.reset(),
    "soft_reset": lambda sim, net, path: sim.soft_reset(),
    "train": lambda sim, net, path: sim.train(
        {net.trained: np.zeros((1, 1, 1))}, keras.optimizers.SGD(0.1)
    ),
    "loss": lambda sim, net, path: sim.loss({net.trained: np.zeros((1, 1, 1))}),
    "compile": lambda sim, net, path: sim.compile("sgd", {net.trained: "mse"}),
    "fit": lambda sim, net, path: sim.fit(
        {net.stimulus: np.zeros((1, 1, 1))}, {net.trained: np.zeros((1, 1, 1))}
    ),
    "predict": lambda sim, net, path: sim.predict(n_steps=1),
    "check_gradients": lambda sim, net, path: sim.check_gradients(),
    "load_params": lambda sim, net, path: sim.load_params(path / "params"),
    "save_params": lambda sim, net, path: sim.save_params(path / "others"),
    "save_checkpoint": lambda sim, net, path: sim.save_checkpoint(path / "here"),
    "restore_checkpoint": lambda sim, net, path: sim.restore_checkpoint(path / "here"),
    "freeze_params": lambda sim, net, path: sim.freeze_params(net),
}


def test_another_thread_is_refused_while_a_run_goes_on(tmp_path):
    gate = Gate()
    net = make(gate)
    with Simulator(net, progress_bar=False) as sim:
        sim.save_params(tmp_path / "params")
        files = sorted(tmp_path.iterdir())
        thread = threading.Thread(target=sim.run_steps, args=(5,), name="first")
        thread.start()
        assert gate.reached.wait(300)
        for use in USES.values():
            with pytest.raises(SimulationError, match="while thread 'first' uses it"):
                use(sim, net, tmp_path)
        assert sim.n_steps == 0  # may be read
        assert sim.data[net.probe].size == 0
        gate.go_on.set()
        thread.join()
        assert sim.n_steps == 5
        np.testing.assert_allclose(sim.data[net.probe], 0.5)
        assert sorted(tmp_path.iterdir()) == files
        sim.run_steps(1)  # by this thread, now that the other is done


@pytest.mark.parametrize("has_input", [True, False])
def test_a_node_cannot_use_the_simulator_that_calls_it(has_input):
    sims = []

    def use(t, *x):
        if sims and t > 0.0015:
            sims[0].run_steps(1)
        return 0.0

    net = make(use)
    if not has_input:
        with nengo.Network(seed=0) as net:
            net.probe = nengo.Probe(nengo.Node(use, size_out=1))
    with Simulator(net, progress_bar=False) as sim:
        sim.run_steps(1)
        sims.append(sim)
        with pytest.raises(SimulationError, match="expected .* simulator"):
            sim.run_steps(3)
        sims.clear()
        assert sim.n_steps == 1
        sim.run_steps(3)
        assert sim.n_steps == 4


def test_a_callback_may_use_the_simulator_that_trains():
    net = make(lambda t, x: x)
    seen = []
    x, y = np.zeros((2, 1, 1)), np.ones((2, 1, 1))
    with Simulator(net, progress_bar=False) as sim:
        sim.compile("sgd", {net.trained: "mse"})
        callback = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: seen.append(
                sim.predict(n_steps=1)[net.trained].shape
            )
        )
        sim.fit({net.stimulus: x}, {net.trained: y}, callbacks=[callback], verbose=0)
    assert seen == [(1, 1, 1)]


@pytest.mark.parametrize("minibatch_size", [10**9, 10**30])
@pytest.mark.parametrize("kind", ["neurons", "process", "python"])
def test_refuses_a_minibatch_that_no_machine_can_hold(kind, minibatch_size):
    with nengo.Network(seed=0) as net:
        if kind == "neurons":
            nengo.Ensemble(500, 1)
        elif kind == "process":
            nengo.Probe(nengo.Node(nengo.processes.WhiteNoise()))
        else:
            nengo.Node(lambda t, x: x, size_in=1)
    with pytest.raises(
        ValidationError,
        match=r"minibatch_size: expected .*need at least [\d,]+\.\d GiB",
    ):
        Simulator(net, minibatch_size=minibatch_size, progress_bar=False)
