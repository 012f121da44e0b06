"""Runs trials: the items of a minibatch are trials, the network is the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import nengo
import numpy as np

from .drawing import strokes
from .reader import read
from .stimulus import images, show
from .symbols import SIDE
from .tasks import Trial

#: Nothing is watched.
NOTHING: Mapping[str, nengo.Probe] = MappingProxyType({})

#: Steps of the first run, which compiles.
WARM_UP = 10

#: Length of a step, in seconds.
DT = 0.001


@dataclass(frozen=True)
class Answer:
    """
    What was drawn in a trial.

    Parameters
    ----------
    trial : Trial
        What was shown.
    read : str
        What the drawing was read as.
    pen : (n_steps, 3) array
        Where the pen was, and whether it was down.
    stimulus : (n_steps, 64) array
        What was shown.
    inside : dict of str to array
        What was watched inside the network, if anything was.
    """

    trial: Trial
    read: str
    pen: np.ndarray
    stimulus: np.ndarray
    inside: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        """Whether all that was drawn is right, and nothing is missing."""
        return self.read == self.trial.answer


@dataclass
class Speed:
    """
    How long it all took.

    Parameters
    ----------
    construction, build, compile : float
        Seconds that it took to make the network, the simulator, and what it runs.
    running : float
        Seconds of all further steps.
    simulated : float
        Seconds that these simulated, times the items of the minibatch.
    """

    construction: float = 0.0
    build: float = 0.0
    compile: float = 0.0
    running: float = 0.0
    simulated: float = 0.0

    @property
    def per_second(self) -> float:
        """Seconds of running for each simulated second and item."""
        return self.running / self.simulated if self.simulated else float("nan")


class NengoDLBackend:
    """
    Runs the network in NengoDL.

    Parameters
    ----------
    net : nengo.Network
        What `network.spaun` made.
    minibatch : int
        How many trials run at once.
    speed : Speed
        Where to note how long it takes.
    watched : dict of str to nengo.Probe
        Probes in the network, of what is to be known for each trial.
    """

    def __init__(
        self,
        net: nengo.Network,
        minibatch: int,
        speed: Speed,
        watched: Mapping[str, nengo.Probe] = NOTHING,
    ) -> None:
        # Imported here, because TensorFlow takes seconds.
        import nengo_dl

        self.net, self.minibatch, self.speed = net, minibatch, speed
        self.watched = watched
        with net:
            # Nothing is trained, which makes building short.
            nengo_dl.configure_settings(inference_only=True)
            self.probe = nengo.Probe(net.pen)
        start = time.perf_counter()
        self.sim = nengo_dl.Simulator(net, minibatch_size=minibatch, progress_bar=False)
        speed.build = time.perf_counter() - start
        start = time.perf_counter()
        self.run(np.zeros((minibatch, WARM_UP, SIDE**2)))
        speed.compile = time.perf_counter() - start
        speed.running = speed.simulated = 0.0
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.sim.reset()

    def run(self, stimulus: np.ndarray) -> np.ndarray:
        """Show what each item is to see; return where its pen was."""
        start, done = time.perf_counter(), self.sim.n_steps
        self.sim.run_steps(
            stimulus.shape[1], data={self.net.stimulus: stimulus}, progress_bar=False
        )
        self.speed.running += time.perf_counter() - start
        self.speed.simulated += self.minibatch * stimulus.shape[1] * self.sim.dt
        return self.sim.data[self.probe][:, done:]

    def inside(self, item: int, n_steps: int) -> dict[str, np.ndarray]:
        """Return what was watched in the first steps since it began anew."""
        return {
            name: self.sim.data[probe][item, : int(n_steps * DT / probe.sample_every)]
            for name, probe in self.watched.items()
        }

    def close(self) -> None:
        """Free what the simulator holds."""
        self.sim.close()


class NengoBackend:
    """
    Runs the network in Nengo's own simulator, one trial at a time.

    Parameters
    ----------
    net : nengo.Network
        What `network.spaun` made.
    minibatch : int
        Must be 1.
    speed : Speed
        Where to note how long it takes.
    watched : dict of str to nengo.Probe
        Probes in the network, of what is to be known for each trial.
    """

    def __init__(
        self,
        net: nengo.Network,
        minibatch: int,
        speed: Speed,
        watched: Mapping[str, nengo.Probe] = NOTHING,
    ) -> None:
        if minibatch != 1:
            raise nengo.exceptions.ValidationError(
                f"Must be 1 with backend 'nengo' (got {minibatch})", "minibatch"
            )
        self.minibatch, self.speed = minibatch, speed
        self.watched = watched
        self.shown = np.zeros((1, SIDE**2))
        self.begun = 0
        net.stimulus.output = self._show
        with net:
            self.probe = nengo.Probe(net.pen)
        start = time.perf_counter()
        self.sim = nengo.Simulator(net, progress_bar=False)
        speed.build = time.perf_counter() - start

    def _show(self, t: float) -> np.ndarray:
        step = round(t / DT) - 1 - self.begun
        return self.shown[min(max(step, 0), len(self.shown) - 1)]

    def reset(self) -> None:
        """Begin anew."""
        self.sim.reset()
        self.begun = 0

    def run(self, stimulus: np.ndarray) -> np.ndarray:
        """Show what the item is to see; return where its pen was."""
        self.shown, self.begun = stimulus[0], self.sim.n_steps
        start = time.perf_counter()
        self.sim.run_steps(stimulus.shape[1])
        self.speed.running += time.perf_counter() - start
        self.speed.simulated += stimulus.shape[1] * self.sim.dt
        return self.sim.data[self.probe][None, self.begun :]

    def inside(self, item: int, n_steps: int) -> dict[str, np.ndarray]:
        """Return what was watched in the first steps since it began anew."""
        return {
            name: self.sim.data[probe][: int(n_steps * DT / probe.sample_every)]
            for name, probe in self.watched.items()
        }

    def close(self) -> None:
        """Free what the simulator holds."""
        self.sim.close()


BACKENDS: dict[str, Callable[..., Any]] = {
    "nengo_dl": NengoDLBackend,
    "nengo": NengoBackend,
}
"""What trials can be run in."""


def run_trials(
    backend: Any, trials: Sequence[Trial], seed: int
) -> Iterator[list[Answer]]:
    """
    Run trials, as many at once as the backend does, the shortest first.

    Parameters
    ----------
    backend : NengoDLBackend or NengoBackend
        Holds the network.
    trials : list of Trial
        What to show.
    seed : int
        Chooses the images, for each trial by its place in the list.

    Yields
    ------
    answers : list of Answer
        After each minibatch, all that there are so far, in the order of the trials.
    """
    order = sorted(range(len(trials)), key=lambda k: trials[k].n_steps)
    answers: dict[int, Answer] = {}
    for start in range(0, len(order), backend.minibatch):
        batch = order[start : start + backend.minibatch]
        answers |= zip(batch, _run_batch(backend, trials, seed, batch), strict=True)
        yield [answers[k] for k in sorted(answers)]


def _run_batch(
    backend: Any, trials: Sequence[Trial], seed: int, batch: Sequence[int]
) -> list[Answer]:
    """Run a few trials at once."""
    n_steps = max(trials[k].n_steps for k in batch)
    stimulus = np.zeros((backend.minibatch, n_steps, SIDE**2), dtype=np.float32)
    for row, k in zip(stimulus, batch, strict=False):
        shown = show(images(trials[k].text, np.random.RandomState([seed, 7, k])))
        row[: len(shown)] = shown
    backend.reset()
    pens = backend.run(stimulus)
    answers = []
    for row, k in enumerate(batch):
        end = trials[k].n_steps
        # Copied, so that what the others were shown and drew can be freed.
        pen, seen = pens[row, :end].copy(), stimulus[row, :end].copy()
        inside = backend.inside(row, end)
        answers.append(Answer(trials[k], read_pen(pen), pen, seen, inside))
    return answers


def read_pen(pen: np.ndarray) -> str:
    """Return what a pen drew, as symbols."""
    return "".join(read(stroke) for stroke in strokes(pen))
