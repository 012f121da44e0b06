"""From the objectives that a user gives to those that the trainer computes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.probe import Probe

from nengo_dl_objectives import mse

from .trainer import Objective

#: For each probe, or tuple of probes, a function to minimise (None: the target is
#: the gradient itself).
Objectives = Mapping["Probe | tuple[Probe, ...]", "Callable | None"]


def resolve_objectives(
    objective: Objectives | None,
    probes: Sequence[Probe],
    targets: Collection[Probe] | None,
) -> list[Objective]:
    """
    Check objectives, and number the probes and targets that they need.

    Parameters
    ----------
    objective : dict or None
        What the user gave. None: the mean squared error of every target.
    probes : list of nengo.Probe
        The probes of the network, in the order of the program's outputs.
    targets : collection of nengo.Probe or None
        The probes that targets are given for; None if data is a number of steps.

    Returns
    -------
    objectives : list of Objective
        One for each entry; targets are numbered in the order of ``targets``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an objective is not what is described here, a target is missing, or a
        target belongs to no objective.
    """
    if objective is None:
        objective = _default_objective(targets)
    if not isinstance(objective, Mapping):
        raise ValidationError(
            "expected a dictionary that maps probes to objective functions, "
            f"got {objective!r}",
            attr="objective",
        )
    given = list(targets or ())
    resolved = [
        _resolve(key, function, probes, given) for key, function in objective.items()
    ]
    used = {given[i] for entry in resolved for i in entry.targets}
    for probe in given:
        if probe not in used:
            raise ValidationError(
                f"{probe} is not a valid target: expected a probe with an objective "
                "that takes a target",
                attr="data",
            )
    if not resolved:
        raise ValidationError("expected at least one objective, got none", "objective")
    return resolved


def _default_objective(targets: Collection[Probe] | None) -> Objectives:
    if targets is None:
        raise ValidationError(
            "expected an objective, since data is a number of steps and holds no "
            "targets, got None",
            attr="objective",
        )
    return {probe: mse for probe in targets}


def _resolve(
    key: Any, function: Any, probes: Sequence[Probe], given: list[Probe]
) -> Objective:
    keys = key if isinstance(key, tuple) else (key,)
    for probe in keys:
        if probe not in probes:
            raise ValidationError(
                f"expected probes of the simulated network as keys, got {probe!r}",
                attr="objective",
            )
    needed = keys if function is None or _n_arguments(function, key) == 2 else ()
    for probe in needed:
        if probe not in given:
            raise ValidationError(
                f"expected a target for {probe}, whose objective takes one, got none",
                attr="data",
            )
    return Objective(
        name=", ".join(str(probe) for probe in keys),
        outputs=tuple(probes.index(probe) for probe in keys),
        targets=tuple(given.index(probe) for probe in needed),
        function=_as_lists(function, isinstance(key, tuple), bool(needed)),
        source=function,
    )


def _n_arguments(function: Any, key: Any) -> int:
    """Count the positional arguments without default of an objective."""
    if not callable(function):
        raise ValidationError(
            f"expected a function or None for {key}, got {function!r}",
            attr="objective",
        )
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    n = sum(
        p.kind in positional and p.default is inspect.Parameter.empty
        for p in inspect.signature(function).parameters.values()
    )
    if n not in (1, 2):
        raise ValidationError(
            f"expected a function of (outputs) or (outputs, targets) for {key}, got "
            f"{function!r}, which takes {n} arguments",
            attr="objective",
        )
    return n


def _as_lists(
    function: Callable | None, is_tuple: bool, with_targets: bool
) -> Callable:
    """Turn an objective into a function of a list of outputs and one of targets."""
    if function is None:
        return _direct_gradient

    def evaluate(outputs: list[tf.Tensor], targets: list[tf.Tensor]) -> tf.Tensor:
        values = (tuple(outputs), tuple(targets)) if is_tuple else (*outputs, *targets)
        return function(*values) if with_targets else function(values[0])

    return evaluate


def _direct_gradient(outputs: list[tf.Tensor], targets: list[tf.Tensor]) -> tf.Tensor:
    """Return a value whose gradient with respect to the outputs is the targets."""
    return tf.add_n(
        [tf.reduce_sum(out * t) for out, t in zip(outputs, targets, strict=True)]
    )
