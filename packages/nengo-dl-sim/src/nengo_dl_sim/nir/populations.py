"""Neurons of NIR, as ensembles of Nengo."""

from __future__ import annotations

from typing import Any, NamedTuple

import nengo
import numpy as np
from nengo.dists import Choice
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType

from nengo_dl_ops import EulerLIF, ExactLIF, ExponentialLIF, Heaviside, IntegrateAndFire

from .conventions import Conventions, is_late
from .filters import add_current, groups_of, make_filter, sized
from .package import nir_package


class Population(NamedTuple):
    """
    Neurons, in one ensemble or in several.

    ``ensembles`` gives each with the places of its neurons, if what goes in reaches the
    neurons as it is, so that a constant may be added to their biases.
    """

    entry: Any
    exit: Any
    obj: Any
    ensembles: list[tuple[nengo.Ensemble, Any]]

    def add_bias(self, values: np.ndarray | None) -> None:
        """Add a constant to what the neurons are given."""
        if values is None or not np.any(values):
            return
        for ens, places in self.ensembles:
            ens.bias = ens.bias + ens.gain * values[places]


class Scaled(NamedTuple):
    r"""
    Neurons with a threshold of 1 and a reset to 0.

    .. math::

       u = \frac{v - v_{reset}}{v_{threshold} - v_{reset}}, \quad
       \tau \dot u = gain \, I + bias - u

    Parameters
    ----------
    tau : (n_neurons,) array
        The time constants, in seconds; 0 for neurons that have none.
    gain, bias, start : (n_neurons,) array
        The factor on the input, the constant added, and the voltage for ``v = 0``.
    """

    tau: np.ndarray
    gain: np.ndarray
    bias: np.ndarray
    start: np.ndarray


def is_population(node: Any) -> bool:
    """Tell whether a node is neurons that spike."""
    nir = nir_package()
    return isinstance(node, (nir.LIF, nir.IF, nir.CubaLIF, nir.Threshold))


def add_population(
    node: Any, size: int, label: str, conventions: Conventions, amplitude: float
) -> Population:
    """Add neurons to the current network."""
    scaled = _scaled(node, size, label)
    if not isinstance(node, nir_package().CubaLIF):
        return _add(node, scaled, label, conventions, amplitude)
    if not is_late(node):
        entry, current = add_current(node, size, label, conventions.integration)
        population = _add(node, scaled, label, conventions, amplitude)
        nengo.Connection(current, population.entry, synapse=None)
        return population._replace(entry=entry, ensembles=[])
    entry = nengo.Node(size_in=size, label=f"{label}.sum")
    population = _add(node, scaled, label, conventions, amplitude)
    _connect_filtered(node, entry, population.entry, size, conventions.integration)
    return population._replace(entry=entry, ensembles=[])


def _connect_filtered(
    node: Any, entry: Any, target: Any, size: int, integration: str
) -> None:
    """Connect by synapses, one for each time constant."""
    gain, groups = sized(node.w_in, size), groups_of(sized(node.tau_syn, size))
    for tau, places in groups:
        part = slice(None) if len(groups) == 1 else places.tolist()
        transform = None if np.all(gain == 1) else gain[part]
        nengo.Connection(
            entry[part],
            target[part],
            transform=transform,
            synapse=make_filter(tau, integration),
        )


def _scaled(node: Any, size: int, label: str) -> Scaled:
    """Fold thresholds, resets, resistances and leaks into gains and biases."""
    nir = nir_package()
    zeros = np.zeros(size)
    if isinstance(node, nir.Threshold):
        return Scaled(zeros, zeros + 1, -sized(node.threshold, size), zeros)
    reset = sized(node.v_reset, size)
    height = sized(node.v_threshold, size) - reset
    if np.any(height <= 0):
        raise ValidationError(
            f"expected v_threshold above v_reset for the node {label!r}, got neurons "
            "that fire for ever",
            attr="v_threshold",
        )
    gain, start = sized(node.r, size) / height, -reset / height
    if isinstance(node, nir.IF):
        return Scaled(zeros, gain, zeros, start)
    tau = sized(node.tau if isinstance(node, nir.LIF) else node.tau_mem, size)
    return Scaled(tau, gain, (sized(node.v_leak, size) - reset) / height, start)


def _add(
    node: Any, scaled: Scaled, label: str, conventions: Conventions, amplitude: float
) -> Population:
    groups = groups_of(scaled.tau)

    def ensemble(tau: float, places: np.ndarray, label: str) -> nengo.Ensemble:
        kind = _neuron_type(node, tau, scaled.start[places], conventions, amplitude)
        return nengo.Ensemble(
            len(places),
            1,
            neuron_type=kind,
            encoders=np.ones((len(places), 1)),
            gain=scaled.gain[places],
            bias=scaled.bias[places],
            label=label,
        )

    if len(groups) == 1:
        ens = ensemble(*groups[0], label)
        return Population(ens.neurons, ens.neurons, ens, [(ens, slice(None))])
    with nengo.Network(label=label) as net:
        entry = nengo.Node(size_in=len(scaled.tau), label=f"{label}.sum")
        exit_ = nengo.Node(size_in=len(scaled.tau), label=label)
        ensembles = []
        for tau, places in groups:
            ens = ensemble(tau, places, f"{label}.{tau:g}")
            part = places.tolist()
            nengo.Connection(entry[part], ens.neurons, synapse=None)
            nengo.Connection(ens.neurons, exit_[part], synapse=None)
            ensembles.append((ens, places))
    net.input, net.output = entry, exit_
    return Population(entry, exit_, net, ensembles)


def _neuron_type(
    node: Any,
    tau: float,
    start: np.ndarray,
    conventions: Conventions,
    amplitude: float,
) -> NeuronType:
    nir = nir_package()
    if isinstance(node, nir.Threshold):
        return Heaviside(amplitude)
    voltage = Choice([start[0]]) if np.all(start == start[0]) else start
    state = {"voltage": voltage} if np.any(start) else None
    exact = conventions.integration == "exact"
    if isinstance(node, nir.IF):
        # What is above the threshold is the current of the rest of the step. (Without
        # decay it does not matter when the threshold is taken off.)
        reset = "zero" if conventions.reset == "zero" and not exact else "subtract"
        return IntegrateAndFire(amplitude, reset, initial_state=state)
    if exact:
        return ExactLIF(tau, amplitude, initial_state=state)
    if conventions.integration == "exponential":
        return ExponentialLIF(tau, amplitude, initial_state=state)
    return EulerLIF(tau, amplitude, conventions.reset, initial_state=state)
