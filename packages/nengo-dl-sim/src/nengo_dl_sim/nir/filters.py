"""Nodes of NIR that filter their input, and those that delay it."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from nengo_dl_ops import Delay

from .conventions import is_late
from .flat_graph import FlatGraph, Name
from .package import nir_package

#: The methods of ``nengo.synapses.LinearFilter``.
METHODS = {"euler": "euler", "exponential": "zoh", "exact": "zoh"}


def is_filter(node: Any) -> bool:
    """Tell whether a node is a filter without spikes."""
    nir = nir_package()
    return isinstance(node, (nir.LI, nir.I, nir.CubaLI))


def add_filter(
    node: Any, size: int, label: str, integration: str
) -> tuple[Any, Any, Any]:
    """Add a filter; return its entry, its exit, and what stands for it."""
    nir = nir_package()
    gain, bias = sized(node.r, size), np.zeros(size)
    if isinstance(node, nir.I):
        late = is_late(node)
        return _add(np.full(size, np.inf), gain, bias, label, integration, late)
    bias = sized(node.v_leak, size)
    if isinstance(node, nir.LI):
        tau = sized(node.tau, size)
        return _add(tau, gain, bias, label, integration, is_late(node))
    entry, current = add_current(node, size, label, integration)
    tau = sized(node.tau_mem, size)
    first, exit_, obj = _add(tau, gain, bias, label, integration, False)
    nengo.Connection(current, first, synapse=None)
    return entry, exit_, obj


def add_current(node: Any, size: int, label: str, integration: str) -> tuple[Any, Any]:
    """Add the synaptic current of a node; return its entry and exit."""
    tau, gain = sized(node.tau_syn, size), sized(node.w_in, size)
    label = f"{label}.current"
    return _add(tau, gain, np.zeros(size), label, integration, is_late(node))[:2]


def add_delay(node: Any, size: int, label: str) -> tuple[Any, Any, Any]:
    """Add delays; return entry, exit, and what stands for them."""
    seconds = sized(node.delay, size)
    entry = nengo.Node(size_in=size, label=f"{label}.sum")
    exit_ = nengo.Node(size_in=size, label=label)
    same = np.all(seconds == seconds[0])
    delay = Delay(float(seconds[0]) if same else seconds)
    nengo.Connection(entry, exit_, synapse=delay)
    return entry, exit_, exit_


def alpha_filters(graph: FlatGraph) -> dict[Name, Name]:
    """
    Find pairs of filters that were a ``nengo.Alpha`` on a connection.

    Returns by the name of the second that of the first. (In steps, two filters in a row
    are not quite one of second order, so Nengo's own is put back.)
    """
    found = {}
    for name, node in graph.nodes.items():
        before = graph.into(name)
        if not _is_half(node) or not is_late(node) or len(before) != 1:
            continue
        first = graph.nodes[before[0]]
        same = (
            _is_half(first)
            and not is_late(first)
            and first.tau.flat[0] == node.tau.flat[0]
        )
        if same and graph.out_of(before[0]) == [name]:
            found[name] = before[0]
    return found


def _tau(node: Any) -> float:
    """Return the time constant that all elements have."""
    return float(np.ravel(node.tau)[0])


def _is_half(node: Any) -> bool:
    return (
        isinstance(node, nir_package().LI)
        and node.metadata.get("part_of") == "Alpha"
        and bool(np.all(node.tau == np.ravel(node.tau)[0]))
        and bool(np.all(node.r == 1))
        and not np.any(node.v_leak)
    )


def add_alpha(node: Any, size: int, label: str) -> tuple[Any, Any, Any]:
    """Add a connection with ``nengo.Alpha``; return entry, exit, what stands for it."""
    entry = nengo.Node(size_in=size, label=f"{label}.sum")
    exit_ = nengo.Node(size_in=size, label=label)
    nengo.Connection(entry, exit_, synapse=nengo.Alpha(_tau(node)))
    return entry, exit_, exit_


def sized(values: Any, size: int) -> np.ndarray:
    """Return one value for each element."""
    return np.array(np.broadcast_to(np.ravel(values), size), np.float64)


def check_positive(node: Any, label: str) -> None:
    """Refuse time constants that are not positive, and delays that are negative."""
    for name, low in (("tau", 0), ("tau_mem", 0), ("tau_syn", 0)):
        values = getattr(node, name, None)
        if values is not None and np.any(np.asarray(values) <= low):
            raise _refused(node, name, "positive time constants", label)
    delay = getattr(node, "delay", None)
    if delay is not None and np.any(np.asarray(delay) < 0):
        raise _refused(node, "delay", "delays of 0 or more", label)


def _refused(node: Any, attr: str, expected: str, label: str) -> ValidationError:
    return ValidationError(
        f"expected {expected} for the node {label!r} ({type(node).__name__}), got "
        f"{np.ravel(getattr(node, attr))!r:.100}",
        attr=attr,
    )


def groups_of(values: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Return each value, with the places that have it."""
    return [(float(v), np.flatnonzero(values == v)) for v in np.unique(values)]


def make_filter(tau: float, integration: str) -> nengo.synapses.LinearFilter:
    """Return the filter of a time constant; infinite: an integrator."""
    if METHODS[integration] == "zoh" and np.isfinite(tau):
        return nengo.Lowpass(tau)
    den = [tau, 1.0] if np.isfinite(tau) else [1.0, 0.0]
    return nengo.synapses.LinearFilter([1.0], den, method=METHODS[integration])


def _add(
    tau: np.ndarray,
    gain: np.ndarray,
    bias: np.ndarray,
    label: str,
    integration: str,
    late: bool,
) -> tuple[Any, Any, Any]:
    groups, size = groups_of(tau), len(tau)
    one = len(groups) == 1 and not late
    if one and np.all(gain == 1) and not np.any(bias):
        node = _filter_node(groups[0][0], size, label, integration)
        return node, node, node
    entry = nengo.Node(size_in=size, label=f"{label}.sum")
    exit_ = nengo.Node(size_in=size, label=label)
    driven = entry
    if np.any(gain != 1) or np.any(bias):
        driven = nengo.Node(size_in=size, label=f"{label}.driven")
        nengo.Connection(entry, driven, transform=gain, synapse=None)
        if np.any(bias):
            nengo.Connection(nengo.Node(bias), driven, synapse=None)
    for value, places in groups:
        part = slice(None) if len(groups) == 1 else places.tolist()
        if late:
            synapse = make_filter(value, integration)
            nengo.Connection(driven[part], exit_[part], synapse=synapse)
        else:
            node = _filter_node(value, len(places), f"{label}.filter", integration)
            nengo.Connection(driven[part], node, synapse=None)
            nengo.Connection(node, exit_[part], synapse=None)
    return entry, exit_, exit_


def _filter_node(tau: float, size: int, label: str, integration: str) -> nengo.Node:
    process = make_filter(tau, integration)
    return nengo.Node(process, size_in=size, size_out=size, label=label)
