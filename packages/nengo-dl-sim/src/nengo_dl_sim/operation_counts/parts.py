"""What was counted of one connection, and of one ensemble."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Synapses(NamedTuple):
    """
    Operations with some weights.

    Parameters
    ----------
    macs, acs : (n_items,) array of int
        How many multiplications and accumulations there were with elements and weights
        that are not zero, and how many accumulations of spikes.
    dense : int
        How many there would have been with zeros, too, for each item.
    n_weights, n_zero : int
        How many weights there are, and how many of them are zero.
    n_stored : int
        How many are parameters.
    """

    macs: np.ndarray
    acs: np.ndarray
    dense: int
    n_weights: int
    n_zero: int
    n_stored: int


def no_synapses(n_items: int) -> Synapses:
    """Return the operations where there are no weights."""
    nothing = np.zeros(n_items, np.int64)
    return Synapses(nothing, nothing, 0, 0, 0, 0)


class ConnectionCounts(NamedTuple):
    """
    What was counted of a connection.

    Parameters
    ----------
    name : str
        What it is called.
    synapses : Synapses
        Operations with its weights: decoders, or a transform.
    full : Synapses
        Operations if the encoders of the ensemble behind it were part of its weights.
    n_state : int
        How many values its synapse remembers.
    """

    name: str
    synapses: Synapses
    full: Synapses
    n_state: int


class EnsembleCounts(NamedTuple):
    """
    What was counted of an ensemble.

    Parameters
    ----------
    name : str
        What it is called.
    n_neurons : int
        How many neurons it has.
    activations : (n_items,) array of int
        How many outputs of neurons were not zero: the number of spikes.
    updates : (n_items,) array of int
        How often a voltage became another one. All do in the first step.
    operations : int or None
        What an update costs. None: that is not known.
    encoders : Synapses
        Operations with encoders.
    n_biases : int
        How many biases and gains there are that are parameters of the neurons.
    n_state : int
        How many values the neurons remember.
    """

    name: str
    n_neurons: int
    activations: np.ndarray
    updates: np.ndarray
    operations: int | None
    encoders: Synapses
    n_biases: int
    n_state: int
