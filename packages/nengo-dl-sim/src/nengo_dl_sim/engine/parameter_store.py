"""The live values of a program's parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf
from nengo.builder.signal import Signal

from nengo_dl_ops.step.program import Program
from nengo_dl_signals import stored_value

from .constraints import ConstrainedPart, Constraint, PartConstraints


class ParameterStore:
    """
    Holds one variable for each parameter array of a program.

    Parameters
    ----------
    program : Program
        What the parameters are for.
    on_change : callable, optional
        Called when values may have become others.
    constraints : dict from nengo.builder.Signal to callable, optional
        What makes of values such as training may leave. Optimizers apply them.

    Attributes
    ----------
    variables : list of keras.Variable or tf.Variable
        The variables in the order in which `Program.step` takes their values: those
        of the parameter arrays, then those that operators brought along.
    """

    def __init__(
        self,
        program: Program,
        on_change: Callable[[], None] = lambda: None,
        constraints: Mapping[Signal, Constraint] | None = None,
    ) -> None:
        self._on_change = on_change
        arrays = [
            keras.Variable(
                array.initial(),
                trainable=array.trainable,
                dtype=array.dtype,
                name=_name(array.bases),
            )
            for array in program.parameters
        ]
        self._own = arrays
        self.variables = [*arrays, *program.trainable_variables]
        self._state_variables = program.state_variables
        self._place: dict[Signal, tuple[keras.Variable, slice]] = {}
        for variable, array in zip(arrays, program.parameters, strict=True):
            start = 0
            for base in array.bases:
                length = len(np.atleast_1d(stored_value(base)))
                self._place[base] = variable, slice(start, start + length)
                start += length
            variable.constraint = self._constraint(array.bases, constraints or {})
        self._unread: dict[Signal, np.ndarray] = {}
        self._start = [to_numpy(v) for v in self._all()]
        self._as_built: bool | None = True

    @property
    def as_built(self) -> bool:
        """Whether all parameters have the values that they were built with."""
        if self._as_built is None:
            pairs = zip(self._all(), self._start, strict=True)
            self._as_built = all(
                np.array_equal(to_numpy(variable), start) for variable, start in pairs
            )
        return self._as_built

    def changed(self) -> None:
        """Take note that variables were assigned to."""
        self._as_built = None
        self._on_change()

    @property
    def trainable(self) -> list[keras.Variable]:
        """The variables that training changes."""
        return [v for v in self.variables if v.trainable]

    @property
    def signals(self) -> list[Signal]:
        """The base signals that have a place."""
        return list(self._place)

    def rows(self, base: Signal) -> slice:
        """Return where in its variable one of `signals` is."""
        return self._place[base][1]

    def reset(self) -> None:
        """Give all parameters the values that they were built with."""
        for variable, value in zip(self._all(), self._start, strict=True):
            variable.assign(value)
        self._unread.clear()
        self.changed()

    def close(self) -> None:
        """
        Take the values out of the variables, which cannot be used any more.

        `value` returns them as before. TensorFlow's graphs refer to the variables
        until Python's garbage collector finds them, which may be long after: their
        memory does not wait for it.
        """
        self._place = {
            base: (tf.convert_to_tensor(variable), rows)
            for base, (variable, rows) in self._place.items()
        }
        for variable in self._own:
            tf.raw_ops.AssignVariableOp(
                resource=variable.value.handle,
                value=tf.zeros(0, variable.dtype),
                validate_shape=False,
            )

    def value(self, base: Signal) -> np.ndarray | None:
        """
        Return the value of a constant signal.

        Returns a copy of the live value, of a sparse signal the entries that it holds;
        None if the program does not read the signal, and nobody assigned to it.
        """
        if base not in self._place:
            unread = self._unread.get(base)
            return None if unread is None else unread.copy()
        variable, rows = self._place[base]
        value = tf.convert_to_tensor(variable)[rows].numpy()
        return np.reshape(value, stored_value(base).shape)

    def assign(self, values: dict[Signal, np.ndarray]) -> None:
        """
        Set constant signals.

        ``values``: new values, of the shapes that `value` gives. Those of signals that
        the program does not read are kept, to be looked at and saved.
        """
        changed: dict[int, tuple[keras.Variable, np.ndarray]] = {}
        for base, value in values.items():
            if base not in self._place:
                self._unread[base] = np.array(value)
                continue
            variable, rows = self._place[base]
            _, array = changed.setdefault(id(variable), (variable, to_numpy(variable)))
            array[rows] = np.reshape(value, array[rows].shape)
        for variable, array in changed.values():
            variable.assign(array)
        self.changed()

    def _constraint(
        self, bases: Iterable[Signal], constraints: Mapping[Signal, Constraint]
    ) -> PartConstraints | None:
        """Join the constraints of the signals in a variable, if there are any."""
        parts = [
            ConstrainedPart(
                str(base.name),
                self.rows(base),
                tuple(stored_value(base).shape),
                constraints[base],
            )
            for base in bases
            if base in constraints
        ]
        return PartConstraints(parts) if parts else None

    def _all(self) -> list[keras.Variable]:
        return [*self.variables, *self._state_variables]


def to_numpy(variable: keras.Variable | tf.Variable) -> np.ndarray:
    """
    Copy the value of a variable.

    ``variable``: the variable. (NumPy itself would warn of a keras.Variable.)
    """
    return np.array(tf.convert_to_tensor(variable).numpy())


def _name(bases: Iterable[Signal]) -> str:
    """Name a variable by what it holds, such as weights, so that optimizers can."""
    kinds = {re.sub(r"\W", "", base.name.rpartition(".")[2]) for base in bases}
    return "_".join(sorted(kind for kind in kinds if kind)) or "parameters"
