"""Which products with weights a network has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import nengo
from nengo.builder import Model
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import DotInc, ElementwiseInc, Operator, SparseDotInc
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.builder.transforms import ConvInc, ConvTransposeInc

from nengo_dl_ops import TensorNode
from nengo_dl_ops.planning.def_use import written_signals

#: Operators that multiply a signal ``X`` by weights.
_KINDS = DotInc, ElementwiseInc, SparseDotInc, ConvInc, ConvTransposeInc


class Product(NamedTuple):
    """
    A product of weights with a signal.

    Parameters
    ----------
    obj : nengo.Connection or nengo.Ensemble
        Whose weights these are; an ensemble's are its encoders.
    inputs : nengo.builder.Signal
        What is multiplied.
    op : nengo.builder.Operator or None
        What computes it in Nengo. None: a connection to an ensemble without weights.
    is_learned : bool
        Whether steps change the weights.
    """

    obj: Any
    inputs: Signal
    op: Operator | None
    is_learned: bool = False

    @property
    def weights(self) -> Signal:
        """The weights."""
        return _weights(self.op)


class Population(NamedTuple):
    """
    Neurons of an ensemble.

    Parameters
    ----------
    ensemble : nengo.Ensemble
        The ensemble.
    output : nengo.builder.Signal
        What they give.
    membrane : nengo.builder.Signal or None
        Their voltages, if they have any.
    state : list of nengo.builder.Signal
        All of their state.
    """

    ensemble: nengo.Ensemble
    output: Signal
    membrane: Signal | None
    state: Sequence[Signal]


def products_of(model: Model) -> list[Product]:
    """
    Return the products of a model: of its connections, then of encoders.

    Those of probes are left out, and encoders that no connection uses.
    """
    by_weights = _by_weights(model)
    learned = written_signals(model.operators)
    encoded = {conn.post_obj for conn in connections(model) if not is_full(conn)}

    def product(obj: Any, weights: Signal) -> list[Product]:
        op = by_weights.get(weights)
        return [] if op is None else [Product(obj, op.X, op, weights.base in learned)]

    found = []
    for conn in connections(model):
        weights = model.sig[conn].get("weights")
        if weights is not None:
            found += product(conn, weights)
        elif isinstance(conn.post_obj, nengo.Ensemble):
            found.append(Product(conn, _passed_on(model, conn), None))
    for population in populations(model):
        ens = population.ensemble
        if ens in encoded:
            found += product(ens, model.sig[ens]["encoders"])
    return found


def _by_weights(model: Model) -> Mapping[Signal, Operator]:
    """Find what multiplies by which weights."""
    return {_weights(op): op for op in model.operators if isinstance(op, _KINDS)}


def _weights(op: Any) -> Signal:
    return op.W if isinstance(op, (ConvInc, ConvTransposeInc)) else op.A


def _passed_on(model: Model, conn: nengo.Connection) -> Signal:
    """Return what a connection without weights hands on, before its synapse."""
    output = model.sig[conn]["weighted"]
    found = synapse_of(model, conn)
    return output if found is None else found.input


def synapse_of(model: Model, conn: nengo.Connection) -> SimProcess | None:
    """Return what computes the synapse of a connection."""
    output = model.sig[conn]["weighted"]
    ops = (op for op in model.operators if isinstance(op, SimProcess))
    return next((op for op in ops if op.output is output), None)


def connections(model: Model) -> list[nengo.Connection]:
    """Return all connections but those of probes."""
    return [
        obj
        for obj in model.params
        if isinstance(obj, nengo.Connection)
        and not isinstance(obj.post_obj, nengo.Probe)
    ]


def is_full(conn: nengo.Connection) -> bool:
    """Tell whether the weights of a connection contain encoders already."""
    decoded = isinstance(conn.pre_obj, nengo.Ensemble)
    onto = isinstance(conn.post_obj, nengo.Ensemble)
    return bool(decoded and onto and conn.solver.weights)


def populations(model: Model) -> list[Population]:
    """Return all neurons of a model."""
    by_output = {op.output: op for op in model.operators if isinstance(op, SimNeurons)}
    found = []
    for ens in (obj for obj in model.params if isinstance(obj, nengo.Ensemble)):
        output = model.sig[ens.neurons].get("out")
        op = by_output.get(output)
        if op is not None:
            state = op.state
            found.append(
                Population(ens, output, state.get("voltage"), list(state.values()))
            )
    return found


def not_counted(model: Model) -> list[str]:
    """Say what of a model is computed, but is no product, or no known one."""
    lines = []
    for obj in model.params:
        if isinstance(obj, TensorNode):
            lines.append(f"{obj}: what its function computes")
        elif isinstance(obj, nengo.Node) and callable(obj.output):
            lines.append(f"{obj}: its function")
        elif isinstance(obj, nengo.Ensemble) and isinstance(
            obj.neuron_type, nengo.Direct
        ):
            lines.append(f"{obj}: functions of Direct")
        elif isinstance(obj, nengo.Connection) and obj.learning_rule is not None:
            lines.append(f"{obj}: its learning rule")
    return lines
