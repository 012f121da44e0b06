"""The forms in which an objective may be given, and the one that is computed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from nengo.exceptions import ValidationError

from nengo_dl_objectives import mse
from nengo_dl_ops.user_warnings import warn_user

from ..checks import described

_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


class Form(NamedTuple):
    """
    An objective as a function.

    Parameters
    ----------
    function : callable
        Takes outputs, or outputs and targets; for ``fit`` also ``weights=``, those of
        samples.
    n_arguments : {1, 2}
        How many of these it takes.
    is_mean : bool
        Whether it is known to be the mean over items of something that is computed of
        each by itself.
    """

    function: Callable
    n_arguments: int
    is_mean: bool = False


def objective_form(attr: str, key: Any, source: Any) -> Form:
    """
    Turn what a user gave into a function.

    Parameters
    ----------
    attr : str
        The argument it was given for, for messages.
    key : nengo.Probe or tuple of nengo.Probe
        What it is an objective of, for messages.
    source : callable or keras.losses.Loss or str
        A function of outputs, or of outputs and targets; or a Keras loss or its name,
        or a function whose arguments are called ``y_true`` and ``y_pred``: these take
        the targets first.

    Returns
    -------
    form : Form
        The same as a function.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is none of these.

    Warns
    -----
    DeprecationWarning
        If it is the text ``"mse"``.
    """
    if isinstance(source, str):
        return Form(_named(attr, key, source), 2)
    if isinstance(source, keras.losses.Loss):
        return Form(_targets_first(source), 2)
    if not callable(source) or isinstance(source, type):
        raise ValidationError(
            f"expected a function or None for {key}, got {described(source)}", attr=attr
        )
    names = required_arguments(source)
    if names == ["y_true", "y_pred"]:
        return Form(_targets_first(source), 2)
    if names is None or len(names) not in (1, 2):
        count = "an unknown number of" if names is None else len(names)
        raise ValidationError(
            f"expected a function of (outputs) or (outputs, targets) for {key}, got "
            f"{source!r}, which takes {count} arguments",
            attr=attr,
        )
    return Form(source, len(names), source is mse)


def required_arguments(function: Callable) -> list[str] | None:
    """
    Name the arguments that a function cannot be called without.

    Returns the positional arguments without default; None if they are not known.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        p.name for p in parameters if p.kind in _POSITIONAL and p.default is p.empty
    ]


def _named(attr: str, key: Any, name: str) -> Callable:
    if name == "mse":
        warn_user(
            'The objective "mse" is deprecated: use nengo_dl.objectives.mse',
            DeprecationWarning,
        )
        return mse
    try:
        loss = keras.losses.get(name)
    except ValueError as error:
        raise ValidationError(
            f"expected a function, a Keras loss or its name for {key}, got {name!r}",
            attr=attr,
        ) from error
    if isinstance(loss, keras.losses.Loss):
        return _targets_first(loss)
    return lambda outputs, targets: tf.reduce_mean(loss(targets, outputs))


def _targets_first(loss: Callable) -> Callable:
    return lambda outputs, targets: loss(targets, outputs)
