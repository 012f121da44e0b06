"""Neurons and decoders of a whole network at once, instead of one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import nengo
import numpy as np

#: Decoders are solved for at this many points of each ensemble's space.
N_POINTS = 60

#: At most this many ensembles are drawn and solved for together, for memory's sake.
MAX_ENSEMBLES = 512

#: Neurons whose threshold is at the end of the range would need infinite gains.
MAX_INTERCEPT = 0.95

#: The noise that decoders tolerate, as a share of the highest rate.
NOISE = 0.1


def settle_populations(net: nengo.Network, rng: np.random.RandomState) -> None:
    """
    Give every ensemble its neurons, and every decoded connection its decoders.

    Nengo would draw the neurons of each ensemble, and solve for the decoders of each
    connection, when it builds them: minutes for thousands of ensembles. Here all
    ensembles of a kind are drawn and solved for together, each still with neurons of
    its own. Intercepts, maximum rates, encoders and functions are those that the
    network asks for.

    Parameters
    ----------
    net : nengo.Network
        The network. It is changed: afterwards its ensembles have fixed ``gain``,
        ``bias`` and ``encoders``, its decoded connections a ``NoSolver``.
    rng : numpy.random.RandomState
        What neurons are drawn from.
    """
    outgoing: dict[nengo.Ensemble, list[nengo.Connection]] = defaultdict(list)
    for conn in net.all_connections:
        if isinstance(conn.pre_obj, nengo.Ensemble):
            outgoing[conn.pre_obj].append(conn)
    for alike in _by(_kind, net.all_ensembles):
        for start in range(0, len(alike), MAX_ENSEMBLES):
            ensembles = alike[start : start + MAX_ENSEMBLES]
            activities, points = _draw(ensembles, rng)
            decoded = [(i, c) for i, e in enumerate(ensembles) for c in outgoing[e]]
            _solve(decoded, activities, points)


def _kind(ens: nengo.Ensemble) -> tuple:
    distributions = (ens.intercepts, ens.max_rates, ens.encoders, ens.neuron_type)
    return (ens.n_neurons, ens.dimensions, ens.radius, *map(repr, distributions))


def _by(key: Callable, items: Iterable) -> list[list]:
    """Collect items with equal keys, in the order in which they come."""
    groups: dict = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def _draw(
    ensembles: list[nengo.Ensemble], rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the neurons of ensembles of one kind; return their rates at some points."""
    first = ensembles[0]
    n, size, dimensions = len(ensembles), first.n_neurons, first.dimensions
    intercepts = first.intercepts.sample(n * size, rng=rng)
    gain, bias = first.neuron_type.gain_bias(
        first.max_rates.sample(n * size, rng=rng),
        np.minimum(intercepts, MAX_INTERCEPT),
    )
    encoders = first.encoders.sample(n * size, dimensions, rng=rng)
    points = _points(dimensions, rng)
    rates = first.neuron_type.rates(points @ encoders.T, gain, bias)
    shapes = (n, size), (n, size), (n, size, dimensions)
    parts = [x.reshape(s) for x, s in zip((gain, bias, encoders), shapes, strict=True)]
    for ens, *neurons in zip(ensembles, *parts, strict=True):
        _fix(ens, points, *neurons)
    return np.moveaxis(rates.reshape((-1, n, size)), 1, 0), points * first.radius


def _fix(
    ens: nengo.Ensemble,
    points: np.ndarray,
    gain: np.ndarray,
    bias: np.ndarray,
    encoders: np.ndarray,
) -> None:
    ens.gain, ens.bias, ens.encoders = gain, bias, encoders
    # These have had their use; Nengo warns if neurons are described in both ways.
    ens.intercepts = nengo.Ensemble.intercepts.default
    ens.max_rates = nengo.Ensemble.max_rates.default
    ens.eval_points, ens.n_eval_points = points, len(points)


def _solve(
    decoded: list[tuple[int, nengo.Connection]],
    activities: np.ndarray,
    points: np.ndarray,
) -> None:
    """Solve for connections, given with the number of the ensemble they come from."""
    for alike in _by(lambda item: _decoded_function(item[1]), decoded):
        targets = _targets(alike[0][1], points)
        decoders = _decoders(activities[[i for i, _ in alike]], targets)
        for (_, conn), values in zip(alike, decoders, strict=True):
            conn.solver = nengo.solvers.NoSolver(values)


def _decoded_function(conn: nengo.Connection) -> tuple:
    return conn.function, repr(conn.pre_slice)


def _points(dimensions: int, rng: np.random.RandomState) -> np.ndarray:
    if dimensions == 1:
        return np.linspace(-1, 1, N_POINTS)[:, None]
    return nengo.dists.UniformHypersphere().sample(N_POINTS, dimensions, rng=rng)


def _targets(conn: nengo.Connection, points: np.ndarray) -> np.ndarray:
    if conn.function is None:
        return points[:, conn.pre_slice]
    return np.stack([np.ravel(conn.function(x)) for x in points[:, conn.pre_slice]])


def _decoders(activities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """
    Solve for decoders by regularised least squares, for many ensembles at once.

    Parameters
    ----------
    activities : (n_ensembles, n_points, n_neurons) array
        The rates at each point.
    targets : (n_points, size_out) array
        What to decode there.

    Returns
    -------
    decoders : (n_ensembles, n_neurons, size_out) array
        The decoders.
    """
    n_points = activities.shape[1]
    noise = NOISE * activities.max(axis=(1, 2), keepdims=True)
    noise = np.maximum(noise, np.finfo(float).tiny)
    # With fewer points than neurons the system of the points is the smaller one.
    kernel = activities @ np.swapaxes(activities, 1, 2)
    kernel = kernel + n_points * noise**2 * np.eye(n_points)
    return np.swapaxes(activities, 1, 2) @ np.linalg.solve(kernel, targets)
