"""Counts, wherever they are arguments: whole numbers of Python, NumPy or TensorFlow."""

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import engine_of, program_of
from nengo.exceptions import ConfigError, ValidationError

from nengo_dl_ops.planning.tree_planner import tree_planner
from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.execution.compile_cache import cache_compilations
from nengo_dl_sim.utils import minibatch_generator

KINDS = {
    "int64": np.int64,
    "int8": np.int8,
    "uint8": np.uint8,
    "uint64": np.uint64,
    "array": np.array,
    "array of uint8": lambda n: np.array(n, np.uint8),
    "tensor": tf.constant,
}
ONES = np.ones((4, 2, 1))
REFUSED = [True, np.True_, 2.0, np.float64(2), "2", [2], np.array([2]), 2j, -1, 0]


def network(train=False):
    with nengo.Network(seed=0) as net:
        if not train:
            configure_settings(inference_only=True)
        net.stimulus = nengo.Node([0.5])
        ens = nengo.Ensemble(3, 1, neuron_type=nengo.RectifiedLinear())
        nengo.Connection(net.stimulus, ens, synapse=None)
        net.probe = nengo.Probe(ens)
    return net


def built(**arguments):
    with Simulator(network(), progress_bar=False, **arguments) as sim:
        sim.run_steps(3)
        return sim.data[sim.model.probes[0]], sim.minibatch_size, sim.unroll


def run(n, times=2):
    with Simulator(network(), progress_bar=False) as sim:
        for _ in range(times):  # which NumPy's small numbers would not survive
            sim.run_steps(n)
        assert type(sim.n_steps) is int
        return sim.data[sim.model.probes[0]], sim.n_steps


def seeded(n):
    with nengo.Network(seed=1) as net:
        probe = nengo.Probe(nengo.Node(nengo.processes.WhiteNoise()))
    with Simulator(net, seed=n, progress_bar=False) as sim:
        sim.run_steps(2)
        first = sim.data[probe]
        sim.reset(seed=n)
        sim.run_steps(2)
        return first, sim.data[probe], sim.seed


class Trained:
    """One simulator for all that trains, so that little is compiled."""

    sim = None

    def __call__(self, method, **arguments):
        if Trained.sim is None:
            Trained.sim = Simulator(network(True), progress_bar=False)
            Trained.sim.compile(keras.optimizers.SGD(0.0), loss="mse")
        sim, x, y = Trained.sim, ONES, ONES
        node, probe = engine_of(sim).inputs.nodes[0], sim.model.probes[0]
        data = arguments.pop("data", {node: x, probe: y})
        if method == "train":
            return sim.train(data, keras.optimizers.SGD(0.0), **arguments)
        if method == "run_batch":
            data = {node: x} if isinstance(data, dict) else data
            return sim.run_batch(data, {probe: None}, **arguments)[probe]
        if method == "loss":
            return sim.loss(data, {probe: tf.reduce_sum})
        if method == "predict":
            return sim.predict(stream(x) if "steps" in arguments else None, **arguments)
        if "steps" in arguments or "steps_per_epoch" in arguments:
            x, y = stream(x, y), None
        elif "n_steps" in arguments:
            x, y = None, y[:1]
        if "validation_steps" in arguments:
            arguments["validation_data"] = stream(ONES, ONES)
        result = getattr(sim, method)(x, y, verbose=0, **arguments)
        return result.history if method == "fit" else result


trained = Trained()


@pytest.fixture(scope="module", autouse=True)
def close_the_one():
    yield
    Trained.sim.close()


def stream(*arrays):
    arrays = arrays[0] if len(arrays) == 1 else arrays
    return tf.data.Dataset.from_tensor_slices(arrays).batch(1).repeat(2)


def blocks(**arguments):
    data = {"data": {"x": np.arange(24).reshape(4, 6, 1)}, "minibatch_size": 2}
    found = minibatch_generator(**{**data, **arguments}, shuffle=False)
    return [(offset, part) for offset, part in found]


