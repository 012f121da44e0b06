"""Arguments that Keras's methods have: what is meant, and what has no meaning here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nengo.exceptions import ValidationError

from nengo_dl_ops.user_warnings import warn_user

from ..checks import check_count

_INSTEAD = {
    "jit_compile": "it is Simulator(jit_compile=...)",
    "return_dict": "what is returned is always a dictionary",
    "run_eagerly": "a network is always compiled, or a graph",
    "steps_per_execution": "each minibatch is a step of its own",
}

#: What Keras takes for granted may be said; here it is always so.
_ALWAYS = {"return_dict": True, "run_eagerly": False, "steps_per_execution": 1}


def refuse_arguments(method: str, arguments: Mapping[str, Any]) -> None:
    """
    Refuse arguments that mean nothing here.

    ``arguments``: the arguments. None has no meaning in Keras either, and what is
    always so here may be said.
    """
    for name, value in arguments.items():
        if value is not None and not _is_always(name, value):
            instead = _INSTEAD.get(name, "it is an argument of Keras only, or of none")
            raise ValidationError(
                f"expected no such argument in sim.{method}, got {value!r}: {instead}",
                attr=name,
            )


def _is_always(name: str, value: Any) -> bool:
    always = _ALWAYS.get(name)
    return type(value) is type(always) and value == always


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
        warn_user(
            "batch_size is not used: minibatches have the size that is given in "
            "Simulator(minibatch_size=...)"
        )


def check_verbose(verbose: Any, progress_bar: Any) -> int:
    """Check the argument ``verbose``."""
    if verbose == "auto":
        return 1 if progress_bar else 0
    if verbose not in (0, 1, 2):
        raise ValidationError(
            f"expected 'auto', 0, 1 or 2, got {verbose!r}", attr="verbose"
        )
    return int(verbose)


def check_epochs(initial_epoch: Any, epochs: Any) -> range:
    """Check the numbers of epochs."""
    first = check_count("initial_epoch", initial_epoch)
    return range(first, check_count("epochs", epochs))


def validated_epochs(epochs: range, frequency: Any) -> list[int]:
    """Say after which epochs to validate."""
    if isinstance(frequency, (list, tuple, set, range)):
        wanted = {check_count("validation_freq", n, low=1) for n in frequency}
        return [epoch for epoch in epochs if epoch + 1 in wanted]
    every = check_count("validation_freq", frequency, low=1)
    return [epoch for epoch in epochs if (epoch + 1) % every == 0]
