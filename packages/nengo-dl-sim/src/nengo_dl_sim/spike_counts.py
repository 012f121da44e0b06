"""A callback that counts spikes after each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import nengo
from nengo.ensemble import Ensemble, Neurons
from nengo.exceptions import ValidationError

from nengo_dl_ops.user_warnings import warn_user

from .checks import check_count_or_none
from .operation_counts import OperationCounts
from .simulator.simulator import Simulator

#: So near to the highest rate there is neurons hardly tell one input from another.
_SATURATED = 0.95


class SpikeCounts(keras.callbacks.Callback):
    """
    Logs firing rates and sparsity of ensembles, in spikes, after each epoch of ``fit``.

    The network is run on some data as by ``Simulator.count_operations``. For an
    ensemble called ``ens``, the logs of the epoch get ``ens_rate``, the mean number of
    spikes of a neuron, in Hz, and ``ens_sparsity``, the part of its outputs that is
    zero. So they are in the history that ``fit`` returns, and other callbacks
    (``TensorBoard``, ``CSVLogger``, ``EarlyStopping``) find them, wherever they are in
    the list.

    Parameters
    ----------
    sim : Simulator
        The simulator that is trained.
    data : array_like or list or dict or None
        Values for nodes, as in ``Simulator.count_operations``.
    ensembles : list of nengo.Ensemble or nengo.ensemble.Neurons, optional
        Which ensembles to look at. None: all whose neurons spike.
    n_steps : int, optional
        The number of steps; needed if no values are given.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not what is described here, or neurons do not spike.

    Warns
    -----
    UserWarning
        After the first epoch in which no neuron of an ensemble spikes on all of the
        data, or in which they spike, on average, at 95 % of the highest rate there is,
        once for each ensemble.

    Examples
    --------
    >>> counts = nengo_dl.callbacks.SpikeCounts(sim, data)  # doctest: +SKIP
    >>> history = sim.fit(x, y, epochs=3, callbacks=[counts])  # doctest: +SKIP
    >>> history.history["hidden_rate"]  # doctest: +SKIP
    [80.2, 71.9, 68.3]
    """

    #: It is called before others, which may look at what it adds.
    adds_logs = True

    def __init__(
        self,
        sim: Simulator,
        data: Any,
        ensembles: Sequence[Ensemble | Neurons] | None = None,
        n_steps: int | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(sim, Simulator):
            raise ValidationError(
                f"expected a nengo_dl.Simulator, got {sim!r:.100}", attr="sim"
            )
        self._sim, self._data = sim, data
        self._n_steps = check_count_or_none("n_steps", n_steps, low=1)
        self._ensembles = _chosen(sim, ensembles)
        self._warned: set[Ensemble] = set()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Count spikes, and add what was found to the logs."""
        counts = self._sim.count_operations(self._data, self._n_steps)
        for ens in self._ensembles:
            name, rate = counts.ensembles[ens].name, counts.firing_rates[ens]
            if logs is not None:
                logs[f"{name}_rate"] = rate
                logs[f"{name}_sparsity"] = counts.only(ens).activation_sparsity
            self._warn(ens, epoch, rate, counts)

    def _warn(
        self, ens: Ensemble, epoch: int, rate: float, counts: OperationCounts
    ) -> None:
        if ens in self._warned:
            return
        highest = 1 / max(getattr(ens.neuron_type, "tau_ref", 0), counts.dt)
        if rate == 0:
            text = (
                "no neuron spiked: nothing gets through them. Larger gains or biases, "
                "or a higher target of firing rates in the loss, wake them"
            )
        elif rate >= _SATURATED * highest:
            text = (
                f"neurons spiked at {rate:.0f} Hz on average, of {highest:.0f} Hz at "
                "most: they hardly tell one input from another. Smaller gains, or a "
                "penalty of activities, slow them down"
            )
        else:
            return
        self._warned.add(ens)
        warn_user(f"{ens}: in epoch {epoch + 1}, {text}")


def _chosen(sim: Simulator, ensembles: Any) -> list[Ensemble]:
    """Return the ensembles that are looked at."""
    known = [obj for obj in sim.model.params if isinstance(obj, nengo.Ensemble)]
    if ensembles is None:
        return [ens for ens in known if ens.neuron_type.spiking]
    if not isinstance(ensembles, (list, tuple)):
        raise ValidationError(
            f"expected a list of Ensembles, got {ensembles!r:.100}", attr="ensembles"
        )
    found = [obj.ensemble if isinstance(obj, Neurons) else obj for obj in ensembles]
    for ens in found:
        if ens not in known:
            raise ValidationError(
                f"expected Ensembles of the network, got {ens!r:.100}", attr="ensembles"
            )
        if not ens.neuron_type.spiking:
            raise ValidationError(
                f"expected neurons that spike, got {ens} of {ens.neuron_type}",
                attr="ensembles",
            )
    return found
