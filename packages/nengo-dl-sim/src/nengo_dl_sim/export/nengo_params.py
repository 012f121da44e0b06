"""What training changed, as the keyword arguments with which Nengo makes it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.connection import BuiltConnection
from nengo.builder.ensemble import BuiltEnsemble
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError
from nengo.rc import rc
from nengo.solvers import NoSolver
from nengo.transforms import Dense, NoTransform
from nengo.utils.numpy import is_iterable

from nengo_dl_ops.neurons.trained_types import is_initial, with_parameters
from nengo_dl_ops.operators.processes import trainable_form

from ..inspection.simulation_data import SimulationData
from ..inspection.trained_values import ConnectionData, EnsembleData, Values
from .transforms import with_weights

#: Keyword arguments of ``nengo.Ensemble`` or ``nengo.Connection``.
Params = dict[str, Any]

#: Gains that are not those that were built.
Gains = Mapping[nengo.Ensemble, np.ndarray]


def nengo_params(model: Model, data: SimulationData, gains: Gains, obj: Any) -> Params:
    """
    Describe the current parameters of an object in Nengo's terms.

    ``data``: the same objects with the current values; see `.SimulationData`. Returns
    keyword arguments, in an order in which they may be set on an object, too. They
    share no memory with ``data``. Raises a ``ValidationError`` if the object is of
    another type or not in the model; if it is an ensemble in direct mode; if no
    arguments give its parameters.
    """
    obj = obj.ensemble if isinstance(obj, Neurons) else obj
    if not isinstance(obj, (nengo.Ensemble, nengo.Connection)):
        raise ValidationError(
            f"expected an Ensemble, Neurons or a Connection, got {obj!r}", attr="obj"
        )
    if obj not in model.params:
        raise ValidationError(
            f"expected an object of the simulated network, got {obj!r}", attr="obj"
        )
    if isinstance(obj, nengo.Ensemble):
        return _ensemble(model, data, gains, obj)
    return _connection(model, data, obj)


def params_by_label(
    model: Model, data: SimulationData, gains: Gains, objs: Sequence[Any]
) -> dict[str, Params]:
    """
    Describe the current parameters of several objects, by label.

    Raises a ``ValidationError`` if an object has no label, or the label of another; and
    as in `nengo_params`.
    """
    params: dict[str, Params] = {}
    for obj in objs:
        described = nengo_params(model, data, gains, obj)
        label = obj.ensemble.label if isinstance(obj, Neurons) else obj.label
        if label is None or label in params:
            raise ValidationError(
                f"expected objects with labels that differ, got {label!r} for {obj!r}",
                attr="label",
            )
        params[label] = described
    return params


def _ensemble(
    model: Model, data: SimulationData, gains: Gains, ens: nengo.Ensemble
) -> Params:
    if isinstance(ens.neuron_type, nengo.Direct):
        raise ValidationError(
            f"expected an ensemble with neurons, got {ens}, which is in direct mode "
            "and has no parameters",
            attr="neuron_type",
            obj=ens,
        )
    built, live = model.params[ens], data[ens]
    gain = gains.get(ens, built.gain)
    scaled = _of_one_item(ens, live.scaled_encoders, built.scaled_encoders)
    return {
        "encoders": _encoders(ens, built, gain, scaled),
        "normalize_encoders": False,
        "gain": _array(gain),
        "bias": _array(_of_one_item(ens, live.bias, built.bias)),
        # Nengo warns if these are set as well as gain and bias.
        "max_rates": nengo.Ensemble.max_rates.default,
        "intercepts": nengo.Ensemble.intercepts.default,
        **_neuron_type(data, ens, live),
    }


def _neuron_type(
    data: SimulationData, ens: nengo.Ensemble, live: EnsembleData
) -> Params:
    """Give the neuron type, if it is trained."""
    names = data.trained_names(ens)
    values = {name: v for name, v in live.neuron_parameters.items() if name in names}
    if not values:
        return {}
    starts = {name: value for name, value in values.items() if is_initial(name)}
    others = {name: value for name, value in values.items() if name not in starts}
    one = _of_one(ens, "trainable_neurons", others)
    return {"neuron_type": with_parameters(ens.neuron_type, {**one, **starts})}


def _synapse(
    data: SimulationData, conn: nengo.Connection, live: ConnectionData
) -> Params:
    """Give the synapse, if it is trained."""
    form = trainable_form(conn.synapse)
    if form is None or not data.trained_names(conn):
        return {}
    values: Values = live.synapse_parameters
    if not form.holds_elements:
        values = _of_one(conn, "trainable_synapse", values, form.ndim)
    return {"synapse": form.with_values(conn.synapse, values)}


def _of_one(obj: Any, setting: str, values: Values, ndim: int = 0) -> Params:
    """Return values, of ``ndim`` axes each, of which Nengo takes one for an object."""
    found = {}
    for name, value in values.items():
        each = np.reshape(value, (-1, *np.shape(value)[np.ndim(value) - ndim :]))
        if np.any(each != each[:1]):
            raise ValidationError(
                f"expected one {name} for {obj}, got {len(each)} that differ, "
                "which no object of Nengo holds. Train one for all, without "
                f"'elementwise' in {setting}",
                attr=name,
                obj=obj,
            )
        found[name] = each[0] if ndim else float(each[0])
    return found


def _encoders(
    ens: nengo.Ensemble, built: BuiltEnsemble, gain: np.ndarray, scaled: np.ndarray
) -> np.ndarray:
    """
    Divide scaled encoders by the gains that Nengo built, or those loaded.

    Only the product of both is trained. Gains also scale what connections add to the
    neurons, so it is they that have to stay.
    """
    if scaled is built.scaled_encoders and gain is built.gain:
        return _array(built.encoders)
    scale = (gain / ens.radius)[:, None]
    without = scale == 0
    if np.any(scaled[without[:, 0]]):
        raise ValidationError(
            f"expected gains other than 0 for {ens}: with a gain of 0, encoders that "
            "were trained cannot be given to Nengo",
            attr="gain",
            obj=ens,
        )
    return _array(
        np.where(without, built.encoders, scaled / np.where(without, 1, scale))
    )


def _connection(model: Model, data: SimulationData, conn: nengo.Connection) -> Params:
    live = data[conn]
    return {**_weights(model, live, conn), **_synapse(data, conn, live)}


def _weights(model: Model, live: BuiltConnection, conn: nengo.Connection) -> Params:
    built = model.params[conn]
    weights = _of_one_item(conn, live.weights, built.weights)
    if not _has_decoders(conn, built.transform):
        return {"transform": with_weights(built.transform, weights)}
    if isinstance(conn.post_obj, Neurons) and _learns_weights(conn):
        return _learned(weights)
    return _decoded(conn, weights)


def _decoded(conn: nengo.Connection, weights: np.ndarray) -> Params:
    """Let the solver give all there is: decoders, transform and perhaps encoders."""
    full = conn.solver.weights and isinstance(conn.post_obj, nengo.Ensemble)
    solver = NoSolver(_array(weights.T), weights=full)
    if full:
        # Else Nengo would multiply the weights by encoders, which they contain.
        solver.compositional = False
    function = _zeros(conn.size_out)
    return {"function": function, "transform": None, "solver": solver}


def _learned(weights: np.ndarray) -> Params:
    """Let the transform give the weights, where Nengo wants it to be their matrix."""
    n_neurons = weights.shape[1]
    return {
        "function": _zeros(n_neurons),
        "transform": _array(weights),
        "solver": NoSolver(np.eye(n_neurons, dtype=rc.float_dtype)),
    }


def _zeros(size: int) -> Callable:
    """Make a function that tells Nengo the size of what is decoded, no more."""
    # Of NumPy alone: a network with it can be pickled, and read without this package.
    return partial(np.zeros_like, shape=(size,))


def _has_decoders(conn: nengo.Connection, transform: Any) -> bool:
    pre = conn.pre_obj
    neural = isinstance(pre, nengo.Ensemble) and not isinstance(
        pre.neuron_type, nengo.Direct
    )
    return neural and isinstance(transform, (Dense, NoTransform))


def _learns_weights(conn: nengo.Connection) -> bool:
    rules = conn.learning_rule or []
    rules = rules.values() if isinstance(rules, dict) else rules
    rules = rules if is_iterable(rules) else [rules]
    return any(rule.modifies == "weights" for rule in rules)


def _of_one_item(obj: Any, value: Any, built: Any) -> Any:
    """Take the batch axis from what online learning changes."""
    if value is built or value.ndim == built.ndim:
        return value
    if np.any(value != value[:1]):
        raise ValidationError(
            f"expected one set of parameters for {obj}, got {len(value)}: online "
            "learning has changed them in each item of the minibatch. Use "
            "minibatch_size=None to learn one set",
            attr="minibatch_size",
        )
    return value[0]


def _array(values: np.ndarray) -> np.ndarray:
    return np.array(values, dtype=rc.float_dtype)
