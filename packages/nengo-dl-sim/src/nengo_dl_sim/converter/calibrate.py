"""Fits firing rates, biases and initial voltages to a number of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nengo.exceptions import ValidationError

from ..progress import ProgressBarLike, make_progress_bar
from .biases import shift_biases
from .items import Items
from .neurons import DT, fastest, has_threshold, is_spiking
from .options import Options
from .scales import choose_scales


def calibrate(
    converter: Any,
    convert_anew: Callable[[Mapping[Any, Any], float | None], None],
    in_rates: Callable[[Any], Any],
    data: Any,
    options: Options,
    minibatch_size: int,
    progress_bar: ProgressBarLike,
) -> None:
    """
    Choose scales and biases, and make the network anew with them.

    Parameters
    ----------
    converter : Converter
        What to calibrate.
    convert_anew : callable
        Makes its network anew with other scales of some layers, and an initial
        voltage.
    in_rates : callable
        Converts the model again, into a network in rates with another synapse.
    options : Options
        What to fit. The other arguments are those of its method.
    """
    options = options.checked(converter.temporal_model)
    items = Items(converter, "data", data, minibatch_size, options.n_steps)
    make_progress_bar("Calibrating", None, progress_bar)  # checks the argument
    _check_neurons(converter)
    _check_voltage(converter, options.initial_voltage)
    _check_rate(options.target_rate, items.n_steps)
    scales = {}
    if options.method != ("bias",):
        scales = choose_scales(converter, items, options, progress_bar)
    convert_anew(scales, options.initial_voltage)
    for layer in scales:
        _remark_levels(converter, layer, options.target_rate, items.n_steps)
    if "bias" in options.method:
        shift_biases(converter, in_rates, items, progress_bar)


def _check_neurons(converter: Any) -> None:
    if not any(is_spiking(ens.neurons) for _, ens in _populations(converter)):
        raise ValidationError(
            "expected a network with neurons that spike, got none: convert with "
            "swap_activations={keras.activations.relu: nengo.SpikingRectifiedLinear()}",
            attr="model",
        )


def _check_voltage(converter: Any, voltage: float | None) -> None:
    wrong = [
        f"{layer.name} ({type(ens.neuron_type).__name__})"
        for layer, ens in _populations(converter)
        if ens.neuron_type.spiking and not has_threshold(ens.neuron_type)
    ]
    if voltage is not None and wrong:
        raise ValidationError(
            "expected neurons that spike when their voltage reaches 1, as LIF, "
            "SpikingRectifiedLinear and RegularSpiking do, got "
            f"{', '.join(wrong)}: leave initial_voltage out",
            attr="initial_voltage",
        )


def _populations(converter: Any) -> list[tuple[Any, Any]]:
    groups = converter.populations.items()
    return [(layer, ens) for layer, group in groups for ens in group]


def _check_rate(rate: float | None, n_steps: int) -> None:
    if rate is not None and rate * n_steps * DT < 1:
        raise ValidationError(
            f"expected a rate of at least a spike in n_steps={n_steps} steps of "
            f"{DT} s, {1 / (n_steps * DT):g} Hz, got {rate:g}",
            attr="target_rate",
        )


def _remark_levels(
    converter: Any, layer: Any, target_rate: float | None, n_steps: int
) -> None:
    neurons = converter.populations[layer][0].neurons
    rate = fastest(neurons) if target_rate is None else target_rate
    converter.remark(
        layer,
        f"in {n_steps} steps, outputs are multiples of 1/{rate * n_steps * DT:.3g} of "
        f"that at {rate:g} Hz",
    )
