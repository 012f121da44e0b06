"""How a TensorNode becomes part of a built Nengo model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from nengo.builder.builder import Builder as NengoBuilder
from nengo.builder.builder import Model
from nengo.builder.operator import Operator, Reset
from nengo.builder.signal import Signal
from nengo.exceptions import SimulationError

from .node import TensorNode


class SimTensorNode(Operator):
    """
    Set a signal to what a function of TensorFlow tensors computes.

    Parameters
    ----------
    func : callable or keras.Layer
        See `.TensorNode`.
    time : nengo.builder.Signal
        The signal of the simulation time.
    input : nengo.builder.Signal or None
        The input, if there is one.
    output : nengo.builder.Signal
        The output.
    tag : str, optional
        A name for messages.
    shape_in, shape_out : tuple of int, optional
        The shapes in which the function takes and gives one item (by default those of
        the signals).
    pass_time : bool
        Whether the function takes the time.

    Notes
    -----
    1. sets ``[output]``
    2. incs ``[]``
    3. reads ``[time] if input is None else [time, input]``
    4. updates ``[]``
    """

    def __init__(
        self,
        func: Callable,
        time: Signal,
        input: Signal | None,
        output: Signal,
        tag: str | None = None,
        *,
        shape_in: tuple[int, ...] | None = None,
        shape_out: tuple[int, ...] | None = None,
        pass_time: bool = True,
    ) -> None:
        super().__init__(tag=tag)
        self.func = func
        if shape_in is None and input is not None:
            shape_in = input.shape
        self.shape_in = shape_in
        self.shape_out = output.shape if shape_out is None else shape_out
        self.pass_time = pass_time
        self.sets = [output]
        self.incs: list[Signal] = []
        self.reads = [time] if input is None else [time, input]
        self.updates: list[Signal] = []

    @property
    def time(self) -> Signal:
        """The signal of the simulation time."""
        return self.reads[0]

    @property
    def input(self) -> Signal | None:
        """The input, if there is one."""
        return self.reads[1] if len(self.reads) > 1 else None

    @property
    def output(self) -> Signal:
        """The output."""
        return self.sets[0]

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], NoReturn]:
        """Make a step that says which simulator can compute it."""

        def step_tensor_node() -> NoReturn:
            raise SimulationError(
                f"{self.tag} can only be simulated by nengo_dl.Simulator"
            )

        return step_tensor_node


@NengoBuilder.register(TensorNode)
def build_tensor_node(model: Model, node: TensorNode) -> None:
    """
    Build a `.TensorNode` into a Nengo model.

    Parameters
    ----------
    model : nengo.builder.Model
        The model to build into.
    node : TensorNode
        The node.

    Notes
    -----
    Sets ``model.params[node]`` to ``None``.
    """
    sig_in = None
    if node.size_in > 0:
        sig_in = Signal(shape=node.size_in, name=f"{node}.in")
        model.add_op(Reset(sig_in))
    sig_out = Signal(shape=node.size_out, name=f"{node}.out")
    model.add_op(
        SimTensorNode(
            node.tensor_func,
            model.time,
            sig_in,
            sig_out,
            tag=str(node),
            shape_in=node.shape_in,
            shape_out=node.shape_out,
            pass_time=node.pass_time,
        )
    )
    model.sig[node]["in"] = sig_in
    model.sig[node]["out"] = sig_out
    model.params[node] = None
