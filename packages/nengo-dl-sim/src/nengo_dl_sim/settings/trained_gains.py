"""Which gains training changes."""

from __future__ import annotations

from typing import Any

import nengo
from nengo.builder import Model
from nengo.builder.operator import ElementwiseInc, Operator
from nengo.builder.signal import Signal
from nengo.ensemble import Neurons
from nengo.exceptions import BuildError

from nengo_dl_ops.planning.trained_gains import train_gain
from nengo_dl_ops.planning.trained_parameters import TrainedObject

from .trainable import written_signals

#: What is trained of gains, in ``trainable_neurons``.
GAIN = "gain"


def trained_gain(
    model: Model, network: nengo.Network, ens: nengo.Ensemble
) -> tuple[list[Operator], TrainedObject]:
    """
    Let the gains of an ensemble be trained.

    Returns operators that are to be added. Raises a ``BuildError`` if something else
    than parameters follows from them.
    """
    encoders = model.sig[ens]["encoders"]
    if encoders.base in written_signals(model):
        raise BuildError(
            f"trainable_neurons of {ens}: expected encoders that no learning rule "
            "changes, to train 'gain', which the rule has as a number. Use another "
            "rule, or do not train it"
        )
    for conn in network.all_connections:
        if conn.post_obj is ens and conn.solver.weights:
            raise BuildError(
                f"trainable_neurons of {ens}: expected no connection whose solver "
                f"gives full weights, to train 'gain', got {conn}, whose weights "
                "contain it. Use a solver with weights=False, or do not train it"
            )
    gain = model.params[ens].gain
    return train_gain(ens, gain, encoders, _scales(model, network, ens))


def _scales(
    model: Model, network: nengo.Network, ens: nengo.Ensemble
) -> dict[Signal, Any]:
    """Find the gains by which what connections bring to the neurons is multiplied."""
    weighted = {
        model.sig[conn]["weighted"]: conn.post_slice
        for conn in network.all_connections
        if isinstance(conn.post_obj, Neurons) and conn.post_obj.ensemble is ens
    }
    return {
        op.A: weighted[op.X]
        for op in model.operators
        if isinstance(op, ElementwiseInc) and op.X in weighted
    }
