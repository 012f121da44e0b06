"""What workers do together, to be compared with what one process does."""

import json
import os
import signal

import keras
import nengo
import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError, ValidationError

from nengo_dl_sim import configure_settings

RNG = np.random.RandomState(7)
X, Y = RNG.uniform(-1, 1, (12, 4, 2)), RNG.uniform(-1, 1, (12, 4, 2))

#: The items of each worker, if each has a file of its own.
OF_WORKERS = (X[:5], Y[:5]), (X[5:], Y[5:])

#: Like the tests' simulator: no bars, and nothing that takes long to compile.
OPTIONS = {"minibatch_size": 4, "seed": 3, "progress_bar": False, "jit_compile": False}


def network(
    neurons=None,
    recurrent=False,
    noise=False,
    n_neurons=12,
    dtype="float64",
    **settings,
):
    """Two dimensions through neurons."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype=dtype, **settings)
        net.a = nengo.Node(np.zeros(2))
        net.ens = nengo.Ensemble(n_neurons, 2, neuron_type=neurons or nengo.LIF())
        nengo.Connection(net.a, net.ens, synapse=None)
        if recurrent:
            nengo.Connection(net.ens, net.ens, synapse=0.01)
        if noise:
            process = nengo.processes.WhiteSignal(1.0, high=50)
            noisy = nengo.Node(process, size_out=2)
            nengo.Connection(noisy, net.ens, synapse=None)
        net.p = nengo.Probe(net.ens)
    return net


def parameters(sim):
    """Copy all parameters."""
    found = {}
    for number, ens in enumerate(sim.model.toplevel.all_ensembles):
        found[f"bias {number}"] = sim.data[ens].bias
        found[f"encoders {number}"] = sim.data[ens].scaled_encoders
    for number, conn in enumerate(sim.model.toplevel.all_connections):
        if sim.data[conn].weights is not None:
            found[f"weights {number}"] = sim.data[conn].weights
    return found


def spread(outputs, targets):
    """An objective that looks at all items at once, and at no sum over them."""
    error = tf.reduce_mean(outputs - targets, axis=(1, 2))
    return tf.math.reduce_std(error) + tf.reduce_max(error) ** 2


def stateless(make):
    """Any function of outputs, truncation, and what Keras would not divide."""
    net = network(recurrent=True)
    with make(net) as sim:
        data = {net.a: X, net.p: Y}
        optimizer = keras.optimizers.Adam(0.01)
        sim.train(data, optimizer, 2, {net.p: spread}, truncation=2)
        loss = sim.loss(data, {net.p: spread})
        found = sim.run_batch({net.a: X[:7]}, {net.p: None}, combine=np.concatenate)
        return {"loss": loss, "outputs": found[net.p], **parameters(sim)}


def clipped(make):
    """An optimizer that looks at whole parameters, regularizers, constant inputs."""
    with network() as net:
        configure_settings(regularizer=keras.regularizers.L2(0.1))
        configure_settings(activity_regularizer="l2")
    with make(net) as sim:
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.01)
        sim.train({net.a: np.repeat(X[:, :1], 4, 1), net.p: Y}, optimizer, 2)
        return parameters(sim)


def of_tensorflow_1(make):
    """An optimizer that changes variables beside the compiled step."""
    net = network()
    with make(net) as sim:
        optimizer = tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
        sim.train({net.a: X, net.p: Y}, optimizer, 2)
        return {"step": int(sim.training_step), **parameters(sim)}


def compiled(make):
    """What XLA compiles, in single precision."""
    net = network(dtype="float32")
    with make(net, jit_compile=True) as sim:
        sim.train({net.a: X, net.p: Y}, keras.optimizers.SGD(0.01), 2)
        return parameters(sim)


def in_half(make):
    """Gradients that go to other workers in fewer bits, and are small."""

    def small(outputs, targets):
        return 1e-12 * tf.reduce_mean(outputs * targets)

    found = {}
    for dtype in ("float16", "float32"):
        net = network(reduction_dtype=dtype)
        with make(net) as sim:
            before = sim.data[net.ens].bias
            data = {net.a: X, net.p: Y}
            sim.train(data, keras.optimizers.SGD(1e12), 1, {net.p: small})
            found[dtype] = sim.data[net.ens].bias - before
    return found


def fitted(make):
    """Weights, metrics, validation with a rest, and a callback that stops training."""
    net = network()
    stop = keras.callbacks.EarlyStopping(min_delta=1e3, patience=1)
    with make(net) as sim:
        sim.compile("adam", loss="mse", metrics=["mae"])
        history = sim.fit(
            X,
            Y,
            sample_weight=np.arange(12.0),
            validation_data=(X[:7], Y[:7]),
            epochs=5,
            callbacks=[stop],
            verbose=0,
        ).history
        found = sim.evaluate(X[:5], Y[:5], verbose=0, neurons="rates")
        assert len(history["loss"]) == 2
        return {**history, **found, **parameters(sim)}


def followed(make):
    """Minibatches that follow each other, in time, and where the simulation is then."""
    net = network(recurrent=True)
    with make(net) as sim:
        sim.compile("sgd", loss="mse")
        data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
        sim.fit(data, epochs=2, stateful=True, verbose=0)
        outputs = sim.predict(X[:6], stateful=True, verbose=0)[net.p]
        sim.run_steps(3)
        return {"outputs": outputs, "run": sim.data[net.p], **parameters(sim)}


def learned_online(make):
    """A rule that learns in each item's own run, from weights that are trained."""
    with network(trainable=True) as net:
        learned = nengo.Node(size_in=2)
        conn = nengo.Connection(
            net.ens, learned, learning_rule_type=nengo.PES(1e-3), synapse=None
        )
        nengo.Connection(learned, conn.learning_rule)
        nengo.Connection(net.a, conn.learning_rule, transform=-1)
        net.q = nengo.Probe(learned)
    with make(net) as sim:
        sim.train({net.a: X, net.q: Y}, keras.optimizers.SGD(0.1), 2)
        return parameters(sim)


