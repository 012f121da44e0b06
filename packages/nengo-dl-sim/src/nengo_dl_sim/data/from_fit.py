"""From the arguments of ``fit``, ``evaluate`` and ``predict`` to minibatches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nengo.exceptions import SimulationError, ValidationError
from nengo.probe import Probe

from ..checks import check_count
from ..engine.engine import Engine
from .array_data import ArrayData, ArraySteps
from .arrays import called, check_inputs, common_shape
from .batches import check_divisible
from .data_adapter import DataAdapter
from .from_stream import stream_data
from .keras_forms import UserData, is_stream, read_values
from .names import Names
from .sample_weights import all_weights, check_weights
from .stream_epochs import StreamEpochs, first_elements


def fit_data(
    engine: Engine, names: Names, user_data: UserData, keep_remainder: bool = False
) -> ArrayData:
    """
    Check inputs and targets in memory.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.
    names : Names
        The names of its nodes and probes.
    user_data : UserData
        What the user gave.
    keep_remainder : bool
        As in `.DataAdapter`. If not, items that are left over are left out.

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
    size, dtype = engine.config.minibatch_size, engine.config.dtype
    nodes, probes = engine.inputs.nodes, engine.model.probes
    inputs, targets, counted = read_values(
        "x", user_data.x, user_data.y, nodes, probes, names
    )
    n_items, found = common_shape(inputs or targets, size)
    n_steps = agreed_n_steps(user_data.n_steps, counted)
    if n_steps is not None:
        found = n_steps
    elif not inputs:
        raise ValidationError(
            "expected a number of steps, since x "
            f"{_without_nodes(user_data.y, targets)}: all nodes compute their own "
            "output; got None",
            attr="n_steps",
        )
    with called("x"):
        inputs = check_inputs(inputs, nodes, n_items, found, dtype)
    with called("y"):
        targets = user_data.check(targets, probes, n_items, found, dtype)
    if found == 0:
        raise ValidationError("expected at least one step, got 0", attr="x")
    weights = check_weights(
        all_weights(user_data, targets), targets, n_items, found, dtype
    )
    if not keep_remainder:
        check_divisible(n_items, size)
    elif not n_items:
        raise ValidationError("expected at least one item, got none", attr="x")
    return ArrayData(
        found, size, dtype, n_items, inputs, targets, weights, keep_remainder
    )


def _without_nodes(y: Any, targets: Mapping[Probe, Any]) -> str:
    """Say what is in ``x`` if no values for nodes are."""
    if y is None and targets:
        return f"is for {next(iter(targets))}, a probe, whose targets belong in y"
    return "is None"


def agreed_n_steps(given: Any, counted: int | None) -> int | None:
    """Check the numbers of steps that were given as an argument, and in the data."""
    if given is None:
        return counted
    given = check_count("n_steps", given, low=1)
    if counted not in (None, given):
        raise ValidationError(
            f"expected the number of steps that is in x, {counted}, got {given}",
            attr="n_steps",
        )
    return given


def epoch_data(
    engine: Engine,
    names: Names,
    user_data: UserData,
    n_epochs: int,
    per_epoch: int | None,
    n_done: int = 0,
) -> DataAdapter:
    """
    Check what is trained on, in one go or an epoch at a time.

    ``per_epoch``: the number of minibatches in each; the next one goes on from there.
    None: all.
    """
    if not _is_stream(user_data):
        data = fit_data(engine, names, user_data)
        return data if per_epoch is None else ArraySteps(data, per_epoch, n_done)

    def epochs_of(stream: Iterable) -> StreamEpochs:
        return StreamEpochs(stream, n_epochs, per_epoch)

    return stream_data(engine, names, user_data, epochs_of)


def pass_data(
    engine: Engine,
    names: Names,
    user_data: UserData,
    n_passes: int = 1,
    n_batches: int | None = None,
) -> DataAdapter:
    """
    Check what is measured: gone through from its beginning, once or more.

    Items that do not fill a minibatch take part.

    ``n_batches``: how many minibatches are taken each time. None: all.
    """
    if not _is_stream(user_data):
        data = fit_data(engine, names, user_data, keep_remainder=True)
        return data if n_batches is None else data.first(n_batches)

    def epochs_of(stream: Iterable) -> StreamEpochs:
        if isinstance(stream, Iterator):  # which has no way back to its beginning
            return StreamEpochs(stream, n_passes, n_batches)
        beginning = first_elements(stream, n_batches)
        return StreamEpochs(beginning, n_passes, n_expected=n_batches)

    return stream_data(engine, names, user_data, epochs_of, keep_remainder=True)


def _is_stream(user_data: UserData) -> bool:
    """Tell whether x is a stream; check that nothing else is given then."""
    x, y, n_steps = user_data.x, user_data.y, user_data.n_steps
    if not is_stream(x):
        return False
    for attr, value, what in (
        ("y", y, "targets"),
        ("sample_weight", user_data.sample_weight, "weights"),
    ):
        if value is not None:
            raise ValidationError(
                "expected None, since x is a data set or generator, whose elements "
                f"hold the {what}, too, as (x, y, sample_weight); got "
                f"{type(value).__name__}",
                attr=attr,
            )
    if n_steps is not None:
        raise SimulationError(
            "n_steps: expected None, since x is a data set or generator, whose "
            f"elements say how many steps there are; got {n_steps}"
        )
    return True
