"""Calls that do not fit a method: what was meant, in place of a bare TypeError."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from nengo.exceptions import ValidationError

P = ParamSpec("P")
R = TypeVar("R")

#: Finds out what is wrong with the arguments of a call; None if nothing is.
Check = Callable[[tuple[Any, ...], dict[str, Any]], str | None]


class ArgumentError(ValidationError, TypeError):
    """
    A method was called with arguments that it does not have, or twice with one.

    Parameters
    ----------
    problem : str
        What is wrong.
    method : str
        The method.
    """

    def __init__(self, problem: str, method: str) -> None:
        ValidationError.__init__(self, problem, attr=method)


def explained(
    instead: Mapping[str, str], check: Check | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """
    Let a method say what to write in place of arguments that it does not have.

    ``check``: takes the arguments without the object itself, and the keyword arguments;
    returns what is wrong with them, or None.
    """

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        known, name = inspect.signature(method), method.__name__
        if name == "__init__":
            name = method.__qualname__.partition(".")[0]

        @functools.wraps(method)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            wrong = None if check is None else check(args[1:], kwargs)
            if wrong is not None:
                raise ArgumentError(wrong, name)
            try:
                known.bind(*args, **kwargs)
            except TypeError as error:
                text = _explanation(list(known.parameters)[1:], kwargs, instead)
                raise ArgumentError(f"{error}: {text}", name) from None
            return method(*args, **kwargs)

        return call

    return decorate


def _explanation(
    known: list[str], given: Mapping[str, Any], instead: Mapping[str, str]
) -> str:
    hints = [f"{name}: {instead[name]}" for name in given if name in instead]
    expected = f"expected ({', '.join(known)})"
    return "; ".join([expected, *hints])


def _is_data(value: Any) -> bool:
    """Tell whether a value is a dictionary of arrays, as inputs and targets are."""
    return isinstance(value, Mapping) and any(
        hasattr(entry, "shape") or isinstance(entry, (list, tuple))
        for entry in value.values()
    )


def check_one_dictionary(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """Say that inputs and targets go into one dictionary, where there are two."""
    inputs, targets = [*args, None, None][:2]
    inputs = kwargs.get("inputs", inputs)
    targets = kwargs.get("targets", targets)
    if not (isinstance(inputs, (Mapping, int)) and _is_data(targets)):
        return None
    return (
        "expected inputs and targets in one dictionary, {node: ..., probe: ...}, as "
        "the first argument (data); got two, as NengoDL 1 took them"
    )


def check_seconds(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """Say that the second argument is not the size of minibatches."""
    del kwargs
    if len(args) < 2 or isinstance(args[1], bool) or not isinstance(args[1], int):
        return None
    number = args[1]
    return (
        f"expected dt (the length of a time step, in seconds) as the second argument, "
        f"got {number}: write minibatch_size={number} if that is meant; dt={number} if "
        f"steps of {number} seconds are"
    )


_SIMULATOR_ONLY = "it belongs into nengo_dl.Simulator(network, minibatch_size=...)"
_ONE_DICTIONARY = "put it into the first argument, {node: values, probe: targets}"
_FIT_ONLY = "it is an argument of sim.fit (after sim.compile)"

#: What `train` and `loss` say of arguments of NengoDL 1, of Keras, and of `fit`.
TRAIN_ARGUMENTS = {
    "batch_size": _SIMULATOR_ONLY,
    "minibatch_size": _SIMULATOR_ONLY,
    "callbacks": _FIT_ONLY,
    "epochs": "write n_epochs",
    "inputs": _ONE_DICTIONARY,
    "learning_rate": "give it to the optimizer, keras.optimizers.SGD(0.1)",
    "loss": "write objective={probe: function}",
    "metrics": _FIT_ONLY,
    "n_steps": "give the number of steps as the first argument (data)",
    "sample_weight": _FIT_ONLY,
    "targets": _ONE_DICTIONARY,
    "validation_data": _FIT_ONLY,
    "verbose": "write progress_bar=True or False",
    "x": _ONE_DICTIONARY,
    "y": _ONE_DICTIONARY,
}

#: What a simulator says of arguments of NengoDL 0.x, and of names close to its own.
SIMULATOR_ARGUMENTS = {
    "batch_size": "write minibatch_size",
    "minibatch": "write minibatch_size",
    "precision": 'write nengo_dl.configure_settings(dtype="float64") in the network',
    "step_blocks": "write unroll_simulation",
    "use_loop": "write nengo_dl.configure_settings(use_loop=False) in the network",
    "trainable": "write nengo_dl.configure_settings(trainable=None) in the network",
    "inference_only": (
        "write nengo_dl.configure_settings(inference_only=True) in the network"
    ),
}

#: What `run_steps` says of arguments of Nengo's and of Keras's.
RUN_ARGUMENTS = {
    "inputs": "write data={node: values}",
    "x": "write data={node: values}",
    "feed": "write data={node: values}",
    "time_in_seconds": "that is sim.run(time_in_seconds)",
}

#: What `save_params` and `load_params` say of arguments of NengoDL 3.
PARAMETER_ARGUMENTS = {
    "include_non_trainable": (
        "leave it out, all parameters are saved; include_local=True adds the state"
    ),
}
