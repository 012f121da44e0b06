"""The inputs of a network: nodes without input, computed by NumPy before each chunk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.operator import Operator, SimPyFunc
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal

from nengo_dl_ops import TensorNode

from .current_step import CurrentStep
from .operators import (
    Source,
    draw_streams,
    find_noise,
    find_operators,
    is_python_function,
    make_step,
    output_signal,
    seeding_order,
)
from .streams import Calls, Generation, ProcessStream, Sink, check_finite


class NodeInputs:
    """
    Computes the outputs of the nodes that have no input.

    What the nodes compute is taken from the model: changing ``node.output`` after
    the build has no effect.

    Parameters
    ----------
    model : nengo.builder.Model
        The built model, with all its operators.
    network : nengo.Network
        The top-level network.
    minibatch_size : int or None
        The number of items that are simulated at once; None means 1.
    seed : int
        The seed of the processes that have none of their own.
    python : collection of nengo.builder.Operator, optional
        All operators of the model that Python computes.
    dtype : {"float16", "float32", "float64"}
        The type that the simulation has, in which values must be finite.
    pure : bool or None
        Whether functions are computed here. None: unless other Python code runs within
        the simulation; it may share objects with them. Those of NumPy always are.
    current : CurrentStep, optional
        Told for which step a function is called.

    Attributes
    ----------
    dt : float
        The length of a time step, in seconds.
    nodes : list of nengo.Node
        The input nodes, in the order of ``network.all_nodes``.
    sources : list of nengo.Node or Noise
        All that is computed: the nodes, then the noise of ensembles.
    operators : set of nengo.builder.Operator
        What `generate` computes in place of the simulation.
    replacements : list of nengo.builder.Operator
        What the simulation must compute instead.
    streams : dict from nengo.builder.Operator to list of RandomState
        The random numbers of what runs in Python within the simulation, for each item
        of the minibatch.

    Raises
    ------
    nengo.exceptions.BuildError
        If an input node is not in the model.

    Notes
    -----
    The first item of the minibatch sees the values of the processes that it would
    see in ``nengo.Simulator(network, seed=seed, optimize=False)``. (With
    ``optimize=True``, the default, Nengo may give the same random streams to other
    processes, as it orders the operators differently.) The other items see other
    values, unless the process has a seed of its own.
    """

    def __init__(
        self,
        model: Model,
        network: nengo.Network,
        minibatch_size: int | None,
        seed: int,
        python: Collection[Operator] = (),
        dtype: str = "float64",
        pure: bool | None = None,
        current: CurrentStep | None = None,
    ) -> None:
        self.nodes = [node for node in network.all_nodes if is_input(node)]
        self._current = current or CurrentStep()
        self.dt = float(model.dt)
        self.dtype = dtype
        self._batch = minibatch_size or 1
        signals = {node: output_signal(model, node) for node in self.nodes}
        operators = find_operators(model, self.nodes)
        noise = find_noise(model, set(operators.values()))
        self.sources: list[Source] = [*self.nodes, *noise]
        self.replacements = [found.replacement() for found in noise]
        self._signals = signals | {found: found.signal for found in noise}
        self._operators = operators | {found: found.op for found in noise}
        self._in_steps = self._take_functions(python, pure)
        self.operators: set[Operator] = set(self._operators.values())
        self._others = [op for op in python if op not in self.operators]
        self._seeding_order = seeding_order(model, self.operators.union(python))
        self.reset(seed)

    def _take_functions(
        self, python: Collection[Operator], pure: bool | None
    ) -> set[Source]:
        """Leave functions to the simulation, if they may not be computed here."""
        here = set(self._operators.values())
        if pure is None:
            pure = here.issuperset(python)
        taken = [
            node
            for node, op in self._operators.items()
            if is_python_function(op) and not pure
        ]
        for node in taken:
            del self._operators[node]
        return set(taken)

    @property
    def has_memory(self) -> bool:
        """Whether something draws random numbers, or remembers the steps before."""
        processes = any(isinstance(op, SimProcess) for op in self.operators)
        return processes or bool(self._others)

    def signal(self, node: Source) -> Signal | None:
        """
        Return the signal that holds a node's output.

        Returns a base signal of shape (size_out,); None if the node has no output.
        """
        return self._signals[node]

    def is_constant(self, node: Source) -> bool:
        """Say whether the output of a node is always what its signal starts with."""
        return node not in self._operators and node not in self._in_steps

    def is_in_steps(self, node: Source) -> bool:
        """
        Say whether a node is computed within the simulation, unless it is given.

        Returns True for functions that may share objects with other Python code.
        """
        return node in self._in_steps

    def reset(self, seed: int) -> None:
        """Start all processes anew."""
        rng = np.random.RandomState(seed)
        needing = self.operators.union(self._others)
        streams = [draw_streams(self._seeding_order, rng, needing)]
        own = [op for op in self._seeding_order if op in needing]
        for _ in range(1, self._batch if self.has_memory else 1):
            streams.append(draw_streams(own, rng, needing))
        others = np.random.RandomState(seed)  # so that the processes keep theirs
        self.streams = {
            op: [stream.get(op) or _stream_from(others) for stream in streams]
            for op in self._others
        }
        self._drawn_from = [
            rng
            for op, rngs in self.streams.items()
            if not isinstance(op, SimPyFunc)  # which draws nothing
            for rng in rngs
        ]
        self._steps = {
            node: self._make_steps(op, [stream.get(op) for stream in streams])
            for node, op in self._operators.items()
        }
        self._last = Generation([])
        self._rng_states: list[tuple[np.random.RandomState, dict]] = []

    def taken(self) -> np.ndarray:
        """
        Tell what processes have computed since they began.

        Returns (n, 3): for each process, in the order of `sources`, rows with its
        number, the first of some steps, and how many steps there are; and a row with
        its number, -1, and how many of the last values are kept for the next time.
        """
        rows = [
            (number, *call)
            for number, stream in enumerate(self._process_streams())
            for call in (*stream.calls, (-1, stream.n_ready))
        ]
        return np.array(rows, np.int64).reshape(-1, 3)

    def can_replay(self, taken: np.ndarray) -> bool:
        """Tell whether an array is one that `taken` may have returned."""
        if taken.ndim != 2 or taken.shape[1] != 3 or np.any(taken[:, 2] < 0):
            return False
        ends = taken[:, 1] == -1
        numbers = np.arange(len(self._process_streams()))
        counts = np.where(ends, 0, taken[:, 2])
        return (
            np.array_equal(taken[ends, 0], numbers)
            and np.array_equal(taken[:, 0], np.cumsum(ends) - ends)
            and bool(np.all(ends | (taken[:, 1] > 0)))
            and all(
                np.sum(counts[taken[:, 0] == number]) >= n_ready
                for number, _, n_ready in taken[ends]
            )
        )

    def replay(self, seed: int, taken: np.ndarray) -> None:
        """
        Bring all processes to where they were.

        Shapes: ``taken`` (n, 3).
        """
        self.reset(seed)
        for number, stream in enumerate(self._process_streams()):
            *calls, (_, n_ready) = taken[taken[:, 0] == number, 1:].tolist()
            stream.replay([Calls(*call) for call in calls], n_ready, self.dt)

    def _process_streams(self) -> list[ProcessStream]:
        steps = [step for steps in self._steps.values() for step in steps]
        return [step for step in steps if isinstance(step, ProcessStream)]

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Go on with the current processes after the context, whatever is in it."""
        before = dict(vars(self))
        try:
            yield
        finally:
            vars(self).update(before)

    def generate(
        self, start_step: int, n_steps: int, skip: Collection[nengo.Node] = ()
    ) -> dict[Source, np.ndarray]:
        """
        Compute the outputs of functions and processes for a number of time steps.

        In each step the nodes are computed in the order of `nodes`.

        Parameters
        ----------
        start_step : int
            The number of steps that were simulated already: the first time that is
            computed is ``(start_step + 1) * dt``.
        n_steps : int
            The number of steps.
        skip : collection of nengo.Node, optional
            Nodes that are not needed: their functions are not called, and their
            processes do not advance.

        Returns
        -------
        outputs : dict from nengo.Node to (n_steps, size_out, batch) ndarray of float64
            For every node that has an output, is not constant, and not `is_in_steps`.
            ``batch`` is the size of the minibatch for processes, and 1 for functions.

        Raises
        ------
        nengo.exceptions.SimulationError
            If a function or process raises an exception, or does not return finite
            numbers that can be broadcast to the size of its node. Processes are then
            as they were before.
        """
        self._rng_states = [
            (rng, rng.get_state(legacy=False)) for rng in self._drawn_from
        ]
        nodes = [node for node in self._operators if node not in skip]
        outputs = {node: self._empty(node, n_steps) for node in nodes}
        sinks = [
            Sink(node, step, output[:, :, item])
            for node, output in outputs.items()
            for item, step in enumerate(self._steps[node])
        ]
        found = {node: array for node, array in outputs.items() if array.shape[1]}
        self._last = Generation(sinks)
        try:
            self._last.compute(start_step, n_steps, self.dt, self._current)
            for node, array in found.items():
                check_finite(node, array, self.dtype)
        except BaseException:
            self.take_back()
            raise
        return found

    def take_back(self) -> None:
        """
        Undo the last `generate`: its steps did not take place.

        Processes give the same values again, and operators that draw from `streams`
        draw the same numbers. Functions of nodes are called again.
        """
        self._last.take_back()
        for rng, state in self._rng_states:
            rng.set_state(state)

    def _make_steps(
        self, op: Operator, rngs: list[np.random.RandomState | None]
    ) -> list[Callable[[float], Any]]:
        """Make what computes the values of an operator, for each batch item."""
        if not isinstance(op, SimProcess):
            # A function has no state: one call serves the whole minibatch.
            return [make_step(op, self.dt, None)]
        return [ProcessStream(make_step(op, self.dt, rng)) for rng in rngs]

    def _empty(self, node: Source, n_steps: int) -> np.ndarray:
        signal = self._signals[node]
        size = 0 if signal is None else signal.size
        return np.empty((n_steps, size, len(self._steps[node])))


def _stream_from(rng: np.random.RandomState) -> np.random.RandomState:
    return np.random.RandomState(rng.randint(np.iinfo(np.int32).max))


def is_input(node: nengo.Node) -> bool:
    """Say whether a node is an input of the network: one that has no input itself."""
    return node.size_in == 0 and not isinstance(node, TensorNode)
