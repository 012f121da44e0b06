"""From a graph of NIR to a network of Nengo."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from .conventions import conventions
from .flat_graph import flatten
from .network import NIRNetwork
from .package import nir_package
from .parts import Assembly
from .read import Budget, read_graph
from .shapes import infer_shapes


def load(
    path_or_graph: str | PathLike | Any,
    dt: float = 0.001,
    spike_height: str | None = None,
    integration: str | None = None,
    reset: str | None = None,
    max_bytes: int = 2**30,
) -> NIRNetwork:
    """
    Make a network of a graph of NIR.

    ``nengo.Simulator`` and ``nengo_dl.Simulator`` run it. Edges of the graph take no
    time, but for one edge of each cycle, which takes a step: the first edge out of
    neurons, as seen from the inputs. Voltages start from 0.

    What NIR leaves open is said by the next three arguments. By default it is what
    the metadata of the graph says (those of `export` do), else the first name.

    Parameters
    ----------
    path_or_graph : str or PathLike or nir.NIRGraph
        A file, or a graph.
    dt : float
        The length of a time step for which the graph was made, in seconds. Spikes of
        height one have the amplitude ``dt``: simulate the network with this step.
    spike_height : {"one", "amplitude_over_dt"}, optional
        How high a spike is: 1, as in the tensors of most libraries, or ``1 / dt``, so
        that its integral over the step is 1, as in Nengo.
    integration : {"euler", "exponential", "exact"}, optional
        How equations are solved: by Euler's method, as most libraries do; exactly for
        inputs that are constant in a step, with resets at the end of the step, as
        Nengo and some libraries do; or exactly with resets at the times of spikes. See
        `.EulerLIF`, `.ExponentialLIF` and `.ExactLIF`.
    reset : {"zero", "subtract", "subtract_delayed"}, optional
        What a spike does to the voltage with Euler's method: set it to ``v_reset``,
        as NIR says, or take off ``v_threshold - v_reset``, at once or in the next step,
        as some libraries do.
    max_bytes : int
        How many bytes arrays of the file, and values of a step, may need. It is checked
        before memory is taken.

    Returns
    -------
    network : nengo.Network
        With ``inputs`` and ``outputs``, dictionaries of ``nengo.Node`` by name, and
        ``nodes``, which by name gives the object that stands for each node of the
        graph: ``network.nodes["lif1"]``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a file is no NIR file, is damaged or too large; if a graph is not complete,
        shapes do not fit, or there is a node that cannot be simulated.
    ImportError
        If ``nir`` is not installed.

    Examples
    --------
    >>> import nir  # doctest: +SKIP
    >>> net = nengo_dl.nir.load("network.nir", dt=0.0001)  # doctest: +SKIP
    """
    _check_numbers(dt, max_bytes)
    budget = Budget(max_bytes)
    graph = _graph(path_or_graph, budget)
    chosen = conventions(
        graph, spike_height=spike_height, integration=integration, reset=reset
    )
    if reset not in (None, "zero") and chosen.integration != "euler":
        raise ValidationError(
            f"expected reset={reset!r} with integration='euler' only, got "
            f"integration={chosen.integration!r}",
            attr="reset",
        )
    flat = flatten(graph)
    shapes = infer_shapes(flat, budget)
    with NIRNetwork() as network:
        Assembly(flat, shapes, dt, chosen).add_to(network)
    return network


def _graph(path_or_graph: Any, budget: Budget) -> Any:
    nir = nir_package()
    if isinstance(path_or_graph, (str, PathLike)):
        path_or_graph = read_graph(path_or_graph, budget)
    if not isinstance(path_or_graph, nir.NIRGraph):
        raise ValidationError(
            f"expected a nir.NIRGraph or the path of a file with one, got "
            f"{path_or_graph!r:.100}",
            attr="path_or_graph",
        )
    return path_or_graph


def _check_numbers(dt: Any, max_bytes: Any) -> None:
    for name, value in (("dt", dt), ("max_bytes", max_bytes)):
        is_number = isinstance(value, (int, float, np.integer, np.floating))
        if not is_number or isinstance(value, bool) or not 0 < value < np.inf:
            raise ValidationError(
                f"expected a positive number, got {value!r:.100}", attr=name
            )
