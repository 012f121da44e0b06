"""From what a user wants of the outputs to the measures that are computed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.probe import Probe

from nengo_dl_objectives import mse

from .measure import Measure
from .objective_forms import Form, objective_form

#: For each probe, or tuple of probes, what is to be minimised (see `objective_form`),
#: or computed in a run. None: the target is the gradient itself; in a run, the outputs
#: as they are.
Objectives = Mapping["Probe | tuple[Probe, ...]", "Callable | str | None"]


def resolve_objectives(
    objective: Objectives | None,
    probes: Sequence[Probe],
    targets: Collection[Probe] | None,
) -> list[Measure]:
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
    measures : list of Measure
        One for each entry; targets are numbered in the order of ``targets``. (There
        may be targets of objectives that take none.)

    Raises
    ------
    nengo.exceptions.ValidationError
        If an objective is not what is described here, a target is missing, or a
        target is for a probe without objective.
    """
    if objective is None:
        objective = _default_objective(targets)
    default = Form(_direct_gradient, 2)
    return _resolve_all("objective", objective, probes, targets, default)


def resolve_outputs(
    outputs: Objectives, probes: Sequence[Probe], targets: Collection[Probe] | None
) -> list[Measure]:
    """Check what is to be computed in a run, and number what it needs."""
    return _resolve_all("outputs", outputs, probes, targets, Form(_as_they_are, 1))


def _default_objective(targets: Collection[Probe] | None) -> Objectives:
    if targets is None:
        raise ValidationError(
            "expected an objective, since data is a number of steps and holds no "
            "targets, got None",
            attr="objective",
        )
    return {probe: mse for probe in targets}


def _resolve_all(
    attr: str,
    wanted: Any,
    probes: Sequence[Probe],
    targets: Collection[Probe] | None,
    default: Form,
) -> list[Measure]:
    if not isinstance(wanted, Mapping):
        raise ValidationError(
            "expected a dictionary that maps probes to objective functions, "
            f"got {wanted!r}",
            attr=attr,
        )
    with_targets = list(targets or ())
    resolved = []
    for key, source in wanted.items():
        _check_probes(attr, key, probes)
        form = default if source is None else objective_form(attr, key, source)
        measure = _measure(key, source, form, with_targets)
        as_it_is = form.function is _as_they_are
        resolved.append(measure._replace(of_items=as_it_is, attr=attr))
    _check_all_used(resolved, with_targets)
    if not resolved:
        raise ValidationError("expected at least one objective, got none", attr=attr)
    return resolved


def _measure(key: Any, source: Any, form: Form, with_targets: list[Probe]) -> Measure:
    keys = key if isinstance(key, tuple) else (key,)
    needed = keys if form.n_arguments == 2 else ()
    for probe in needed:
        if probe not in with_targets:
            raise ValidationError(
                f"expected a target for {probe}, whose objective takes one, got none",
                attr="data",
            )
    return Measure(
        name=", ".join(str(probe) for probe in keys),
        outputs=tuple(keys),
        targets=tuple(with_targets.index(probe) for probe in needed),
        function=_of_lists(form, isinstance(key, tuple)),
        source=source,
        is_mean=form.is_mean,
    )


def _check_probes(attr: str, key: Any, probes: Sequence[Probe]) -> None:
    keys = key if isinstance(key, tuple) else (key,)
    for probe in keys or (key,):
        if probe not in probes:
            raise ValidationError(
                f"expected probes of the simulated network as keys, got {probe!r}",
                attr=attr,
            )


def _check_all_used(measures: Sequence[Measure], with_targets: Sequence[Probe]) -> None:
    used = {probe for measure in measures for probe in measure.outputs}
    for probe in with_targets:
        if probe not in used:
            raise ValidationError(
                f"{probe} is not a valid target: expected a probe with an objective",
                attr="data",
            )


def _of_lists(form: Form, is_tuple: bool) -> Callable:
    """Turn a function of outputs, or of tuples of them, into one of lists."""

    def evaluate(outputs: list[tf.Tensor], targets: list[tf.Tensor]) -> Any:
        # Of a probe that keeps its last step only, the last one is wanted.
        pairs = zip(outputs, targets, strict=False)
        wanted = [target[:, -output.shape[1] :] for output, target in pairs]
        arguments = (outputs, wanted)[: form.n_arguments]
        return form.function(*(tuple(x) if is_tuple else x[0] for x in arguments))

    return evaluate


def _as_they_are(outputs: Any) -> Any:
    return outputs


def _direct_gradient(outputs: Any, targets: Any) -> tf.Tensor:
    """Return a value whose gradient with respect to the outputs is the targets."""
    pairs = zip(tf.nest.flatten(outputs), tf.nest.flatten(targets), strict=True)
    return tf.add_n([tf.reduce_sum(output * target) for output, target in pairs])
