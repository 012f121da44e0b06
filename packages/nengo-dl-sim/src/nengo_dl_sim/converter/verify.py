"""Compares a converted network with its Keras model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from ..checks import check_boolean
from ..simulator.simulator import Simulator
from .items import listed
from .keras_values import computable, jit_compile

#: Steps of time, where a model takes any number.
_STEPS = 5


def verify(
    converter: Any, training: bool, inputs: Any, atol: float, rtol: float
) -> bool:
    """
    Compare outputs of one step, or of all steps of a model over time.

    Parameters
    ----------
    converter : Converter
        What to check; the other arguments are those of its method.

    Returns
    -------
    same : bool
        True.
    """
    check_boolean("training", training)
    inputs = _inputs(converter, inputs)
    model = computable(converter.graph, converter.graph.plain)
    expected = keras.tree.flatten(model(_structure(converter, inputs)))
    found = _run(converter, inputs, training)
    for tensor, x, y in zip(converter.model.outputs, expected, found, strict=True):
        x = np.asarray(keras.ops.convert_to_numpy(x)).reshape(y.shape)
        if not np.allclose(y, x, atol=atol, rtol=rtol):
            raise ValueError(
                f"the network and the Keras model differ in {tensor.name!r}: by up to "
                f"{np.abs(y - x).max():g}, where values are up to {np.abs(x).max():g} "
                f"(atol={atol:g}, rtol={rtol:g})"
            )
    return True


def _inputs(converter: Any, inputs: Any) -> list[np.ndarray]:
    tensors = converter.graph.inputs
    if inputs is None:
        rng = np.random.RandomState(0)
        shapes = [[n or _STEPS for n in t.shape[1:]] for t in tensors]
        return [
            rng.uniform(0, 1, (4, *shape)).astype(t.dtype)
            for t, shape in zip(tensors, shapes, strict=True)
        ]
    if isinstance(inputs, Mapping):
        inputs = listed(converter, "inputs", inputs)
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    if len(inputs) != len(tensors) or not all(map(_fits, inputs, tensors)):
        raise ValueError(
            f"expected inputs of shape {[tuple(t.shape) for t in tensors]}, got "
            f"{[np.shape(x) for x in inputs]}"
        )
    return [np.asarray(x) for x in inputs]


def _fits(x: Any, tensor: Any) -> bool:
    found, wanted = np.shape(x)[1:], tensor.shape[1:]
    return len(found) == len(wanted) and all(
        n is None or n == m for n, m in zip(wanted, found, strict=True)
    )


def _structure(converter: Any, inputs: list[np.ndarray]) -> Any:
    return keras.tree.pack_sequence_as(converter.graph.structure, inputs)


def _run(converter: Any, inputs: list[np.ndarray], training: bool) -> list[np.ndarray]:
    probes = [converter.outputs[tensor] for tensor in converter.model.outputs]
    data = {
        converter.inputs[tensor]: _over_time(x, converter).astype(float)
        for tensor, x in zip(converter.graph.inputs, inputs, strict=True)
    }
    size = len(inputs[0])
    jit = jit_compile(converter.graph)
    with Simulator(
        converter.net, minibatch_size=size, progress_bar=False, jit_compile=jit
    ) as sim:
        wanted = dict.fromkeys(probes)
        result = sim.run_batch(data, wanted, training=training, combine=np.concatenate)
    outputs = zip(converter.graph.outputs, probes, strict=True)
    return [
        np.asarray(result[probe])[:, slice(None) if converter.has_time(t) else -1]
        for t, probe in outputs
    ]


def _over_time(x: np.ndarray, converter: Any) -> np.ndarray:
    """Return ``(batch, steps, size)``; one step, unless there is a time axis."""
    steps = x.shape[1] if converter.temporal_model else 1
    return x.reshape(len(x), steps, -1)
