"""Arguments that Keras's methods have: what is meant, and what has no meaning here."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from nengo.exceptions import ValidationError

from ..checks import check_count

_INSTEAD = {
    "jit_compile": "it is Simulator(jit_compile=...)",
    "return_dict": "what is returned is always a dictionary",
    "weighted_metrics": "use metrics, which are not weighted",
}


def refuse_arguments(method: str, arguments: Mapping[str, Any]) -> None:
    """
    Refuse arguments that mean nothing here.

    Parameters
    ----------
    method : str
        What they were given to.
    arguments : dict
        The arguments. None has no meaning in Keras either.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there are any; it says what to do instead.
    """
    for name, value in arguments.items():
        if value is not None:
            instead = _INSTEAD.get(name, "it is an argument of Keras only, or of none")
            raise ValidationError(
                f"expected no such argument in sim.{method}, got {value!r}: {instead}",
                attr=name,
            )


def ignore_batch_size(*sizes: int | None) -> None:
    """
    Say that batch sizes are not used.

    Parameters
    ----------
    *sizes : int or None
        What the user gave.

    Warns
    -----
    UserWarning
        If one is given.
    """
    if any(size is not None for size in sizes):
        warnings.warn(
            "batch_size is not used: minibatches have the size that is given in "
            "Simulator(minibatch_size=...)",
            stacklevel=3,
        )


def check_verbose(verbose: Any, progress_bar: Any) -> int:
    """
    Check the argument ``verbose``.

    Parameters
    ----------
    verbose : {"auto", 0, 1, 2}
        Its value.
    progress_bar : object
        What the simulator was told of progress bars, for ``"auto"``.

    Returns
    -------
    verbose : {0, 1, 2}
        The value.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is something else.
    """
    if verbose == "auto":
        return 1 if progress_bar else 0
    if verbose not in (0, 1, 2):
        raise ValidationError(
            f"expected 'auto', 0, 1 or 2, got {verbose!r}", attr="verbose"
        )
    return int(verbose)


def check_epochs(initial_epoch: Any, epochs: Any) -> range:
    """
    Check the numbers of epochs.

    Parameters
    ----------
    initial_epoch, epochs : int
        The first one, and the one after the last, counted from 0.

    Returns
    -------
    numbers : range
        Their numbers.

    Raises
    ------
    nengo.exceptions.ValidationError
        If these are no whole numbers.
    """
    first = check_count("initial_epoch", initial_epoch)
    return range(first, check_count("epochs", epochs))
