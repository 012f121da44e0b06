"""Runs a converted network on many items for many steps, in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import nengo
import numpy as np

from ..progress import ProgressBarLike, make_progress_bar
from ..simulator.simulator import Simulator
from .items import Items

#: How many steps are computed at once.
_BLOCK = 16


class Block(NamedTuple):
    """
    Some steps of a minibatch.

    Parameters
    ----------
    items : slice
        Which items they are.
    inputs : list of array
        The minibatch, which may end with copies of the last item.
    start : int
        How many steps were before.
    outputs : list of ``(n_items, n_steps, size) array``
        For each object.
    """

    items: slice
    inputs: list[np.ndarray]
    start: int
    outputs: list[np.ndarray]


class Stepwise:
    """
    Shows each item to a network for a number of steps.

    Parameters
    ----------
    converter : Converter
        Whose network it is.
    items : Items
        What to show.
    n_steps : int
        How long.
    title : str
        Of the progress bar.
    progress_bar : bool or nengo.utils.progress.ProgressBar or None
        As in `Simulator`.
    """

    def __init__(
        self,
        converter: Any,
        items: Items,
        n_steps: int,
        title: str,
        progress_bar: ProgressBarLike,
    ) -> None:
        self._converter = converter
        self._items = items
        self._n_steps = n_steps
        n_minibatches = -(-len(items) // items.size)
        self._bar = make_progress_bar(title, n_minibatches * n_steps, progress_bar)

    def run(self, objects: list[Any]) -> Iterator[Block]:
        """
        Yield the outputs of objects, a few steps of a minibatch at a time.

        Parameters
        ----------
        objects : list
            Probes of the network, or nodes and neurons, whose outputs are not filtered.
        """
        net = self._converter.net
        n_probes = len(net.probes)
        try:
            with net:
                probes = [_probe(obj) for obj in objects]
            sim = Simulator(net, minibatch_size=self._items.size, progress_bar=False)
        finally:
            del net.probes[n_probes:]
        with sim, self._bar as bar:
            for rows, inputs in self._items.minibatches():
                sim.reset(include_trainable=False)
                n = rows.stop - rows.start
                for start, outputs in self._blocks(sim, inputs, probes):
                    yield Block(rows, inputs, start, [x[:n] for x in outputs])
                    bar.step(outputs[0].shape[1])

    def _blocks(
        self, sim: Simulator, inputs: list[np.ndarray], probes: list[Any]
    ) -> Iterator[tuple[int, list[np.ndarray]]]:
        nodes = [self._converter.inputs[x] for x in self._converter.graph.inputs]
        for start in range(0, self._n_steps, _BLOCK):
            n_steps = min(_BLOCK, self._n_steps - start)
            data = {
                node: _held(x, n_steps) for node, x in zip(nodes, inputs, strict=True)
            }
            result = sim.run_batch(
                data,
                dict.fromkeys(probes),
                combine=np.concatenate,
                isolate_state=False,
            )
            yield start, [np.asarray(result[probe]) for probe in probes]


def _probe(obj: Any) -> Any:
    return obj if isinstance(obj, nengo.Probe) else nengo.Probe(obj, synapse=None)


def _held(x: np.ndarray, n_steps: int) -> np.ndarray:
    """Return the same values for each step."""
    flat = x.reshape(len(x), 1, -1).astype(float)
    return np.repeat(flat, n_steps, axis=1)
