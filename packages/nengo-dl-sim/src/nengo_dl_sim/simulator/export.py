"""Exporting: what was trained, back to Nengo."""

from __future__ import annotations

from typing import Any

from nengo.builder import Model

from ..checks import check_boolean
from ..export.freezing import freeze
from ..export.nengo_params import Gains, Params, nengo_params, params_by_label
from ..inspection.live_values import is_as_built
from ..inspection.simulation_data import SimulationData
from .base import SimulatorBase


class ExportMixin(SimulatorBase):
    """The methods of a simulator that give parameters to Nengo."""

    data: SimulationData

    def get_nengo_params(
        self, nengo_objs: Any, as_dict: bool = False
    ) -> Params | list[Params] | dict[str, Params]:
        """
        Return current parameters as keyword arguments for new Nengo objects.

        ``nengo.Ensemble(n, d, **params)`` or ``nengo.Connection(pre, post, **params)``
        then has the parameters that the simulator has now. Everything that training
        does not change is up to the caller, and has to be as it was: neuron type,
        radius, noise and seed of an ensemble; slices, synapse and learning rules of a
        connection, and its function unless it is decoded.

        Parameters
        ----------
        nengo_objs : Ensemble or Neurons or Connection, or list of them
            Objects of the simulated network.
        as_dict : bool
            Whether to return a dict by the objects' labels.

        Returns
        -------
        params : dict, or list of dict, or dict of dict
            For one object, for a list, with ``as_dict``. The arguments are

            - of an ensemble: ``encoders``, ``normalize_encoders=False``, ``gain`` (as
              it was built: only its product with the encoders is trained), ``bias``,
              and the defaults of ``max_rates`` and ``intercepts``;
            - of a connection from an ensemble: a ``solver`` that knows the decoders,
              multiplied by the transform (full weights if the original's solver had
              ``weights=True``), ``transform=None``, and a ``function`` that returns as
              many zeros as are decoded;
            - of any other connection: ``transform``, None if it has no weights;
            - if they are trained: ``neuron_type`` of an ensemble, ``synapse`` of a
              connection.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an object is of another type, not in the simulated network, or an
            ensemble in direct mode; if a label is missing or comes twice
            (``as_dict``); if online learning has made the parameters different in
            each item of a minibatch; if encoders with a gain of 0 were trained; if
            training has given elements of a synapse, or neurons, values that differ.
        NotImplementedError
            If a connection has a transform of an unknown type.

        Notes
        -----
        Nengo computes ``max_rates`` and ``intercepts`` from gain and bias, and may warn
        of neurons that training has silenced.
        """
        if check_boolean("as_dict", as_dict):
            return params_by_label(*self._live(), _listed(nengo_objs))
        params = [nengo_params(*self._live(), o) for o in _listed(nengo_objs)]
        return params if isinstance(nengo_objs, (list, tuple)) else params[0]

    def freeze_params(self, objs: Any) -> None:
        """
        Set current parameters on the objects of the network, in place.

        ``nengo.Simulator(network)`` then gives the same output as this simulator, as
        does a new ``Simulator``. This simulator is not affected.

        Parameters
        ----------
        objs : Network or Ensemble or Connection, or list of them
            What to freeze. In a network, all ensembles and connections are frozen, and
            the decoders of probes, including those of subnetworks; what is in direct
            mode has no parameters. An ensemble's connections are not frozen with it:
            Nengo solves for their decoders anew.

        Raises
        ------
        nengo.exceptions.SimulatorClosed
            If the simulator was closed.
        TypeError
            If an object is of another type.
        nengo.exceptions.ValidationError
            If an object is not in the simulated network, or as in `get_nengo_params`.
        NotImplementedError
            If a connection has a transform of an unknown type. Whatever is raised,
            nothing is frozen then.

        Notes
        -----
        Where neither a network nor its objects have a seed, random numbers are new in
        every simulator: initial voltages, noise, random processes.
        """
        self._check_open("freeze_params")
        freeze(*self._live(), _listed(objs))

    def _live(self) -> tuple[Model, SimulationData, Gains]:
        """Return what was built, and what has become of it."""
        gains = {}
        for ens, sig in self._engine.gains.items():
            gain = self._engine.parameters.value(sig)
            if gain is not None and not is_as_built(gain, sig):
                gains[ens] = gain
        for ens in self._engine.trained:
            gain = self.data.trained_gain(ens)
            if gain is not None:
                gains[ens] = gain
        return self.model, self.data, gains


def _listed(objs: Any) -> list[Any]:
    return list(objs) if isinstance(objs, (list, tuple)) else [objs]
