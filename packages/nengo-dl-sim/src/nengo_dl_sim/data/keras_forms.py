"""The forms in which NengoDL 3 and Keras take values for nodes, targets and weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.node import Node
from nengo.probe import Probe

from nengo_dl_ops.user_warnings import warn_user

from .arrays import check_labels, leave_targets
from .names import RESERVED, Names

#: Says which weights of samples belong to which probe, of what the user gave and of the
#: targets.
Weigh = Callable[[Any, Mapping[Probe, Any]], dict[Probe, Any]]

#: Takes targets, probes, numbers of items and steps, and a type; returns the targets.
CheckTargets = Callable[..., dict[Probe, np.ndarray]]


class UserData(NamedTuple):
    """
    What the user gave to compute losses of.

    Parameters
    ----------
    x, y : array_like or list or dict or None
        Values for nodes, and targets for probes (see `node_values`); or ``x`` is a
        data set or a generator of minibatches.
    n_steps : int or None
        The number of steps; needed if no values are given.
    sample_weight : array_like or list or dict or None
        Weights of samples.
    class_weight : dict from int to float, optional
        Weights of classes.
    weigh : callable, optional
        Says which weights of samples belong to which probe. None: there can be none.
    check : callable
        Checks targets.
    """

    x: Any
    y: Any = None
    n_steps: int | None = None
    sample_weight: Any = None
    class_weight: Any = None
    weigh: Weigh | None = None
    check: CheckTargets = check_labels

    @property
    def compares(self) -> bool:
        """Whether there is something that targets are for."""
        return self.check is not leave_targets


def is_stream(data: Any) -> bool:
    """
    Tell whether data comes a minibatch at a time.

    Returns True for a tf.data.Dataset, a generator, and other iterables that are
    neither arrays nor containers of arrays.
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
        An array for the first node; arrays for the first nodes, in order; or arrays
        by node or name. None, also in place of an array: nothing.
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
        If there are too few nodes, or a name is unknown.

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


class Values(NamedTuple):
    """
    What was given for nodes and probes.

    Parameters
    ----------
    inputs : dict
        Values by node (unless the user gave other keys).
    targets : dict from nengo.Probe to array_like
        Targets.
    n_steps : int or None
        The number of steps, if it was among them.
    """

    inputs: dict[Any, Any]
    targets: dict[Any, Any]
    n_steps: int | None


def read_values(
    attr: str,
    x: Any,
    y: Any,
    nodes: Sequence[Node],
    probes: Sequence[Probe],
    names: Names,
) -> Values:
    """
    Say what belongs to which node or probe.

    Parameters
    ----------
    attr : str
        The argument that ``x`` was given for, for messages.
    x, y : array_like or list or dict or None
        As in `node_values` and `probe_targets`. A dictionary ``x`` may hold targets,
        too; it, or a list, may also say how many steps there are (see
        `without_n_steps`).
    nodes, probes, names
        The input nodes, the probes, and their names.

    Returns
    -------
    values : Values
        Nothing is checked yet but the number of steps.

    Raises
    ------
    nengo.exceptions.ValidationError
        As in those functions; if there are two targets for a probe.

    Warns
    -----
    UserWarning
        If there is one array for several nodes or probes.
    """
    x, n_steps = without_n_steps(attr, x)
    by_object = node_values(attr, x, nodes, names)
    inputs = {key: v for key, v in by_object.items() if not isinstance(key, Probe)}
    among = {key: v for key, v in by_object.items() if isinstance(key, Probe)}
    targets = probe_targets(y, probes, names)
    for probe in among:
        if probe in targets:
            raise ValidationError(
                f"expected values for nodes, got some for {probe}, a probe, which has "
                "targets in y: only these belong to it",
                attr=attr,
            )
    return Values(inputs, {**among, **targets}, n_steps)


def without_n_steps(attr: str, x: Any) -> tuple[Any, int | None]:
    """
    Take the number of steps out of values for nodes, if it is among them.

    ``x``: what the user gave: a dictionary may have the number under ``"n_steps"``, a
    list at its end, as a whole number or as one for each item. ``n_steps``: the number;
    None if it is not there.
    """
    if isinstance(x, Mapping) and RESERVED in x:
        others = {key: value for key, value in x.items() if key != RESERVED}
        return others, _one_count(attr, x[RESERVED])
    if isinstance(x, (list, tuple)) and len(x) > 1 and _is_count(x[-1]):
        one_dictionary = len(x) == 2 and isinstance(x[0], Mapping)
        return x[0] if one_dictionary else x[:-1], _one_count(attr, x[-1])
    return x, None


def _is_count(value: Any) -> bool:
    """Tell a number, or the same for each item, from values of a node."""
    if value is None or isinstance(value, Mapping):
        return False
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        return False
    is_flat = array.ndim < 2 or (array.ndim == 2 and array.shape[1] == 1)
    return is_flat and _is_whole(np.unique(array))


def _is_whole(found: np.ndarray) -> bool:
    """Tell whether some values are one whole number of at least 1."""
    if len(found) != 1 or found.dtype.kind not in "iuf":
        return False
    return bool(np.isfinite(found[0]) and found[0] >= 1 and found[0] % 1 == 0)


def _one_count(attr: str, value: Any) -> int:
    found = np.unique(np.asarray(value))
    if not _is_whole(found):
        raise ValidationError(
            f"expected one whole number of steps as {RESERVED}, got {found}", attr=attr
        )
    return int(found[0])


def _by_object(
    attr: str, kind: str, value: Any, objects: Sequence[Any], names: Names
) -> dict[Any, Any]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        found = names.by_object(attr, value, among=objects)
    elif isinstance(value, (list, tuple)):
        if len(value) > len(objects):
            raise ValidationError(
                f"expected a list of up to {len(objects)} arrays, one for each of the "
                f"{kind}, got {len(value)}",
                attr=attr,
            )
        found = dict(zip(objects, value, strict=False))
    else:
        found = {_first(attr, kind, value, objects): value}
    return {obj: values for obj, values in found.items() if values is not None}


def _first(attr: str, kind: str, value: Any, objects: Sequence[Any]) -> Any:
    """Return what one array is for."""
    if not objects:
        raise ValidationError(
            f"expected None for a network without {kind}, got {type(value).__name__}",
            attr=attr,
        )
    if len(objects) > 1:
        warn_user(
            f"{attr} is one array, but there are {len(objects)} {kind}: it is taken "
            f"for {objects[0]}"
        )
    return objects[0]
