"""
Several workers, compared with one process; all on this machine.

``table`` trains in several ways, and prints by how much parameters differ. ``kills``
kills workers at random moments, and starts all again. ``times`` prints how long steps
take, with one core for each worker, if nothing else runs.
"""

import argparse
import contextlib
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "CORE" in os.environ:  # before TensorFlow starts threads
    os.sched_setaffinity(0, {int(os.environ["CORE"])})

import keras
import nengo
import numpy as np
import tensorflow as tf

import nengo_dl
from nengo_dl.launch import configurations

RNG = np.random.RandomState(0)
X, Y = RNG.uniform(-1, 1, (24, 5, 2)), RNG.uniform(-1, 1, (24, 5, 2))


def build(kind, dtype="float64"):
    """Build a small network of some kind."""
    keras.utils.set_random_seed(0)
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype=dtype, trainable=True)
        net.a = nengo.Node(np.zeros(2))
        if kind == "Keras layers":
            x = nengo_dl.Layer(keras.layers.Dense(20, dtype=dtype))(net.a, synapse=None)
            x = nengo_dl.Layer(keras.layers.Dropout(0.2, seed=1, dtype=dtype))(x)
            net.p = nengo.Probe(nengo_dl.Layer(keras.layers.Dense(2, dtype=dtype))(x))
            return net
        # Weights and biases of about 1, so that training changes them by much.
        one = nengo.dists.Choice([1])
        relu = nengo.RectifiedLinear()
        ens = nengo.Ensemble(30, 2, neuron_type=relu, gain=one, bias=one)
        nengo.Connection(net.a, ens, synapse=None)
        out = ens
        if kind == "recurrent":
            nengo.Connection(ens, ens, synapse=0.01)
        if kind == "PES":
            out = nengo.Node(size_in=2)
            rule = nengo.PES(1e-3)
            conn = nengo.Connection(ens, out, learning_rule_type=rule, synapse=None)
            nengo.Connection(out, conn.learning_rule)
            nengo.Connection(net.a, conn.learning_rule, transform=-1)
        net.p = nengo.Probe(out)
    return net


KINDS = ("feed-forward", "recurrent", "PES", "Keras layers")
WAYS = [(call, data) for call in ("train", "fit") for data in ("arrays", "data set")]


def simulate(net, strategy, **options):
    """Make a simulator, in the scope of a strategy if there is one."""
    options = {"minibatch_size": 8, "seed": 0, "progress_bar": False, **options}
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        return nengo_dl.Simulator(net, **options)


def trained(kind, call, data, dtype, strategy):
    """Train, and return all parameters."""
    net = build(kind, dtype)
    given = {"a": X, "p": Y} if data == "arrays" else data_set()
    with simulate(net, strategy) as sim:
        optimizer = keras.optimizers.Adam(1e-2)
        if call == "train":
            named = given if data != "arrays" else {net.a: X, net.p: Y}
            sim.train(named, optimizer, n_epochs=5)
        else:
            sim.compile(optimizer, loss="mse")
            pair = (X, Y) if data == "arrays" else (given,)
            sim.fit(*pair, epochs=5, verbose=0)
        return parameters(sim)


def data_set():
    """Return minibatches that all workers read."""
    options = tf.data.Options()
    policy = tf.data.experimental.AutoShardPolicy.DATA
    options.experimental_distribute.auto_shard_policy = policy
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(8).with_options(options)


