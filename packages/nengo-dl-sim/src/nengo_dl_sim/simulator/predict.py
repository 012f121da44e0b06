"""Predicting: outputs for many items, and the names of inputs and outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from nengo.exceptions import ValidationError
from nengo.node import Node
from nengo.probe import Probe

from ..checks import check_count_or_none
from ..data.arrays import common_shape, leave_targets
from ..data.from_fit import pass_data
from ..data.keras_forms import UserData, is_stream, read_values
from ..data.names import node_specs
from ..keras_api.arguments import check_verbose, ignore_batch_size, refuse_arguments
from ..keras_api.callback_calls import callback_list
from ..keras_api.epochs import run_predict
from .base import SimulatorBase


class PredictMixin(SimulatorBase):
    """The methods of a simulator that Keras has for outputs."""

    @property
    def node_inputs(self) -> dict[Node, keras.KerasTensor]:
        """
        What may be given for the nodes without input, in the order of lists.

        Shape ``(minibatch_size, None, size_out)``, type and name by node.
        """
        return node_specs(self._engine, self._names)

    def get_name(self, obj: Node | Probe) -> str:
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

    def predict(
        self,
        x: Any = None,
        n_steps: int | None = None,
        stateful: bool = False,
        *,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        neurons: str = "spikes",
        **kwargs: Any,
    ) -> dict[Probe, np.ndarray]:
        """
        Compute the outputs of all probes for many items.

        Probes record nothing (``sim.data``). Every minibatch starts from the present
        state of the simulation, which is not touched. If the last one has fewer items,
        it is filled with copies of the last item, whose outputs are dropped; with
        ``stateful``, what has no item of its own keeps its state.

        Parameters
        ----------
        x, n_steps, stateful, batch_size, verbose, callbacks
            As in `fit`. Targets in ``x`` are not used.
        steps : int, optional
            The number of minibatches to take, if there are more.
        neurons : {"spikes", "rates"}
            What spiking neurons give: as in a run, or as in training.
        **kwargs
            What else ``keras.Model.predict`` takes, none of which has a meaning here.

        Returns
        -------
        outputs : dict from nengo.Probe to ``(n_items, n_steps, *shape) array``
            In the order of the network's probes. Of one with ``keep_history=False``,
            the last step.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Warns
        -----
        UserWarning
            If there are fewer minibatches than ``steps``. If a batch size is given.
        """
        self._check_open("predict")
        ignore_batch_size(batch_size)
        refuse_arguments("predict", kwargs)
        steps = check_count_or_none("steps", steps, low=1)
        verbose = check_verbose(verbose, self.progress_bar)
        if neurons not in ("spikes", "rates"):
            raise ValidationError(
                f"expected 'spikes' or 'rates', got {neurons!r}", attr="neurons"
            )
        user_data = UserData(x, n_steps=n_steps, check=leave_targets)
        data = pass_data(self._engine, self._names, user_data, n_batches=steps)
        calls = callback_list(callbacks, self._model, verbose, 1, data.n_batches)
        probes, model = self.model.probes, self._model
        with self._working():
            state_policy = self._state_policy(stateful)
            return run_predict(
                self._evaluator,
                state_policy,
                data,
                probes,
                calls,
                model,
                neurons == "rates",
            )

    def predict_on_batch(
        self,
        x: Any = None,
        n_steps: int | None = None,
        stateful: bool = False,
        **kwargs: Any,
    ) -> dict[Probe, np.ndarray]:
        """
        Compute the outputs of all probes for one minibatch.

        Parameters
        ----------
        x : array_like or list or dict, optional
            As in `predict`, for exactly ``minibatch_size`` items.
        n_steps, stateful, **kwargs
            As in `predict`.

        Returns
        -------
        outputs : dict from nengo.Probe to ``(minibatch_size, n_steps, *shape) array``
            As in `predict`.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        """
        self._check_open("predict_on_batch")
        refuse_arguments("predict_on_batch", kwargs)
        if is_stream(x):
            raise ValidationError(
                f"expected arrays, got {x!r}: data sets and generators are for predict",
                attr="x",
            )
        nodes, probes = self._engine.inputs.nodes, self.model.probes
        values = read_values("x", x, None, nodes, probes, self._names)
        size = self._engine.config.minibatch_size
        n_items, _ = common_shape(values.inputs, size)
        if n_items != size:
            raise ValidationError(
                f"expected exactly minibatch_size={size} items, got {n_items}", attr="x"
            )
        return self.predict(x, n_steps, stateful, verbose=0)
