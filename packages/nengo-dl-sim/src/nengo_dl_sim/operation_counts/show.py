"""Operation counts as text, and as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .parts import Synapses

#: An `.OperationCounts`, of a file that imports this one.
Counts = Any


def summary_lines(counts: Counts) -> Iterator[str]:
    """Return the metrics of a network, then those of its connections and ensembles."""
    form = "full weights" if counts.is_full else "decoders and encoders"
    yield f"{counts.n_items} items, {counts.n_steps} steps of {counts.dt:g} s; {form}"
    yield ""
    yield from _aligned(_metrics(counts))
    yield ""
    yield from _aligned(_connections(counts))
    if counts.ensembles:
        yield ""
        yield from _aligned(_ensembles(counts))
    for line in counts.not_counted:
        yield f"not counted: {line}"


def _metrics(counts: Counts) -> list[tuple[str, ...]]:
    synaptic, neuronal = counts.synaptic_operations, counts.neuron_operations
    return [
        ("Footprint", f"{counts.footprint:,} bytes"),
        ("ParameterCount", f"{counts.parameter_count:,}"),
        ("ConnectionSparsity", f"{counts.connection_sparsity:.4f}"),
        ("ActivationSparsity", f"{counts.activation_sparsity:.4f}"),
        *((f"SynapticOperations, {k}", f"{v:,.1f}") for k, v in synaptic.items()),
        ("MembraneUpdates", f"{counts.membrane_updates:,.1f}"),
        *((f"NeuronOperations, {k}", f"{v:,.1f}") for k, v in neuronal.items()),
    ]


def _connections(counts: Counts) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("weights of", "parameters", "MACs", "ACs", "Dense")]
    rows += [
        (
            name,
            f"{part.n_stored:,}",
            f"{np.mean(part.macs):,.1f}",
            f"{np.mean(part.acs):,.1f}",
            f"{part.dense:,}",
        )
        for name, part in _named(counts)
    ]
    return rows


def _named(counts: Counts) -> Iterator[tuple[str, Synapses]]:
    """Return all weights, by name."""
    for conn in counts.connections.values():
        yield conn.name, conn.full if counts.is_full else conn.synapses
    if not counts.is_full:
        for ens in counts.ensembles.values():
            if ens.encoders.n_weights:
                yield f"{ens.name} (encoders)", ens.encoders


def _ensembles(counts: Counts) -> list[tuple[str, ...]]:
    titles = "neurons of", "neurons", "rate (Hz)", "sparsity", "updates"
    rows: list[tuple[str, ...]] = [titles]
    for ens, part in counts.ensembles.items():
        own = counts.only(ens)
        rows.append(
            (
                part.name,
                f"{part.n_neurons:,}",
                f"{counts.firing_rates[ens]:.1f}",
                f"{own.activation_sparsity:.4f}",
                f"{own.membrane_updates:,.1f}",
            )
        )
    return rows


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Put the first column to the left, and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [value.rjust(w) for value, w in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells])


def plot_counts(counts: Counts, ax: Any) -> Any:
    """Draw a bar for the operations with each kind of weights."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "plot() draws with matplotlib, which is not installed: "
            "pip install matplotlib"
        ) from error
    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    named = list(_named(counts))
    places, left = np.arange(len(named)), np.zeros(len(named))
    for label in ("macs", "acs"):
        sizes = np.array([float(np.mean(getattr(part, label))) for _, part in named])
        ax.barh(places, sizes, left=left, label=label.upper()[:-1] + "s")
        left = left + sizes
    ax.set_yticks(places, [name for name, _ in named])
    ax.invert_yaxis()
    ax.set(xlabel="operations an item")
    ax.legend()
    return ax
