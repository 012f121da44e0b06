"""The forms in which NengoDL 3 took values for nodes, targets and weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.node import Node
from nengo.probe import Probe

from .names import Names


class Given(NamedTuple):
    """
    What the user gave to compute losses of.

    Parameters
    ----------
    x, y : array_like or list or dict or None
        Values for nodes, and targets for probes (see `node_values`); or ``x`` is a
        data set or a generator of minibatches.
    n_steps : int or None
        The number of steps; needed if no values are given.
    weights : dict from nengo.Probe to array_like
        Weights of samples.
    class_weight : dict from int to float, optional
        Weights of classes.
    """

    x: Any
    y: Any = None
    n_steps: int | None = None
    weights: Mapping[Probe, Any] = MappingProxyType({})
    class_weight: Any = None


def is_stream(data: Any) -> bool:
    """
    Tell whether data comes a minibatch at a time.

    Parameters
    ----------
    data : object
        What the user gave.

    Returns
    -------
    is_stream : bool
        True for a tf.data.Dataset, a generator, and other iterables that are neither
        arrays nor containers of arrays.
    """
    if isinstance(data, (Mapping, Sequence, tf.Tensor, tf.Variable)):
        return False
    if hasattr(data, "__array__") or hasattr(data, "shape"):
        return False
    return isinstance(data, Iterable)


def node_values(
    attr: str, x: Any, nodes: Sequence[Node], names: Names
) -> dict[Any, Any]:
    """
    Say which values belong to which node.

    Parameters
    ----------
    attr : str
        The argument they were given for, for messages.
    x : array_like or list or dict or None
        An array for the first node; arrays for all nodes, in order; or arrays by node
        or name. None: nothing.
    nodes : list of nengo.Node
        The input nodes.
    names : Names
        Their names.

    Returns
    -------
    values : dict
        Arrays by node (unless the user gave other keys). Nothing is checked yet.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there are too few nodes or too few arrays, or a name is unknown.

    Warns
    -----
    UserWarning
        If there is one array for several nodes.
    """
    nodes = [node for node in nodes if node.size_out > 0]
    return _by_object(attr, "input nodes", x, nodes, names)


def probe_targets(y: Any, probes: Sequence[Probe], names: Names) -> dict[Any, Any]:
    """
    Say which targets belong to which probe.

    Parameters
    ----------
    y : array_like or list or dict or None
        As in `node_values`, for probes.
    probes : list of nengo.Probe
        The probes.
    names : Names
        Their names.

    Returns
    -------
    targets : dict
        Arrays by probe. Nothing is checked yet.

    Raises
    ------
    nengo.exceptions.ValidationError
        As in `node_values`.

    Warns
    -----
    UserWarning
        If there is one array for several probes.
    """
    return _by_object("y", "probes", y, probes, names)


def _by_object(
    attr: str, kind: str, given: Any, objects: Sequence[Any], names: Names
) -> dict[Any, Any]:
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return names.by_object(attr, given)
    if isinstance(given, (list, tuple)):
        if len(given) != len(objects):
            raise ValidationError(
                f"expected a list of {len(objects)} arrays, one for each of the "
                f"{kind}, got {len(given)}",
                attr=attr,
            )
        return dict(zip(objects, given, strict=True))
    if not objects:
        raise ValidationError(
            f"expected None for a network without {kind}, got {type(given).__name__}",
            attr=attr,
        )
    if len(objects) > 1:
        warnings.warn(
            f"{attr} is one array, but there are {len(objects)} {kind}: it is taken "
            f"for {objects[0]}",
            stacklevel=3,
        )
    return {objects[0]: given}
