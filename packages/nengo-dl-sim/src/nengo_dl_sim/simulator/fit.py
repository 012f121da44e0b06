"""Fitting: gradient descent in the manner of Keras."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import keras

from ..checks import check_boolean, check_count_or_none
from ..data.data_adapter import DataAdapter
from ..data.epoch_plan import EpochPlan
from ..data.from_fit import epoch_data, pass_data
from ..data.keras_forms import UserData
from ..data.validation_data import hold_back
from ..evaluation.minibatch_source import StartState
from ..keras_api.arguments import (
    check_epochs,
    check_verbose,
    ignore_batch_size,
    validated_epochs,
)
from ..keras_api.backups import Backup, take_backups
from ..keras_api.callback_calls import callback_list
from ..keras_api.compile_spec import CompileSpec
from ..keras_api.epochs import Validate, run_epochs
from ..keras_api.losses_and_metrics import LossesAndMetrics
from ..keras_api.validation_neurons import check_neurons, warn_few_steps
from ..training.train_loop import TrainLoop
from .evaluate import EvaluateMixin


class FitMixin(EvaluateMixin):
    """The method of a simulator that Keras has for training."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        n_steps: int | None = None,
        stateful: bool = False,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Collection[int] = 1,
        validation_neurons: str = "spikes",
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """
        Optimise the trainable parameters, as `compile` said.

        Regularizers and constraints are those that `.configure_settings` said, and
        those of Keras layers.

        Spiking neurons take part as their rate approximation; in a validation they
        spike, as in a run, unless ``validation_neurons`` says otherwise. Every
        minibatch starts from the present state of the simulation, which is not
        touched.

        Parameters
        ----------
        x : array_like or list or dict or tf.data.Dataset or iterable, optional
            Values for nodes, ``(n_items, n_steps, size) array``: one array, for the
            first node; a list with one for each of the first nodes, in order; or a
            dictionary of nodes, or of their names. None, also in place of an array:
            nodes compute their own output.

            Or a data set or generator, whose elements are minibatches: tuples
            ``(x, y)`` or ``(x, y, sample_weight)``, or dictionaries of nodes, probes
            or their names. They are read in the background.
        y : array_like or list or dict, optional
            Targets for probes, in the same forms. A loss may compare targets of any
            number of steps and any size with the outputs.
        n_steps : int, optional
            The number of steps, if ``x`` is None. (It may also be in ``x``: under
            ``"n_steps"`` in a dictionary, or at the end of a list.)
        stateful : bool
            Whether each minibatch continues from the state after the one before, and
            the simulation from the last one.
        batch_size, validation_batch_size : int, optional
            Not used: it is ``Simulator(minibatch_size=...)``.
        epochs, initial_epoch : int
            The numbers of the last epoch, and of the first, counted from 0.
        verbose : {"auto", 0, 1, 2}
            What is printed: nothing, a progress bar, a line for each epoch. ``"auto"``
            is 1 unless the simulator shows no progress bars.
        callbacks : list of keras.callbacks.Callback, optional
            What is called on the way. ``BackupAndRestore`` writes checkpoints (see
            `save_checkpoint`); if it finds one, training goes on from there, bit for
            bit.
        validation_split : float
            The part of the items, at the end of the data, to validate with.
        validation_data : tuple or tf.data.Dataset or iterable, optional
            ``(x, y)`` or ``(x, y, sample_weight)`` to validate with after each epoch,
            or a data set or generator.
        shuffle : bool
            Whether items are put into minibatches in a new random order each epoch.
            (Data sets and generators come in their own order.)
        class_weight : dict from int to float, optional
            What losses are multiplied by where the target is some class (its number,
            or one element for each class, of which the largest counts); by default 1.
            Only for targets of one probe.
        sample_weight : array_like or list or dict, optional
            What losses are multiplied by, ``(n_items,) array`` or, for each step of
            the targets, ``(n_items, n_steps) array``: one array, for all probes with a
            loss; a list with one for each probe; or a dictionary of probes, or of
            their names. As in Keras, the sum is divided by the number of values, and
            only ``weighted_metrics`` are weighted.
        steps_per_epoch, validation_steps : int, optional
            The number of minibatches in an epoch, or a validation, if there are more.
            The next epoch goes on from there, and from the beginning at the end of
            the data; each validation begins anew.
        validation_freq : int or list of int
            After how many epochs to validate, or after which ones, counted from 1.
        validation_neurons : {"spikes", "rates", "both"}
            What spiking neurons give in a validation. ``"spikes"`` tells how well the
            network will run, if there are steps enough for spikes: after one step
            most neurons have given nothing. ``"rates"`` can be compared with what is
            logged of training, if that is in rates. With ``"both"`` the names of what
            is computed in rates begin with ``"val_rates_"``.
        **kwargs
            What else ``keras.Model.fit`` takes, none of which has a meaning here.

        Returns
        -------
        history : keras.callbacks.History
            What was logged after each epoch: ``"loss"``, ``"<probe>_loss"`` and
            ``"<probe>_<metric>"`` by the names of probes; and the same of the
            validation, with ``"val_"`` before.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here, or nothing can be trained.
            Nothing is trained then.
        nengo.exceptions.SimulationError
            If the simulator was not compiled with a loss. If a loss, their weighted
            sum, a gradient or the learning rate is not a finite number: parameters
            and optimizer keep the values of the minibatch before.
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.

        Warns
        -----
        UserWarning
            If the number of items to train on is not a multiple of the minibatch
            size: the rest is left out. If data ends before an epoch does. If a batch
            size is given. If one step is trained through synapses. If no gradient
            reaches some of the trainable parameters. If Keras layers add losses of
            their own, which are left out. If spiking neurons are validated for fewer
            steps than they take for a spike.
        """
        compiled = self._ready("fit", kwargs)
        self._trainer.check_built()
        ignore_batch_size(batch_size, validation_batch_size)
        check_boolean("shuffle", shuffle)
        callbacks, backup = take_backups(
            callbacks, self.save_checkpoint, self._engine.replicas.is_chief
        )
        numbers, checkpoint = _resumed(check_epochs(initial_epoch, epochs), backup)
        steps_per_epoch = check_count_or_none("steps_per_epoch", steps_per_epoch, 1)
        validation_steps = check_count_or_none("validation_steps", validation_steps, 1)
        verbose = check_verbose(verbose, self.progress_bar)
        user_data, held_back = hold_back(
            UserData(
                x, y, n_steps, sample_weight, class_weight, compiled.sample_weights
            ),
            validation_data,
            validation_split,
            self._engine,
            self._names,
        )
        data = epoch_data(
            self._engine,
            self._names,
            user_data,
            max(len(numbers), 1),
            steps_per_epoch,
            numbers.start - initial_epoch,
        )
        measured = compiled.losses_and_metrics(data)
        calls = callback_list(
            callbacks, self._model, verbose, numbers.stop, data.n_batches, history=True
        )
        validation_epochs = validated_epochs(numbers, validation_freq)
        validate = self._validation(
            compiled,
            held_back,
            validation_epochs,
            validation_steps,
            calls,
            check_neurons("validation_neurons", validation_neurons),
        )
        with self._working():
            if checkpoint is not None:
                self.restore_checkpoint(checkpoint)
            self._check_workers(
                data,
                "fit",
                epochs=numbers,
                stateful=stateful,
                shuffle=shuffle,
                steps_per_epoch=steps_per_epoch,
                validation=None if held_back is None else validation_epochs,
                validation_steps=validation_steps,
                validation_neurons=validation_neurons,
                optimizer=compiled.optimizer,
                **compiled.arguments,
            )
            train_loop = self._train_loop(stateful, data, measured, compiled.optimizer)
            self._run_epochs(train_loop, measured, numbers, shuffle, calls, validate)
        return self._model.history

    def _run_epochs(
        self,
        train_loop: TrainLoop,
        measured: LossesAndMetrics,
        numbers: range,
        shuffle: bool,
        calls: keras.callbacks.CallbackList,
        validate: Validate,
    ) -> None:
        """Train; whatever ends it, keep what layers learned."""
        model = self._model
        train_loop.check_callbacks(calls.callbacks)
        try:
            run_epochs(train_loop, measured, numbers, shuffle, calls, model, validate)
        finally:
            self._state = self._evaluator.refreshed(self._state)

    def _validation(
        self,
        compiled: CompileSpec,
        user_data: UserData | None,
        epochs: Collection[int],
        n_batches: int | None,
        calls: keras.callbacks.CallbackList,
        in_rates: dict[str, bool],
    ) -> Validate:
        """Prepare the validation after some epochs."""
        if user_data is None or not epochs:
            return lambda epoch: {}
        n_passes = len(epochs) * len(in_rates)
        data = pass_data(self._engine, self._names, user_data, n_passes, n_batches)
        measured = compiled.losses_and_metrics(data)
        if in_rates == check_neurons("validation_neurons", "spikes"):
            warn_few_steps(
                self._engine,
                data.n_steps,
                measured.measures,
            )

        def validate(epoch: int) -> dict[str, Any]:
            if epoch not in epochs:
                return {}
            state = self._evaluator.refreshed(self._state)
            self._check_workers(data, "fit: validation")
            state_policy = self._evaluator.isolated_policy(
                StartState(state, self._n_steps)
            )
            logs = self._tested(state_policy, data, measured, calls, in_rates)
            return {f"val_{name}": value for name, value in logs.items()}

        return validate

    def _train_loop(
        self,
        stateful: bool,
        data: DataAdapter,
        measured: LossesAndMetrics,
        optimizer: Any,
    ) -> TrainLoop:
        self._warn_single_step(stateful, data, measured)
        return self._trainer.train_loop(
            self._state_policy(stateful),
            data,
            measured.losses,
            measured.watched,
            optimizer,
            EpochPlan(),
        )


def _resumed(epochs: range, backup: Backup | None) -> tuple[range, Path | None]:
    """Return the epochs to train for, and the checkpoint to go on from, if any."""
    latest = None if backup is None else backup.latest()
    if latest is None:
        return epochs, None
    epoch, path = latest
    return range(epoch, epochs.stop), path
