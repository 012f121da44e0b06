"""What a network cost in operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import nengo
import numpy as np

from .energy import Energy, energy_of
from .parts import ConnectionCounts, EnsembleCounts, Synapses
from .show import plot_counts, summary_lines


@dataclass(frozen=True, eq=False)
class OperationCounts:
    """
    NeuroBench's metrics of a network; ``Simulator.count_operations`` makes it.

    All of them are for one item, on average, as in NeuroBench [1]_; `of_items` has them
    for each item, `total` for all.

    Parameters
    ----------
    n_items, n_steps : int
        How many items were run, and for how many steps each.
    dt : float
        The length of a step, in seconds.
    itemsize : int
        How many bytes a number has.
    connections : dict from nengo.Connection to ConnectionCounts
        What was counted of each connection.
    ensembles : dict from nengo.Ensemble to EnsembleCounts
        What was counted of each ensemble.
    not_counted : list of str
        What else the network computes, which is in no metric.
    is_full : bool
        Whether connections to ensembles are counted with full weights.

    References
    ----------
    .. [1] Yik, J., Van den Berghe, K., den Blanken, D., Bouhadjar, Y., et al. (2025).
       The NeuroBench framework for benchmarking neuromorphic computing algorithms and
       systems. Nature Communications, 16, 1545.
    """

    n_items: int
    n_steps: int
    dt: float
    itemsize: int
    connections: Mapping[nengo.Connection, ConnectionCounts]
    ensembles: Mapping[nengo.Ensemble, EnsembleCounts]
    not_counted: Sequence[str]
    is_full: bool = False

    @property
    def full_weights(self) -> OperationCounts:
        """
        The same network, with full weights in place of decoders and encoders.

        A connection to an ensemble then has a weight for each neuron behind it, the
        product of its own weights and the encoders; encoders are no weights themselves.
        """
        return replace(self, is_full=True)

    # Metrics that follow from the network alone

    @property
    def footprint(self) -> int:
        """The memory of parameters and of the state of one item, in bytes."""
        state = sum(conn.n_state for conn in self.connections.values())
        state += sum(ens.n_state for ens in self.ensembles.values())
        return (self.parameter_count + state) * self.itemsize

    @property
    def parameter_count(self) -> int:
        """The number of weights, encoders, biases and gains."""
        biases = sum(ens.n_biases for ens in self.ensembles.values())
        return biases + sum(part.n_stored for part in self._synapses)

    @property
    def connection_sparsity(self) -> float:
        """The part of the weights that is zero; 0 if there are none."""
        n_zero = sum(part.n_zero for part in self._synapses)
        n_weights = sum(part.n_weights for part in self._synapses)
        return n_zero / n_weights if n_weights else 0.0

    # Metrics of the run

    @property
    def activation_sparsity(self) -> float:
        """The part of the outputs of neurons, over all steps, that is zero."""
        n = self.n_items * self.n_steps * self._n_neurons
        return float(1 - self.total["Spikes"] / n) if n else 0.0

    @property
    def synaptic_operations(self) -> dict[str, float]:
        """Effective multiplications and accumulations, and those with zeros, too."""
        return {name: self._mean(name) for name in _SYNAPTIC}

    @property
    def membrane_updates(self) -> float:
        """How often a voltage became another one."""
        return self._mean("MembraneUpdates")

    @property
    def neuron_operations(self) -> dict[str, float]:
        """Operations of updates of voltages, and those of all neurons in all steps."""
        return {name: self._mean(name) for name in _NEURONAL}

    @cached_property
    def of_items(self) -> dict[str, np.ndarray]:
        """What was counted for each item, ``(n_items,) array``, by name."""
        nothing = np.zeros(self.n_items, np.int64)
        synapses, ensembles = self._synapses, list(self.ensembles.values())
        steps = nothing + self.n_steps

        def added(values: Any) -> np.ndarray:
            return np.sum([nothing, *values], axis=0)

        costs = [(ens.operations or 0, ens) for ens in ensembles]
        return {
            "Effective_MACs": added(part.macs for part in synapses),
            "Effective_ACs": added(part.acs for part in synapses),
            "Dense": added(nothing + part.dense for part in synapses),
            "MembraneUpdates": added(ens.updates for ens in ensembles),
            "Effective Neuron Ops": added(n * ens.updates for n, ens in costs),
            "Neuron Dense Ops": added(n * ens.n_neurons * steps for n, ens in costs),
            "NeuronSteps": steps * self._n_neurons,
            "Spikes": added(ens.activations for ens in ensembles),
        }

    @property
    def total(self) -> dict[str, int]:
        """What was counted for all items together, by name."""
        return {name: int(values.sum()) for name, values in self.of_items.items()}

    @property
    def firing_rates(self) -> dict[nengo.Ensemble, float]:
        """For each ensemble the mean number of spikes of a neuron, in Hz."""
        seconds = self.n_items * self.n_steps * self.dt
        return {
            ens: float(each.activations.sum() / (seconds * each.n_neurons))
            for ens, each in self.ensembles.items()
        }

    def energy(self, device: str | Mapping[str, float]) -> Energy:
        """
        Estimate the energy that an item takes on a device.

        Parameters
        ----------
        device : {"cpu", "gpu", "loihi", "spinnaker2", "45nm"} or dict
            The device; or joules for one of each quantity, among ``"Effective_MACs"``,
            ``"Effective_ACs"``, ``"Dense"``, ``"MembraneUpdates"``, ``"NeuronSteps"``
            and ``"Spikes"``. Quantities that are left out cost nothing.

        Returns
        -------
        energy : Energy
            ``joules``, on average; ``of_items``, for each; ``parts``, by quantity;
            ``source``, where the prices are from.

        Raises
        ------
        nengo.exceptions.ValidationError
            If there is no such device or quantity, or a price is no number of at least
            0.
        """
        return energy_of(self.of_items, device)

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """
        Print the metrics, and a line for each connection and ensemble.

        Parameters
        ----------
        print_fn : callable, optional
            Takes each line. None: ``print``.
        """
        for line in summary_lines(self):
            (print_fn or print)(line)

    def to_dict(self) -> dict[str, Any]:
        """
        Return all metrics, by NeuroBench's names.

        Returns
        -------
        metrics : dict
            Numbers that JSON can hold. Under ``"connections"`` and ``"ensembles"`` the
            same for each of these, by name.
        """
        return {
            **self._metrics(),
            "n_items": self.n_items,
            "n_steps": self.n_steps,
            "dt": self.dt,
            "connections": {
                each.name: self.only(conn)._metrics()
                for conn, each in self.connections.items()
            },
            "ensembles": {
                each.name: self.only(ens)._metrics()
                for ens, each in self.ensembles.items()
            },
        }

    def plot(self, ax: Any = None) -> Any:
        """
        Draw the synaptic operations of each connection and of encoders.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. None: a new figure.

        Returns
        -------
        ax : matplotlib.axes.Axes
            Where it was drawn.

        Raises
        ------
        ImportError
            If ``matplotlib`` is not installed.
        """
        return plot_counts(self, ax)

    def only(self, obj: nengo.Connection | nengo.Ensemble) -> OperationCounts:
        """
        Return the metrics of one object.

        Parameters
        ----------
        obj : nengo.Connection or nengo.Ensemble
            A connection, with its weights, or an ensemble, with its encoders.

        Returns
        -------
        counts : OperationCounts
            Of this object alone.

        Raises
        ------
        nengo.exceptions.ValidationError
            If it is not part of the network.
        """
        conns = {key: each for key, each in self.connections.items() if key is obj}
        ensembles = {key: each for key, each in self.ensembles.items() if key is obj}
        if not (conns or ensembles):
            raise nengo.exceptions.ValidationError(
                "expected a Connection or an Ensemble with neurons of the network that "
                f"was counted, got {obj!r:.100}",
                attr="obj",
            )
        return replace(self, not_counted=(), connections=conns, ensembles=ensembles)

    def __repr__(self) -> str:
        found = self.synaptic_operations
        full = "full weights, " if self.is_full else ""
        return (
            f"<OperationCounts: {full}{self.n_items} items of {self.n_steps} steps, "
            f"{found['Effective_MACs']:.0f} MACs and {found['Effective_ACs']:.0f} ACs "
            "an item>"
        )

    def _metrics(self) -> dict[str, Any]:
        metrics: dict[str, Any] = {
            "Footprint": self.footprint,
            "ParameterCount": self.parameter_count,
            "ConnectionSparsity": self.connection_sparsity,
            "SynapticOperations": self.synaptic_operations,
        }
        if self.ensembles:
            metrics["ActivationSparsity"] = self.activation_sparsity
            metrics["MembraneUpdates"] = self.membrane_updates
            metrics["NeuronOperations"] = self.neuron_operations
        return metrics

    @property
    def _synapses(self) -> list[Synapses]:
        conns, ensembles = self.connections.values(), self.ensembles.values()
        if self.is_full:
            return [conn.full for conn in conns]
        return [*(c.synapses for c in conns), *(e.encoders for e in ensembles)]

    @property
    def _n_neurons(self) -> int:
        return sum(ens.n_neurons for ens in self.ensembles.values())

    def _mean(self, name: str) -> float:
        return float(np.mean(self.of_items[name]))


_SYNAPTIC = "Effective_MACs", "Effective_ACs", "Dense"
_NEURONAL = "Effective Neuron Ops", "Neuron Dense Ops"
