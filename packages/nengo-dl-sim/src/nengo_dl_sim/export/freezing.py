"""Parameters back into the network: Nengo then builds what a simulator trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import nengo
from nengo.builder import Model
from nengo.exceptions import ValidationError

from ..checks import check_built
from ..inspection.simulation_data import SimulationData
from ..settings.trainable import probe_connections
from .nengo_params import Gains, Params, nengo_params


def freeze(
    model: Model, data: SimulationData, gains: Gains, objs: Sequence[Any]
) -> None:
    """
    Set the current parameters of objects on the objects themselves.

    ``data``: the same objects with the current values; see `.SimulationData`. ``objs``:
    what to freeze. Changed in place, unless anything is wrong with one of them. Raises
    a ``ValidationError`` if an object is not in the model, or was added to a network
    later; if its parameters cannot be given to Nengo.
    """
    for obj in objs:
        _check(model, obj)
    frozen = [pair for obj in objs for pair in _frozen(model, data, gains, obj)]
    for obj, params in frozen:
        for name, value in params.items():
            setattr(obj, name, value)


def _check(model: Model, obj: Any) -> None:
    if not isinstance(obj, (nengo.Network, nengo.Ensemble, nengo.Connection)):
        raise TypeError(
            "objs: expected a Network, an Ensemble, a Connection or a list of them, "
            f"got {obj!r}"
        )
    if obj not in model.params:
        raise ValidationError(
            f"expected objects of the simulated network, got {obj!r}", attr="objs"
        )


def _frozen(
    model: Model, data: SimulationData, gains: Gains, obj: Any
) -> Iterator[tuple[Any, Params]]:
    """Yield the objects to change, and what to set on them."""
    if not isinstance(obj, nengo.Network):
        yield obj, nengo_params(model, data, gains, obj)
        return
    check_built(obj, model)
    for ens in obj.all_ensembles:
        if not isinstance(ens.neuron_type, nengo.Direct):
            yield ens, nengo_params(model, data, gains, ens)
    for conn in obj.all_connections:
        yield conn, nengo_params(model, data, gains, conn)
    # Else Nengo would solve for other decoders, those of the trained ensembles.
    decoding = probe_connections(model)
    for probe in obj.all_probes:
        params = (
            nengo_params(model, data, gains, decoding[probe])
            if probe in decoding
            else {}
        )
        if "solver" in params:
            yield probe, {"solver": params["solver"]}
