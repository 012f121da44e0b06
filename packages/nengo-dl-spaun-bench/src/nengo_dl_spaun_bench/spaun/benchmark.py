"""Spaun as one of the benchmark networks."""

from __future__ import annotations

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType

from .network import spaun
from .stimulus import images, show
from .vocabulary import make_words

#: Neurons for each dimension of what passes vectors on: the size that works.
NEURONS_PER_D = 50

#: What is shown while the network is timed.
TEXT = "A3[4819]?"


def spaun_benchmark(
    dimensions: int, neurons_per_d: int, neuron_type: NeuronType
) -> nengo.Network:
    """
    Spaun, a network that does tasks: it sees digits, remembers and draws.

    Parameters
    ----------
    dimensions : int
        Size of the vectors that stand for digits and lists, a multiple of 16.
    neurons_per_d : int
        Must be 50: other sizes do no tasks.
    neuron_type : NeuronType
        Must be ``nengo.LIF()``, for the same reason.

    Returns
    -------
    net : nengo.Network
        With the input ``inp`` (a list to be remembered is shown) and the probe ``p``
        (the pen).

    Raises
    ------
    ValidationError
        If an argument is not as described.
    """
    make_words(dimensions)
    if neurons_per_d != NEURONS_PER_D:
        raise ValidationError(
            f"Must be {NEURONS_PER_D}: other sizes do no tasks (got {neurons_per_d!r})",
            "neurons_per_d",
        )
    if type(neuron_type) is not nengo.LIF or neuron_type != nengo.LIF():
        got = f"{neuron_type!r}, a {type(neuron_type).__name__!r}"
        raise ValidationError(
            f"Must be LIF(): other neurons do no tasks (got {got})", "neuron_type"
        )
    net = spaun(dimensions)
    shown = show(images(TEXT, np.random.RandomState(0)))
    net.inp = net.stimulus
    net.inp.output = nengo.processes.PresentInput(shown, presentation_time=0.001)
    with net:
        net.p = nengo.Probe(net.pen)
    return net
