"""Access to probe data and live parameters by Nengo object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import numpy as np
from nengo.builder import Model
from nengo.builder.connection import BuiltConnection
from nengo.builder.ensemble import BuiltEnsemble
from nengo.builder.signal import Signal
from nengo.connection import Connection
from nengo.ensemble import Ensemble
from nengo.exceptions import ValidationError
from nengo.neurons import Direct
from nengo.probe import Probe
from nengo.transforms import SparseMatrix

from ..errors import UnknownObjectError
from ..recording.probe_store import ProbeStore
from .live_values import LiveValue, is_as_built, live_value
from .raw_data import RawData
from .sparse_weights import SparseWeights
from .trained_values import (
    CurrentParameters,
    Values,
    connection_data,
    ensemble_data,
    neuron_types,
)

#: So many probes are listed by ``repr``.
N_SHOWN = 10


class SimulationData(Mapping):
    """
    Probe data and parameters, by Nengo object.

    ``sim.data[probe]`` is what the probe recorded, ``sim.data[ensemble]`` and
    ``sim.data[connection]`` are Nengo's ``BuiltEnsemble`` and ``BuiltConnection``
    with the current encoders, biases and weights: after training, those trained.
    What has not changed is what Nengo built, in its double precision, whatever the type
    of the simulation is. Sparse weights are a ``nengo.transforms.SparseMatrix``, as in
    Nengo: ``weights.data`` are the values of its entries (``(n_entries,) array``, all
    that NengoDL 2 gave), ``weights.toarray()`` is the whole matrix; ``+``, ``-``, ``*``
    and ``@`` compute with it.
    ``sim.data[connection].synapse_parameters`` and
    ``sim.data[ensemble].neuron_parameters`` are dictionaries of the current values of
    what can be trained of synapses and neurons, whether it is or not.
    All other objects have what Nengo gives them: None. Everything stays as it is when
    the simulator is closed.

    Parameters
    ----------
    model : nengo.builder.Model
        What Nengo built.
    store : callable
        Returns where the values of a probe are kept.
    live : callable
        Returns the current value of a base signal, or None.
    current : CurrentParameters
        What can be trained of synapses and neurons.
    """

    def __init__(
        self,
        model: Model,
        store: Callable[[Probe], ProbeStore],
        live: LiveValue,
        current: CurrentParameters,
    ) -> None:
        self._model = model
        self._store = store
        self._live = live
        self._current_parameters = current

    def __getitem__(self, obj: Any) -> Any:
        """
        Return the data of an object.

        Parameters
        ----------
        obj : Nengo object
            An object of the simulated network.

        Returns
        -------
        data : array or BuiltEnsemble or BuiltConnection or None
            Probes: (minibatch_size, n_values, size) without the first axis if
            ``minibatch_size=None``.

        Raises
        ------
        UnknownObjectError
            If the object is not part of the simulated network: both a
            nengo.exceptions.ValidationError and a KeyError.
        """
        if not isinstance(obj, Hashable) or obj not in self._model.params:
            raise UnknownObjectError(obj, self)
        if isinstance(obj, Probe):
            return self._store(obj).data()
        built = self._model.params[obj]
        if isinstance(obj, Ensemble) and not isinstance(obj.neuron_type, Direct):
            values = self._current_parameters.of_neurons(obj)
            return ensemble_data(self._ensemble(obj, built, values), values)
        if isinstance(obj, Connection):
            values = self._current_parameters.of_synapse(obj)
            return connection_data(self._connection(obj, built), values)
        return built

    def __repr__(self) -> str:
        kinds = Counter(type(obj).__name__ for obj in self._model.params)
        counts = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
        shapes = [f"{probe}: {self[probe].shape}" for probe in self._model.probes]
        more = len(shapes) - N_SHOWN
        listed = [*shapes[:N_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        probed = f"; {', '.join(listed)}" if listed else ""
        return f"<{type(self).__name__} of {counts}{probed}>"

    def __contains__(self, obj: Any) -> bool:
        return obj in self._model.params

    def __iter__(self) -> Iterator[Any]:
        return iter(self._model.params)

    def __len__(self) -> int:
        return len(self._model.params)

    @property
    def raw(self) -> RawData:
        """The same, with a list of values for each probe: ``del`` empties it."""
        return RawData(self, self._store)

    def get_params(self, *wanted: tuple[Any, str]) -> list[np.ndarray | None]:
        """
        Return several live parameters.

        Parameters
        ----------
        wanted : tuple of (Nengo object, str)
            The objects and the names of their parameters, for example
            ``(ens, "encoders")``.

        Returns
        -------
        values : list of array
            The values in the order asked for.

        Raises
        ------
        UnknownObjectError
            If an object is not part of the simulated network.
        nengo.exceptions.ValidationError
            If something is no such tuple, or an object has no such parameter.
        """
        return [self._param(pair) for pair in wanted]

    def trained_names(self, obj: Any) -> frozenset[str]:
        """
        Return which parameters of a synapse or of neurons training changes.

        Parameters
        ----------
        obj : Connection or Ensemble
            An object of the simulated network.

        Returns
        -------
        names : frozenset of str
            By ``trainable_synapse`` or ``trainable_neurons``: none of all others.
        """
        return self._current_parameters.trained_names(obj)

    def trained_gain(self, ens: Ensemble) -> np.ndarray | None:
        """Return the gain of each neuron, if it is trained apart from encoders."""
        return self._current_parameters.gain(ens)

    def _param(self, pair: Any) -> Any:
        is_pair = isinstance(pair, (tuple, list)) and len(pair) == 2
        if not is_pair or not isinstance(pair[1], str):
            raise ValidationError(
                'expected tuples of an object and a name, such as (ens, "encoders"), '
                f"got {pair!r:.100}",
                attr="wanted",
            )
        obj, name = pair
        found = self[obj]
        names = (*getattr(found, "_fields", ()), *getattr(found, "__dict__", ()))
        if name not in names:
            raise ValidationError(
                f"expected a parameter of {obj} ({', '.join(names) or 'it has none'}), "
                f"got {name!r}",
                attr="wanted",
            )
        return getattr(found, name)

    def _ensemble(
        self, ens: Ensemble, built: BuiltEnsemble, values: Values
    ) -> BuiltEnsemble:
        sigs = self._model.sig
        bias = self._current(sigs[ens.neurons]["bias"], built.bias)
        scaled = self._current(sigs[ens]["encoders"], built.scaled_encoders)
        trained = self._current_parameters.are_trained(ens)
        if not trained and bias is built.bias and scaled is built.scaled_encoders:
            return built
        own = self.trained_gain(ens)
        gain, encoders = built.gain if own is None else own, built.encoders
        if own is not None:
            encoders = scaled * (ens.radius / gain)[..., None]
        elif scaled is not built.scaled_encoders:
            # Only the product of gain and encoders is trained; encoders of unit
            # length make the split unique.
            gain = np.linalg.norm(scaled, axis=-1) * ens.radius
            safe = np.where(gain > 0, gain, 1)
            encoders = scaled * (ens.radius / safe)[..., None]
        max_rates, intercepts = built.max_rates, built.intercepts
        if bias.ndim == 1 and gain.ndim == 1:
            with np.errstate(all="ignore"):
                max_rates, intercepts = _responses(ens, values, gain, bias)
        return built._replace(
            encoders=encoders,
            scaled_encoders=scaled,
            gain=gain,
            bias=bias,
            max_rates=max_rates,
            intercepts=intercepts,
        )

    def _connection(self, conn: Connection, built: BuiltConnection) -> BuiltConnection:
        sig = self._model.sig[conn].get("weights")
        if sig is None:
            return built
        weights = self._current(sig, built.weights)
        if isinstance(weights, SparseMatrix):
            weights = SparseWeights.of(weights)
        return built._replace(weights=weights)

    def _current(self, sig: Signal, built: Any) -> Any:
        """Return the live value, or what was built if it has not changed."""
        value = live_value(sig, self._live)
        return built if value is None or is_as_built(value, sig) else value


def _responses(
    ens: Ensemble, values: Values, gain: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    types = neuron_types(ens, values)
    parts = zip(np.split(gain, len(types)), np.split(bias, len(types)), strict=True)
    try:
        found = [
            kind.max_rates_intercepts(*part)
            for kind, part in zip(types, parts, strict=True)
        ]
    except NotImplementedError:
        return None, None
    max_rates, intercepts = zip(*found, strict=True)
    return np.concatenate(max_rates), np.concatenate(intercepts)
