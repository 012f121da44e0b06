"""Optimizers for which it matters which numbers make up a variable."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .keras_update import KerasUpdate, optimizer_parts
from .trainable_parameters import TrainableParameter
from .update import Gradients, backend_variable, constrain

_NAMES = "SGD Adam AdamW Nadam RMSprop Adagrad Adadelta Adamax Ftrl Lion"

#: Optimizers that treat each number for itself, unless they clip norms.
_ELEMENTWISE = {getattr(keras.optimizers, name) for name in _NAMES.split()}


class PartwiseUpdate(KerasUpdate):
    """
    Lets a Keras optimizer see each parameter as a variable of its own, as in Keras.

    Several parameters may share one of the simulator's variables. Norms, and what else
    is computed of a whole variable, must not mix them.

    Parameters
    ----------
    optimizer, variables, counter
        As in `KerasUpdate`.
    parameters : list of TrainableParameter
        The parameters, by variable.
    """

    has_copies = True

    def __init__(
        self,
        optimizer: Any,
        variables: Sequence[keras.Variable | tf.Variable],
        counter: tf.Variable,
        parameters: Sequence[TrainableParameter],
    ) -> None:
        grouped: dict[int, list[TrainableParameter]] = defaultdict(list)
        for part in parameters:
            grouped[part.variable].append(part)
        self._shared = {n: found for n, found in grouped.items() if len(found) > 1}
        self._pieces = {
            n: [_piece(variables[n], part) for part in found]
            for n, found in self._shared.items()
        }
        super().__init__(optimizer, variables, counter)

    def finish(self) -> None:
        """Let the optimizer put averages in place, if it keeps some."""
        self._take_apart()
        super().finish()
        self._join()

    def _targets(self) -> list[Any]:
        targets: list[Any] = []
        for n, variable in enumerate(self.variables):
            targets += self._pieces.get(n, [variable])
        return targets

    def _change(self, gradients: Gradients) -> None:
        self._take_apart()
        cut: list[Any] = []
        for n, gradient in enumerate(gradients):
            parameters = self._shared.get(n)
            if parameters is None:
                cut.append(gradient)
            else:
                whole = None if gradient is None else tf.convert_to_tensor(gradient)
                cut += [None if whole is None else whole[p.rows] for p in parameters]
        super()._change(cut)
        self._join()
        constrain(self.variables[n] for n in self._shared if gradients[n] is not None)

    def _take_apart(self) -> None:
        """Give the pieces the values of the variables."""
        for n, pieces in self._pieces.items():
            whole = tf.convert_to_tensor(self.variables[n])
            for part, piece in zip(self._shared[n], pieces, strict=True):
                piece.assign(whole[part.rows])

    def _join(self) -> None:
        """Give the variables the values of the pieces."""
        for n, pieces in self._pieces.items():
            values = [tf.convert_to_tensor(piece) for piece in pieces]
            backend_variable(self.variables[n]).assign(tf.concat(values, 0))


def mixes_parameters(optimizer: Any, parameters: Sequence[TrainableParameter]) -> bool:
    """
    Tell whether an optimizer would mix parameters that share a variable.

    Returns false if none share one, or each number is treated for itself.
    """
    if len({part.variable for part in parameters}) == len(parameters):
        return False
    found = optimizer_parts(optimizer)
    # One that has chosen none yet, or several, chooses one for each variable.
    return len(found) != 1 or any(
        type(part) not in _ELEMENTWISE or part.clipnorm for part in found
    )


def _piece(
    variable: keras.Variable | tf.Variable, part: TrainableParameter
) -> keras.Variable:
    value = tf.convert_to_tensor(variable)[part.rows]
    name = re.sub(r"\W+", "_", part.name)
    return keras.Variable(value, dtype=variable.dtype, name=name)
