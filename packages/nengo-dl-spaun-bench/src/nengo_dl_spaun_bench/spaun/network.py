"""Spaun: one network that sees, remembers, reasons and draws."""

from __future__ import annotations

from dataclasses import dataclass

import nengo
import numpy as np

from .control import control, taking
from .counting import counting
from .decoding import decoding
from .encoding import encoding
from .motor import motor
from .paths import DASH
from .plan import Plan
from .reward import LEARNING_RATE, reward
from .rules import N_ARMS, RULES
from .symbols import DIGITS, SIDE, SYMBOLS
from .transformation import transformation
from .units import CONTROL, FAST, both, gated
from .vision import vision
from .vocabulary import N_DIGITS, make_words
from .working_memory import list_memory

#: Largest rates of neurons, in Hz.
MAX_RATES = (100, 200)

#: Points at which decoders are solved for: fewer than usual, and enough for populations
#: of one dimension. Most of the time that building takes goes there.
N_EVAL_POINTS = 400


@dataclass(frozen=True)
class Lesions:
    """
    What is taken away, to show that tasks need it.

    Parameters
    ----------
    recurrence : float
        Factor of what keeps lists in memory.
    selection : float
        Factor of what basal ganglia give out.
    learning_rate : float
        Of the values of arms.
    shuffled_vision : bool
        Whether the weights of vision are in a random order.
    """

    recurrence: float = 1.0
    selection: float = 1.0
    learning_rate: float = LEARNING_RATE
    shuffled_vision: bool = False


def spaun(
    dimensions: int = 64, seed: int = 0, lesions: Lesions | None = None
) -> nengo.Network:
    """
    Build the network.

    Parameters
    ----------
    dimensions : int
        Size of the vectors that stand for digits, positions and lists: a multiple
        of 16.
    seed : int
        Seed of the neurons.
    lesions : Lesions, optional
        What is taken away.

    Returns
    -------
    net : nengo.Network
        With the node ``stimulus`` (an image, size 64), and the node ``pen`` (x, y, and
        above 0.5 while it is down).

    Raises
    ------
    ValidationError
        If the size is none that works.
    """
    lesions = lesions or Lesions()
    plan = Plan(make_words(dimensions))
    net = nengo.Network(label="spaun", seed=seed)
    net.config[nengo.Ensemble].neuron_type = nengo.LIF()
    net.config[nengo.Ensemble].max_rates = nengo.dists.Uniform(*MAX_RATES)
    net.config[nengo.Ensemble].n_eval_points = N_EVAL_POINTS
    with net:
        net.stimulus = nengo.Node(np.zeros(SIDE**2), label="stimulus")
        _add_modules(net, plan, lesions)
        _connect_reading(net)
        _connect_answering(net)
        _connect_drawing(net)
        _connect_reward(net)
    return net


def _add_modules(net: nengo.Network, plan: Plan, lesions: Lesions) -> None:
    net.vision = vision(shuffled() if lesions.shuffled_vision else None)
    nengo.Connection(net.stimulus, net.vision.pixels, synapse=None)
    net.encoding = encoding(plan)
    net.lists = [list_memory(plan, f"list {k}", lesions.recurrence) for k in (1, 2, 3)]
    net.transformation = transformation(plan, net.lists)
    net.decoding = decoding(
        plan, [*(memory.output for memory in net.lists[:2]), net.transformation.output]
    )
    net.counting = counting()
    net.motor = motor()
    net.reward = reward(lesions.learning_rate)
    net.pen = net.motor.pen
    signals = {f"see {s}": net.vision.seen[k] for k, s in enumerate(SYMBOLS)}
    signals |= {
        "tick": net.motor.ramp.tick,
        "counted": net.counting.counted,
        "ended": net.decoding.ended,
        "empty": net.motor.empty,
    }
    net.control = control(signals, lesions.selection)


