"""From a network of Nengo to a graph of NIR."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

import nengo
from nengo.builder import Model
from nengo.exceptions import SimulatorClosed, ValidationError

from ..version import version
from .builder import nested, without_passing
from .conventions import check_choice
from .export_channels import put_channels_first
from .export_network import NetworkExporter
from .export_shapes import add_shapes
from .lossy import Lossy
from .package import nir_package


def export(
    network_or_sim: nengo.Network | Any,
    path: str | PathLike | None = None,
    on_lossy: str = "raise",
    spike_height: str = "amplitude_over_dt",
) -> Any:
    """
    Make a graph of NIR of a network.

    Nodes without input become inputs of the graph; what they give is not part of it.
    Probes, and nodes that nothing reads, become its outputs. The guide has a table of
    what is exact, and what is not.

    Parameters
    ----------
    network_or_sim : nengo.Network or nengo_dl.Simulator or nengo.Simulator
        The network. Of a simulator, it has the current values of weights and biases.
    path : str or PathLike, optional
        A file to write the graph to.
    on_lossy : {"raise", "warn"}
        What to do about what NIR does not have: refuse it, or warn and export an
        approximation. Where there is none, it is refused in any case.
    spike_height : {"amplitude_over_dt", "one"}
        How high spikes are that NIR's neurons give: pulses with an integral of 1, or
        1 in a step, as in most libraries; what reads them is then multiplied by
        ``amplitude / dt``. These know few types of nodes: with ``"one"``, nodes that
        only pass values on are left out, too.

    Returns
    -------
    graph : nir.NIRGraph
        Networks with one way in and one way out are nested graphs. Metadata say how
        equations are solved, which `load` reads.

    Raises
    ------
    nengo.exceptions.ValidationError
        If NIR cannot hold some part of the network; it is named, with the reason.
    nengo.exceptions.SimulatorClosed
        If the simulator is closed.
    ImportError
        If ``nir`` is not installed.

    Examples
    --------
    >>> graph = nengo_dl.nir.export(network, "network.nir")  # doctest: +SKIP
    """
    nir = nir_package()
    if on_lossy not in ("raise", "warn"):
        raise ValidationError(
            f"expected 'raise' or 'warn', got {on_lossy!r:.100}", attr="on_lossy"
        )
    check_choice("spike_height", spike_height)
    model, data = _model(network_or_sim)
    height = 1 / float(model.dt) if spike_height == "one" else 1.0
    exporter = NetworkExporter(model, data, Lossy(on_lossy == "warn"), height)
    builder = exporter.export(model.toplevel)
    metadata = {
        "writer": f"nengo-dl-sim {version}",
        "spike_height": spike_height,
        "integration": "exponential",
    }
    if spike_height == "one":
        without_passing(builder)
    put_channels_first(builder)
    add_shapes(builder)
    graph = nested(builder, metadata)
    if path is not None:
        nir.write(fspath(path), graph)
    return graph


def _model(network_or_sim: Any) -> tuple[Model, Any]:
    """Return what Nengo built, and current values by object."""
    if isinstance(network_or_sim, nengo.Network):
        model = Model(dt=0.001, label=str(network_or_sim))
        model.build(network_or_sim)
        return model, model.params
    model = getattr(network_or_sim, "model", None)
    if not isinstance(model, Model) or not hasattr(network_or_sim, "data"):
        raise ValidationError(
            f"expected a nengo.Network or a simulator, got {network_or_sim!r:.100}",
            attr="network_or_sim",
        )
    if getattr(network_or_sim, "closed", False):
        raise SimulatorClosed("Cannot export a simulator that is closed")
    return model, network_or_sim.data
