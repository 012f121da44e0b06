"""From the arguments of ``fit``, ``evaluate`` and ``predict`` to minibatches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from nengo.exceptions import SimulationError, ValidationError

from ..checks import check_count
from ..construction import Parts
from .array_data import ArrayData
from .arrays import check_inputs, check_labels, common_shape
from .batches import check_divisible
from .forms import Given, is_stream, node_values, probe_targets
from .minibatch_data import MinibatchData
from .names import Names
from .stream_data import Reader, StreamData
from .supply import Supply, first_elements
from .weights import check_weights, class_weights, numbers


def fit_data(parts: Parts, names: Names, given: Given) -> ArrayData:
    """
    Check inputs and targets in memory.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.
    names : Names
        The names of its nodes and probes.
    given : Given
        What the user gave.

    Returns
    -------
    data : ArrayData
        The same, checked.

    Raises
    ------
    nengo.exceptions.ValidationError
        If something does not fit the network.

    Warns
    -----
    UserWarning
        If items are left over, which are left out; if there is one array for several
        nodes or probes.
    """
    size, dtype = parts.config.minibatch_size, parts.config.dtype
    nodes, probes = parts.inputs.nodes, parts.model.probes
    inputs = node_values("x", given.x, nodes, names)
    targets = probe_targets(given.y, probes, names)
    n_items, found = common_shape(inputs or targets, size)
    if given.n_steps is not None:
        found = check_count("n_steps", given.n_steps, low=1)
    elif not inputs:
        raise ValidationError(
            "expected a number of steps, since x is None: all nodes compute their own "
            "output; got None",
            attr="n_steps",
        )
    inputs = check_inputs(inputs, nodes, n_items, found, dtype)
    targets = check_labels(targets, probes, n_items, dtype)
    if found == 0:
        raise ValidationError("expected at least one step, got 0", attr="x")
    weights = given.weights
    if given.class_weight is not None:
        weights = class_weights(given.class_weight, targets, weights)
    weights = check_weights(weights, targets, n_items, found, dtype)
    check_divisible(n_items, size)
    return ArrayData(found, size, dtype, n_items, inputs, targets, weights)


def epoch_data(
    parts: Parts,
    names: Names,
    given: Given,
    n_epochs: int,
    per_epoch: int | None,
) -> MinibatchData:
    """
    Check what is trained on, in one go or an epoch at a time.

    Parameters
    ----------
    parts, names
        As in `fit_data`.
    given : Given
        What the user gave.
    n_epochs : int
        How many epochs there will be.
    per_epoch : int or None
        The number of minibatches in each, of a data set or generator; the next one
        goes on from there.

    Returns
    -------
    data : MinibatchData
        The same, checked as far as it is known.

    Raises
    ------
    nengo.exceptions.ValidationError
        If something does not fit the network.
    nengo.exceptions.SimulationError
        If a number of steps is given for a data set or generator.
    """
    stream = _stream(given)
    if stream is None:
        _refuse_count(per_epoch)
        return fit_data(parts, names, given)
    return _stream_data(parts, names, Supply(stream, n_epochs, per_epoch))


def pass_data(
    parts: Parts,
    names: Names,
    given: Given,
    n_passes: int = 1,
    n_batches: int | None = None,
) -> MinibatchData:
    """
    Check what is gone through from its beginning, once or more.

    Parameters
    ----------
    parts, names, given
        As in `epoch_data`.
    n_passes : int
        How often.
    n_batches : int or None
        How many minibatches of a data set or generator are taken each time.

    Returns
    -------
    data : MinibatchData
        The same, checked as far as it is known.

    Raises
    ------
    nengo.exceptions.ValidationError, nengo.exceptions.SimulationError
        As in `epoch_data`.
    """
    if isinstance(given.x, Iterator):  # which has no way back to its beginning
        return epoch_data(parts, names, given, n_passes, n_batches)
    stream = _stream(given)
    if stream is None:
        _refuse_count(n_batches)
        return fit_data(parts, names, given)
    beginning = first_elements(stream, n_batches)
    return _stream_data(parts, names, Supply(beginning, n_passes))


def split_validation(
    given: Given, parts: Parts, names: Names, fraction: float
) -> tuple[Given, Given]:
    """
    Keep the last part of the data for validation.

    Parameters
    ----------
    given : Given
        What the user gave.
    parts, names
        As in `fit_data`.
    fraction : float
        The part of the items, between 0 and 1.

    Returns
    -------
    training, validation : Given
        Both parts.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the fraction is not between 0 and 1, the data is not in memory, or one of
        the parts is not a multiple of the minibatch size.
    """
    if is_stream(given.x):
        raise ValidationError(
            "expected 0 for a data set or generator, got "
            f"{fraction!r}: use validation_data",
            attr="validation_split",
        )
    inputs = node_values("x", given.x, parts.inputs.nodes, names)
    targets = probe_targets(given.y, parts.model.probes, names)
    _check_items("x", inputs, n_axes=3)
    _check_items("y", targets, n_axes=1)
    n_items, _ = common_shape(inputs or targets, parts.config.minibatch_size)
    weights = {p: np.atleast_1d(numbers(p, w)) for p, w in given.weights.items()}
    n_training = _n_training(n_items, parts.config.minibatch_size, fraction)
    before, after = slice(None, n_training), slice(n_training, None)

    def part(items: slice) -> Given:
        taken = [
            {obj: np.asarray(array)[items] for obj, array in arrays.items()}
            for arrays in (inputs, targets, weights)
        ]
        return Given(taken[0], taken[1], given.n_steps, taken[2], given.class_weight)

    return part(before), part(after)._replace(class_weight=None)


def _check_items(name: str, arrays: Mapping[Any, Any], n_axes: int) -> None:
    """Check that there are items to divide; all else is checked of the parts."""
    for obj, array in arrays.items():
        shape = np.shape(array)
        if len(shape) < n_axes:
            raise ValidationError(
                f"expected values of shape (n_items, n_steps, size) for {obj}, got "
                f"{shape}",
                attr=name,
            )


def _n_training(n_items: int, minibatch_size: int, fraction: Any) -> int:
    is_number = isinstance(fraction, (int, float)) and not isinstance(fraction, bool)
    if not is_number or not 0 < fraction < 1:
        raise ValidationError(
            f"expected a number from 0 to 1, got {fraction!r}", attr="validation_split"
        )
    n_training = int(np.floor(n_items * (1 - fraction) + 1e-9))
    if n_training % minibatch_size or (n_items - n_training) % minibatch_size:
        raise ValidationError(
            f"expected parts that are multiples of minibatch_size={minibatch_size}, "
            f"got {n_training} items for training and {n_items - n_training} for "
            "validation",
            attr="validation_split",
        )
    return n_training


def _stream(given: Given) -> Iterable | None:
    """Return x if it is a stream; check that nothing else is given then."""
    x, y, n_steps = given.x, given.y, given.n_steps
    if not is_stream(x):
        return None
    if given.weights or given.class_weight is not None:
        raise ValidationError(
            "expected no weights, since x is a data set or generator; got some: weigh "
            "its items in the loss",
            attr="class_weight" if given.class_weight is not None else "sample_weight",
        )
    if y is not None:
        raise ValidationError(
            "expected None, since x is a data set or generator, whose elements hold "
            f"the targets, too, as (x, y); got {type(y).__name__}",
            attr="y",
        )
    if n_steps is not None:
        raise SimulationError(
            "n_steps: expected None, since x is a data set or generator, whose "
            f"elements say how many steps there are; got {n_steps}"
        )
    return x


def _refuse_count(n_batches: int | None) -> None:
    if n_batches is not None:
        raise ValidationError(
            "expected None for arrays, all of which is used; a number of minibatches "
            f"is for data sets and generators; got {n_batches}",
            attr="steps",
        )


def _stream_data(parts: Parts, names: Names, supply: Supply) -> StreamData:
    reader = Reader(parts, names, as_outputs=False)
    size, dtype = parts.config.minibatch_size, parts.config.dtype
    return StreamData(supply, reader, size, dtype)
