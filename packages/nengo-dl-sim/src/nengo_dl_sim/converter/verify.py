"""Compares a converted network with its Keras model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ..checks import check_boolean
from ..simulator.simulator import Simulator


def verify(
    converter: Any, training: bool, inputs: Any, atol: float, rtol: float
) -> bool:
    """
    Compare outputs of one step.

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
    expected = keras.tree.flatten(converter.graph.plain(_structure(converter, inputs)))
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
        return [rng.uniform(0, 1, (4, *t.shape[1:])).astype(t.dtype) for t in tensors]
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    shapes = [np.shape(x)[1:] for x in inputs]
    if shapes != [tuple(t.shape[1:]) for t in tensors]:
        raise ValueError(
            f"expected inputs of shape {[tuple(t.shape) for t in tensors]}, got "
            f"{[np.shape(x) for x in inputs]}"
        )
    return [np.asarray(x) for x in inputs]


def _structure(converter: Any, inputs: list[np.ndarray]) -> Any:
    return keras.tree.pack_sequence_as(converter.graph.structure, inputs)


def _run(converter: Any, inputs: list[np.ndarray], training: bool) -> list[np.ndarray]:
    probes = [converter.outputs[tensor] for tensor in converter.model.outputs]
    data = {
        converter.inputs[tensor]: x.reshape(len(x), 1, -1).astype(float)
        for tensor, x in zip(converter.graph.inputs, inputs, strict=True)
    }
    size = len(inputs[0])
    with Simulator(
        converter.net, minibatch_size=size, progress_bar=False, jit_compile=False
    ) as sim:
        wanted = dict.fromkeys(probes)
        result = sim.run_batch(data, wanted, training=training, combine=np.concatenate)
    return [np.asarray(result[probe])[:, -1] for probe in probes]
