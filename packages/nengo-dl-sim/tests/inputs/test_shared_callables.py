"""Objects that all items of a minibatch would share."""

import functools
import warnings
from dataclasses import dataclass

import nengo
import numpy as np
import pytest
from nengo.exceptions import NengoWarning

from nengo_dl_sim import Simulator
from nengo_dl_sim.inputs.shared_callables import warn_of_shared_callables


class Plant:
    """Something with a state."""

    def __init__(self):
        self.x = 0.0

    def step(self, t, x):
        self.x += x[0]
        return self.x

    __call__ = step

    @classmethod
    def of_class(cls, t, x):
        return x

    @staticmethod
    def static(t, x):
        return x

    @functools.wraps(step)
    def wrapping(self, t, x):
        return x


class Slots:
    __slots__ = ("x",)

    def __call__(self, t, x):
        self.x = x
        return x


@dataclass
class Data:
    x: float = 0.0

    def __call__(self, t, x):
        return x


class Nothing:
    """An object that has nothing to remember with."""

    def __call__(self, t, x):
        return x

    def method(self, t, x):
        return x


def plain(t, x):
    return x


def closure():
    value = 1.0
    return lambda t, x: x + value


@functools.lru_cache
def cached(t, x):
    return x


REMEMBER = {
    "bound method": Plant().step,
    "object": Plant(),
    "partial of a bound method": functools.partial(Plant().step),
    "partial of an object": functools.partial(Plant()),
    "slots": Slots(),
    "dataclass": Data(),
    "cached bound method": functools.lru_cache(Plant().step),
    "random generator": np.random.RandomState(0).normal,
    "method of a dictionary": {}.get,
}

DO_NOT = {
    "function": plain,
    "lambda": lambda t, x: x,
    "closure": closure(),
    "partial": functools.partial(plain),
    "cached function": cached,
    "ufunc": np.add,
    "vectorized": np.vectorize(plain, otypes=[float]),
    "builtin": max,
    "class": np.float64,
    "classmethod": Plant.of_class,
    "staticmethod": Plant.static,
    "without attributes": Nothing(),
    "method without attributes": Nothing().method,
    "frozen object": nengo.dists.Uniform(0, 1).sample,
    "process": nengo.synapses.Lowpass(0.1),
    "constant": np.ones(1),
    "nothing": None,
}


class FakeNode:
    """Nengo calls functions to see whether they fit, which some of these do not."""

    def __init__(self, output, size_in=1):
        self.output, self.size_in = output, size_in


@pytest.mark.parametrize("name", REMEMBER)
def test_warns(name):
    with pytest.warns(NengoWarning, match="one object for all 2 items"):
        warn_of_shared_callables([FakeNode(REMEMBER[name])], 2)


@pytest.mark.parametrize("name", DO_NOT)
def test_does_not_warn(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_shared_callables([FakeNode(DO_NOT[name])], 2)
        warn_of_shared_callables([FakeNode(Plant(), size_in=0)], 2)
        warn_of_shared_callables([FakeNode(Plant())], 1)
        warn_of_shared_callables([FakeNode(Plant())], None)


def test_a_simulator_warns_once_at_the_line_that_makes_it():
    with nengo.Network() as net:
        nengo.Node(Plant().step, size_in=1, label="robot")
        with nengo.Network():
            nengo.Node(Plant(), size_in=1, label="arm")
    with pytest.warns(NengoWarning) as caught:
        Simulator(net, minibatch_size=2, progress_bar=False).close()
    (warning,) = (w for w in caught if w.category is NengoWarning)
    assert warning.filename == __file__
    text = str(warning.message)
    assert text.startswith("<Node 'robot'>: its output, <bound method Plant.step")
    assert "those of 1 more nodes" in text and "make_step" in text
