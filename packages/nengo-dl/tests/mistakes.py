"""The mistakes that new users make, and what each of their errors says."""

from typing import NamedTuple


class Mistake(NamedTuple):
    """
    What somebody wrote, and what the error says, in its order.

    Parameters
    ----------
    code : str
        What was written (see `test_mistakes.names`).
    error : str
        The class of the error.
    at_fault, expected, got : str
        Parts of the message: the argument or object, what was expected, what came.
    to_do : str
        What helps.
    said : bool
        Whether the message says what helps; else only the table does.
    """

    code: str
    error: str
    at_fault: str
    expected: str
    got: str
    to_do: str
    said: bool = True


VALIDATION, ARGUMENT = "ValidationError", "ArgumentError"
PROBE = "<Probe \"probe\" of 'decoded_output' of <Ensemble 'ens'>>"
RANK_3 = "an array of rank 3 (batch_size, n_steps, dimensions)"
TIME_AXIS = "if it has one step of each item, add a time axis, x[:, None]"
WHOLE = "a whole number of at least"

SIMULATOR = [
    Mistake(
        "nengo_dl.Simulator(net, 32)",
        ARGUMENT,
        "Simulator",
        "dt (the length of a time step, in seconds) as the second argument",
        "32",
        "write minibatch_size=32 if that is meant",
    ),
    Mistake(
        "nengo_dl.Simulator(net, batch_size=32)",
        ARGUMENT,
        "Simulator",
        "keyword argument",
        "'batch_size'",
        "batch_size: write minibatch_size",
    ),
    Mistake(
        "nengo_dl.Simulator(net, step_blocks=10)",
        ARGUMENT,
        "Simulator",
        "keyword argument",
        "'step_blocks'",
        "step_blocks: write unroll_simulation",
    ),
    Mistake(
        'nengo_dl.Simulator(net, dt="1ms")',
        VALIDATION,
        "dt",
        "a finite time of more than 0 seconds",
        "'1ms'",
        "write a number of seconds, dt=0.001",
        said=False,
    ),
    Mistake(
        "nengo_dl.Simulator(nengo.Network)",
        VALIDATION,
        "network",
        "a Network",
        "<class 'nengo.network.Network'>",
        "give the object that ``with nengo.Network() as net`` made",
        said=False,
    ),
    Mistake(
        "nengo_dl.Simulator(net, minibatch_size=2.0)",
        VALIDATION,
        "minibatch_size",
        f"{WHOLE} 1",
        "2.0",
        "write minibatch_size=2",
        said=False,
    ),
    Mistake(
        "nengo_dl.configure_settings(trainable=False)",
        "NetworkContextError",
        "configure_settings",
        "called inside a `with network:` block",
        "",
        "indent it under ``with nengo.Network() as net:``",
        said=False,
    ),
    Mistake(
        "with net:\n    nengo_dl.configure_settings(trainble=False)",
        "ConfigError",
        "'trainble'",
        "one of: activity_regularizer, constraint, dtype",
        "",
        "choose one of these",
        said=False,
    ),
    Mistake(
        'with net:\n    nengo_dl.configure_settings(dtype="float128")',
        VALIDATION,
        "dtype",
        "float16, float32 or float64",
        "'float128'",
        "choose one of these",
        said=False,
    ),
    Mistake(
        'with net:\n    nengo_dl.configure_settings(reduction_dtype="half")',
        VALIDATION,
        "reduction_dtype",
        "'float16', 'float32' or None",
        "'half'",
        "choose one of these",
        said=False,
    ),
    Mistake(
        "with net:\n    nengo_dl.configure_settings(lif_smoothing=-1)",
        VALIDATION,
        "lif_smoothing",
        "a positive number",
        "-1",
        "0.1 is a good start",
        said=False,
    ),
    Mistake(
        "closed.run_steps(1)",
        "SimulatorClosed",
        "run_steps",
        "",
        "simulator is closed",
        "run inside of the ``with`` block",
        said=False,
    ),
    Mistake(
        "sim.time = 0",
        "ReadonlyError",
        "Simulator.time",
        "read-only",
        "",
        "call sim.reset()",
        said=False,
    ),
    Mistake(
        "sim.data = {}",
        "ReadonlyError",
        "Simulator.data",
        "read-only",
        "",
        "call sim.clear_probes()",
        said=False,
    ),
    Mistake(
        "sim.data[other]",
        "UnknownObjectError",
        "SimulationData.data",
        "an object of the simulated network",
        "<Node 'other'>",
        "make the object before the Simulator",
        said=False,
    ),
    Mistake(
        'sim.data.get_params((ens, "decoders"))',
        VALIDATION,
        "wanted",
        "a parameter of <Ensemble 'ens'>",
        "'decoders'",
        "the message names them; decoders are the weights of a connection",
        said=False,
    ),
]

