"""Looking: at what is simulated, for debugging."""

from __future__ import annotations

from nengo.builder.operator import Operator
from nengo.utils.simulator import operator_dependency_graph

from ..keras_api.callback_model import CallbackModel
from .base import SimulatorBase


class InspectMixin(SimulatorBase):
    """What a simulator shows of how it works, under the names that Nengo uses."""

    @property
    def keras_model(self) -> CallbackModel:
        """
        The parameters of the network, in the way that a Keras model shows its own.

        It has ``summary()``, ``count_params()``, ``get_weights()``, ``set_weights()``,
        ``save_weights()``, ``load_weights()``, ``weights``, ``trainable_weights``,
        ``non_trainable_weights``, ``layers`` and ``optimizer``; training is the
        simulator's.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        """
        self._check_open("keras_model")
        return self._model

    @property
    def dg(self) -> dict[Operator, set[Operator]]:
        """For each operator of the model those that depend on it."""
        graph: dict[Operator, set[Operator]] = operator_dependency_graph(
            self.model.operators
        )
        return graph

    @property
    def step_order(self) -> list[Operator]:
        """
        The operators that are computed, in an order in which they may be.

        First those of nodes without input, of which values are computed before the
        steps. Operators that simplifications have replaced or left out are missing.
        """
        inputs = self._engine.inputs.operators
        first = [op for op in self.model.operators if op in inputs]
        return first + [op for group in self._engine.program.groups for op in group.ops]
