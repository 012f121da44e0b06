"""Which signals are looked at to count operations, and which spikes they may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import nengo
from nengo.builder import Model
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Copy, Reset
from nengo.builder.signal import Signal

from nengo_dl_ops import EulerLIF, ExactLIF, ExponentialLIF, Heaviside, IntegrateAndFire
from nengo_dl_ops.planning.def_use import Uses

from .products import Population, Product

#: Types that spike at most once in a step, so that all they give are spikes.
_ONE_SPIKE = (
    nengo.LIF,
    nengo.Izhikevich,
    EulerLIF,
    ExactLIF,
    ExponentialLIF,
    Heaviside,
    IntegrateAndFire,
)


class Watch(NamedTuple):
    """
    A signal of which nonzero elements are counted.

    Parameters
    ----------
    signal : nengo.builder.Signal
        The signal.
    heights : tuple of float
        The absolute values that are spikes. Empty: whatever is not zero is one.
    """

    signal: Signal
    heights: tuple[float, ...]


class Watched(NamedTuple):
    """
    All that is looked at in a step.

    Parameters
    ----------
    inputs : dict from nengo.builder.Signal to Watch
        Inputs of products, and outputs of neurons.
    membranes : list of nengo.builder.Signal
        Voltages.
    learned : list of Product
        Products with weights that steps change.
    """

    inputs: Mapping[Signal, Watch]
    membranes: Sequence[Signal]
    learned: Sequence[Product]

    @property
    def signals(self) -> list[Signal]:
        """All of the signals."""
        weights = [product.weights for product in self.learned]
        return [*self.inputs, *self.membranes, *weights]


def watched(
    model: Model, products: Sequence[Product], populations: Sequence[Population]
) -> Watched:
    """Choose what is looked at to count some products, and the activity of neurons."""
    heights = _spike_heights(model)
    outputs = {each.output: each.ensemble.neuron_type for each in populations}
    signals = [*(each.inputs for each in products), *outputs]

    def watch(sig: Signal) -> Watch:
        kind = outputs.get(sig.base)
        if isinstance(kind, _ONE_SPIKE):
            return Watch(sig, ())
        found = heights.get(sig.base)
        pulses = (1.0, 1 / model.dt)
        return Watch(sig, pulses if found is None else found)

    return Watched(
        {sig: watch(sig) for sig in dict.fromkeys(signals)},
        [each.membrane for each in populations if each.membrane is not None],
        [each for each in products if each.is_learned],
    )


def _spike_heights(model: Model) -> dict[Signal, tuple[float, ...]]:
    """Return how high spikes are in outputs of neurons, and in what copies make."""
    ops, uses = model.operators, Uses(model.operators)
    found: dict[Signal, tuple[float, ...]] = {
        op.output.base: (getattr(op.neurons, "amplitude", 1) / model.dt,)
        for op in ops
        if isinstance(op, SimNeurons) and op.neurons.spiking
    }

    def made_of(base: Signal) -> tuple[float, ...] | None:
        heights: set[float] = set()
        for op in (ops[number] for number in uses.writers[base]):
            if type(op) is Copy and op.src.base in found:
                heights.update(found[op.src.base])
            elif not (type(op) is Reset and op.value == 0):
                return None
        return tuple(sorted(heights)) if len(heights) == 1 else None

    new = list(found)
    while new:
        copies = {
            op.dst.base
            for base in new
            for op in (ops[number] for number in uses.readers[base])
            if type(op) is Copy and op.dst.base not in found
        }
        made = {base: heights for base in copies if (heights := made_of(base))}
        found.update(made)
        new = list(made)
    return found