def planned(n):
    with nengo.Network() as net:
        configure_settings(planner=lambda ops, key: tree_planner(ops, key, max_depth=n))
        nengo.Probe(nengo.Ensemble(3, 1, seed=0))
    with Simulator(net, progress_bar=False) as sim:
        return [len(group.ops) for group in program_of(sim).groups]


def remat(n):
    with nengo.Network() as net:
        configure_settings(remat_steps=n)
        return net.config[nengo.Network].remat_steps


#: What takes a count, and a count that it takes.
COUNTS = {
    "n_steps of run_steps": (run, 3),
    "many steps": (run, 100),
    "minibatch_size": (lambda n: built(minibatch_size=n), 2),
    "unroll_simulation": (lambda n: built(unroll_simulation=n), 2),
    "seed": (seeded, 7),
    "n_epochs of train": (lambda n: trained("train", n_epochs=n), 2),
    "truncation of train": (lambda n: trained("train", truncation=n), 2),
    "n_epochs of run_batch": (lambda n: trained("run_batch", n_epochs=n), 2),
    "truncation of run_batch": (lambda n: trained("run_batch", truncation=n), 2),
    "steps as data of run_batch": (lambda n: trained("run_batch", data=n), 2),
    "steps as data of train": (lambda n: trained("loss", data=n), 2),
    "epochs of fit": (lambda n: trained("fit", epochs=n), 2),
    "initial_epoch of fit": (
        lambda n: trained("fit", epochs=3, initial_epoch=n),
        2,
    ),
    "n_steps of fit": (lambda n: trained("fit", n_steps=n), 2),
    "steps_per_epoch": (lambda n: trained("fit", steps_per_epoch=n), 2),
    "validation_steps": (lambda n: trained("fit", validation_steps=n), 2),
    "validation_freq": (
        lambda n: trained("fit", epochs=2, validation_freq=n, validation_steps=1),
        2,
    ),
    "steps of evaluate": (lambda n: trained("evaluate", steps=n), 2),
    "n_steps of evaluate": (lambda n: trained("evaluate", n_steps=n), 2),
    "steps of predict": (lambda n: trained("predict", steps=n), 2),
    "n_steps of predict": (lambda n: trained("predict", n_steps=n), 2),
    "minibatch_size of minibatch_generator": (lambda n: blocks(minibatch_size=n), 2),
    "truncation of minibatch_generator": (lambda n: blocks(truncation=n), 2),
    "steps of minibatch_generator": (lambda n: blocks(data=n), 2),
    "max_depth": (planned, 2),
    "remat_steps": (remat, 2),
}

#: Counts that 0 is one of.
FROM_ZERO = (
    "n_steps of run_steps",
    "many",
    "seed",
    "n_epochs of t",
    "initial",
    "epochs",
)


def equal(one, other):
    return tf.nest.map_structure(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize("name", COUNTS)
def test_numbers_of_every_kind(name):
    function, n = COUNTS[name]
    expected = function(n)
    for make in KINDS.values():
        equal(function(make(n)), expected)


@pytest.mark.parametrize("name", COUNTS)
def test_what_is_no_count(name):
    function, _ = COUNTS[name]
    for value in REFUSED[:-1] if name.startswith(FROM_ZERO) else REFUSED:
        if name == "validation_freq" and value == [2]:
            continue  # the epochs to validate after, as in Keras
        with pytest.raises((ValidationError, ConfigError), match="expected a") as error:
            function(value)
        assert repr(value) in str(error.value)


def test_max_bytes(tmp_path):
    with pytest.raises(ValidationError, match="max_bytes: expected a whole number"):
        cache_compilations(tmp_path, max_bytes=2.0)


def test_checkpoint_every(tmp_path):
    for make in KINDS.values():
        trained("train", checkpoint=tmp_path, checkpoint_every=make(3))
    with pytest.raises(ValidationError, match="checkpoint_every: expected a whole"):
        trained("train", checkpoint=tmp_path, checkpoint_every=True)
