"""Names that NengoDL 2 or 3 had, and what to use in their place."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import NoReturn

_BUILDERS = "use nengo_dl_ops, whose OpBuilder and Builder.register serve all operators"
_HELPER = "it was a helper of the original only, and nothing takes its place"
_PROGRESS = (
    "give Simulator(progress_bar=...) True, False or a progress bar of Nengo "
    "(nengo.utils.progress)"
)

#: By module, for each name what to do.
REMOVED: dict[str, dict[str, str]] = {
    "nengo_dl": {
        "benchmarks": (
            "install nengo-dl-spaun-bench and use nengo_dl_spaun_bench (cconv, "
            "integrator, pes, basal_ganglia, random_network, measure), or its command "
            "nengo-dl-bench"
        ),
        "compat": _HELPER,
        "learning_rule_builders": _BUILDERS,
        "op_builders": _BUILDERS,
        "process_builders": _BUILDERS,
        "signals": "use nengo_dl_signals (SignalDict, SignalLayout, TensorSignal)",
        "tensor_graph": (
            "read values from sim.signals, and operators from sim.step_order"
        ),
        "tensorflow_patch": "TensorFlow 2 needs no patches: leave it out",
        "tests": "use nengo_dl_sim.testing, which runs Nengo's own tests",
        "transform_builders": _BUILDERS,
    },
    "nengo_dl.builder": {
        "NengoBuilder": "use nengo.builder.Builder",
        "NengoModel": "use nengo.builder.Model",
    },
    "nengo_dl.graph_optimizer": {
        "create_op_sets": _HELPER,
        "default_simplifications": "use DEFAULT_SIMPLIFICATIONS",
        "display_signal_blocks": _HELPER,
        "hamming_sort": _HELPER,
        "mergeable": "use nengo_dl_ops.make_merge_key: operators with equal keys merge",
        "remove_reset_incs": (
            "leave it out: a reset and the first increment after it cost nothing here"
        ),
        "signal_io_dicts": _HELPER,
        "sort_ops_by_signals": _HELPER,
        "sort_signals_by_ops": _HELPER,
        "transitive_closure_recurse": _HELPER,
    },
    "nengo_dl.neuron_builders": {
        "GenericNeuronBuilder": (
            "leave it out: types without a builder run in Python by themselves"
        ),
        "PoissonSpikingBuilder": (
            "derive from nengo_dl_ops.NeuronBuilder, which gets random seeds as state"
        ),
        "StochasticSpikingBuilder": (
            "derive from nengo_dl_ops.NeuronBuilder, which gets random seeds as state"
        ),
    },
    "nengo_dl.simulator": {},
    "nengo_dl.tensor_node": {},
    "nengo_dl.utils": {
        "MessageBar": _PROGRESS,
        "NullProgressBar": _PROGRESS,
        "ProgressBar": _PROGRESS,
        "SubProgressBar": _PROGRESS,
        "align_func": _HELPER,
        "find_non_differentiable": (
            "leave it out: training warns of parameters that no gradient reaches"
        ),
        "function_name": "use nengo.utils.numpy or func.__name__",
        "numpy_function": "use tf.numpy_function",
        "print_op": "use tf.print in a TensorNode",
        "sanitize_name": "use sim.get_name(obj)",
        "tf_gpu_installed": 'use tf.config.list_physical_devices("GPU")',
    },
    "nengo_dl.version": {
        "dev": "use nengo_dl.__version__",
        "latest_nengo_version": 'use importlib.metadata.requires("nengo-dl-sim")',
        "minimum_nengo_version": 'use importlib.metadata.requires("nengo-dl-sim")',
    },
}


def explain(module: str) -> Callable[[str], NoReturn]:
    """
    Make the ``__getattr__`` of a module, which says what takes the place of a name.

    Parameters
    ----------
    module : str
        The module.

    Returns
    -------
    getattr : callable
        Raises the AttributeError of a name.
    """

    def __getattr__(name: str) -> NoReturn:
        text = f"module {module!r} has no attribute {name!r}"
        instead = REMOVED[module].get(name)
        if instead is not None:
            text += f", which NengoDL 2 or 3 had: {instead}"
        raise AttributeError(text, name=name, obj=sys.modules.get(module))

    # For Python's import an AttributeError is nothing to tell of. But of a package it
    # looks for a module of that name, too: see `RemovedModules`.
    vars(sys.modules[module]).setdefault("__path__", [])
    return __getattr__


class RemovedModules(MetaPathFinder):
    """
    Says what takes the place of what is imported.

    For example in ``import nengo_dl.benchmarks``, ``from nengo_dl import signals`` and
    ``from nengo_dl.utils import ProgressBar``.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> None:
        """
        Find no module, but say what takes the place of one.

        Parameters
        ----------
        fullname : str
            What is imported, and was not found elsewhere.
        path, target : object
            Not looked at.

        Raises
        ------
        ModuleNotFoundError
            If it is something that NengoDL 2 or 3 had.
        """
        del path, target
        package, _, name = fullname.rpartition(".")
        if name in REMOVED.get(package, {}):
            # Without `name=`, or Python's import would take it for a plain attribute.
            raise ModuleNotFoundError(
                f"cannot import {name!r} from {package!r}, where NengoDL 2 or 3 had "
                f"it: {REMOVED[package][name]}"
            )
