"""What was chosen for each probe, and the names of metrics in logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nengo.exceptions import ValidationError
from nengo.probe import Probe

from ..data.names import Names


class Chosen(NamedTuple):
    """
    What the user chose for each probe.

    Parameters
    ----------
    values : dict from nengo.Probe to object
        What was chosen.
    for_all : bool
        Whether it was one for all probes.
    unwanted : set of nengo.Probe
        The probes of which it was said that there is nothing for them.
    """

    values: dict[Probe, Any]
    for_all: bool
    unwanted: frozenset[Probe]


def choose(attr: str, value: Any, probes: Sequence[Probe], names: Names) -> Chosen:
    """
    Say what belongs to which probe.

    ``value``: one thing for all probes; a list with one for each of the first probes,
    in order; or a dictionary of probes, or of their names. None, also in place of one
    of them: nothing. (A dictionary with a ``"class_name"`` is one thing: what Keras
    makes an object of.) Raises a ``ValidationError`` if a list is too long, or a key is
    no probe and not the name of one.
    """
    if value is None:
        return Chosen({}, False, frozenset())
    one_thing = not isinstance(value, (list, tuple, Mapping))
    if one_thing or (isinstance(value, Mapping) and "class_name" in value):
        return Chosen(dict.fromkeys(probes, value), True, frozenset())
    found = (
        names.by_object(attr, value, among=probes)
        if isinstance(value, Mapping)
        else _in_order(attr, value, probes)
    )
    for probe in found:
        if probe not in probes:
            raise ValidationError(
                f"expected probes of the simulated network as keys, got {probe!r}",
                attr=attr,
            )
    wanted = {probe: value for probe, value in found.items() if value is not None}
    return Chosen(wanted, False, frozenset(found.keys() - wanted.keys()))


def _in_order(
    attr: str, value: Sequence[Any], probes: Sequence[Probe]
) -> dict[Probe, Any]:
    if len(value) > len(probes):
        raise ValidationError(
            f"expected a list with an entry for each of up to {len(probes)} probes, "
            f"got {len(value)} entries",
            attr=attr,
        )
    missing = [None] * (len(probes) - len(value))
    return dict(zip(probes, [*value, *missing], strict=True))


class Watched(NamedTuple):
    """
    A metric that the user wants.

    Parameters
    ----------
    probe : nengo.Probe
        What it is a metric of.
    source : keras.metrics.Metric or str or callable
        What the user gave (see `.make_metric`).
    weighted : bool
        Whether weights of samples count.
    for_all : bool
        Whether it is one for all probes that have targets.
    """

    probe: Probe
    source: Any
    weighted: bool
    for_all: bool


class MetricNames:
    """Names of metrics in logs, as Keras makes them."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def of(self, probe: str, metric: str, weighted: bool) -> str:
        """Name a metric."""
        name = f"{probe}_{metric}"
        if weighted and name in self._counts:
            name = f"{probe}_weighted_{metric}"
        number = self._counts.get(name, 0)
        self._counts[name] = number + 1
        return f"{name}_{number}" if number else name