RUNS = [
    Mistake(
        "sim.run(-1)",
        VALIDATION,
        "time_in_seconds",
        "a finite time of at least 0 seconds",
        "-1",
        "time goes forward: sim.reset() starts again",
        said=False,
    ),
    Mistake(
        "sim.run_steps(2.5)",
        VALIDATION,
        "n_steps",
        f"{WHOLE} 0",
        "2.5",
        "sim.run takes seconds",
        said=False,
    ),
    Mistake(
        "sim.run_steps(10, inputs={source: x})",
        ARGUMENT,
        "run_steps",
        "keyword argument",
        "'inputs'",
        "inputs: write data={node: values}",
    ),
    Mistake(
        "sim.run_steps(10, data={source: x[:, 0]})",
        VALIDATION,
        "data: for <Node 'source'>",
        RANK_3,
        "rank 2 with shape (4, 1)",
        TIME_AXIS,
    ),
    Mistake(
        "sim.run_steps(10, data={source: x[0]})",
        VALIDATION,
        "data: for <Node 'source'>",
        RANK_3,
        "rank 2 with shape (10, 1)",
        "if it has the steps of one item, a batch axis, x[None]",
    ),
    Mistake(
        "sim.run_steps(10, data={source: x[..., [0, 0]]})",
        VALIDATION,
        "data: for <Node 'source'>",
        "1 dimensions (the last axis)",
        "2 with shape (4, 10, 2)",
        "give as many values as the node has outputs",
        said=False,
    ),
    Mistake(
        "sim.run_steps(10, data={source: x[:, :9]})",
        VALIDATION,
        "data: for <Node 'source'>",
        "10 steps (the second axis)",
        "9 with shape (4, 9, 1)",
        "run as many steps as there are values",
        said=False,
    ),
    Mistake(
        "sim.run_steps(10, data={source: x[:3]})",
        VALIDATION,
        "data: for <Node 'source'>",
        "a batch size of 4 (the first axis)",
        "3 with shape (3, 10, 1)",
        "a run takes minibatch_size items; sim.predict any number",
        said=False,
    ),
    Mistake(
        "sim.run_steps(10, data={ens: x})",
        VALIDATION,
        "data",
        "Nodes without input as keys",
        "<Ensemble 'ens'> of type Ensemble",
        "connect a node to it, and give values for that",
        said=False,
    ),
    Mistake(
        'sim.run_steps(10, data={"sourc": x})',
        VALIDATION,
        "data",
        "one of the names source",
        "'sourc'",
        "choose one of these, or use the object as key",
        said=False,
    ),
    Mistake(
        "sim.run_steps(10, data={source: x * np.nan})",
        VALIDATION,
        "data: for <Node 'source'>",
        "finite numbers",
        "nan first at item 0, step 0, dimension 0",
        "look for gaps in the data: np.nan_to_num",
        said=False,
    ),
    Mistake(
        "sim.trange(sample_every=-1)",
        VALIDATION,
        "sample_every",
        "a finite time of more than 0 seconds",
        "-1",
        "give what the probe was given",
        said=False,
    ),
    Mistake(
        "sim.reset(seed=True)",
        VALIDATION,
        "seed",
        "a whole number from 0 to 2**32 - 1",
        "True",
        "leave it out to keep the seed",
        said=False,
    ),
    Mistake(
        "sim.predict()",
        VALIDATION,
        "n_steps",
        "a number of steps, since x is None",
        "None",
        "sim.predict(n_steps=100)",
        said=False,
    ),
    Mistake(
        'sim.predict(x, gather_to="first")',
        VALIDATION,
        "gather_to",
        "'all' or 'chief'",
        "'first'",
        "choose one of these",
        said=False,
    ),
    Mistake(
        "sim.predict_on_batch({source: x[:2]})",
        VALIDATION,
        "x",
        "exactly minibatch_size=4 items",
        "2",
        "sim.predict takes any number",
        said=False,
    ),
    Mistake(
        "sim.count_operations(None)",
        VALIDATION,
        "n_steps",
        "a number of steps, since x is None",
        "None",
        "n_steps=100",
        said=False,
    ),
    Mistake(
        'sim.count_operations({source: x}).energy("tpu")',
        VALIDATION,
        "device",
        "'cpu', 'gpu', 'loihi', 'spinnaker2', '45nm', or a dictionary",
        "'tpu'",
        "give joules of one of each quantity as a dictionary",
        said=False,
    ),
]

