"""Which signals are looked at to count operations, and which spikes they may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Copy, Reset
from nengo.builder.signal import Signal
from nengo.neurons import SpikingRectifiedLinear

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
    is_whole : bool
        Whether elements are 0, 1, 2, ... spikes of one height, and nothing else.
    """

    signal: Signal
    heights: tuple[float, ...]
    is_whole: bool = False


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


class Spikes(NamedTuple):
    """Which spikes a signal may hold: see `Watch`."""

    heights: tuple[float, ...]
    is_whole: bool


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
        pulses = Spikes((1.0, 1 / model.dt), is_whole=False)
        return Watch(sig, *(pulses if found is None else found))

    return Watched(
        {sig: watch(sig) for sig in dict.fromkeys(signals)},
        [each.membrane for each in populations if each.membrane is not None],
        [each for each in products if each.is_learned],
    )


def _spike_heights(model: Model) -> dict[Signal, Spikes]:
    """Return how high spikes are in outputs of neurons, and in what copies make."""
    ops, uses = model.operators, Uses(model.operators)
    found = {
        op.output.base: _spikes_of(op, model.dt)
        for op in ops
        if isinstance(op, SimNeurons) and op.neurons.spiking
    }

    def made_of(base: Signal) -> Spikes | None:
        copied: list[Spikes] = []
        for op in (ops[number] for number in uses.writers[base]):
            if type(op) is Copy and op.src.base in found:
                copied.append(found[op.src.base])
            elif not (type(op) is Reset and op.value == 0):
                return None
        if len({heights for heights, _ in copied}) != 1:
            return None
        return Spikes(copied[0].heights, all(is_whole for _, is_whole in copied))

    new = list(found)
    while new:
        copies = {
            op.dst.base
            for base in new
            for op in (ops[number] for number in uses.readers[base])
            if type(op) is Copy and op.dst.base not in found
        }
        made = {base: spikes for base in copies if (spikes := made_of(base))}
        found.update(made)
        new = list(made)
    return found


def _spikes_of(op: SimNeurons, dt: float) -> Spikes:
    """Return what neurons of a spiking type give."""
    is_whole = isinstance(op.neurons, _ONE_SPIKE)
    if type(op.neurons) is SpikingRectifiedLinear:
        # A voltage that starts below 0 gives negative spikes at once.
        is_whole = bool(np.all(op.state["voltage"].initial_value >= 0))
    return Spikes((getattr(op.neurons, "amplitude", 1) / dt,), is_whole)
