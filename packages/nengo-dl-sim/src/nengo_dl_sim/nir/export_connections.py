"""Connections of Nengo, and probes, as chains of nodes of NIR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model
from nengo.ensemble import Neurons
from nengo.transforms import Dense, NoTransform
from nengo.utils.numpy import is_iterable

from .conventions import has_channels_last
from .export_transforms import as_matrix, synapse_nodes, weight_nodes
from .lossy import Lossy
from .package import nir_package
from .verdicts import LEARNING_RULES, SYNAPSES, verdict_of


@dataclass
class Link:
    """
    What lies between two objects; ``post`` is None at a probe.

    ``weights``, ``synapse`` and ``scattered`` are nodes of NIR, in the order of the
    signal. ``full_weights``: the weights contain encoders and gain.
    """

    pre: Any
    post: Any
    label: str
    size: int
    weights: list[Any] = field(default_factory=list)
    synapse: list[Any] = field(default_factory=list)
    scattered: list[Any] = field(default_factory=list)
    full_weights: bool = False

    @property
    def nodes(self) -> list[Any]:
        """All of these nodes."""
        return [*self.weights, *self.synapse, *self.scattered]

    @property
    def is_lowpass_to_neurons(self) -> bool:
        """Whether one low-pass filter is the last before neurons."""
        nir = nir_package()
        return (
            len(self.synapse) == 1
            and isinstance(self.synapse[0], nir.LI)
            and self.synapse[0].metadata["integration"] == "exact"
            and bool(np.all(self.synapse[0].r == 1))
            and not self.scattered
            and not self.full_weights
        )

    def take_bias(self, bias: np.ndarray) -> None:
        """Let the weights add the biases of the neurons behind them."""
        nir, node = nir_package(), self.weights[-1]
        if isinstance(node, nir.Linear):
            self.weights[-1] = nir.Affine(node.weight, np.array(bias, float))
        else:
            node.bias = per_channel(node, bias)


def bias_taker(
    links: Sequence[Link], gain: np.ndarray, bias: np.ndarray
) -> Link | None:
    """Return a connection to neurons of which the weights may add the biases."""
    nir = nir_package()
    if np.any(gain != 1) or not np.any(bias):
        return None
    for link in links:
        if link.synapse or link.scattered or not link.weights or link.full_weights:
            continue
        last = link.weights[-1]
        convolution = isinstance(last, (nir.Conv1d, nir.Conv2d))
        if isinstance(last, nir.Linear) or (
            convolution and per_channel(last, bias) is not None
        ):
            return link
    return None


def per_channel(node: Any, bias: np.ndarray) -> np.ndarray | None:
    """Return the bias of each channel of a convolution; None if they are not equal."""
    n_channels = len(node.weight)
    if has_channels_last(node):
        channels = bias.reshape(-1, n_channels).T
    else:
        channels = bias.reshape(n_channels, -1)
    same = np.all(channels == channels[:, :1])
    return np.array(channels[:, 0], float) if same else None


def links_of(model: Model, data: Mapping, lossy: Lossy) -> list[Link]:
    """Return all connections of a model, then its probes."""
    conns = [obj for obj in model.params if isinstance(obj, nengo.Connection)]
    probed = {conn.post_obj: conn for conn in conns}
    links = [
        _of_connection(conn, model, data, lossy)
        for conn in conns
        if not isinstance(conn.post_obj, nengo.Probe)
    ]
    for probe in model.probes:
        if probe.attr not in ("output", "decoded_output"):
            continue
        if probe in probed:
            link = _of_connection(probed[probe], model, data, lossy)
            link.label = probe.label or "output"
            links.append(link)
        else:
            links.append(_of_probe(probe, lossy))
    return links


def _of_probe(probe: nengo.Probe, lossy: Lossy) -> Link:
    """Return what a probe that reads a signal records."""
    size_pre = probe.obj.size_out
    link = Link(probe.obj, None, probe.label or "output", probe.size_in)
    if not _is_whole(probe.slice, size_pre):
        link.weights = [nir_package().Linear(_selection(probe.slice, size_pre))]
    link.synapse = _synapse(probe, probe.synapse, link.size, lossy)
    return link


def _of_connection(
    conn: nengo.Connection, model: Model, data: Mapping, lossy: Lossy
) -> Link:
    _check(conn, lossy)
    decoded = isinstance(conn.pre_obj, nengo.Ensemble)
    post = None if isinstance(conn.post_obj, nengo.Probe) else conn.post_obj
    full = decoded and conn.solver.weights and isinstance(conn.post_obj, nengo.Ensemble)
    size_pre = conn.pre_obj.neurons.size_out if decoded else conn.pre_obj.size_out
    size = conn.post_obj.n_neurons if full else conn.post_obj.size_in
    label = conn.label or "connection"
    link = Link(conn.pre_obj, post, label, size, full_weights=full)
    weights = data[conn].weights
    pre_slice = slice(None) if decoded else conn.pre_slice
    post_slice = slice(None) if full else conn.post_slice
    size_sliced = len(np.arange(size_pre)[pre_slice])
    whole = _is_whole(pre_slice, size_pre)
    dense = weights is None or isinstance(weights, np.ndarray)
    if dense and isinstance(conn.transform, (Dense, NoTransform)):
        if not whole:
            selected = as_matrix(weights, size_sliced) @ _selection(pre_slice, size_pre)
            link.weights = [nir_package().Linear(selected)]
        else:
            link.weights = weight_nodes(conn.transform, weights, size_sliced)
    else:
        if not whole:
            link.weights = [nir_package().Linear(_selection(pre_slice, size_pre))]
        link.weights += weight_nodes(conn.transform, weights, size_sliced)
    size_out = size if full else conn.size_out
    link.synapse = _synapse(conn, conn.synapse, size_out, lossy)
    if not _is_whole(post_slice, size):
        link.scattered = [nir_package().Linear(_selection(post_slice, size).T)]
    return link


def _check(conn: nengo.Connection, lossy: Lossy) -> None:
    """Refuse functions and learning."""
    decoded = isinstance(conn.pre_obj, nengo.Ensemble)
    if conn.function is not None and not decoded:
        lossy.refuse(conn, "function", "NIR has no functions")
    rules = conn.learning_rule_type or []
    rules = rules.values() if isinstance(rules, dict) else rules
    for rule in rules if is_iterable(rules) else [rules]:
        verdict = verdict_of(LEARNING_RULES, rule)
        lossy.refuse(conn, type(rule).__name__, verdict.why, verdict.node)
    if not isinstance(
        conn.post_obj, (nengo.Node, nengo.Ensemble, Neurons, nengo.Probe)
    ):
        lossy.refuse(conn, "connection to a learning rule", "NIR has no learning", "")


def _synapse(obj: Any, synapse: Any, size: int, lossy: Lossy) -> list[Any]:
    found = synapse_nodes(synapse, size, late=True)
    if found is None:
        verdict = verdict_of(SYNAPSES, synapse)
        why = (
            verdict.why
            if verdict.kind != "conditional"
            else f"not so that {verdict.why}"
        )
        lossy.refuse(obj, str(synapse), why)
    return found  # type: ignore[return-value]


def _is_whole(chosen: Any, size: int) -> bool:
    whole = np.arange(size)
    return chosen is None or np.array_equal(whole[chosen], whole)


def _selection(chosen: Any, size: int) -> np.ndarray:
    """Return the matrix that picks elements."""
    return np.eye(size)[np.atleast_1d(np.arange(size)[chosen])]
