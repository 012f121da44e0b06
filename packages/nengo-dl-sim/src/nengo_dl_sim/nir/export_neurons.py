"""Neurons of Nengo, as nodes of NIR."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np

from nengo_dl_ops import EulerLIF, ExactLIF, ExponentialLIF, Heaviside, IntegrateAndFire

from .lossy import Lossy
from .package import nir_package
from .verdicts import NEURONS, verdict_of

#: How types solve the equation.
_INTEGRATION: dict[type, str] = {
    ExactLIF: "exact",
    EulerLIF: "euler",
    IntegrateAndFire: "euler",
}


def check_neurons(ens: nengo.Ensemble, state: dict[str, Any], lossy: Lossy) -> None:
    """Refuse neurons that NIR does not have, by name."""
    kind = ens.neuron_type
    verdict = verdict_of(NEURONS, kind)
    instead = f"{verdict.node}" if verdict.node else ""
    conditional = isinstance(kind, (nengo.LIF, ExactLIF, EulerLIF, IntegrateAndFire))
    if verdict.kind != "exact" and not (conditional and verdict.kind == "conditional"):
        what = (
            "exact only while" if verdict.kind == "conditional" else type(kind).__name__
        )
        lossy.refuse(ens, what, verdict.why, instead)
    if getattr(kind, "tau_ref", 0) > 0 and verdict.node:
        why = f"NIR has no refractory period, tau_ref is {kind.tau_ref:g}"
        lossy.refuse(ens, type(kind).__name__, why, "LIF without it")
    if getattr(kind, "min_voltage", -np.inf) > -np.inf:
        why = (
            f"NIR has no lowest voltage, min_voltage is {kind.min_voltage:g}, not -inf"
        )
        lossy.refuse(ens, type(kind).__name__, why, "LIF without it")
    if any(np.any(values) for values in state.values()):
        why = "NIR has no initial state, it is not 0"
        lossy.refuse(ens, type(kind).__name__, why, "neurons that start from 0")
    if ens.noise is not None:
        lossy.refuse(ens, "noise", "NIR has no noise", "neurons without it")


def has_leak(kind: Any) -> bool:
    """Tell whether the node has a constant that may be a bias."""
    return isinstance(kind, (nengo.LIF, nengo.LIFRate, EulerLIF, ExactLIF, Heaviside))


def neuron_node(kind: Any, bias: np.ndarray) -> Any:
    """Return the node of neurons with a bias (which is 0 if they have no leak)."""
    nir = nir_package()
    ones, zeros = np.ones(len(bias)), np.zeros(len(bias))
    if isinstance(kind, Heaviside):
        return nir.Threshold(-bias + 0.0, metadata={"spike_height": "one"})
    integration = _INTEGRATION.get(type(kind), "exponential")
    metadata = {"integration": integration}
    if hasattr(kind, "reset"):
        metadata["reset"] = kind.reset
    if not has_leak(kind):
        # Of Nengo's, what is above the threshold stays.
        metadata.setdefault("reset", "subtract")
        return nir.IF(r=ones, v_threshold=ones, v_reset=zeros, metadata=metadata)
    return nir.LIF(
        tau=ones * float(kind.tau_rc),
        r=ones,
        v_leak=bias,
        v_threshold=ones,
        v_reset=zeros,
        metadata=metadata,
    )


def with_current(node: Any, tau_syn: np.ndarray, gain: np.ndarray) -> Any:
    """Return a LIF that a low-pass filter drives."""
    return nir_package().CubaLIF(
        tau_syn=tau_syn,
        tau_mem=node.tau,
        r=gain,
        v_leak=node.v_leak,
        v_threshold=node.v_threshold,
        v_reset=node.v_reset,
        w_in=np.ones(len(gain)),
        metadata={**node.metadata, "one_step_delay": 1},
    )


def is_exponential(kind: Any) -> bool:
    """Tell whether neurons are solved as Nengo's filters are."""
    return isinstance(kind, nengo.LIF | ExponentialLIF)