def _connect_reading(net: nengo.Network) -> None:
    """Connect what happens while images come."""
    seen, known = net.vision.seen, net.control.signals
    digits = seen[: len(DIGITS)]
    changing, blank = net.vision.changing, net.vision.blank
    nengo.Connection(digits, net.encoding.digits, synapse=None)
    nengo.Connection(known["see ["], net.encoding.start, synapse=CONTROL)
    quiet = both(blank, label="quiet")
    nengo.Connection(net.motor.ramp.tick, quiet.input, transform=-2.0, synapse=FAST)
    nengo.Connection(quiet.on, net.control.state.pass_on, synapse=FAST)
    for memory in (net.control.task, net.control.mode, net.encoding):
        nengo.Connection(blank, memory.pass_on, synapse=FAST)
    for k, memory in enumerate(net.lists, start=1):
        storing = both(known[f"state list {k}"], net.vision.digit, label="storing")
        nengo.Connection(changing, storing.input, transform=-2.0, synapse=FAST)
        nengo.Connection(storing.on, memory.open, synapse=FAST)
        nengo.Connection(storing.on, net.encoding.storing, synapse=FAST)
        nengo.Connection(blank, memory.pass_on, synapse=FAST)
        nengo.Connection(net.encoding.output, memory.input, synapse=None)
        for action in taking(net.control, f"clear {k}"):
            nengo.Connection(action, memory.clear, synapse=CONTROL)
    average = net.transformation.average
    later = nengo.Node(size_in=1, label="second or third list")
    for k in (2, 3):
        nengo.Connection(known[f"state list {k}"], later, synapse=None)
    related = both(known["see ]"], later, label="related")
    nengo.Connection(changing, related.input, transform=-2.0, synapse=FAST)
    nengo.Connection(related.on, average.open, synapse=FAST)
    nengo.Connection(blank, average.pass_on, synapse=FAST)
    nengo.Connection(known["see A"], average.clear, synapse=CONTROL)


def _connect_answering(net: nengo.Network) -> None:
    """Connect what recalls, reasons and counts."""
    known, ramp = net.control.signals, net.motor.ramp
    routes = {f"first {k}": n for k, n in enumerate(net.transformation.first, start=1)}
    second = ("second 1", "second 2", "second average")
    routes |= dict(zip(second, net.transformation.second, strict=True))
    recalls = ("recall 1", "recall 2", "recall made")
    routes |= dict(zip(recalls, net.decoding.open, strict=True))
    for name, opened in routes.items():
        for action in taking(net.control, name):
            nengo.Connection(action, opened, synapse=FAST)
    for state in ("prepare", "count", "draw"):
        nengo.Connection(known[f"state {state}"], ramp.run, synapse=None)
    decoding = net.decoding
    nengo.Connection(net.counting.value, decoding.value, synapse=None)
    nengo.Connection(net.encoding.position, decoding.length, synapse=None)
    nengo.Connection(ramp.early, decoding.pass_on, synapse=FAST)
    nengo.Connection(net.motor.forget, decoding.forget, synapse=None)
    for task in ("6", "7"):
        nengo.Connection(known[f"task {task}"], decoding.doubt, synapse=None)
    for mode, opened in (
        ("position", decoding.by_position),
        ("kind", decoding.by_kind),
    ):
        cued = both(
            known["state draw"], known["task 5"], known[f"mode {mode}"], label=mode
        )
        nengo.Connection(cued.on, opened, synapse=FAST)
    backward = known["mode reverse"]
    starts = both(known["see ?"], label="start"), both(known["see ?"], backward)
    late = known["state draw"], ramp.late
    steps = both(*late, label="next"), both(*late, backward, label="previous")
    for forward, _ in (starts, steps):
        nengo.Connection(backward, forward.input, transform=-2.0, synapse=FAST)
    for pair, opened in ((starts, decoding.start), (steps, decoding.step)):
        for switch, node in zip(pair, opened, strict=True):
            nengo.Connection(switch.on, node, synapse=FAST)
    counting = net.counting
    nengo.Connection(decoding.digit, counting.digit, synapse=None)
    nengo.Connection(ramp.early, counting.pass_on, synapse=FAST)
    take = both(known["state prepare"], ramp.latch, label="take number")
    nengo.Connection(take.on, counting.take, synapse=FAST)
    step = both(known["state count"], ramp.late, label="count on")
    nengo.Connection(step.on, counting.step, synapse=FAST)


