"""What Nengo builds of a network, and the seed that it gives a simulator."""

from __future__ import annotations

import nengo
import numpy as np
from nengo.builder import Model
from nengo.cache import get_default_decoder_cache
from nengo.exceptions import NengoWarning, ValidationError

from nengo_dl_ops.user_warnings import warn_user


def build_model(network: nengo.Network | None, model: Model | None, dt: float) -> Model:
    """
    Build a network with Nengo.

    Parameters
    ----------
    network : nengo.Network or None
        What to build; None if ``model`` is complete.
    model : nengo.builder.Model or None
        A model to build into. None: a new one.
    dt : float
        The length of a time step, in seconds.

    Raises
    ------
    nengo.exceptions.ValidationError
        If neither a network nor a model is given.

    Warns
    -----
    nengo.exceptions.NengoWarning
        If the model has another ``dt``, which is then used; if nobody says which
        network it is of.
    """
    if network is None and model is None:
        raise ValidationError("expected a Network or a model, got neither", "network")
    if model is None:
        cache = get_default_decoder_cache()
        model = Model(dt=dt, label=f"{network}, dt={dt:f}", decoder_cache=cache)
    if network is not None:
        model.build(network)
    _warn_of_model(model, dt)
    return model


def choose_seed(network: nengo.Network | None, seed: int | None) -> int:
    """Return the seed as Nengo chooses it: given, or after the network's, or random."""
    if seed is not None:
        return seed
    if network is not None and network.seed is not None:
        return int(network.seed) + 1
    return int(np.random.randint(np.iinfo(np.int32).max))


def _warn_of_model(model: Model, dt: float) -> None:
    if model.dt != dt:
        warn_user(
            f"The model is built for dt={model.dt:g}, which is used in place of "
            f"dt={dt:g}",
            NengoWarning,
        )
    if model.toplevel is None:
        warn_user(
            "The model has no top-level network: it has no input nodes that data can "
            "be given for, and nothing in it can be trained",
            NengoWarning,
        )
