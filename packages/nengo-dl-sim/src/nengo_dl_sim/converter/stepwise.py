"""Runs a converted network on many items for many steps, in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import nengo
import numpy as np

from ..progress import ProgressBarLike, make_progress_bar
from ..settings.config import configure_settings, get_setting
from ..simulator.simulator import Simulator
from .items import Items
from .keras_values import jit_compile

#: How many steps are computed at once, at most.
_BLOCK = 16

#: Settings without which blocks of steps cannot follow each other. They change
#: nothing of what is computed.
_NEEDED = {"keep_history": True, "stateful": True, "use_loop": True}


class Block(NamedTuple):
    """
    Some steps of a minibatch.

    Parameters
    ----------
    items : slice
        Which items they are.
    inputs : list of array
        The minibatch, which may end with copies of the last item.
    steps : slice
        Which steps they are.
    outputs : list of ``(n_items, n_steps, size) array``
        For each object.
    """

    items: slice
    inputs: list[np.ndarray]
    steps: slice
    outputs: list[np.ndarray]

    def of_model(self, values: np.ndarray) -> np.ndarray:
        """Return what `KerasValues` has for these items and steps."""
        values = values[: self.items.stop - self.items.start]
        return values if values.shape[1] == 1 else values[:, self.steps]


class Stepwise:
    """
    Shows each item to a network for a number of steps.

    Parameters
    ----------
    converter : Converter
        Whose network it is.
    items : Items
        What to show, and how long.
    title : str
        Of the progress bar.
    progress_bar : bool or nengo.utils.progress.ProgressBar or None
        As in `Simulator`.
    """

    def __init__(
        self, converter: Any, items: Items, title: str, progress_bar: ProgressBarLike
    ) -> None:
        self._converter = converter
        self._items = items
        n_minibatches = -(-len(items) // items.size)
        total = n_minibatches * items.n_steps
        self._bar = make_progress_bar(title, total, progress_bar)

    def run(self, objects: list[Any]) -> Iterator[Block]:
        """
        Yield the outputs of objects, a few steps of a minibatch at a time.

        Parameters
        ----------
        objects : list
            Nodes and neurons, whose outputs are not filtered, or probes.
        """
        sim, probes = self._simulator(objects)
        with sim, self._bar as bar:
            for rows, inputs in self._items.minibatches():
                sim.reset(include_trainable=False)
                n = rows.stop - rows.start
                for steps, outputs in self._blocks(sim, inputs, probes):
                    yield Block(rows, inputs, steps, [x[:n] for x in outputs])
                    bar.step(outputs[0].shape[1])

    def _simulator(self, objects: list[Any]) -> tuple[Simulator, list[nengo.Probe]]:
        net = self._converter.net
        n_probes = len(net.probes)
        try:
            with net, _settings(net):
                probes = [_probe(obj) for obj in objects]
                sim = Simulator(
                    net,
                    minibatch_size=self._items.size,
                    progress_bar=False,
                    jit_compile=jit_compile(self._converter.graph),
                )
                return sim, probes
        finally:
            del net.probes[n_probes:]

    def _blocks(
        self, sim: Simulator, inputs: list[np.ndarray], probes: list[Any]
    ) -> Iterator[tuple[slice, list[np.ndarray]]]:
        nodes = [self._converter.inputs[x] for x in self._converter.graph.inputs]
        n_steps = self._items.n_steps
        # All blocks have one length, for which a simulator is made ready once.
        length = -(-n_steps // -(-n_steps // _BLOCK))
        for start in range(0, n_steps, length):
            data = {
                node: self._items.shown(x, start, length)
                for node, x in zip(nodes, inputs, strict=True)
            }
            result = sim.run_batch(
                data,
                dict.fromkeys(probes),
                combine=np.concatenate,
                isolate_state=False,
            )
            steps = slice(start, min(start + length, n_steps))
            n = steps.stop - steps.start
            yield steps, [np.asarray(result[probe])[:, :n] for probe in probes]


@contextmanager
def _settings(net: nengo.Network) -> Iterator[None]:
    """Set what is needed to build a simulator for blocks of steps; then set it back."""
    before = {name: get_setting(net, name) for name in _NEEDED}
    configure_settings(**_NEEDED)
    try:
        yield
    finally:
        configure_settings(**before)


def _probe(obj: Any) -> nengo.Probe:
    """Make a probe of each step, whatever the user has set for others."""
    if isinstance(obj, nengo.Probe):
        return nengo.Probe(obj.target, synapse=obj.synapse, sample_every=None)
    return nengo.Probe(obj, synapse=None, sample_every=None)
