"""Run one program of a corpus with one simulator, and keep what its probes recorded."""

import itertools
import json
import os
import random
import re
import sys
import traceback
from pathlib import Path

import nengo
import nengo.utils.ipython
import numpy as np

GUI_STEPS = 200  # examples of the GUI run for ever


def run(path: Path, simulator: str, output: Path) -> None:
    """
    Run a program; write probe data to ``output.npz``, a report to ``output.json``.

    The report holds the error, or None, and the number of simulators made. What the
    program prints goes to ``output.log``.
    """
    with open(output.with_suffix(".log"), "w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    error, made = None, []
    os.environ["MPLBACKEND"] = "Agg"
    nengo.rc.set("decoder_cache", "enabled", "False")
    replace_simulator(simulator, made)
    random.seed(0)
    np.random.seed(0)
    np.random.RandomState = Seeded
    try:
        execute(path)
    except BaseException as exception:
        traceback.print_exc()
        error = f"{type(exception).__name__}: {exception}".partition("\n")[0]
    np.savez(output.with_suffix(".npz"), **recorded(made))
    report = {"error": error, "simulators": len(made)}
    output.with_suffix(".json").write_text(json.dumps(report))
    sys.stdout.flush()
    os._exit(0)  # threads of either simulator need not be waited for


class Kind(type):
    """Whatever is a ``RandomState`` is an instance of its replacement."""

    def __instancecheck__(cls, obj: object) -> bool:
        return isinstance(obj, cls.__base__)


class Seeded(np.random.RandomState, metaclass=Kind):
    """Random numbers that are the same in each process, with a seed or without."""

    seeds = itertools.count()

    def __init__(self, seed=None):
        super().__init__(next(self.seeds) if seed is None else seed)


def replace_simulator(name: str, made: list) -> None:
    """Let ``nengo.Simulator`` be core's, step by step as it is, or ours in float64."""
    if name == "core":
        base = nengo.Simulator
        # Else it merges operators, and processes get other random numbers.
        changes = {"progress_bar": False, "optimize": False}
    else:
        import nengo_dl

        base, changes = nengo_dl.Simulator, {"progress_bar": False}

    class Recorded(base):
        def __init__(self, network, *args, **kwargs):
            if name != "core" and network is not None:
                with network:
                    nengo_dl.configure_settings(dtype="float64")
            made.append(self)
            super().__init__(network, *args, **{**kwargs, **changes})

    nengo.Simulator = nengo.simulator.Simulator = Recorded


def execute(path: Path) -> None:
    """Execute a notebook, or an example of the GUI."""
    sys.path.insert(0, str(path.parent))
    os.chdir(path.parent)
    namespace = {"__name__": "__main__", "__file__": str(path)}
    if path.suffix == ".ipynb":
        if not hasattr(nengo.utils.ipython, "HTML"):  # without IPython
            nengo.utils.ipython.HTML = str
        for number, source in enumerate(code_cells(path)):
            exec(compile(source, f"{path.name}, cell {number}", "exec"), namespace)
    else:
        exec(compile(path.read_text(), path.name, "exec"), namespace)
        run_model(namespace["model"])


def code_cells(path: Path) -> list[str]:
    """Return the code of a notebook, without what only IPython understands."""
    cells = json.loads(path.read_text())["cells"]
    sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    plain = [source for source in sources if not source.lstrip().startswith("%%")]
    return [re.sub(r"^(\s*)[%!].*", r"\1pass", s, flags=re.MULTILINE) for s in plain]


def run_model(model: nengo.Network) -> None:
    """Simulate a model as the GUI does, with probes in the place of plots."""
    with model:
        for ens in model.all_ensembles:
            nengo.Probe(ens, synapse=0.01)
        for node in model.all_nodes:
            if node.size_out:
                nengo.Probe(node)
    with nengo.Simulator(model) as sim:
        for _ in range(GUI_STEPS):
            sim.step()


def recorded(made: list) -> dict[str, np.ndarray]:
    """Return the data of all probes, by number of simulator and probe."""
    return {
        f"{i}/{j}": np.asarray(sim.data[probe])
        for i, sim in enumerate(made)
        if hasattr(sim, "data")
        for j, probe in enumerate(sim.model.probes)
    }
