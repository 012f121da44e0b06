"""Counts the operations of a network, item by item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model

from ..data.data_adapter import DataAdapter
from ..execution.jit_policy import Mode
from .activity_counter import ChunkCounts
from .counting_program import CountingProgram
from .fan_out import FanOut
from .neuron_costs import operations_of
from .operation_counts import OperationCounts
from .parts import ConnectionCounts, EnsembleCounts, Synapses, no_synapses
from .products import Population, connections, not_counted, synapse_of
from .weights import Weights

#: Numbers of operations, (n_items,) arrays of int, by object and kind.
Sums = dict[tuple[Any, str], np.ndarray]


def count(
    program: CountingProgram,
    model: Model,
    weights: Sequence[Weights],
    biases: dict[nengo.Ensemble, int],
    data: DataAdapter,
    seed: int,
    mode: Mode,
) -> OperationCounts:
    """
    Run a network on data, and count.

    ``weights``: those of ``program.products``. ``biases``: how many biases and gains of
    each ensemble are parameters.
    """
    sums = _run(program, weights, data, seed, mode)
    n_items = len(next(iter(sums.values()), ()))
    by_object = {each.product.obj: each for each in weights}
    conns, found = connections(model), program.populations
    names = {**_names(conns), **_names(each.ensemble for each in found)}
    make = _Maker(by_object, sums, n_items, data.n_steps)
    return OperationCounts(
        n_items,
        data.n_steps,
        float(model.dt),
        np.dtype(program.dtype).itemsize,
        {conn: make.connection(names[conn], model, conn) for conn in conns},
        {
            each.ensemble: make.ensemble(
                names[each.ensemble], each, biases[each.ensemble]
            )
            for each in found
        },
        [*not_counted(model), *_unknown(found)],
    )


def _run(
    program: CountingProgram,
    weights: Sequence[Weights],
    data: DataAdapter,
    seed: int,
    mode: Mode,
) -> Sums:
    """Add up what is counted in each chunk of steps, and join items."""
    found: list[Sums] = []
    for n_items, chunks in program.run(data, seed, mode):
        sums: Sums = {}
        for chunk in chunks:
            for key, numbers in _numbers(chunk, weights, program.populations).items():
                sums[key] = sums[key] + numbers if key in sums else numbers
        found.append({key: numbers[:n_items] for key, numbers in sums.items()})
    keys = found[0] if found else ()
    return {key: np.concatenate([sums[key] for sums in found]) for key in keys}


def _numbers(
    chunk: ChunkCounts, weights: Sequence[Weights], neurons: Sequence[Population]
) -> Sums:
    """Return the numbers of operations in a chunk of steps."""
    found: Sums = {}
    learned = iter(chunk.learned)
    for product, own, full in weights:
        obj, sig = product.obj, product.inputs
        if product.is_learned:
            found[obj, "acs"], found[obj, "macs"] = next(learned)
        elif own is not None:
            found[obj, "acs"], found[obj, "macs"] = _met(chunk, sig, own)
        if full is not None:
            found[obj, "full acs"], found[obj, "full macs"] = _met(chunk, sig, full)
    for each in neurons:
        activations = chunk.nonzero[each.output].sum(axis=0)
        found[each.ensemble, "activations"] = activations
        nothing = np.zeros_like(activations)
        updates = nothing if each.membrane is None else chunk.updates[each.membrane]
        found[each.ensemble, "updates"] = updates
    return found


def _met(chunk: ChunkCounts, sig: Any, fan: FanOut) -> tuple[np.ndarray, np.ndarray]:
    """Return how many accumulations and multiplications a chunk took."""
    every = fan.nonzero @ chunk.nonzero[sig]
    multiplied = chunk.multiplied.get(sig)
    macs = np.zeros_like(every) if multiplied is None else fan.nonzero @ multiplied
    return every - macs, macs


class _Maker:
    """Makes the parts of the result."""

    def __init__(
        self, weights: dict[Any, Weights], sums: Sums, n_items: int, n_steps: int
    ) -> None:
        self._weights, self._sums = weights, sums
        self._n_items, self._n_steps = n_items, n_steps

    def connection(
        self, name: str, model: Model, conn: nengo.Connection
    ) -> ConnectionCounts:
        """Return what was counted of a connection."""
        found = self._weights.get(conn)
        own = self._synapses(conn, None if found is None else found.own, "")
        full = own
        if found is not None and found.full is not None:
            full = self._synapses(conn, found.full, "full ")
        synapse = synapse_of(model, conn)
        state = () if synapse is None else synapse.state.values()
        return ConnectionCounts(name, own, full, sum(sig.size for sig in state))

    def ensemble(self, name: str, neurons: Population, n_biases: int) -> EnsembleCounts:
        """Return what was counted of an ensemble."""
        ens = neurons.ensemble
        found = self._weights.get(ens)
        return EnsembleCounts(
            name,
            ens.n_neurons,
            self._sums[ens, "activations"],
            self._sums[ens, "updates"],
            operations_of(ens.neuron_type),
            self._synapses(ens, None if found is None else found.own, ""),
            n_biases,
            sum(sig.size for sig in neurons.state),
        )

    def _synapses(self, obj: Any, fan: FanOut | None, kind: str) -> Synapses:
        if fan is None:
            return no_synapses(self._n_items)
        macs, acs = self._sums[obj, f"{kind}macs"], self._sums[obj, f"{kind}acs"]
        dense = fan.every * self._n_steps
        return Synapses(macs, acs, dense, fan.n_weights, fan.n_zero, fan.n_stored)


def _names(objects: Iterable[Any]) -> dict[Any, str]:
    """Name objects by their labels, or by what they connect; no name comes twice."""
    found: dict[Any, str] = {}
    taken: Counter = Counter()
    for obj in objects:
        name = obj.label or _described(obj)
        taken[name] += 1
        found[obj] = name if taken[name] == 1 else f"{name} ({taken[name]})"
    return found


def _described(obj: Any) -> str:
    if isinstance(obj, nengo.Connection):
        ends = (_owner(obj.pre_obj), _owner(obj.post_obj))
        return " to ".join(getattr(end, "label", None) or str(end) for end in ends)
    return str(obj)


def _owner(obj: Any) -> Any:
    return obj.ensemble if isinstance(obj, nengo.ensemble.Neurons) else obj


def _unknown(neurons: Sequence[Population]) -> list[str]:
    """Name the ensembles of which nobody said what an update costs."""
    return [
        f"{each.ensemble}: operations of an update of "
        f"{type(each.ensemble.neuron_type).__name__}"
        for each in neurons
        if each.membrane is not None
        and operations_of(each.ensemble.neuron_type) is None
    ]
