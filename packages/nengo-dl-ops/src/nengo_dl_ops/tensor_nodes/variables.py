"""The variables of a user's function, and how a step gives them its own values."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from nengo.exceptions import ValidationError

#: Where a tf.Variable is held: the object, the name of its attribute, the variable.
_Place = tuple[Any, str, tf.Variable]


def innermost(func: Callable) -> Any:
    """
    Return the object that a function is about.

    ``func``: a function, possibly inside ``functools.partial`` or decorators that keep
    a reference to it (``functools.wraps``). Returns the callable inside: the one that
    has hooks and variables.
    """
    while True:
        inner = func.func if isinstance(func, functools.partial) else func
        inner = inspect.unwrap(inner)
        if inner is func:
            return inner
        func = inner


class HeldVariables:
    """
    The variables that the object behind a function holds.

    They are those that it lists as ``trainable_variables`` and
    ``non_trainable_variables`` (as a ``tf.Module`` does), or if it has no such
    attributes, those among its attributes.

    Parameters
    ----------
    func : callable
        A function or an object.
    others : list of keras.Variable
        Variables that it uses without holding them.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it lists a tf.Variable that is not an attribute of it (or of a submodule):
        a step could not give it a value.
    """

    def __init__(self, func: Callable, others: Sequence[keras.Variable] = ()) -> None:
        holder = innermost(func)
        found = [*_listed(holder), *others]
        self.variables = list({id(variable): variable for variable in found}.values())
        self._places = [
            _find(variable, holder)
            for variable in self.variables
            if not isinstance(variable, keras.Variable)
        ]

    @contextmanager
    def replaced(self, values: Sequence[tf.Tensor]) -> Iterator[list[tf.Tensor]]:
        """
        Let the variables stand for given values.

        Yields a list that is filled, at the end of the context, with the values then.
        (The function can assign to a keras.Variable, not to a tf.Variable.)
        """
        new_values: list[tf.Tensor] = []
        by_id = {id(v): x for v, x in zip(self.variables, values, strict=True)}
        mapping = [
            (v, by_id[id(v)]) for v in self.variables if isinstance(v, keras.Variable)
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            try:
                for holder, name, variable in self._places:
                    setattr(holder, name, by_id[id(variable)])
                yield new_values
            finally:
                for holder, name, variable in self._places:
                    setattr(holder, name, variable)
        for variable in self.variables:
            kept = by_id[id(variable)]
            if isinstance(variable, keras.Variable):
                kept = scope.get_current_value(variable)
            new_values.append(kept)


def _is_variable(value: Any) -> bool:
    return isinstance(value, (keras.Variable, tf.Variable))


def _listed(holder: Any) -> list[keras.Variable | tf.Variable]:
    if hasattr(holder, "trainable_variables"):
        others = getattr(holder, "non_trainable_variables", ())
        found = [*holder.trainable_variables, *others]
    else:
        found = [value for value in _attributes(holder).values() if _is_variable(value)]
    return list({id(variable): variable for variable in found}.values())


def _attributes(holder: Any) -> dict[str, Any]:
    return dict(getattr(holder, "__dict__", {}))


def _find(variable: tf.Variable, holder: Any) -> _Place:
    for owner in (holder, *getattr(holder, "submodules", ())):
        for name, value in _attributes(owner).items():
            if value is variable:
                return owner, name, variable
    raise ValidationError(
        f"Expected the variable '{variable.name}' to be an attribute of the function "
        f"object that lists it ({type(holder).__name__}); make it one, or a "
        "keras.Variable",
        attr="tensor_func",
    )