def drawn(make):
    """Random neurons and processes, and layers that draw."""
    net = network(nengo.PoissonSpiking(nengo.LIFRate()), noise=True)
    with net:
        other = nengo.Ensemble(
            10, 2, neuron_type=nengo.StochasticSpiking(nengo.RectifiedLinear())
        )
        nengo.Connection(net.ens, other)
        net.q = nengo.Probe(other)
    with make(net) as sim:
        sim.compile("sgd", loss="mse")
        found = sim.predict(X[:7], verbose=0)
        sim.fit(X, {net.p: Y}, verbose=0)
        return {"p": found[net.p], "q": found[net.q], **parameters(sim)}


def dropped(make):
    """Layers of Keras that draw, and functions that do."""
    # Imported here: the worker says how TensorFlow is set up first.
    from nengo_dl_ops import Layer, TensorNode

    keras.utils.set_random_seed(0)
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.a = nengo.Node(np.zeros(2))
        x = Layer(keras.layers.Dense(5, dtype="float64"))(net.a, synapse=None)
        x = Layer(keras.layers.Dropout(0.5, seed=1, dtype="float64"))(x)
        noisy = TensorNode(
            lambda x: x + tf.random.normal(x.shape, dtype=x.dtype),
            shape_in=(5,),
            pass_time=False,
        )
        nengo.Connection(x, noisy, synapse=None)
        net.p = nengo.Probe(Layer(keras.layers.Dense(2, dtype="float64"))(noisy))
    with make(net) as sim:
        sim.train({net.a: X, net.p: Y}, keras.optimizers.SGD(0.1), 2)
        outputs = sim.predict(X, verbose=0)[net.p]
        return {"outputs": outputs}


def normalized(make):
    """A layer that remembers means: of the items of each replica."""
    from nengo_dl_ops import Layer

    layer = keras.layers.BatchNormalization(momentum=0.5, dtype="float64")
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.a = nengo.Node(np.zeros(2))
        net.p = nengo.Probe(Layer(layer)(net.a, synapse=None))
    with make(net) as sim:
        data = {net.a: X[:4, :1], net.p: Y[:4, :1]}
        sim.train(data, keras.optimizers.SGD(0.1), shuffle=False)
        return {
            "mean": np.asarray(layer.moving_mean),
            "variance": np.asarray(layer.moving_variance),
        }


def resumed(make):
    """A checkpoint, from which training goes on; and what else is written."""
    net = network()
    data, folder = {net.a: X, net.p: Y}, os.environ.get("SHARED_FOLDER", ".")
    path = os.path.join(folder, "checkpoint")
    optimizer = keras.optimizers.Adam()
    with make(net) as sim:
        sim.train(data, optimizer, 2, checkpoint=path)
        sim.save_params("parameters")
        sim.train(data, optimizer, 1)
        expected = parameters(sim)
        sim.loss(data)  # by then the chief has written
    with make(net) as sim:
        sim.restore_checkpoint(path)
        sim.train(data, keras.optimizers.Adam(), 1)
        sim.compile("adam", loss="mse")
        found = parameters(sim)
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value)
        sim.fit(X, Y, callbacks=[keras.callbacks.CSVLogger("log.csv")], verbose=1)
        return parameters(sim)


