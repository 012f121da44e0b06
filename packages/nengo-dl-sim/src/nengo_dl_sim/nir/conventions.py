"""What NIR leaves open: the height of spikes, how equations are solved, resets."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from nengo.exceptions import ValidationError

#: The names of each choice; the first is what holds if nobody says anything.
CHOICES = {
    "spike_height": ("one", "amplitude_over_dt"),
    "integration": ("euler", "exponential", "exact"),
    "reset": ("zero", "subtract", "subtract_delayed"),
}

#: Metadata of a node of which the output is seen one step later.
ONE_STEP_DELAY = "one_step_delay"

#: Metadata of inputs and outputs that have channels last in Nengo, first in the graph.
CHANNELS_LAST = "channels_last"


class Conventions(NamedTuple):
    """
    How the equations of a node are computed.

    Parameters
    ----------
    spike_height : {"one", "amplitude_over_dt"}
        How high a spike is in the step in which it is seen.
    integration : {"euler", "exponential", "exact"}
        By Euler's method, exactly between spikes, or exactly.
    reset : {"zero", "subtract", "subtract_delayed"}
        Whether a spike sets the voltage to ``v_reset``, or takes off
        ``v_threshold``, at once or in the next step.
    given : frozenset of str
        Which of these hold for all nodes, whatever their metadata say.
    """

    spike_height: str
    integration: str
    reset: str
    given: frozenset[str] = frozenset()

    def amplitude(self, dt: float) -> float:
        """Return the amplitude of Nengo's neurons, which spike ``amplitude / dt``."""
        return dt if self.spike_height == "one" else 1.0

    def of_node(self, node: Any) -> Conventions:
        """Return what the metadata of a node says, or what holds for all."""
        own: dict[str, Any] = dict(_from_metadata(node))
        return self._replace(**{k: v for k, v in own.items() if k not in self.given})


def conventions(graph: Any, **given: Any) -> Conventions:
    """Take what is given, or what the metadata of the graph says, or the default."""
    found = {name: names[0] for name, names in CHOICES.items()}
    found |= _from_metadata(graph)
    given = {name: value for name, value in given.items() if value is not None}
    for name, value in given.items():
        check_choice(name, value)
    return Conventions(**{**found, **given}, given=frozenset(given))


def check_choice(name: str, value: Any) -> None:
    """Refuse a value that is none of the names."""
    if not isinstance(value, str) or value not in CHOICES[name]:
        raise ValidationError(
            f"expected one of {', '.join(map(repr, CHOICES[name]))}, got "
            f"{value!r:.100}",
            attr=name,
        )


def _from_metadata(node: Any) -> dict[str, str]:
    metadata = node.metadata if isinstance(node.metadata, dict) else {}
    found = {name: metadata[name] for name in CHOICES if name in metadata}
    for name, value in found.items():
        check_choice(name, value)
    return found


def is_late(node: Any) -> bool:
    """Tell whether a node has a delay of one step, by its metadata."""
    return isinstance(node.metadata, dict) and bool(node.metadata.get(ONE_STEP_DELAY))


def has_channels_last(node: Any) -> bool:
    """Tell whether values have channels last in Nengo, by the metadata of a node."""
    return isinstance(node.metadata, dict) and bool(node.metadata.get(CHANNELS_LAST))


def channels_first(shape: tuple[int, ...]) -> np.ndarray:
    """
    Return where values with channels first are among those with channels last.

    ``shape``: that with channels first.
    """
    numbers = np.arange(int(np.prod(shape))).reshape((*shape[1:], shape[0]))
    return np.moveaxis(numbers, -1, 0).ravel()
