"""Energy that operations take, by published measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from nengo.exceptions import ValidationError

#: What may have a price.
QUANTITIES = (
    "Effective_MACs",
    "Effective_ACs",
    "Dense",
    "MembraneUpdates",
    "NeuronSteps",
    "Spikes",
)


class Device(NamedTuple):
    """
    What operations cost on a device.

    Parameters
    ----------
    prices : dict from str to float
        Joules for one of each quantity (see `QUANTITIES`).
    source : str
        Where these numbers are from.
    """

    prices: Mapping[str, float]
    source: str


_DEGNAN = (
    "Degnan, B., Marr, B., & Hasler, J. (2016). Assessing trends in performance per "
    "watt for signal processing applications. IEEE Transactions on VLSI Systems, "
    "24(1), 58-66. All products are computed, with zeros, too"
)

#: By the names that ``energy`` takes.
DEVICES: dict[str, Device] = {
    "cpu": Device({"Dense": 8.6e-9, "NeuronSteps": 8.6e-9}, _DEGNAN),
    "gpu": Device({"Dense": 0.3e-9, "NeuronSteps": 0.3e-9}, _DEGNAN),
    "loihi": Device(
        {
            "Effective_MACs": 23.6e-12,
            "Effective_ACs": 23.6e-12,
            "NeuronSteps": 52e-12,
            "MembraneUpdates": 81e-12 - 52e-12,
        },
        "Davies, M., Srinivasa, N., Lin, T.-H., Chinya, G., et al. (2018). Loihi: A "
        "neuromorphic manycore processor with on-chip learning. IEEE Micro, 38(1), "
        "82-99. Neurons that are not updated are taken for inactive, products for "
        "spikes; no energy of communication",
    ),
    "spinnaker2": Device(
        {
            "Effective_MACs": 450e-12,
            "Effective_ACs": 450e-12,
            "NeuronSteps": 2.19e-9,
        },
        "Höppner, S., Vogginger, B., Yan, Y., Dixius, A., et al. (2019). Dynamic power "
        "management for neuromorphic many-core systems. IEEE Transactions on Circuits "
        "and Systems I, 66(8), 2973-2986. A prototype; products are taken for spikes",
    ),
    "45nm": Device(
        {
            "Effective_MACs": 4.6e-12,
            "Effective_ACs": 0.9e-12,
            "MembraneUpdates": 4.6e-12,
        },
        "Horowitz, M. (2014). Computing's energy problem (and what we can do about "
        "it). ISSCC, 10-14. An addition of 32-bit floating point numbers takes 0.9 pJ, "
        "a multiplication 3.7 pJ; an update of a voltage is taken for both; no energy "
        "of memory",
    ),
}


class Energy(NamedTuple):
    """
    Energy that a network takes for an item.

    Parameters
    ----------
    joules : float
        The mean over items, in joules.
    of_items : (n_items,) array
        The same for each item.
    parts : dict from str to float
        How much of the mean each quantity takes.
    source : str
        Where the prices are from.
    """

    joules: float
    of_items: np.ndarray
    parts: dict[str, float]
    source: str


def energy_of(quantities: Mapping[str, np.ndarray], device: Any) -> Energy:
    """Multiply the quantities of items, ``(n_items,) array``, with prices."""
    found = _device(device)
    products = {
        name: price * np.asarray(quantities[name], np.float64)
        for name, price in found.prices.items()
    }
    n_items = len(next(iter(quantities.values())))
    of_items = np.sum([np.zeros(n_items), *products.values()], axis=0)
    parts = {name: float(np.mean(values)) for name, values in products.items()}
    return Energy(float(np.mean(of_items)), of_items, parts, found.source)


def _device(device: Any) -> Device:
    if isinstance(device, str) and device in DEVICES:
        return DEVICES[device]
    if isinstance(device, Mapping):
        for name, price in device.items():
            _check_price(name, price)
        return Device({name: float(p) for name, p in device.items()}, "the caller")
    names = ", ".join(map(repr, DEVICES))
    raise ValidationError(
        f"expected {names}, or a dictionary of joules by quantity, got {device!r:.100}",
        attr="device",
    )


def _check_price(name: Any, price: Any) -> None:
    if name not in QUANTITIES:
        raise ValidationError(
            f"expected quantities of {', '.join(QUANTITIES)}, got {name!r:.100}",
            attr="device",
        )
    is_number = isinstance(price, (int, float, np.number)) and not isinstance(
        price, bool
    )
    if not is_number or not np.isfinite(price) or price < 0:
        raise ValidationError(
            f"expected a finite number of joules of at least 0 for {name}, got "
            f"{price!r:.100}",
            attr="device",
        )