def records(folder, n_files=2):
    """Write items to files, of unequal numbers, and read them as minibatches."""
    paths = [os.path.join(folder, f"{name}.tfrecord") for name in ("first", "second")]
    for path, arrays in zip(paths, OF_WORKERS, strict=True):
        with tf.io.TFRecordWriter(f"{path}.{os.getpid()}") as file:
            for item in np.stack(arrays, axis=1):
                file.write(item.tobytes())
        os.replace(f"{path}.{os.getpid()}", path)  # others may write the same

    def read(record):
        x, y = tf.unstack(tf.reshape(tf.io.decode_raw(record, tf.float64), (2, 4, 2)))
        return x, y

    return tf.data.TFRecordDataset(paths[:n_files]).map(read).batch(4)


def with_policy(dataset, policy):
    """Say how tf.data divides a data set among workers."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = policy
    return dataset.with_options(options)


def number():
    """Return the number of this worker; None in a process of its own."""
    config = json.loads(os.environ.get("TF_CONFIG", "{}"))
    return config["task"]["index"] if config else None


class Minibatches:
    """Gives the items of each minibatch; a worker those of its own."""

    def __init__(self, items):
        self._items = items

    def __iter__(self):
        return ((X[items], Y[items]) for items in self._items)


#: The items of each minibatch, if the first worker reads the first file.
TOGETHER = [[0, 1, 5, 6], [2, 3, 7, 8], [4, 9, 10], [11]]
OWN = [[0, 1], [2, 3], [4]], [[5, 6], [7, 8], [9, 10], [11]]


def of_its_own(make):
    """Data sets and generators of which each worker reads a part of its own."""
    policy = tf.data.experimental.AutoShardPolicy
    dataset = records(os.environ.get("SHARED_FOLDER", "."))
    together = {"train": Minibatches(TOGETHER[:2]), "rest": Minibatches(TOGETHER)}
    if number() is None:
        given = dict.fromkeys(("AUTO", "FILE", "OFF", "generator"), together)
    else:
        own = tf.data.Dataset.from_generator(
            lambda: (pair for pair in zip(*OF_WORKERS[number()], strict=True)),
            output_signature=(tf.TensorSpec((4, 2), tf.float64),) * 2,
        )
        given = {
            "AUTO": dataset,
            "FILE": with_policy(dataset, policy.FILE),
            "OFF": with_policy(own.batch(4), policy.OFF),
            "generator": Minibatches(OWN[number()]),
        }
    given["DATA"] = with_policy(dataset, policy.DATA)
    found, net = {}, network()
    with make(net) as sim:
        sim.compile("adam", loss="mse", metrics=["mae"])
        for name, data in given.items():
            kinds = data if isinstance(data, dict) else {"train": data, "rest": data}
            history = sim.fit(kinds["train"], epochs=2, verbose=0).history
            numbers = history | sim.evaluate(kinds["rest"], verbose=0)
            numbers |= sim.predict(kinds["rest"], verbose=0)
            numbers["outputs"] = numbers.pop(net.p)
            found |= {
                f"{name} {key}": v for key, v in (numbers | parameters(sim)).items()
            }
    return found


class Sizes(keras.callbacks.Callback):
    """Notes of how many items it sees outputs."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_predict_batch_end(self, batch, logs=None):
        self.found += [len(outputs) for outputs in logs["outputs"]]


def for_the_chief(make):
    """Outputs that each worker keeps of its items, until the chief gets all."""
    net, sizes = network(), Sizes()
    with make(net) as sim:
        outputs = sim.predict(X[:7], gather_to="chief", callbacks=[sizes], verbose=0)
        values = sim.run_batch(
            {net.a: X}, {net.p: None}, truncation=2, gather_to="chief"
        )
    found = {"outputs": outputs, "values": values}
    return {
        "sizes": sizes.found,
        **{name: value[net.p] for name, value in found.items() if value},
    }