def parameters(sim):
    """Copy what was trained."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "parameters.npz")
        sim.save_params(path)
        if not os.path.exists(path):
            return {}  # the chief has it
        with np.load(path) as found:
            return {name: found[name] for name in found.files}


def start(command, folder, n_workers, **variables):
    """Start this script as several workers, or as one process without strategy (0)."""
    processes = []
    for number, config in enumerate(configurations(n_workers) or [None]):
        own = {**os.environ, **variables}
        if config:
            own["TF_CONFIG"] = config
        if command in ("times", "reduce"):
            own["CORE"] = str(number)
        called = [sys.executable, __file__, f"work-{command}", str(folder)]
        with open(Path(folder) / f"{command}-{number}.txt", "a") as output:
            processes.append(
                subprocess.Popen(called, env=own, stdout=output, stderr=output)
            )
    return processes


def strategy_of_worker():
    """Return the strategy of this worker, and whether it is the first one."""
    if "TF_CONFIG" not in os.environ:
        return None, True
    nengo_dl.utils.check_cluster()
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    return strategy, strategy.cluster_resolver.task_id == 0


def work_table(folder):
    """Train in all ways."""
    strategy, is_chief = strategy_of_worker()
    found = {}
    for kind in KINDS:
        for call, data in WAYS:
            values = trained(kind, call, data, os.environ["DTYPE"], strategy)
            label = f"{kind}|{call}|{data}"
            found |= {f"{label}|{name}": value for name, value in values.items()}
    if is_chief:
        np.savez(Path(folder) / os.environ["NAME"], **found)


def table(folder):
    """Print the greatest differences of parameters, of their size."""
    print("type     network       call   data         1      2      4 workers")
    for dtype in ("float32", "float64"):
        results = []
        for count in (0, 1, 2, 4):
            path = Path(folder) / f"{dtype}-{count}.npz"
            if not path.exists():  # else from a call that was interrupted
                variables = {"DTYPE": dtype, "NAME": path.name}
                finish(start("table", folder, count, **variables), folder)
            results.append(np.load(path))
        alone, *others = results
        for kind in KINDS:
            for call, data in WAYS:
                label = f"{kind}|{call}|{data}|"
                names = [name for name in alone.files if name.startswith(label)]
                sizes = "  ".join(f"{difference(alone, o, names):.0e}" for o in others)
                print(f"{dtype}  {kind:13} {call:6} {data:9} {sizes}", flush=True)


def difference(one, other, names):
    """Return the greatest difference, of the size of each array."""
    pairs = [(one[name], other[name]) for name in names if one[name].dtype.kind == "f"]
    sizes = [(np.abs(a - b).max(), np.abs(a).max()) for a, b in pairs if a.size]
    return max(moved / size for moved, size in sizes if size > 0)


def work_kills(folder):
    """Train with checkpoints, from the last one on if there is one."""
    strategy, is_chief = strategy_of_worker()
    net, path = build("recurrent"), Path(folder) / "checkpoint"
    with simulate(net, strategy, jit_compile=False) as sim:
        if path.exists() and any(path.iterdir()):
            sim.restore_checkpoint(path)
        data = {net.a: X, net.p: Y}
        if is_chief:
            (Path(folder) / "begun").touch()
        optimizer = keras.optimizers.Adam(1e-2)
        sim.train(data, optimizer, 60, checkpoint=path, checkpoint_every=5)
        found = parameters(sim)
        if is_chief:
            np.savez(Path(folder) / "parameters.npz", **found)


def kills(folder, n_kills):
    """Kill each worker some times, and start all again."""
    whole = Path(folder) / "whole"
    duration = not_killed(whole)
    print("killed      after    the other one ended                   afterwards")
    for _ in range(n_kills):
        for victim in (0, 1):
            own = Path(tempfile.mkdtemp(dir=folder))
            print(killed(own, victim, duration), end="  ", flush=True)
            start_again(own)
            one, other = [np.load(f / "parameters.npz") for f in (whole, own)]
            same = all(np.array_equal(one[name], other[name]) for name in one.files)
            print("the same bits" if same else "others", flush=True)


def not_killed(folder):
    """Train once, unless a call before has; return how many seconds it takes."""
    path = folder / "seconds.txt"
    if not path.exists():
        folder.mkdir()
        processes = start("kills", folder, 2)
        wait_for_begin(folder)
        begin = time.monotonic()
        finish(processes, folder)
        path.write_text(f"{time.monotonic() - begin:.1f}")
    print(f"Not killed, training takes {path.read_text()} s", flush=True)
    return float(path.read_text())


def wait_for_begin(folder):
    """Wait until training begins."""
    while not (folder / "begun").exists():
        time.sleep(0.05)


def start_again(folder):
    """Start all again; some times, for a machine that stops counts as lost, too."""
    for _ in range(4):
        processes = start("kills", folder, 2)
        if not any([process.wait() for process in processes]):
            return
        print("lost once more,", end=" ", flush=True)
    finish(processes, folder)


def finish(processes, folder):
    """Wait until all have ended well."""
    for process in processes:
        if process.wait():
            texts = [path.read_text() for path in Path(folder).glob("*.txt")]
            sys.exit("\n".join(texts))


def killed(folder, victim, duration):
    """Kill a worker at some moment, and say when and how the other one ends."""
    processes = start("kills", folder, 2)
    wait_for_begin(folder)
    waited = random.uniform(0, 0.7 * duration)
    time.sleep(waited)
    processes[victim].kill()
    begin = time.monotonic()
    if processes[victim].wait() == 0:
        sys.exit("It had ended before: the machine is too busy")
    status = processes[1 - victim].wait(120)
    seconds = time.monotonic() - begin
    text = (folder / f"kills-{1 - victim}.txt").read_text()
    said = re.search(r"SimulationError: (Lost .*?) \(this is", text)
    if said is None:
        sys.exit(text)
    return (
        f"worker {victim}  {waited:5.1f} s  {seconds:6.1f} s later, status {status}, "
        f"{said[1]!r}"
    )


def convolutional():
    """Build the network of the convolutional task: 28 x 28 pixels, one step."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(stateful=False)
        net.a = nengo.Node(np.zeros(784))
        neuron = nengo_dl.SoftLIFRate(sigma=0.1, amplitude=0.01)
        start = {"gain": nengo.dists.Choice([1]), "bias": nengo.dists.Choice([1])}
        conv = keras.layers.Conv2D(32, 3)
        x = nengo_dl.Layer(conv)(net.a, shape_in=(28, 28, 1))
        x = nengo_dl.Layer(neuron)(x, **start)
        conv = keras.layers.Conv2D(64, 3, strides=2)
        x = nengo_dl.Layer(conv)(x, shape_in=(26, 26, 32))
        x = nengo_dl.Layer(neuron)(x, **start)
        x = nengo_dl.Layer(neuron)(nengo_dl.Layer(keras.layers.Dense(128))(x), **start)
        net.p = nengo.Probe(nengo_dl.Layer(keras.layers.Dense(10))(x))
    return net


