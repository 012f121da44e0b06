"""Channels last, as Nengo and Keras have them, become channels first, as NIR does."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .builder import GraphBuilder
from .conventions import CHANNELS_LAST, channels_first
from .flat_graph import Name
from .package import nir_package

#: The shape of values, channels first, which Nengo has with channels last. None: they
#: are in the order that Nengo has.
Order = tuple[int, ...] | None


def put_channels_first(builder: GraphBuilder) -> None:
    """
    Put values around windows in the order that NIR has.

    Parameters and weights beside them are permuted; inputs and outputs of the graph say
    so in their metadata. Only where that is not enough, a matrix permutes values.
    """
    windows = {
        name for name, node in builder.nodes.items() if _mark(node, CHANNELS_LAST)
    }
    if not windows:
        return
    orders = _Orders(builder, windows)
    for name, order in orders.elementwise.items():
        builder.nodes[name] = _permuted(builder.nodes[name], order)
    for name in list(builder.nodes):
        _absorb(builder, orders, name)
    for pre, post in list(builder.edges):
        first, second = orders.out_of(pre), orders.into(post)
        if first != second:
            _permute(builder, pre, post, first, second)
    for name in windows:
        del builder.nodes[name].metadata[CHANNELS_LAST]


class _Orders:
    """Which values have channels first: those beside windows, and what follows."""

    def __init__(self, builder: GraphBuilder, windows: set[Name]) -> None:
        self._builder, self._windows = builder, windows
        self.elementwise: dict[Name, tuple[int, ...]] = {}
        self._absorbed: dict[tuple[Name, bool], Order] = {}
        waiting = list(windows)
        while waiting:
            name = waiting.pop()
            for pre, post in builder.edges:
                if name in (pre, post):
                    other, order = (
                        (post, self.out_of(name))
                        if name == pre
                        else (pre, self.into(name))
                    )
                    if order is not None and self._takes(other):
                        self.elementwise[other] = order
                        waiting.append(other)

    def _takes(self, name: Name) -> bool:
        """Whether a node works on each element, whatever their order is."""
        nir, node = nir_package(), self._builder.nodes[name]
        weights = nir.Affine, nir.Linear
        windows = nir.Conv1d, nir.Conv2d, nir.AvgPool2d, nir.SumPool2d
        fixed = isinstance(node, (*weights, *windows))
        return name not in self.elementwise and not fixed

    def out_of(self, name: Name) -> Order:
        """Return the order of what a node gives."""
        return self._order(name, "output")

    def into(self, name: Name) -> Order:
        """Return the order of what a node takes."""
        return self._order(name, "input")

    def _order(self, name: Name, side: str) -> Order:
        absorbed = self._absorbed.get((name, side == "input"))
        if absorbed is not None or name not in self._windows:
            return absorbed or self.elementwise.get(name)
        node = self._builder.nodes[name]
        shapes = node.input_type if side == "input" else node.output_type
        shape = tuple(map(int, shapes[side]))
        return shape if min(shape[0], prod(shape[1:])) > 1 else None

    def absorb(self, name: Name, is_input: bool, order: Order) -> None:
        """Take note that weights have been permuted."""
        self._absorbed[name, is_input] = order


def _mark(node: Any, key: str) -> bool:
    return isinstance(node.metadata, dict) and key in node.metadata


def _permuted(node: Any, order: tuple[int, ...]) -> Any:
    """Return an elementwise node with its parameters in the other order."""
    nir = nir_package()
    if isinstance(node, (nir.Input, nir.Output)):
        # Its values are those of another order: who gives or takes them has to know.
        node.metadata = {**node.metadata, CHANNELS_LAST: 1}
        return node
    rows = channels_first(order)
    arrays = {
        key: value.ravel()[rows]
        for key, value in vars(node).items()
        if isinstance(value, np.ndarray) and value.size == len(rows)
    }
    return type(node)(**arrays, metadata=node.metadata)


def _absorb(builder: GraphBuilder, orders: _Orders, name: Name) -> None:
    """Permute columns and rows of a matrix, if all that is beside it agrees."""
    nir, node = nir_package(), builder.nodes[name]
    if not isinstance(node, (nir.Affine, nir.Linear)):
        return
    before = {orders.out_of(pre) for pre, post in builder.edges if post == name}
    after = {orders.into(post) for pre, post in builder.edges if pre == name}
    weight, bias = node.weight, getattr(node, "bias", None)
    for found, is_input in ((before, True), (after, False)):
        (order,) = found if len(found) == 1 else (None,)
        if order is None:
            continue
        rows = channels_first(order)
        weight = weight[:, rows] if is_input else weight[rows]
        bias = bias if is_input or bias is None else bias[rows]
        orders.absorb(name, is_input, order)
    own = (weight,) if bias is None else (weight, bias)
    builder.nodes[name] = type(node)(*own, metadata=node.metadata)


def _permute(
    builder: GraphBuilder, pre: Name, post: Name, first: Order, second: Order
) -> None:
    """Put a matrix on an edge that permutes values."""
    size = prod(first or second or ())
    matrix = np.eye(size)
    if first is not None:
        matrix = matrix[np.argsort(channels_first(first))]
    if second is not None:
        matrix = matrix[channels_first(second)]
    name = builder.reserve(post[:-1], f"{pre[-1]}_permuted")
    builder.nodes[name] = nir_package().Linear(matrix)
    place = builder.edges.index((pre, post))
    builder.edges[place : place + 1] = [(pre, name), (name, post)]
