"""Losses and metrics in the manner of Keras: what is compiled, and evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
from nengo.exceptions import SimulationError, ValidationError

from ..checks import check_count_or_none
from ..data.data_adapter import DataAdapter
from ..data.from_fit import pass_data
from ..data.keras_forms import UserData
from ..evaluation.state_policy import StatePolicy
from ..keras_api.arguments import (
    check_verbose,
    ignore_batch_size,
    refuse_arguments,
)
from ..keras_api.callback_calls import callback_list
from ..keras_api.compile_spec import CompileSpec
from ..keras_api.epochs import run_test
from ..keras_api.losses_and_metrics import LossesAndMetrics
from ..keras_api.validation_neurons import check_neurons, logs_of
from .save import SaveMixin


class EvaluateMixin(SaveMixin):
    """The methods of a simulator that Keras has for losses and metrics."""

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """
        Say how `fit` trains, and what `evaluate` computes.

        Parameters
        ----------
        optimizer : keras.optimizers.Optimizer or tf.compat.v1.train.Optimizer or str
            What turns gradients into changes.
        loss : keras.losses.Loss or str or callable or list or dict, optional
            What is minimised: one loss for all probes that have targets; a list with
            one for each of the first probes, in order; or a dictionary with losses of
            probes, or of their names (see `get_name`). A loss is one of Keras or its
            name, or a function of ``(y_true, y_pred)``, of which the mean is taken. A
            function of one argument takes the outputs. None in place of a loss: none;
            targets of that probe are not used.
        metrics : keras.metrics.Metric or str or callable or list or dict, optional
            What else is computed, in the same forms; and with a list of metrics in
            place of one. (If there is one probe only, a list is for that one.)
        loss_weights : float or list or dict, optional
            What losses are multiplied by before they are summed up; by default 1.
        weighted_metrics : keras.metrics.Metric or str or callable or list or dict
            Metrics in which weights of samples and classes count, in the same forms.
        **kwargs
            What else ``keras.Model.compile`` takes, none of which has a meaning here.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here. What was compiled before is
            left alone then.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        """
        self._check_open("compile")
        refuse_arguments("compile", kwargs)
        self._compiled = CompileSpec(
            self._engine,
            self._names,
            optimizer,
            loss,
            metrics,
            loss_weights,
            weighted_metrics,
        )
        self._model.optimizer = self._compiled.optimizer

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        n_steps: int | None = None,
        stateful: bool = False,
        *,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        neurons: str = "spikes",
        **kwargs: Any,
    ) -> dict[str, Any]:
        """
        Compute the losses and metrics that `compile` named.

        All items count alike. If the last minibatch has fewer of them, it is filled
        with copies of the last one, whose outputs and states are dropped.

        Parameters
        ----------
        x, y, n_steps, stateful, batch_size, verbose, sample_weight, callbacks
            As in `fit`.
        steps : int, optional
            The number of minibatches to take, if there are more.
        neurons : {"spikes", "rates", "both"}
            What spiking neurons give: as in a run, or as in training (while layers
            compute what they do in a run). With ``"both"`` the names of what is
            computed in rates begin with ``"rates_"``.
        **kwargs
            What else ``keras.Model.evaluate`` takes, none of which has a meaning here.

        Returns
        -------
        values : dict from str to float
            ``"loss"``, the weighted sum of all losses, and what regularizers add;
            ``"<probe>_loss"`` and ``"<probe>_<metric>"`` by the names of probes (see
            `get_name`).

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here.
        nengo.exceptions.SimulationError
            If the simulator was not compiled.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Warns
        -----
        UserWarning
            If there are fewer minibatches than ``steps``. If a batch size is given. If
            one step is computed through synapses.
        """
        compiled = self._ready("evaluate", kwargs)
        ignore_batch_size(batch_size)
        steps = check_count_or_none("steps", steps, low=1)
        verbose = check_verbose(verbose, self.progress_bar)
        in_rates = check_neurons("neurons", neurons)
        if stateful and len(in_rates) > 1:
            raise ValidationError(
                "expected 'spikes' or 'rates' if the simulation goes on "
                f"(stateful=True), got {neurons!r}",
                attr="neurons",
            )
        weigh = compiled.sample_weights
        user_data = UserData(x, y, n_steps, sample_weight, weigh=weigh)
        data = pass_data(self._engine, self._names, user_data, len(in_rates), steps)
        measured = compiled.losses_and_metrics(data)
        calls = callback_list(callbacks, self._model, verbose, 1, data.n_batches)
        self._warn_single_step(stateful, data, measured)
        with self._working():
            self._check_workers(
                data,
                "evaluate",
                stateful=stateful,
                steps=steps,
                neurons=neurons,
                **compiled.arguments,
            )
            state_policy = self._state_policy(stateful)
            return self._tested(state_policy, data, measured, calls, in_rates)

    def _ready(self, method: str, refused: Mapping[str, Any]) -> CompileSpec:
        """Check that the simulator is open, and return what was compiled."""
        self._check_open(method)
        refuse_arguments(method, refused)
        if self._compiled is None or self._compiled.lacks(method):
            raise SimulationError(
                f"sim.{method} needs a loss: call sim.compile(optimizer, loss=...) "
                "first"
            )
        return self._compiled

    def _tested(
        self,
        state_policy: StatePolicy,
        data: DataAdapter,
        measured: LossesAndMetrics,
        calls: keras.callbacks.CallbackList,
        in_rates: dict[str, bool],
    ) -> dict[str, Any]:
        """Compute losses and metrics in spikes, in rates, or in both."""
        tested = partial(
            run_test,
            self._evaluator,
            state_policy,
            data,
            measured,
            calls,
            self._model,
        )
        return logs_of(in_rates, tested)

    def _warn_single_step(
        self, stateful: bool, data: DataAdapter, measured: LossesAndMetrics
    ) -> None:
        if not stateful:
            measures = measured.measures
            self._evaluator.warn_single_step("Running", data, measures)
