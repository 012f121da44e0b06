"""Shapes with channels for what lies between convolutions."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .builder import GraphBuilder
from .flat_graph import Name
from .package import nir_package

Shape = tuple[int, ...]


def add_shapes(builder: GraphBuilder) -> None:
    """
    Give nodes the shapes of the convolutions that they are connected to.

    Nengo's signals are vectors; NIR checks that shapes along an edge are equal. In
    front of matrices, shapes are made flat again.
    """
    shapes = _spread(builder, _of_convolutions(builder))
    for name, shape in shapes.items():
        builder.nodes[name] = _reshaped(builder.nodes[name], shape)
    for pre, post in list(builder.edges):
        node = builder.nodes[post]
        spatial = len(shapes.get(pre, _output_shape(builder.nodes[pre]))) > 1
        if spatial and not _is_convolution(node) and post not in shapes:
            _flatten(builder, pre, post)


def _is_convolution(node: Any) -> bool:
    nir = nir_package()
    kinds = nir.Conv1d, nir.Conv2d, nir.AvgPool2d, nir.SumPool2d
    return isinstance(node, kinds)


def _is_elementwise(node: Any) -> bool:
    nir = nir_package()
    kinds = nir.Affine, nir.Linear, nir.NIRGraph
    return not (isinstance(node, kinds) or _is_convolution(node))


def _output_shape(node: Any) -> Shape:
    return tuple(map(int, next(iter(node.output_type.values()))))


def _of_convolutions(builder: GraphBuilder) -> dict[Name, Shape]:
    """Return the shapes of nodes next to a convolution; the first one counts."""
    found: dict[Name, Shape] = {}
    for pre, post in builder.edges:
        first, second = builder.nodes[pre], builder.nodes[post]
        if _is_convolution(second) and _is_elementwise(first):
            shape = next(iter(second.input_type.values()))
            found.setdefault(pre, tuple(map(int, shape)))
        if _is_convolution(first) and _is_elementwise(second):
            found.setdefault(post, _output_shape(first))
    return found


def _spread(builder: GraphBuilder, shapes: dict[Name, Shape]) -> dict[Name, Shape]:
    """Give the same shape to elementwise nodes that are connected."""
    waiting = list(shapes)
    while waiting:
        name = waiting.pop()
        beside = [b for a, b in builder.edges if a == name]
        beside += [a for a, b in builder.edges if b == name]
        for other in beside:
            if other not in shapes and _is_elementwise(builder.nodes[other]):
                shapes[other] = shapes[name]
                waiting.append(other)
    return shapes


def _reshaped(node: Any, shape: Shape) -> Any:
    """Return a node with all of its arrays in another shape."""
    nir = nir_package()
    if isinstance(node, nir.Input):
        return nir.Input({"input": np.array(shape)}, metadata=node.metadata)
    if isinstance(node, nir.Output):
        return nir.Output({"output": np.array(shape)}, metadata=node.metadata)
    arrays = {
        key: value.reshape(shape)
        for key, value in vars(node).items()
        if isinstance(value, np.ndarray) and value.size == prod(shape)
    }
    return type(node)(**arrays, metadata=node.metadata)


def _flatten(builder: GraphBuilder, pre: Name, post: Name) -> None:
    """Put a Flatten on an edge."""
    name = builder.reserve(pre[:-1], f"{pre[-1]}_flatten")
    shape = np.array(_output_shape(builder.nodes[pre]))
    flat = nir_package().Flatten({"input": shape}, start_dim=0, end_dim=-1)
    builder.nodes[name] = flat
    place = builder.edges.index((pre, post))
    builder.edges[place : place + 1] = [(pre, name), (name, post)]
