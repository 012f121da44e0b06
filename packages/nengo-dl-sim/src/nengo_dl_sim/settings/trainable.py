"""Which signals training changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import nengo
from nengo.builder import Model
from nengo.builder.signal import Signal
from nengo.neurons import Direct

from nengo_dl_ops.planning.learned_weights import learned_by_sums
from nengo_dl_ops.user_warnings import warn_user

from .config import nearest_setting


def trainable_signals(
    model: Model, network: nengo.Network | None, inference_only: bool = False
) -> frozenset[Signal]:
    """
    Find the signals that training changes.

    Those are the encoders and biases of ensembles and the weights of connections
    (of a decoded connection: its decoders), unless `.configure_settings` says
    otherwise. What an online learning rule changes is among them only if it is set to
    be trainable: then training changes the value that it starts from.

    Parameters
    ----------
    model : nengo.builder.Model
        The built model.
    network : nengo.Network or None
        The top-level network. If None, nothing is trainable.
    inference_only : bool
        The setting of that name: if True, nothing is trainable.

    Returns
    -------
    signals : frozenset of nengo.builder.Signal
        Base signals.

    Warns
    -----
    UserWarning
        If something is set to be trainable that an online learning rule changes.
    """
    if network is None or inference_only:
        return frozenset()
    written, summed = written_signals(model), learned_by_sums(model.operators)
    found = set()
    for networks, obj, signal in _candidates(model, network):
        setting = nearest_setting(networks, obj, "trainable")
        if signal.base not in written:
            is_trained = setting is not False
        else:
            is_trained = bool(setting) and signal in summed
            if setting:
                _warn_of_learning(obj, is_trained)
        if is_trained:
            found.add(signal.base)
    return frozenset(found)


def settings_of_parameters(
    model: Model,
    network: nengo.Network | None,
    setting: str,
    trained: Collection[Signal],
) -> dict[Signal, Any]:
    """
    Find what is set for parameters that training changes.

    Parameters
    ----------
    model : nengo.builder.Model
        The built model.
    network : nengo.Network or None
        The top-level network. If None, nothing is set.
    setting : {"regularizer", "constraint"}
        The setting.
    trained : collection of nengo.builder.Signal
        What `trainable_signals` returned.

    Returns
    -------
    values : dict from nengo.builder.Signal to object
        Its value for base signals, where there is one.
    """
    if network is None:
        return {}
    found = {
        signal.base: nearest_setting(networks, obj, setting)
        for networks, obj, signal in _candidates(model, network)
        if signal.base in trained
    }
    return {base: value for base, value in found.items() if value is not None}


def written_signals(model: Model) -> set[Signal]:
    """Return the base signals that the operators of a model write."""
    return {
        signal.base
        for op in model.operators
        for signal in (*op.sets, *op.incs, *op.updates)
    }


def _candidates(
    model: Model, network: nengo.Network, outer: tuple[nengo.Network, ...] = ()
) -> Iterator[tuple[tuple[nengo.Network, ...], object, Signal]]:
    """Yield what may be trainable, with the object it belongs to and its networks."""
    networks = (*outer, network)
    # In direct mode encoders are an identity that is no parameter of the ensemble.
    neural = [e for e in network.ensembles if not isinstance(e.neuron_type, Direct)]
    objects = [
        *((ens, "encoders") for ens in neural),
        *((ens.neurons, "bias") for ens in neural),
        *((conn, "weights") for conn in network.connections),
    ]
    for obj, key in objects:
        signal = model.sig.get(obj, {}).get(key)
        # Sparse weights may be integers, which have no gradient.
        if signal is not None and signal.dtype.kind == "f":
            yield networks, obj, signal
    for subnetwork in network.networks:
        yield from _candidates(model, subnetwork, networks)


def _warn_of_learning(obj: object, is_trained: bool) -> None:
    what_happens = (
        "training changes the values that it starts from (what the rule adds to them "
        "stays state of the simulation)"
        if is_trained
        else "it is left alone in training, since it is not a signal of its own, to "
        "which rules only add"
    )
    warn_user(
        f"{obj} is set to be trainable, and an online learning rule changes it: "
        f"{what_happens}"
    )


def probe_connections(model: Model) -> dict[nengo.Probe, nengo.Connection]:
    """Find the connections that Nengo made to decode what is probed."""
    return {
        obj.post_obj: obj
        for obj in model.sig
        if isinstance(obj, nengo.Connection) and isinstance(obj.post_obj, nengo.Probe)
    }
