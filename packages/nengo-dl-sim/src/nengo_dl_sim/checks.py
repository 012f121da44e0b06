"""Checks of arguments, and of whether the network is still the one that was built."""

from __future__ import annotations

import numbers
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError


def check_count(name: str, value: Any, low: int = 0) -> None:
    """
    Check that an argument is a whole number.

    Parameters
    ----------
    name : str
        The argument.
    value : int
        Its value.
    low : int
        The smallest number allowed.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the value is not a whole number, or too small.
    """
    is_int = isinstance(value, numbers.Integral) and not isinstance(
        value, (bool, np.bool_)
    )
    if not is_int or value < low:
        raise ValidationError(
            f"expected a whole number of at least {low}, got {value!r}", attr=name
        )


def check_jit_compile(value: Any) -> None:
    """
    Check the argument ``jit_compile``.

    Parameters
    ----------
    value : bool or "auto"
        Its value.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the value is anything else.
    """
    if not isinstance(value, bool) and value != "auto":
        raise ValidationError(
            f"expected True, False or 'auto', got {value!r}", attr="jit_compile"
        )


class NetworkSnapshot:
    """
    Remembers which objects a network had when it was built.

    Parameters
    ----------
    network : nengo.Network or None
        The network; None if there is none to change.
    """

    def __init__(self, network: nengo.Network | None) -> None:
        self._network = network
        self._counts = _counts(network)

    def check(self) -> None:
        """
        Check that no object was added or removed since.

        Raises
        ------
        nengo.exceptions.ValidationError
            If one was; the error says in which network and of which type.
        """
        now = _counts(self._network)
        if now == self._counts:
            return
        for key in now.keys() | self._counts.keys():
            built, found = self._counts.get(key, 0), now.get(key, 0)
            if built != found:
                raise ValidationError(
                    f"expected the network that was built, with {built} objects of "
                    f"type {key[1].__name__} in {key[0]}, got {found}: make a new "
                    "Simulator after changing a network",
                    attr="network",
                )


def _counts(network: nengo.Network | None) -> dict[tuple[nengo.Network, type], int]:
    """Count objects by network and type (cheap: no object is visited)."""
    if network is None:
        return {}
    counts = {(network, kind): len(objs) for kind, objs in network.objects.items()}
    for subnetwork in network.networks:
        counts.update(_counts(subnetwork))
    return counts
