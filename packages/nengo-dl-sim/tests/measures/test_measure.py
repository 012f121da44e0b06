"""Which functions are the same to a compiled one."""

from dataclasses import dataclass

import numpy as np

from nengo_dl_sim.measures.measure import Measure


@dataclass
class Unhashable:
    weight: float

    def __call__(self, outputs):
        return outputs


def make(weight, scale=None):
    def objective(outputs, scale=scale):
        return weight * outputs

    return objective


def identity(source):
    return Measure("", (0,), (), lambda y, t: y[0], source).identity


def test_equal_measures():
    array, other = np.zeros(2), np.zeros(2)
    instance = Unhashable(1.0)
    same = [
        (make(1.0), make(1.0)),
        (make(array), make(array)),
        (make(1.0, array), make(1.0, array)),
        (instance, instance),
        (instance.__call__, instance.__call__),
        (None, None),
        ("mean_squared_error", "mean_squared_error"),
    ]
    different = [
        (make(1.0), make(2.0)),
        (make(array), make(other)),
        (make(1.0, array), make(1.0, other)),
        (instance, Unhashable(1.0)),
        (None, "mse"),
    ]
    for a, b in same:
        assert identity(a) == identity(b)
        assert hash(identity(a)) == hash(identity(b))
    for a, b in different:
        assert identity(a) != identity(b)
    measure = Measure("", (0,), (), lambda y, t: y[0], None)
    assert measure.identity != measure.summed().identity
