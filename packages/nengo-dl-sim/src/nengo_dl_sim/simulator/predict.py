"""Outputs of a network for many items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.probe import Probe

from ..calls import TRAIN_ARGUMENTS, explained
from ..checks import check_boolean, check_callable, check_count, check_count_or_none
from ..data.array_data import ArrayData
from ..data.arrays import common_shape, leave_targets
from ..data.batches import check_truncation, warn_uneven
from ..data.data_adapter import DataAdapter
from ..data.epoch_plan import EpochPlan
from ..data.from_fit import pass_data
from ..data.from_train import Data, train_data
from ..data.keras_forms import UserData, is_stream, read_values
from ..evaluation.batch_function import Callback, Result
from ..evaluation.kept_values import KeptValues, check_gather_to
from ..keras_api.arguments import check_verbose, ignore_batch_size, refuse_arguments
from ..keras_api.callback_calls import callback_list
from ..keras_api.epochs import as_they_are, run_predict
from ..legacy import refuse
from ..measures.measure import Measure
from ..measures.objectives import Objectives, resolve_outputs
from ..tensorboard.profiling import profiler
from .save import SaveMixin


class PredictMixin(SaveMixin):
    """The methods of a simulator that Keras has for outputs."""

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
        gather_to: str = "all",
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
            What spiking neurons give: as in a run, or their rate approximation.
        gather_to : {"all", "chief"}
            Which workers get the outputs, if a strategy divides the items among
            several (each computes and keeps those of its own items, which callbacks
            see, until the end): all of them, or only the first one, while others get
            an empty dictionary.
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
        check_gather_to(gather_to)
        user_data = UserData(x, n_steps=n_steps, check=leave_targets)
        data = pass_data(self._engine, self._names, user_data, n_batches=steps)
        calls = callback_list(callbacks, self._model, verbose, 1, data.n_batches)
        probes, model = self.model.probes, self._model
        with self._working():
            self._check_workers(
                data,
                "predict",
                stateful=stateful,
                steps=steps,
                neurons=neurons,
                gather_to=gather_to,
            )
            state_policy = self._state_policy(stateful)
            return run_predict(
                self._evaluator,
                state_policy,
                data,
                probes,
                calls,
                model,
                self._kept_values(as_they_are(probes), gather_to),
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

    @explained(TRAIN_ARGUMENTS)
    def run_batch(
        self,
        data: Data,
        outputs: Objectives,
        extra_feeds: Mapping | None = None,
        extra_fetches: Any = None,
        n_epochs: int = 1,
        truncation: int | None = None,
        shuffle: bool = False,
        profile: bool | str = False,
        training: bool = False,
        callback: Callable[[dict, None], Any] | None = None,
        combine: Callable = np.stack,
        isolate_state: bool = True,
        gather_to: str = "all",
    ) -> dict[Any, Any]:
        """
        Run the network on minibatches of data, and compute something from its outputs.

        Probes record nothing (``sim.data``).

        Parameters
        ----------
        data : dict or int or tf.data.Dataset or iterable
            Values for nodes and targets for probes,
            ``(n_items, n_steps, size) array``; or a number of steps, to run on the
            nodes' own output.

            Or a data set, a generator or another iterable, for what does not fit into
            memory. Its elements are such dictionaries, or ``(x, y)`` as in `fit`, of
            one minibatch each, all with the same entries; keys may be names (see
            `get_name`). The next elements are made in the background.
        outputs : dict
            For each probe, or tuple of probes, a function of the outputs
            ``(minibatch_size, n_steps, size) tf.Tensor`` and, if it takes two
            arguments, of the targets. It may return a tuple. ``None`` in place of a
            function: the outputs as they are.
        extra_feeds, extra_fetches : None
            There are no tensors to feed or fetch in TensorFlow 2.
        n_epochs : int
            How often to go through the data.
        truncation : int, optional
            Compute so many steps at once; the state is carried on to the next block
            of the minibatch. Each block has an output.
        shuffle : bool
            Whether items are put into minibatches in a new random order each epoch.
        profile : bool or str
            A directory for a trace that TensorBoard opens; True for
            ``"nengo_dl_profile"``.
        training : bool
            Whether spiking neurons do what they do in training: by default, give
            rates (see ``training_mode`` of `.configure_settings`).
        callback : callable, optional
            Called after each minibatch, or block of it, with a dict of its outputs,
            and None.
        combine : callable
            Makes one value from the list of those of all minibatches and blocks. The
            last minibatch may have fewer items than others: ``numpy.stack`` cannot
            join outputs of these, ``numpy.concatenate`` can.
        isolate_state : bool
            If True, every minibatch starts from the initial state, and the state of
            the simulation is not touched. If False, the first one continues from
            it, each of the others from the one before, and the simulation goes on
            from the last one.
        gather_to : {"all", "chief"}
            As in `predict`. (What functions compute is computed of all items by all
            workers.)

        Returns
        -------
        values : dict
            For each key of ``outputs`` the combined value; a tuple of them if the
            function returns a tuple.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Warns
        -----
        UserWarning
            If the number of steps is not a multiple of ``truncation``: the last block
            is shorter.
        """
        self._check_open("run_batch")
        check_callable("combine", combine)
        if callback is not None:
            check_callable("callback", callback)
        check_boolean("training", training)
        check_boolean("isolate_state", isolate_state)
        check_gather_to(gather_to)
        refuse("extra_feeds", extra_feeds)
        refuse("extra_fetches", extra_fetches)
        epoch_plan = EpochPlan(
            check_count("n_epochs", n_epochs, low=1),
            check_boolean("shuffle", shuffle),
            check_truncation(truncation),
        )
        checked = train_data(
            self._engine,
            self._names,
            data,
            epoch_plan.n_epochs,
            epoch_plan.shuffle,
            keep_remainder=True,
        )
        measures = resolve_outputs(outputs, self.model.probes, checked.probes)
        _check_combine(combine, checked, measures)
        warn_uneven(checked.n_steps, epoch_plan.truncation)
        policy = (
            self._evaluator.isolated_policy()
            if isolate_state
            else self._evaluator.stateful_policy(self._simulation)
        )
        kept = self._kept_values(measures, gather_to)
        callbacks: list[Callback] = [kept.add]
        callbacks += [] if callback is None else [_caller(callback, list(outputs))]
        with self._working(), profiler(profile):
            self._check_workers(
                checked,
                "run_batch",
                outputs=outputs,
                n_epochs=n_epochs,
                truncation=truncation,
                shuffle=shuffle,
                training=training,
                isolate_state=isolate_state,
                gather_to=gather_to,
            )
            self._evaluator.run(
                policy, checked, measures, epoch_plan, training, callbacks
            )
            values = kept.everything()
        if values is None:
            return {}
        return {
            key: _combine(blocks, combine)
            for key, blocks in zip(outputs, zip(*values, strict=True), strict=True)
        }

    def _kept_values(self, measures: Sequence[Measure], gather_to: str) -> KeptValues:
        """Make what keeps the values of minibatches."""
        size = self._engine.config.minibatch_size
        return KeptValues(self._engine.replicas, measures, size, gather_to)


def _caller(callback: Callable[[dict, None], Any], keys: list[Any]) -> Callback:
    def call(result: Result) -> None:
        callback(dict(zip(keys, result.values, strict=True)), None)

    return call


def _combine(blocks: Any, combine: Callable) -> Any:
    return tf.nest.map_structure(
        lambda *values: _combined(list(values), combine), *blocks
    )


def _combined(values: list[Any], combine: Callable) -> Any:
    try:
        return combine(values)
    except ValueError as error:
        if combine is np.stack and len({np.shape(value) for value in values}) > 1:
            raise _no_stack() from error
        raise


def _check_combine(
    combine: Callable, data: DataAdapter, measures: Sequence[Measure]
) -> None:
    """Find out before everything is computed whether outputs cannot be joined."""
    n_left = data.n_items % data.minibatch_size if isinstance(data, ArrayData) else 0
    if n_left and combine is np.stack and any(one.of_items for one in measures):
        raise _no_stack()


def _no_stack() -> ValidationError:
    return ValidationError(
        "expected a function that joins outputs of minibatches of different numbers of "
        "items, since the last one has fewer, such as numpy.concatenate, got "
        "numpy.stack",
        attr="combine",
    )
