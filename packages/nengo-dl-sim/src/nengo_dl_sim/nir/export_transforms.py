"""Transforms and synapses of Nengo, as nodes of NIR."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import nengo
import numpy as np
from nengo.builder.signal import Signal
from nengo.builder.transforms import ConvInc, ConvTransposeInc
from nengo.exceptions import ValidationError
from nengo.transforms import Convolution, ConvolutionTranspose, SparseMatrix

from nengo_dl_ops import Delay

from ..converter.pooling_transform import PoolingTransform
from .conventions import CHANNELS_LAST, ONE_STEP_DELAY
from .package import nir_package


@singledispatch
def weight_nodes(transform: Any, weights: Any, size: int) -> list[Any]:
    """
    Return the nodes of NIR that multiply by weights.

    ``size``: how many values are multiplied; ``weights`` is None if there are none.
    """
    del transform
    if weights is None:
        return []
    nir, weights = nir_package(), np.array(weights, np.float64)
    if weights.ndim < 2:
        return [nir.Scale(np.array(np.broadcast_to(weights, size)))]
    return [nir.Linear(weights)]


@weight_nodes.register(nengo.Sparse)
def _sparse(transform: nengo.Sparse, weights: Any, size: int) -> list[Any]:
    del transform, size
    is_sparse = isinstance(weights, SparseMatrix) or hasattr(weights, "toarray")
    matrix = weights.toarray() if is_sparse else weights
    return [nir_package().Linear(np.array(matrix, np.float64))]


@weight_nodes.register(Convolution)
def _convolution(transform: Convolution, weights: Any, size: int) -> list[Any]:
    padding = _padding(transform)
    if transform.dimensions > 2:
        raise ValidationError(
            f"expected a convolution in one or two dimensions, got {transform}, which "
            "neither NIR has nor Nengo simulates",
            attr="transform",
        )
    if padding is None:
        return [nir_package().Linear(matrix_of(transform, weights, size))]
    nir = nir_package()
    kernel = np.array(np.moveaxis(weights, (-1, -2), (0, 1)), np.float64, order="C")
    one = transform.dimensions == 1

    def sizes(values: Any) -> Any:
        values = tuple(map(int, values))
        return values[0] if one else values

    node = (nir.Conv1d if one else nir.Conv2d)(
        input_shape=sizes(transform.input_shape.spatial_shape),
        weight=kernel,
        stride=sizes(transform.strides),
        padding=sizes(padding),
        dilation=sizes([1] * transform.dimensions),
        groups=int(transform.groups),
        bias=np.zeros(transform.n_filters),
        metadata={CHANNELS_LAST: 1} if transform.channels_last else {},
    )
    # nir counts channels of one group, and takes kernels to be square.
    node.input_type = {"input": _first(transform.input_shape)}
    node.output_type = {"output": _first(transform.output_shape)}
    return [node]


def _first(shape: Any) -> np.ndarray:
    """Return a shape with channels first."""
    return np.array([shape.n_channels, *shape.spatial_shape])


@weight_nodes.register(PoolingTransform)
def _pooling(transform: PoolingTransform, weights: Any, size: int) -> list[Any]:
    kind = _pooling_kind(transform, weights)
    if kind is None:
        return _sparse(transform, weights, size)
    node = kind(
        kernel_size=np.array(transform.pool_size),
        stride=np.array(transform.strides),
        padding=np.array(transform.padding),
        metadata={CHANNELS_LAST: 1} if transform.channels_last else {},
    )
    last = transform.channels_last
    for types, name, shape in (
        ("input_type", "input", transform.input_shape),
        ("output_type", "output", transform.output_shape),
    ):
        first = np.array((*shape[-1:], *shape[:-1]) if last else shape)
        setattr(node, types, {name: first})
    return [node]


def _pooling_kind(transform: PoolingTransform, weights: Any) -> Any:
    """Return what adds up windows with these weights, None if NIR has nothing."""
    nir = nir_package()
    if len(transform.pool_size) == 2:
        average = 1 / np.prod(transform.pool_size)
        for kind, weight in ((nir.SumPool2d, 1.0), (nir.AvgPool2d, average)):
            if np.allclose(weights.data, weight, rtol=1e-6, atol=0):
                return kind
    return None


@weight_nodes.register(ConvolutionTranspose)
def _transposed(transform: Any, weights: Any, size: int) -> list[Any]:
    return [nir_package().Linear(matrix_of(transform, weights, size))]


def _padding(transform: Convolution) -> tuple[int, ...] | None:
    """Return zeros before and after each axis, None if these differ."""
    if transform.padding == "valid":
        return (0,) * transform.dimensions
    even = any(k % 2 == 0 for k in transform.kernel_size)
    if even or any(stride != 1 for stride in transform.strides):
        return None
    return tuple((int(k) - 1) // 2 for k in transform.kernel_size)


def matrix_of(transform: Any, weights: Any, size: int) -> np.ndarray:
    """Return the matrix of a convolution: what it makes of each unit vector."""
    transposed = isinstance(transform, ConvolutionTranspose)
    W, X = Signal(np.array(weights, np.float64)), Signal(np.zeros(size))
    Y = Signal(np.zeros(transform.size_out))
    op = (ConvTransposeInc if transposed else ConvInc)(W, X, Y, transform)
    values = {sig: np.array(sig.initial_value) for sig in (W, X, Y)}
    step = op.make_step(values, 0.001, None)
    matrix = np.zeros((transform.size_out, size))
    for i in range(size):
        values[X][...], values[Y][...] = np.arange(size) == i, 0
        step()
        matrix[:, i] = values[Y]
    return matrix


def as_matrix(weights: Any, size: int) -> np.ndarray:
    """Return weights that are None, a number or a vector as a matrix, too."""
    weights = np.array(1.0 if weights is None else weights, np.float64)
    if weights.ndim == 2:
        return weights
    return np.diag(np.broadcast_to(weights, size))


def synapse_nodes(synapse: Any, size: int, late: bool) -> list[Any] | None:
    """
    Return the nodes of NIR that filter as a synapse does.

    ``late``: whether the output is seen one step later, as on a connection. Returns
    None if NIR has no such filter.
    """
    nir = nir_package()
    metadata = {ONE_STEP_DELAY: 1} if late else {}
    if synapse is None:
        return []
    if type(synapse) is Delay:
        seconds = np.array(np.broadcast_to(synapse.seconds, size), np.float64)
        return [nir.Delay(seconds)]
    if type(synapse) is nengo.Alpha:
        tau = np.full(size, float(synapse.tau))
        second = {**metadata, "part_of": "Alpha"}
        return [_filter(tau, 1.0, {"part_of": "Alpha"}), _filter(tau, 1.0, second)]
    return _first_order(synapse, size, metadata)


def _first_order(synapse: Any, size: int, metadata: dict[str, Any]) -> list[Any] | None:
    is_linear = type(synapse) in (nengo.Lowpass, nengo.synapses.LinearFilter)
    methods = {"zoh": "exact", "euler": "euler"}
    if not is_linear or not synapse.analog or synapse.method not in methods:
        return None
    num, den = np.trim_zeros(synapse.num, "f"), np.trim_zeros(synapse.den, "f")
    if type(synapse) is nengo.Lowpass and synapse.tau == 0:
        return [nir_package().Scale(np.ones(size))] if not metadata else None
    if len(num) != 1 or len(den) != 2:
        return None
    metadata = {**metadata, "integration": methods[synapse.method]}
    if den[1] == 0:
        r = np.full(size, num[0] / den[0])
        return [nir_package().I(r, metadata=metadata)]
    tau = np.full(size, den[0] / den[1])
    return [_filter(tau, num[0] / den[1], metadata)] if tau[0] > 0 else None


def _filter(tau: np.ndarray, r: float, metadata: dict[str, Any]) -> Any:
    size = len(tau)
    return nir_package().LI(
        tau=tau, r=np.full(size, r), v_leak=np.zeros(size), metadata=metadata
    )