#: How many minibatches an epoch has, by their numbers of items.
EPOCHS = {32: 20, 256: 5}


def work_times(folder):
    """Save what `_counters` say of a step, of several epochs."""
    strategy, is_chief = strategy_of_worker()
    found = {}
    for size, n_steps in EPOCHS.items():
        with simulate(convolutional(), strategy, minibatch_size=size) as sim:
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)
            sim.compile(keras.optimizers.Adam(1e-3), loss=loss)
            x = RNG.rand(size * n_steps, 1, 784).astype(np.float32)
            data = x, np.eye(10, dtype=np.float32)[RNG.randint(10, size=(len(x), 1))]
            sim.fit(*data, verbose=0)
            rows = found[str(size)] = []
            for _ in range(5):
                begin = _counters()
                sim.fit(*data, verbose=0)
                rows.append((_counters() - begin) / n_steps)
    if is_chief:
        np.savez(Path(folder) / os.environ["NAME"], **found)


def _counters():
    """Return milliseconds of time and of this process, and MB on the loopback."""
    seconds = time.perf_counter(), time.process_time()
    return np.array([*(1e3 * s for s in seconds), loopback_bytes() / 1e6])


def work_reduce(folder):
    """Print milliseconds, and bytes on the loopback device, to sum up vectors."""
    del folder
    strategy, is_chief = strategy_of_worker()

    @tf.function
    def summed(vector):
        def total(vector):
            context = tf.distribute.get_replica_context()
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(vector))

        return strategy.run(total, args=(vector,))

    for dtype in ("float32", "float16"):
        for size in (1, 10_000, 100_000, 1_000_000, 10_000_000):
            vector, found = tf.ones(size, dtype), []
            for _ in range(3):
                summed(vector).numpy()
            before = loopback_bytes()
            for _ in range(10):
                begin = time.perf_counter()
                summed(vector).numpy()
                found.append(1e3 * (time.perf_counter() - begin))
            moved = (loopback_bytes() - before) / 10 / 1e6
            if is_chief:
                text = f"  {size:10,} {dtype}: {_spread(found)}, {moved:.2f} MB"
                print(text, flush=True)


def loopback_bytes():
    """Return how many bytes the loopback device has carried."""
    path = Path("/sys/class/net/lo/statistics/rx_bytes")
    return int(path.read_text()) if path.exists() else 0


def times(folder, n_rounds):
    """Compare one process with one and two workers, each with a core of its own."""
    titles = {"one process": 0, "one worker": 1, "two workers": 2}
    found = {title: [] for title in titles}
    for number in range(n_rounds):
        for title, count in titles.items():
            name = f"{title.replace(' ', '-')}-{number}.npz"
            finish(start("times", folder, count, NAME=name), folder)
            found[title].append(dict(np.load(Path(folder) / name)))
    print("items  who           ms a step               processor     MB  ratio")
    for size in map(str, EPOCHS):
        alone = [np.median(each[size][:, 0]) for each in found["one process"]]
        for title, rounds in found.items():
            wall, used, moved = np.concatenate([each[size] for each in rounds]).T
            medians = [np.median(each[size][:, 0]) for each in rounds]
            print(
                f"{size:5}  {title:12}  {_spread(wall):22}  {np.median(used):9.1f}",
                f"{np.median(moved):6.1f}  {_spread(np.divide(medians, alone))}",
                flush=True,
            )
    finish(start("reduce", folder, 2), folder)
    print("two workers, a sum: ms, MB on the loopback device")
    print(*re.findall("^  .* MB$", worker_text(folder, "reduce"), re.M), sep="\n")


def worker_text(folder, command):
    """Return what the first worker has printed."""
    return (Path(folder) / f"{command}-0.txt").read_text()


def _spread(values):
    middle, least, greatest = np.median(values), min(values), max(values)
    return f"{middle:.3g} ({least:.3g} to {greatest:.3g})"


def main():
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", help="table, kills or times")
    parser.add_argument("folder", nargs="?", help="for results: to go on, if ended")
    parser.add_argument("--kills", type=int, default=5, help="of each worker (5)")
    parser.add_argument("--rounds", type=int, default=3, help="of times (3)")
    chosen = parser.parse_args()
    if chosen.command.startswith("work-"):
        kind = chosen.command.removeprefix("work-")
        globals()[f"work_{kind}"](chosen.folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or temporary
        if chosen.command == "table":
            table(folder)
        elif chosen.command == "kills":
            kills(folder, chosen.kills)
        else:
            times(folder, chosen.rounds)


if __name__ == "__main__":
    main()
