"""Looking at what is simulated, and checking its gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import nengo
import numpy as np
from nengo.builder.operator import Operator
from nengo.exceptions import ValidationError
from nengo.utils.simulator import operator_dependency_graph

from ..checks import check_tolerance
from ..data.array_data import ValuesInSteps
from ..data.arrays import check_inputs
from ..data.names import node_specs
from ..keras_api.callback_model import CallbackModel
from ..training.gradient_check import check_comparisons
from .base import SimulatorBase


class InspectMixin(SimulatorBase):
    """The methods of a simulator that show how it works, and check its gradients."""

    unroll: int

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
    def node_inputs(self) -> dict[nengo.Node, keras.KerasTensor]:
        """
        What may be given for the nodes without input, in the order of lists.

        Shape ``(minibatch_size, None, size_out)``, type and name by node.
        """
        return node_specs(self._engine, self._names)

    def get_name(self, obj: nengo.Node | nengo.Probe) -> str:
        """
        Return the name that may stand for a node or a probe in data.

        Parameters
        ----------
        obj : nengo.Node or nengo.Probe
            A node without input, or a probe.

        Returns
        -------
        name : str
            Its label, or else ``node`` or ``probe``; with ``_`` in place of what is
            neither letter, digit, ``.`` nor ``-``; and with ``_1``, ``_2`` and so on
            at the end where objects have the same label but for upper and lower case.

        Raises
        ------
        nengo.exceptions.ValidationError
            If it is something else.
        """
        return self._names.of(obj)

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

    def check_gradients(
        self,
        outputs: Sequence[nengo.Probe] | None = None,
        atol: float = 1e-5,
        rtol: float = 1e-3,
        inputs: Mapping[nengo.Node, np.ndarray] | Sequence[np.ndarray] | None = None,
    ) -> dict[nengo.Probe, dict[str, list[np.ndarray]]]:
        """
        Compare gradients, as `train` uses them, with finite differences.

        Outputs are differentiated with respect to the values of input nodes, element
        by element, and with respect to each trainable parameter in a random
        direction. State and parameters stay as they are.

        Parameters
        ----------
        outputs : list of nengo.Probe, optional
            The probes to look at. None: all.
        atol, rtol : float
            The absolute and relative differences that are allowed, beside the
            estimated error of the finite differences themselves.
        inputs : dict or list of (minibatch_size, n_steps, size_out) array, optional
            Values for input nodes around which to differentiate: by node, or in the
            order of the network's input nodes. Nodes that are left out are zero.
            None: all zero, for two iterations of the loop.

        Returns
        -------
        gradients : dict from nengo.Probe to dict
            Under ``"analytic"`` and ``"numeric"`` a list of arrays: for each input
            node that the network uses a ``(n_steps * size_in, n_steps * size_out)``
            Jacobian of the probe's values, for each trainable parameter the
            ``(n_steps * size_in, 1)`` derivatives in its direction; summed up over
            the minibatch.

        Raises
        ------
        nengo.exceptions.SimulationError
            If gradients differ from the differences, or are not finite: names the
            worst. If a probe depends on neurons that spike in training: with the
            gradient of something else (``training_mode``) there is nothing to compare.
        nengo.exceptions.ValidationError
            If an argument is not what is described here, or the network was built
            for inference only.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        """
        self._check_open("check_gradients")
        check_tolerance("atol", atol)
        check_tolerance("rtol", rtol)
        data = self._node_values(inputs)
        with self._working():
            found = self._trainer.compare_gradients(data, self._chosen(outputs))
        check_comparisons(found, atol, rtol)
        return {
            probe: {
                "analytic": [comparison.analytic for comparison in comparisons],
                "numeric": [comparison.numeric for comparison in comparisons],
            }
            for probe, comparisons in found.items()
        }

    def _chosen(self, outputs: Sequence[nengo.Probe] | None) -> list[nengo.Probe]:
        probes: list[nengo.Probe] = self.model.probes
        if outputs is None:
            return probes
        if not isinstance(outputs, Sequence) or any(p not in probes for p in outputs):
            raise ValidationError(
                f"expected a list of probes of the simulated network, got {outputs!r}",
                attr="outputs",
            )
        return list(outputs)

    def _node_values(self, inputs: Any) -> ValuesInSteps:
        nodes = [node for node in self._engine.inputs.nodes if node.size_out > 0]
        if inputs is None:
            inputs = {}
        elif not isinstance(inputs, Mapping):
            if not isinstance(inputs, Sequence) or len(inputs) != len(nodes):
                raise ValidationError(
                    f"expected a dictionary, or a list of {len(nodes)} arrays, one "
                    f"for each input node, got {inputs!r}",
                    attr="inputs",
                )
            inputs = dict(zip(nodes, inputs, strict=True))
        size, dtype = self.minibatch_size or 1, self._engine.config.dtype
        checked = check_inputs(inputs, self._engine.inputs.nodes, size, None, dtype)
        n_steps = next((a.shape[1] for a in checked.values()), 2 * self.unroll)
        values = {
            node: checked.get(node, np.zeros((size, n_steps, node.size_out)))
            for node in nodes
        }
        return ValuesInSteps(n_steps, size, dtype, size, values, None)