def _connect_drawing(net: nengo.Network) -> None:
    """Connect what says what to draw."""
    known, motor = net.control.signals, net.motor
    nengo.Connection(known["state draw"], motor.drawing, synapse=None)
    numbers = nengo.Node(size_in=1, label="the number is the answer")
    for task in ("2", "4"):
        nengo.Connection(known[f"task {task}"], numbers, synapse=None)
    kind = both(known["task 5"], known["mode kind"], label="the place is the answer")
    into = motor.sources[: len(DIGITS)]
    for pre, opener in (
        (net.counting.value, numbers),
        (net.decoding.place, kind.on),
    ):
        source = gated(N_DIGITS, "answer")
        nengo.Connection(pre, source.input, synapse=CONTROL)
        nengo.Connection(opener, source.open, synapse=CONTROL)
        nengo.Connection(source.on, into, synapse=None)
    source = gated(N_DIGITS, "answer")
    nengo.Connection(net.decoding.digit, source.input, synapse=CONTROL)
    recalled = nengo.Node(size_in=1, label="what is recalled is the answer")
    for task in ("0", "1", "3", "5", "6", "7"):
        nengo.Connection(known[f"task {task}"], recalled, synapse=None)
    nengo.Connection(recalled, source.open, synapse=CONTROL)
    nengo.Connection(kind.on, source.open, transform=-1.5, synapse=CONTROL)
    nengo.Connection(source.on, into, synapse=None)
    # Items of lists that are forgotten are drawn as a dash.
    lists = nengo.Node(size_in=1, label="a list is the answer")
    for task in ("0", "1", "3"):
        nengo.Connection(known[f"task {task}"], lists, synapse=None)
    dash = both(lists, label="dash")
    nengo.Connection(
        net.decoding.digit,
        dash.input,
        transform=np.full((1, N_DIGITS), -2.0),
        synapse=CONTROL,
    )
    nengo.Connection(dash.on, motor.sources[DASH], synapse=CONTROL)
    nengo.Connection(net.vision.style, motor.style, synapse=FAST)
    copying = both(
        known["task 0"], known["state list 1"], net.vision.digit, label="copying"
    )
    nengo.Connection(net.vision.changing, copying.input, transform=-2.0, synapse=FAST)
    nengo.Connection(copying.on, motor.copy, synapse=FAST)
    nengo.Connection(known["task 0"], motor.styled, synapse=CONTROL)


def _connect_reward(net: nengo.Network) -> None:
    """Connect what learns which arm pays."""
    known, reward = net.control.signals, net.reward
    for k in range(N_ARMS):
        for action in taking(net.control, f"value {k}"):
            nengo.Connection(action, net.counting.choice[k], synapse=CONTROL)
        rule = next(i for i, r in enumerate(RULES) if f"arm {k}" in r.effects)
        nengo.Connection(reward.values[k], net.control.utilities[rule], synapse=CONTROL)
    nengo.Connection(net.counting.value[:N_ARMS], reward.chosen, synapse=None)
    for digit, node in ((1, reward.paid), (0, reward.unpaid)):
        judged = both(
            known[f"see {digit}"], known["task 2"], known["state idle"], label="judged"
        )
        nengo.Connection(judged.on, node, synapse=FAST)


def shuffled() -> dict[str, np.ndarray]:
    """Return the weights of vision, those of each layer in a random order."""
    from .vision import stored_weights

    rng = np.random.RandomState(0)
    return {
        name: rng.permutation(values.ravel()).reshape(values.shape)
        for name, values in stored_weights().items()
    }
