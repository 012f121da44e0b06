"""The shapes of what nodes of NIR are given, and of what they give."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from .flat_graph import FlatGraph, Name, shown
from .package import nir_package
from .read import Budget

Shape = tuple[int, ...]
#: Of each node the shapes of its input and output.
Shapes = dict[Name, tuple[Shape, Shape]]


def infer_shapes(graph: FlatGraph, budget: Budget) -> Shapes:
    """
    Follow shapes along the edges.

    Raises a ``ValidationError`` if two do not fit, if one follows from nothing, or if
    signals of these shapes need more bytes than may be taken.
    """
    found: Shapes = {}
    waiting = dict(graph.nodes)
    while waiting:
        ready = _ready(graph, waiting, found)
        if not ready:
            raise _unknown(waiting)
        for name, given in ready.items():
            found[name] = _shapes_of(waiting.pop(name), name, given)
            budget.take(8 * max(map(prod, found[name])), repr(shown(name)))
    for pre, post in graph.edges:
        _check_edge(found[pre][1], found[post][0], pre, post)
    return found


def _ready(
    graph: FlatGraph, waiting: dict[Name, Any], found: Shapes
) -> dict[Name, Shape | None]:
    """Return nodes of which the input's shape is known, or not needed."""
    before = {post: found[pre][1] for pre, post in graph.edges if pre in found}
    return {
        name: before.get(name)
        for name, node in waiting.items()
        if name in before or _own_shape(node) is not None
    }


def _own_shape(node: Any) -> Shape | None:
    """Return the shape of the input as far as a node itself says it."""
    nir = nir_package()
    if isinstance(node, (nir.Affine, nir.Linear)):
        *stacked, _, size_in = node.weight.shape
        return (*stacked, size_in)
    if isinstance(node, (nir.Conv1d, nir.Conv2d)):
        if node.input_shape is None:
            return None
        spatial = _integers(node.input_shape)
        return (node.weight.shape[1] * int(node.groups), *spatial)
    shape = None if node.input_type is None else node.input_type.get("input")
    return None if shape is None else _integers(shape)


def _integers(values: Any) -> Shape:
    values = np.atleast_1d(np.asarray(values))
    if values.ndim != 1 or np.any(values != np.floor(values)) or np.any(values < 0):
        raise ValidationError(
            f"expected whole numbers as a shape, got {values!r:.100}", attr="graph"
        )
    return tuple(int(value) for value in values) if values.size else ()


def _shapes_of(node: Any, name: Name, given: Shape | None) -> tuple[Shape, Shape]:
    own = _own_shape(node)
    shape_in = given if own is None or (own == () and given) else own
    if shape_in is None or min(shape_in, default=1) < 1:
        raise ValidationError(
            f"expected positive sizes, got {shape_in} for the node {shown(name)!r}",
            attr="graph",
        )
    return shape_in, _OUTPUT.get(type(node).__name__, _same)(node, shape_in, name)


def _same(node: Any, shape: Shape, name: Name) -> Shape:
    del node, name
    return shape


def _of_weights(node: Any, shape: Shape, name: Name) -> Shape:
    del shape
    shape_out = (*node.weight.shape[:-2], node.weight.shape[-2])
    bias = getattr(node, "bias", None)
    if bias is not None and np.shape(bias) != shape_out:
        raise _mismatch(name, f"a bias of shape {shape_out}", np.shape(bias))
    return shape_out


def window(node: Any, n: int) -> list[tuple[int, int, int, int]]:
    """Return kernel size, stride, padding and dilation for each spatial axis."""
    if hasattr(node, "weight"):
        kernel, dilation = node.weight.shape[2:], node.dilation
    else:
        kernel, dilation = node.kernel_size, 1
    columns = [np.broadcast_to(_padding(node, kernel, dilation), n)]
    columns[:0] = [np.broadcast_to(x, n) for x in (kernel, node.stride)]
    columns.append(np.broadcast_to(dilation, n))
    return [
        (int(k), int(s), int(p), int(d)) for k, s, p, d in zip(*columns, strict=True)
    ]


