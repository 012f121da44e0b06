"""Random operations of TensorFlow, made to follow from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from ..random_numbers import fold_in


class _Stateless(NamedTuple):
    """
    The operation that draws from a seed what another one draws from its own state.

    Parameters
    ----------
    op : str
        Its name.
    place : int
        Where the seed goes among its inputs.
    types : dict from str to str
        Its attributes, and those of the other operation that they are.
    """

    op: str
    place: int
    types: dict[str, str]


_SHAPED = {"dtype": "dtype", "T": "T"}

#: What takes the place of operations with a state.
_STATELESS = {
    "RandomUniform": _Stateless("StatelessRandomUniform", 1, _SHAPED),
    "RandomStandardNormal": _Stateless("StatelessRandomNormal", 1, _SHAPED),
    "TruncatedNormal": _Stateless("StatelessTruncatedNormal", 1, _SHAPED),
    "RandomUniformInt": _Stateless(
        "StatelessRandomUniformInt", 1, {"dtype": "Tout", "T": "T"}
    ),
    "RandomGamma": _Stateless("StatelessRandomGammaV2", 1, {"dtype": "T", "T": "S"}),
    "RandomPoissonV2": _Stateless(
        "StatelessRandomPoisson", 1, {"dtype": "dtype", "T": "S", "Rtype": "R"}
    ),
    "ParameterizedTruncatedNormal": _Stateless(
        "StatelessParameterizedTruncatedNormal", 1, {"dtype": "dtype", "S": "T"}
    ),
    "Multinomial": _Stateless(
        "StatelessMultinomial", 2, {"T": "T", "output_dtype": "output_dtype"}
    ),
}

#: Other operations that draw from a state of their own.
_OTHERS = frozenset(
    {"RandomShuffle", "RandomCrop", "RandomPoisson", "StatefulRandomBinomial"}
)


class RandomOps(NamedTuple):
    """
    The random operations that a traced function holds.

    Parameters
    ----------
    seeded : list of str
        Those that can be made to follow from a seed.
    others : list of str
        Those that cannot.
    """

    seeded: list[str]
    others: list[str]


def random_ops(traced: Any) -> RandomOps:
    """Find random operations."""
    graph = traced.graph.as_graph_def()
    mine = {node.op for node in graph.node}
    inner = {node.op for f in graph.library.function for node in f.node_def}
    known = _STATELESS.keys()
    others = (mine & _OTHERS) | (inner & (known | _OTHERS))
    return RandomOps(sorted(mine & known), sorted(others))


def call_seeded(function: Callable, arguments: list[Any], seed: tf.Tensor) -> Any:
    """
    Call a function in which random operations follow from a seed.

    Parameters
    ----------
    function : callable
        Takes and returns nested structures of tensors.
    arguments : list
        What it takes.
    seed : () tf.Tensor of uint64
        Equal seeds give equal numbers.

    Returns
    -------
    result : nested structure of tf.Tensor
        What it returns.

    Notes
    -----
    An operation with a state of its own draws from where it was left, whichever
    simulator asks, and XLA ignores its seed. So the function becomes part of the step
    with other operations in their place.
    """
    specs = tf.nest.map_structure(_spec, arguments)
    traced = tf.function(function, autograph=False).get_concrete_function(*specs)
    graph = traced.graph.as_graph_def()
    drawing = [node for node in graph.node if node.op in _STATELESS]
    given = [*tf.nest.flatten(arguments), *traced.captured_inputs]
    inputs = {
        place.name: tf.identity(value)
        for place, value in zip(traced.inputs, given, strict=True)
    }
    for number, node in enumerate(drawing):
        _draw_from_seed(node, name := f"nengo_dl_seed_{number}")
        inputs[f"{name}:0"] = _int_seed(fold_in(seed, tf.constant(number, tf.uint64)))
    _remove(graph, inputs)
    names = [output.name for output in traced.outputs]
    within = [name for name in names if name not in inputs]
    used = {name.partition(":")[0] for node in graph.node for name in node.input}
    known = {k: v for k, v in inputs.items() if k.partition(":")[0] in used}
    found = tf.graph_util.import_graph_def(graph, known, within, name="seeded")
    results = {**inputs, **dict(zip(within, found, strict=True))}
    return tf.nest.pack_sequence_as(
        traced.structured_outputs, [results[name] for name in names]
    )


def _remove(graph: Any, inputs: Mapping[str, tf.Tensor]) -> None:
    """Remove what stands for inputs: XLA would not compile it."""
    gone = {name.partition(":")[0] for name in inputs}
    kept = [node for node in graph.node if node.name not in gone]
    for node in kept:
        for name in [name for name in node.input if name.startswith("^")]:
            if name[1:] in gone:
                node.input.remove(name)
    del graph.node[:]
    graph.node.extend(kept)


def _draw_from_seed(node: Any, seed: str) -> None:
    """Turn an operation into the one that takes a seed."""
    op, place, types = _STATELESS[node.op]
    inputs = list(node.input)
    found = {mine: node.attr[theirs].type for mine, theirs in types.items()}
    node.op = op
    del node.input[:]
    node.input.extend([*inputs[:place], seed, *inputs[place:]])
    node.attr.clear()
    for name, kind in found.items():
        node.attr[name].type = kind
    node.attr["Tseed"].type = tf.int32.as_datatype_enum


def _int_seed(seed: tf.Tensor) -> tf.Tensor:
    """Take a seed apart into the two numbers that TensorFlow's operations take."""
    low = tf.cast(seed & tf.constant(2**31 - 1, tf.uint64), tf.int32)
    high = tf.bitwise.right_shift(seed, tf.constant(33, tf.uint64))
    return tf.stack([low, tf.cast(high, tf.int32)])


def _spec(value: Any) -> tf.TensorSpec:
    return tf.TensorSpec(value.shape, value.dtype)
