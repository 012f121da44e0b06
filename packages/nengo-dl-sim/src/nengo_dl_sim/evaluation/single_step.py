"""A warning of single steps, in which synapses let hardly anything through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import nengo
from nengo.builder import Model
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

from nengo_dl_ops.user_warnings import warn_user


def warn_single_step(
    doing: str,
    model: Model,
    outputs: Sequence[Any],
    n_steps: int,
) -> None:
    """
    Warn if a single step is computed through synapses.

    Parameters
    ----------
    doing : str
        What is done, for the message.
    model : nengo.builder.Model
        What Nengo built.
    outputs : list of nengo.Probe or nengo.Node or nengo.ensemble.Neurons
        What counts.
    n_steps : int
        The number of steps.

    Warns
    -----
    UserWarning
        If there is one step only, and a synapse on the way to it.
    """
    if n_steps != 1:
        return
    probes = [obj for obj in outputs if isinstance(obj, nengo.Probe)]
    for obj in (*probes, *_upstream(model, outputs)):
        if obj.synapse is not None:
            warn_user(
                f"{doing} for one timestep, but {obj} has a synapse: its output "
                "after one step hardly depends on its input. Use more steps, or "
                "remove synapses (synapse=None)"
            )
            return


def _upstream(model: Model, outputs: Sequence[Any]) -> list[nengo.Connection]:
    """Find the connections that have an influence on some outputs."""
    into: dict[Any, list[nengo.Connection]] = defaultdict(list)
    for conn in model.params:
        if isinstance(conn, nengo.Connection):
            into[_owner(conn.post_obj)].append(conn)
    found: dict[nengo.Connection, None] = {}
    waiting = [_owner(getattr(out, "obj", out)) for out in outputs]
    while waiting:
        new = [conn for conn in into.pop(waiting.pop(), ()) if conn not in found]
        found.update(dict.fromkeys(new))
        # A connection waits itself: for what goes into its learning rules.
        waiting += [obj for conn in new for obj in (conn, _owner(conn.pre_obj))]
    return list(found)


def _owner(obj: Any) -> Any:
    """Return the ensemble of neurons, the connection of a learning rule."""
    if isinstance(obj, Neurons):
        return obj.ensemble
    return obj.connection if isinstance(obj, LearningRule) else obj
