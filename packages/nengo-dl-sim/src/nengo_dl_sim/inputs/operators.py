"""Which operators of a model compute the input nodes, and how Nengo seeds them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.operator import Copy, Operator, SimPyFunc
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError
from nengo.utils.graphs import toposort
from nengo.utils.numpy import maxint
from nengo.utils.simulator import operator_dependency_graph

from nengo_dl_ops.operators.processes import draws_random_numbers


@dataclass(frozen=True, eq=False)
class Noise:
    """
    A process without input that is not the output of a node.

    Parameters
    ----------
    op : nengo.builder.processes.SimProcess
        The operator that computes it.
    signal : nengo.builder.Signal
        Takes the values, in place of the operator's own output.
    """

    op: SimProcess
    signal: Signal

    def replacement(self) -> Operator:
        """Return the operator that takes the values where they belong."""
        return Copy(self.signal, self.op.output, inc=self.op.mode == "inc")

    def __str__(self) -> str:
        return f"{self.op.process} of {self.op.output}"


#: Something without input of which the values are computed by NumPy.
Source = nengo.Node | Noise


def find_noise(model: Model, found: Collection[Operator]) -> list[Noise]:
    """Find processes without input that no input node has."""
    ops = [
        op
        for op in model.operators
        if isinstance(op, SimProcess) and op.input is None and op not in found
    ]
    return [
        Noise(op, Signal(shape=op.output.shape, name=f"{op.output.name}.noise"))
        for op in ops
        if op.mode in ("set", "inc")
    ]


def output_signal(model: Model, node: nengo.Node) -> Signal | None:
    """Return the signal of a node's output, None if it has none."""
    if node not in model.sig:
        raise BuildError(
            f"{node} is not in the model: expected a network that did not change "
            "after it was built"
        )
    signal = model.sig[node]["out"]
    return signal if signal is not None and signal.size > 0 else None


def find_operators(
    model: Model, nodes: Sequence[nengo.Node]
) -> dict[nengo.Node, Operator]:
    """
    Find the operators that compute nodes without input.

    Returns them in the order of the nodes, without those that are constant.
    """
    sources = [op for op in model.operators if _has_no_input(op)]
    silent = [op for op in sources if op.output is None]
    found = {op.output: op for op in sources if op.output is not None}
    by_node = {node: found.get(model.sig[node]["out"]) for node in nodes}
    by_node.update(_match_silent(model, nodes, silent))
    return {node: op for node, op in by_node.items() if op is not None}


def seeding_order(model: Model, operators: set[Operator]) -> list[SimProcess]:
    """
    Return the processes in the order in which Nengo seeds them.

    Returns all of the model if any of these operators draws random numbers with a seed
    from the simulator (every synapse before it gets one, too), else only these.
    """
    processes = [op for op in operators if isinstance(op, SimProcess)]
    if not any(map(_draws, processes)):
        return processes
    order = toposort(operator_dependency_graph(model.operators))
    return [op for op in order if isinstance(op, SimProcess)]


def draw_streams(
    processes: Sequence[SimProcess],
    rng: np.random.RandomState,
    needing: Collection[Operator],
) -> dict[Operator, np.random.RandomState]:
    """Give processes random numbers of their own, as Nengo does."""
    streams = {}
    for op in processes:
        if op in needing:
            streams[op] = op.process.get_rng(rng)
        else:
            _skip_seed(op.process, rng)
    return streams


def make_step(
    op: SimPyFunc | SimProcess, dt: float, rng: np.random.RandomState | None
) -> Callable[[float], Any]:
    """
    Return the function of time that computes an input node.

    Parameters
    ----------
    op : SimPyFunc or SimProcess
        An operator without input.
    dt : float
        The length of a time step, in seconds.
    rng : numpy.random.RandomState or None
        The random numbers of a process.
    """
    if isinstance(op, SimPyFunc):
        return op.fn
    state = {name: np.array(sig.initial_value) for name, sig in op.state.items()}
    return op.process.make_step((0,), op.output.shape, dt, rng, state)


def is_python_function(op: Operator) -> bool:
    """Tell whether an operator calls a function that may do more than compute."""
    return isinstance(op, SimPyFunc) and not isinstance(op.fn, np.ufunc)


def _draws(op: SimProcess) -> bool:
    """Tell whether a process may draw random numbers with a seed of the simulator."""
    return op.process.seed is None and draws_random_numbers(op.process)


def _skip_seed(process: nengo.Process, rng: np.random.RandomState) -> None:
    """Draw what a process draws for its seed (thousands of generators take long)."""
    if type(process).get_rng is not nengo.Process.get_rng:
        process.get_rng(rng)
    elif process.seed is None:
        rng.randint(maxint)


def _has_no_input(op: Operator) -> bool:
    if isinstance(op, SimPyFunc):
        return op.x is None
    return isinstance(op, SimProcess) and op.input is None


def _match_silent(
    model: Model, nodes: Sequence[nengo.Node], ops: Sequence[SimPyFunc]
) -> Mapping[nengo.Node, SimPyFunc]:
    """Match nodes without output, which no signal connects with their operator."""
    silent = [node for node in nodes if model.sig[node]["out"] is None]
    matched = {}
    unmatched = list(ops)
    for node in silent:
        # The order decides between nodes that share a function.
        op = next((op for op in unmatched if op.fn is node.output), None)
        if op is not None:
            matched[node] = op
            unmatched.remove(op)
    # Where the function was changed after the build, the order has to do.
    changed = (node for node in silent if node not in matched)
    return matched | dict(zip(changed, unmatched, strict=False))
