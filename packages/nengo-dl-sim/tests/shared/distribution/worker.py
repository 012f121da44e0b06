"""
A worker, or a process with several devices: does all cases, and writes the results.

Called with the kind of strategy, and the file for results (and TF_CONFIG).
"""

import os
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf
from nengo.exceptions import SimulationError

sys.path.append(str(Path(__file__).parents[1]))


def make_strategy(kind):
    """Make a strategy; several devices have to be made before it."""
    if kind == "workers":
        return tf.distribute.MultiWorkerMirroredStrategy()
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, two)
    return tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])


def lose_one(make, number):
    """Train until worker 1 ends, and write what worker 0 is told."""
    from distribution.cases import backed_up

    try:
        backed_up(make, os.environ["SHARED_FOLDER"] + "/backup", ends=number == 1)
    except SimulationError as error:
        Path("lost.txt").write_text(str(error), encoding="utf-8")


def main(kind, path, *names):
    """Do all cases, or some."""
    strategy = make_strategy(kind)
    from distribution.cases import CASES, OPTIONS, inside

    from nengo_dl_sim import Simulator

    def make(net, **options):
        with strategy.scope():
            return Simulator(net, **{**OPTIONS, **options})

    found = {}
    for name in names or CASES:
        try:
            results = CASES[name](make)
        except Exception:
            results = {"error": np.array(traceback.format_exc())}
        found.update({f"{name}/{key}": value for key, value in results.items()})
    within = inside(make, strategy)
    found.update({f"inside/{key}": value for key, value in within.items()})
    np.savez(path, **found)
    if kind == "workers":
        lose_one(make, strategy.cluster_resolver.task_id)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main(*sys.argv[1:])