TRAIN = [
    Mistake(
        "sim.train({source: x}, {probe: y}, adam, n_epochs=2)",
        ARGUMENT,
        "train",
        "inputs and targets in one dictionary, {node: ..., probe: ...}",
        "two, as NengoDL 1 took them",
        "sim.train({source: x, probe: y}, adam, n_epochs=2)",
        said=False,
    ),
    Mistake(
        'sim.train({source: x, probe: y}, "adam")',
        VALIDATION,
        "optimizer",
        "a Keras optimizer",
        "'adam'",
        "write keras.optimizers.get('adam'), or make one",
    ),
    Mistake(
        "sim.train({source: x, probe: y}, keras.optimizers.Adam)",
        VALIDATION,
        "optimizer",
        "a Keras optimizer",
        "the class Adam",
        "make an object of it, for example Adam(0.001)",
    ),
    Mistake(
        "keras.optimizers.SGD(1)",
        "ValueError",
        "`learning_rate`",
        "should be float",
        "learning_rate=1",
        "Keras takes no int: write SGD(1.0)",
        said=False,
    ),
    Mistake(
        "sim.train({source: x, probe: y}, adam, epochs=2)",
        ARGUMENT,
        "train",
        "keyword argument",
        "'epochs'",
        "epochs: write n_epochs",
    ),
    Mistake(
        "sim.train([x, y], adam)",
        VALIDATION,
        "data",
        "a dictionary {node: values, probe: targets}, a number of steps, or a data set",
        "[array(",
        "sim.train({source: x, probe: y}, adam)",
        said=False,
    ),
    Mistake(
        "sim.train(10, adam)",
        VALIDATION,
        "objective",
        "an objective, since data is a number of steps and holds no targets",
        "None",
        "say what to minimise, objective={probe: function}",
        said=False,
    ),
    Mistake(
        "sim.train({source: x, probe: y[:, :5]}, adam)",
        VALIDATION,
        f"data: for {PROBE}",
        "10 steps (the second axis)",
        "5 with shape (4, 5, 1)",
        "give a target for each step, NaN where there is none",
        said=False,
    ),
    Mistake(
        "sim.train({source: x, probe: y / 0}, adam)",
        VALIDATION,
        f"data: for {PROBE}",
        "finite numbers or NaN",
        "inf first at item 0, step 0, dimension 0",
        "look at how the targets were made",
        said=False,
    ),
    Mistake(
        'sim.train({source: x, probe: y}, adam, shuffle="no")',
        VALIDATION,
        "shuffle",
        "True or False",
        "'no'",
        "write shuffle=False",
        said=False,
    ),
    Mistake(
        "sim.train({source: x, probe: y}, adam, objective=nengo_dl.obj.mse)",
        VALIDATION,
        "objective",
        "a dictionary that maps probes to objective functions",
        "<function mse",
        "objective={probe: nengo_dl.obj.mse}",
        said=False,
    ),
    Mistake(
        "sim.train({source: x, probe: y}, adam, checkpoint_every=10)",
        VALIDATION,
        "checkpoint",
        "a folder for checkpoints, since checkpoint_every=10",
        "None",
        'checkpoint="folder"',
        said=False,
    ),
    Mistake(
        "def error(out, target):\n"
        "    return np.mean(out - target)\n"
        "sim.loss({source: x, probe: y}, {probe: error})",
        VALIDATION,
        "objective",
        f"a function of TensorFlow's operations for {PROBE}",
        "one that asks for the values of tensors",
        "use tf or keras.ops in place of NumPy (tf.reduce_mean for np.mean)",
    ),
    Mistake(
        "sim.loss({source: x, probe: y}, {probe: nengo_dl.obj.Regularize})",
        VALIDATION,
        "objective",
        f"a function or None for {PROBE}",
        "the class Regularize",
        "make an object of it, for example Regularize(...)",
    ),
    Mistake(
        "sim.loss({source: x}, {probe: nengo_dl.obj.mse})",
        VALIDATION,
        "data",
        f"a target for {PROBE}, whose objective takes one",
        "none",
        "add probe: y to the dictionary",
        said=False,
    ),
]