def _padding(node: Any, kernel: Any, dilation: Any) -> Any:
    if not isinstance(node.padding, str):
        return node.padding
    if node.padding == "valid":
        return 0
    reach = np.multiply(dilation, np.subtract(kernel, 1))
    if (
        node.padding != "same"
        or np.any(reach % 2)
        or np.any(np.not_equal(node.stride, 1))
    ):
        raise ValidationError(
            "expected padding that is the same on both sides: a number, 'valid', or "
            f"'same' with odd kernels and strides of 1, got {node.padding!r}",
            attr="padding",
        )
    return reach // 2


def _of_window(node: Any, shape: Shape, name: Name) -> Shape:
    n = 1 if type(node).__name__ == "Conv1d" else 2
    if len(shape) != n + 1:
        raise _mismatch(name, f"an input of {n + 1} axes, channels first", shape)
    channels = shape[0]
    if hasattr(node, "weight"):
        channels = node.weight.shape[0]
        _check_convolution(node, shape, name, n)
    try:
        windows = window(node, n)
    except (TypeError, ValueError) as error:
        raise _mismatch(name, "numbers for each axis of its window", error) from error
    if any(k < 1 or s < 1 or p < 0 or d < 1 for k, s, p, d in windows):
        raise _mismatch(name, "positive kernel size, stride and dilation", windows)
    sizes = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, (k, s, p, d) in zip(shape[1:], windows, strict=True)
    ]
    if min(sizes) < 1:
        raise _mismatch(name, "a window that fits into its input", (shape, windows))
    return (channels, *sizes)


def _check_convolution(node: Any, shape: Shape, name: Name, n: int) -> None:
    weight, groups = node.weight, int(node.groups)
    if weight.ndim != n + 2:
        raise _mismatch(name, f"weights of {n + 2} axes", weight.shape)
    if groups < 1 or weight.shape[0] % groups or weight.shape[1] * groups != shape[0]:
        expected = f"weights for {shape[0]} channels in {groups} groups"
        raise _mismatch(name, expected, weight.shape)
    if np.shape(node.bias) not in ((), (weight.shape[0],)):
        raise _mismatch(name, f"{weight.shape[0]} biases", np.shape(node.bias))


def _of_flatten(node: Any, shape: Shape, name: Name) -> Shape:
    first, last = (
        int(d) + len(shape) * (int(d) < 0) for d in (node.start_dim, node.end_dim)
    )
    if not 0 <= first <= last < len(shape):
        raise _mismatch(name, f"axes of an input of shape {shape}", (first, last))
    return (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :])


_OUTPUT: dict[str, Callable[[Any, Shape, Name], Shape]] = {
    "Affine": _of_weights,
    "Linear": _of_weights,
    "Conv1d": _of_window,
    "Conv2d": _of_window,
    "SumPool2d": _of_window,
    "AvgPool2d": _of_window,
    "Flatten": _of_flatten,
}


def _check_edge(out: Shape, into: Shape, pre: Name, post: Name) -> None:
    if prod(out) != prod(into):
        raise ValidationError(
            f"expected edges between nodes of one size, got {out} from {shown(pre)!r} "
            f"to {shown(post)!r}, which takes {into}",
            attr="edges",
        )


def _mismatch(name: Name, expected: str, got: Any) -> ValidationError:
    return ValidationError(
        f"expected {expected} for the node {shown(name)!r}, got {got}", attr="graph"
    )


def _unknown(waiting: dict[Name, Any]) -> ValidationError:
    names = ", ".join(repr(shown(name)) for name in waiting)
    return ValidationError(
        f"expected that shapes follow from the inputs, got nodes of which nothing says "
        f"the shape: {names}",
        attr="graph",
    )
