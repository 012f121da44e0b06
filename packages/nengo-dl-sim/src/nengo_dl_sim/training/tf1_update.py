"""Optimizers of TensorFlow 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from ..engine.parameter_store import to_numpy
from ..execution.plain_variables import outside_scopes
from .back_propagation import ComputesGradients
from .finite import Descent, Evidence, are_finite, is_bounded
from .update import Gradients, Update, backend_variable, constrain


class TF1Update(Update):
    """Applies an optimizer of ``tf.compat.v1.train``."""

    def step(self, compute: ComputesGradients, *arguments: Any) -> Descent:
        """Compute gradients, then change the variables."""
        scale = tf.ones((), tf.float64)
        found = compute(*arguments, scale)
        # What learning rate there is, nobody says before it is used.
        evidence = Evidence(found.total, found.sizes, scale, tf.zeros(0, tf.float64))
        sound = are_finite(found.losses, evidence) & is_bounded(evidence)
        if sound:
            sound = self._change_or_return(found.variables)
        return Descent(found.losses, found.state, found.watched, sound, evidence)

    def finish(self) -> None:
        """Do nothing: these optimizers have no last word."""

    def _change_or_return(self, gradients: Gradients) -> tf.Tensor:
        """Change the variables, but not to numbers that are not finite."""
        slots = self._slots().values()
        changed = [*map(backend_variable, self.variables), *slots, self.counter]
        before = [tf.identity(variable) for variable in changed]
        sound = tf.constant(False)
        with _new_variables() as (made, starts):
            try:
                self._change(gradients)
                after = changed[: len(self.variables)]
                sound = tf.reduce_all(
                    [tf.reduce_all(tf.math.is_finite(v)) for v in after]
                )
            finally:
                if not sound:
                    pairs = zip([*changed, *made], [*before, *starts], strict=True)
                    for variable, value in pairs:
                        variable.assign(value)
        return sound

    def _slots(self) -> dict[str, keras.Variable | tf.Variable]:
        kinds, optimizer = self.optimizer.get_slot_names(), self.optimizer
        found = {
            f"{kind}/{i}": optimizer.get_slot(backend_variable(v), kind)
            for kind in kinds
            for i, v in enumerate(self.variables)
        }
        slots = {name: slot for name, slot in found.items() if slot is not None}
        # Other slots, with a name of two parts, are of parameters somewhere else.
        others = [v for v in optimizer.variables() if "/" not in v.name]
        return {**slots, **{v.name.partition(":")[0]: v for v in others}}

    def _make_slots(self, names: Set[str]) -> None:
        numbers = {int(name.rpartition("/")[2]) for name in names if "/" in name}
        missing = names - self._slots().keys()
        variables = [v for i, v in enumerate(self.variables) if i in numbers]
        if missing and variables:
            before = [to_numpy(v) for v in variables]
            self._apply([(tf.zeros_like(v), v) for v in variables])
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)

    def _apply(self, pairs: list[tuple[tf.Tensor, Any]]) -> None:
        known = [(gradient, backend_variable(v)) for gradient, v in pairs]
        outside_scopes(lambda: self.optimizer.apply_gradients(known))
        constrain(variable for _, variable in pairs)


@contextmanager
def _new_variables() -> Iterator[tuple[list[tf.Variable], list[tf.Tensor]]]:
    """Collect the variables that are made in the context, such as slots."""
    made: list[tf.Variable] = []
    starts: list[tf.Tensor] = []

    def create(make: Callable[..., tf.Variable], **arguments: Any) -> tf.Variable:
        variable = make(**arguments)
        made.append(variable)
        starts.append(tf.identity(variable))
        return variable

    with tf.variable_creator_scope(create):
        yield made, starts
