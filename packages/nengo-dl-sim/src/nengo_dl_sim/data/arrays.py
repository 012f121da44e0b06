"""Checks the arrays that go into a simulation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..checks import check_not_masked
from ..inputs.nodes import is_input


def split_data(
    data: Mapping[Any, Any],
    nodes: Sequence[nengo.Node],
    probes: Sequence[nengo.Probe],
) -> tuple[dict[nengo.Node, Any], dict[nengo.Probe, Any]]:
    """
    Tell inputs from targets.

    Raises a ``ValidationError`` if there is a key that is neither an input node nor a
    probe of the network.
    """
    _check_mapping(data)
    for key in data:
        if isinstance(key, nengo.Node):
            _check_node(key, nodes)
        else:
            _check_probe(key, probes, kind="a Node or a Probe")
    inputs = {key: data[key] for key in data if isinstance(key, nengo.Node)}
    return inputs, {key: data[key] for key in data if key not in inputs}


def check_inputs(
    data: Mapping[nengo.Node, Any],
    nodes: Sequence[nengo.Node],
    batch_size: int | None = None,
    n_steps: int | None = None,
    dtype: str = "float64",
) -> dict[nengo.Node, np.ndarray]:
    """
    Check values for nodes.

    ``batch_size``, ``n_steps``: the expected numbers of items and steps. None: those of
    the first array. Raises a ``ValidationError`` if a key is not an input node of the
    network; if an array has another shape, or is not of finite numbers.
    """
    _check_mapping(data)
    for node in data:
        _check_node(node, nodes)
    arrays = {node: _as_array(node, data[node], node.size_out) for node in data}
    _check_lengths(arrays, batch_size, n_steps)
    for node, array in arrays.items():
        _check_values(node, array, dtype, "finite numbers", nan=False)
    return arrays


def check_targets(
    data: Mapping[nengo.Probe, Any],
    probes: Sequence[nengo.Probe],
    batch_size: int | None = None,
    n_steps: int | None = None,
    dtype: str = "float64",
) -> dict[nengo.Probe, np.ndarray]:
    """
    Check target values for probes.

    ``data``: the values. NaN means that there is no target. ``batch_size``,
    ``n_steps``: the expected numbers of items and steps. None: those of the first
    array. Raises a ``ValidationError`` if a key is not a probe of the network; if an
    array has another shape, or is not of numbers, or contains infinity.
    """
    _check_mapping(data)
    for probe in data:
        _check_probe(probe, probes, kind="a Probe")
    arrays = {probe: _as_array(probe, data[probe], probe.size_in) for probe in data}
    _check_lengths(arrays, batch_size, n_steps)
    for probe, array in arrays.items():
        _check_values(probe, array, dtype, "finite numbers or NaN", nan=True)
    return arrays


def check_labels(
    data: Mapping[nengo.Probe, Any],
    probes: Sequence[nengo.Probe],
    batch_size: int,
    n_steps: int | None,
    dtype: str,
) -> dict[nengo.Probe, np.ndarray]:
    """
    Check target values that a loss compares with outputs in its own way.

    ``data``: the values, of any number of steps and any size: such as one class label
    for all steps of an output. NaN means that there is no target.
    """
    del n_steps
    _check_mapping(data)
    for probe in data:
        _check_probe(probe, probes, kind="a Probe")
    arrays = {probe: _as_array(probe, data[probe]) for probe in data}
    for probe, array in arrays.items():
        _check_lengths({probe: array}, batch_size, None)
        _check_values(probe, array, dtype, "finite numbers or NaN", nan=True)
    return arrays


def leave_targets(
    data: Mapping[nengo.Probe, Any],
    probes: Sequence[nengo.Probe],
    batch_size: int | None = None,
    n_steps: int | None = None,
    dtype: str = "float64",
) -> dict[nengo.Probe, np.ndarray]:
    """
    Check only what targets are for, where nothing is compared with them.

    ``data``: the values; they are not looked at.
    """
    del batch_size, n_steps, dtype
    for probe in data:
        _check_probe(probe, probes, kind="a Node or a Probe")
    return {}


def common_shape(data: Mapping[Any, Any], minibatch_size: int) -> tuple[int, int]:
    """
    Return the numbers of items and steps of the first array.

    Returns the lengths of the first two axes; ``minibatch_size`` and 1 if no array has
    three.
    """
    for array in data.values():
        shape = np.shape(array)
        if len(shape) == 3:
            return shape[0], shape[1]
    return minibatch_size, 1


def _check_mapping(data: Any) -> None:
    if not isinstance(data, Mapping):
        raise ValidationError(
            "expected a dictionary from Nodes and Probes to arrays, got "
            f"{type(data).__name__}",
            attr="data",
        )


def _check_node(node: Any, nodes: Sequence[nengo.Node]) -> None:
    if node in nodes:
        return
    if not isinstance(node, nengo.Node):
        got = f"{node!r} of type {type(node).__name__}"
    elif node.size_in > 0:
        got = f"{node} with size_in={node.size_in}"
    elif not is_input(node):
        got = f"{node}, which TensorFlow computes"
    else:
        got = f"{node}, which is not in the network"
    raise ValidationError(
        f"expected Nodes without input as keys, got {got}", attr="data"
    )


def _check_probe(probe: Any, probes: Sequence[nengo.Probe], kind: str) -> None:
    if probe in probes:
        return
    if isinstance(probe, nengo.Probe):
        got = f"{probe}, which is not in the network"
    else:
        got = f"{probe!r} of type {type(probe).__name__}"
    raise ValidationError(f"expected {kind} as key, got {got}", attr="data")


def _as_array(obj: Any, value: Any, width: int | None = None) -> np.ndarray:
    check_not_masked("data", obj, value)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise _wrong(obj, "an array", f"{type(value).__name__}: {error}") from error
    if array.dtype.kind not in "biuf":
        raise _wrong(obj, "an array of numbers", f"data type {array.dtype}")
    if array.ndim != 3:
        expected = "an array of rank 3 (batch_size, n_steps, dimensions)"
        got = f"rank {array.ndim} with shape {array.shape}{_missing_axis(array.ndim)}"
        raise _wrong(obj, expected, got)
    if width is not None and array.shape[2] != width:
        expected = f"{width} dimensions (the last axis)"
        raise _wrong(obj, expected, f"{array.shape[2]} with shape {array.shape}")
    return array


def _missing_axis(rank: int) -> str:
    """Say how an array gets three axes."""
    if rank == 2:
        return (
            ": if it has one step of each item, add a time axis, x[:, None]; if it has "
            "the steps of one item, a batch axis, x[None]"
        )
    return ": np.reshape(x, (batch_size, n_steps, dimensions)) gives it all axes"


@contextmanager
def called(attr: str) -> Iterator[None]:
    """Let errors about data name the argument that it was given as."""
    try:
        yield
    except ValidationError as error:
        if error.attr != "data":
            raise
        raise ValidationError(error.args[0], attr=attr) from error.__cause__


def _check_lengths(
    arrays: Mapping[Any, np.ndarray], batch_size: int | None, n_steps: int | None
) -> None:
    for obj, array in arrays.items():
        batch_size = len(array) if batch_size is None else batch_size
        n_steps = array.shape[1] if n_steps is None else n_steps
        if len(array) != batch_size:
            expected = f"a batch size of {batch_size} (the first axis)"
            raise _wrong(obj, expected, f"{len(array)} with shape {array.shape}")
        if array.shape[1] != n_steps:
            expected = f"{n_steps} steps (the second axis)"
            raise _wrong(obj, expected, f"{array.shape[1]} with shape {array.shape}")


def _check_values(
    obj: Any, array: np.ndarray, dtype: str, expected: str, nan: bool
) -> None:
    if array.dtype.kind != "f":
        return
    largest = np.finfo(dtype).max
    accepted = np.abs(array) <= largest
    if nan:
        accepted |= np.isnan(array)
    if not accepted.all():
        first = tuple(np.argwhere(~accepted)[0])
        where = "item {}, step {}, dimension {}".format(*first)
        limit = f" up to {largest:.2g} ({dtype})" if np.isfinite(array[first]) else ""
        raise _wrong(obj, expected + limit, f"{array[first]} first at {where}")


def _wrong(obj: Any, expected: str, got: str) -> ValidationError:
    return ValidationError(f"for {obj}: expected {expected}, got {got}", attr="data")