def refused(make):
    """What does not go together with a strategy, by what is said of it."""
    net, found, worker = network(), {}, number() or 0

    def note(name, call):
        try:
            call()
        except (ValidationError, SimulationError, ValueError) as error:
            found[name] = str(error)

    with nengo.Network(seed=0) as python:
        python.a = nengo.Node([0.0])
        python.b = nengo.Node(lambda t, x: x, size_in=1)
        nengo.Connection(python.a, python.b)
        python.p = nengo.Probe(python.b)
    note("minibatch", lambda: make(net, minibatch_size=5).close())
    with make(net) as sim:
        note("gather_to", lambda: sim.predict(X, gather_to="first"))
    with make(net, minibatch_size=4 * (1 + worker)) as sim:
        note("size", lambda: sim.loss({net.a: X, net.p: Y}))
    with make(net, seed=3 + worker) as sim:
        note("seed", lambda: sim.loss({net.a: X, net.p: Y}))
    with make(network(nengo.RectifiedLinear(), n_neurons=12 + worker)) as sim:
        note("network", lambda: sim.loss({"node": X, "probe": Y}))
    with make(net) as sim:
        sim.compile("sgd", loss="mse")
        shorter = {"node": X[:, worker:], "probe": Y[:, worker:]}
        note("shapes", lambda: sim.loss(shorter))
        note_streams(sim, worker, note)
        if number() is not None:
            note_calls(sim, worker, note)
    with make(python) as sim:
        note("python", lambda: sim.loss({python.p: X[..., :1]}))
    return found


def note_calls(sim, worker, note):
    """Note what is said if workers call different methods, or with other arguments."""
    one = sim.evaluate if worker else sim.fit
    note("method", lambda: one(X, Y, verbose=0))
    note("epochs", lambda: sim.fit(X, Y, epochs=1 + worker, verbose=0))
    fewer = X[worker:], Y[worker:]
    note("validation", lambda: sim.fit(X, Y, validation_data=fewer, verbose=0))
    sim.compile(keras.optimizers.SGD(1.0 + worker), loss="mse")
    note("optimizer", lambda: sim.fit(X, Y, verbose=0))
    sim.compile("sgd", loss={"probe": ("mse", "mae")[worker]})
    note("loss", lambda: sim.fit(X, Y, verbose=0))


def note_streams(sim, worker, note):
    """Note what is said of streams that do not go together with several workers."""

    def ends_early():
        yield X[:2], Y[:2]
        if worker:
            raise ValueError("the disk is gone")
        yield X[:2], Y[:2]

    policy = tf.data.experimental.AutoShardPolicy
    arrays = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    one_file = records(os.environ.get("SHARED_FOLDER", "."), n_files=1)
    for name, data in (
        ("whole minibatches", Minibatches([[0, 1, 2, 3]])),
        ("no files", with_policy(arrays, policy.FILE)),
        ("one file", with_policy(one_file, policy.FILE)),
        ("no items", with_policy(tf.data.Dataset.range(3), policy.OFF)),
        ("a worker", ends_early()),
    ):
        if number() is not None:
            note(name, lambda data=data: sim.fit(data, verbose=0))


def inside(make, strategy):
    """What has variables of a strategy."""
    net = network()
    with strategy.scope():
        optimizer, metric = keras.optimizers.Adam(), keras.metrics.MeanAbsoluteError()
    found = {}
    with make(net) as sim:
        for name, options in (
            ("optimizer", {"optimizer": optimizer}),
            ("metrics", {"metrics": [metric]}),
        ):
            try:
                sim.compile(**{"loss": "mse", **options})
            except ValidationError as error:
                found[name] = str(error)
    return found


class Ends(keras.callbacks.Callback):
    """Ends the process, as a machine that fails does."""

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 2:
            os.kill(os.getpid(), signal.SIGKILL)


def backed_up(make, folder, ends=False):
    """Epochs that go on from what was saved in a folder; a worker may be lost."""
    net = network()
    callbacks = [keras.callbacks.BackupAndRestore(folder, save_freq=1)]
    with make(net) as sim:
        sim.compile("adam", loss="mse")
        callbacks += [Ends()] if ends else []
        sim.fit(X, Y, epochs=2, callbacks=callbacks, verbose=0)
        return parameters(sim)


#: By name; each takes what makes a simulator of a network, and returns numbers.
CASES = {
    case.__name__: case
    for case in (
        stateless,
        clipped,
        of_tensorflow_1,
        compiled,
        in_half,
        fitted,
        followed,
        learned_online,
        drawn,
        dropped,
        normalized,
        resumed,
        of_its_own,
        for_the_chief,
        refused,
    )
}