FIT = [
    Mistake(
        "fresh.fit({source: x}, {probe: y})",
        "SimulationError",
        "sim.fit",
        "needs a loss",
        "",
        "call sim.compile(optimizer, loss=...) first",
    ),
    Mistake(
        "sim.fit({source: x[:, 0]}, {probe: y})",
        VALIDATION,
        "x: for <Node 'source'>",
        RANK_3,
        "rank 2 with shape (4, 1)",
        TIME_AXIS,
    ),
    Mistake(
        "sim.fit({source: x}, {probe: y[:, 0]})",
        VALIDATION,
        f"y: for {PROBE}",
        RANK_3,
        "rank 2 with shape (4, 1)",
        TIME_AXIS,
    ),
    Mistake(
        "sim.fit({source: x}, {source: y})",
        VALIDATION,
        "y",
        "a Probe as key",
        "<Node 'source'> of type Node",
        "targets are for probes: add one",
        said=False,
    ),
    Mistake(
        "sim.fit({source: x}, {probe: y}, workers=2)",
        VALIDATION,
        "workers",
        "no such argument in sim.fit",
        "2",
        "leave it out",
        said=False,
    ),
    Mistake(
        'sim.compile("adamm", "mse")',
        VALIDATION,
        "optimizer",
        "a Keras optimizer or its name",
        "'adamm'",
        "see keras.optimizers",
        said=False,
    ),
    Mistake(
        'sim.compile("adam", {"prob": "mse"})',
        VALIDATION,
        "loss",
        "one of the names probe",
        "'prob'",
        "choose one of these, or use the object as key",
        said=False,
    ),
    Mistake(
        'sim.compile("adam", {probe: "msee"})',
        VALIDATION,
        "loss",
        "a Keras loss, its name or a function of (y_true, y_pred)",
        "'msee'",
        "see keras.losses",
        said=False,
    ),
]

NODES = [
    Mistake(
        "with net:\n"
        "    nengo_dl.TensorNode(tf.exp, shape_in=(None, 2), pass_time=False)",
        VALIDATION,
        "shape_in",
        "the shape of one item, without the batch axis",
        "(None, 2)",
        "write shape_in=(2,)",
        said=False,
    ),
    Mistake(
        "with net:\n    nengo_dl.TensorNode(tf.exp, shape_in=2, pass_time=False)",
        VALIDATION,
        "shape_in",
        "a tuple of whole numbers, such as (2,)",
        "2",
        "write the tuple, or size_in=2",
        said=False,
    ),
    Mistake(
        "with net:\n    nengo_dl.TensorNode(lambda t, x: np.sin(x), size_in=2)",
        VALIDATION,
        "tensor_func",
        "",
        "it asks for the values of tensors",
        "use tf or keras.ops in place of NumPy; a nengo.Node computes with NumPy",
    ),
    Mistake(
        "with net:\n    nengo_dl.TensorNode(keras.layers.Dense, size_in=2)",
        VALIDATION,
        "TensorNode.tensor_func",
        "a Keras layer",
        "its class",
        "make an object of it, Dense(...)",
    ),
    Mistake(
        'with net:\n    nengo_dl.Layer("relu")(source)',
        VALIDATION,
        "layer_func",
        "a function, a Keras layer (an object, not its class) or a neuron type",
        "'relu'",
        "nengo_dl.Layer(tf.nn.relu)",
        said=False,
    ),
]

FILES = [
    Mistake(
        'sim.save_params("")',
        VALIDATION,
        "path",
        "the path of a file",
        "''",
        "give it a name",
        said=False,
    ),
    Mistake(
        'sim.load_params("nothing")',
        "FileNotFoundError",
        "'nothing.npz'",
        "",
        "",
        "look at where the program runs: Path.cwd()",
        said=False,
    ),
    Mistake(
        'sim.restore_checkpoint("nothing")',
        VALIDATION,
        "path: nothing",
        "a folder that sim.save_checkpoint wrote",
        "",
        "give the folder, not one of its files",
        said=False,
    ),
]

OLD = [
    Mistake(
        "sim.sess",
        "RemovedError",
        "Simulator.sess",
        "",
        "",
        "run the simulation with sim.run, sim.run_batch and sim.train",
    ),
    Mistake(
        "sim.run_steps(10, extra_feeds={1: 2})",
        "SessionError",
        "extra_feeds",
        "",
        "",
        "put the value into a tf.Variable that a TensorNode or an objective reads",
    ),
    Mistake(
        "from nengo_dl import benchmarks",
        "ModuleNotFoundError",
        "'benchmarks'",
        "",
        "",
        "install nengo-dl-spaun-bench and use nengo_dl_spaun_bench",
    ),
]

#: By the headings of the table.
MISTAKES = {
    "The network and its simulator": SIMULATOR,
    "Runs": RUNS,
    "train and loss": TRAIN,
    "compile and fit": FIT,
    "TensorNodes and layers": NODES,
    "Files": FILES,
    "Programs of older versions": OLD,
}
