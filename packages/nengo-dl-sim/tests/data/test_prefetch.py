"""Data that does not come: Ctrl-C ends the wait, whatever the generator waits for."""

import threading
import time
import weakref

import keras
import nengo
import numpy as np
import pytest
import tensorflow as tf
from helpers import engine_of

from nengo_dl_sim import Simulator
from nengo_dl_sim.data import prefetch
from nengo_dl_sim.data.prefetch import prefetched


def generator(event):
    def generate():
        for i in range(3):
            yield np.float32(i)
        event.wait(60)
        yield np.float32(3)

    return generate


def of_generator(event):
    return generator(event)()


def of_iterable(event):
    class Data:
        def __iter__(self):
            return generator(event)()

    return Data()


def of_dataset(event):
    return tf.data.Dataset.from_generator(
        generator(event), output_signature=tf.TensorSpec((), tf.float32)
    )


def of_shuffled_dataset(event):
    return of_dataset(event).map(lambda x: x + 1).prefetch(1)


STREAMS = [of_generator, of_iterable, of_dataset, of_shuffled_dataset]


@pytest.fixture
def event():
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(prefetch, "_GRACE", 0.1)


def interrupt_when_waiting(monkeypatch, n_taken):
    """Raise KeyboardInterrupt, as Ctrl-C does, when nothing comes any more."""
    take = prefetch.Queue.get
    taken = []

    def get(queue, *args, **kwargs):
        if kwargs.get("timeout") and len(taken) == n_taken:
            raise KeyboardInterrupt
        entry = take(queue, *args, **kwargs)
        taken.append(entry)
        return entry

    monkeypatch.setattr(prefetch.Queue, "get", get)


@pytest.mark.parametrize("make", STREAMS)
def test_ends_while_the_stream_waits(make, event, soon, monkeypatch):
    interrupt_when_waiting(monkeypatch, n_taken=3)
    n_threads = threading.active_count()
    found = []
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        for element in prefetched(make(event)):
            found.append(float(element))
    assert time.monotonic() - begun < 50  # the stream waits for 60 s
    assert len(found) == 3
    event.set()
    while threading.active_count() > n_threads:  # the thread ends when it can
        assert time.monotonic() - begun < 50
        time.sleep(0.01)


@pytest.mark.parametrize("make", STREAMS)
def test_all_comes_in_order(make, event):
    event.set()
    first = 1 if make is of_shuffled_dataset else 0
    assert list(prefetched(make(event))) == [first, first + 1, first + 2, first + 3]
    assert list(prefetched(make(event), 2)) == [first, first + 1]


def test_nothing_more_is_asked_for_when_the_end_is_near(event, soon):
    asked = []

    def generate():
        for i in range(100):
            asked.append(i)
            yield i

    elements = prefetched(generate())
    assert next(elements) == 0
    elements.close()
    n_asked = len(asked)
    time.sleep(0.3)
    assert len(asked) == n_asked <= 2 + prefetch.N_AHEAD


def test_training_is_interrupted(event, soon, monkeypatch):
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.5])
        ens = nengo.Ensemble(5, 1)
        nengo.Connection(node, ens)
        probe = nengo.Probe(ens)
    x = np.ones((1, 3, 1))

    def generate():
        for _ in range(3):
            yield {node: x, probe: x}
        event.wait(60)

    with Simulator(net, progress_bar=False, jit_compile=False) as sim:
        interrupt_when_waiting(monkeypatch, n_taken=3)
        with pytest.raises(KeyboardInterrupt):
            sim.train(generate(), keras.optimizers.SGD(1e-4))
        assert sim.training_step == 3


def test_a_simulator_that_is_dropped_is_closed():
    with nengo.Network(seed=0) as net:
        nengo.Probe(nengo.Node([0.5]))
    sim = Simulator(net, progress_bar=False)
    parameters, dropped = engine_of(sim).parameters, weakref.ref(sim)
    closed = []
    close = parameters.close
    parameters.close = lambda: closed.append(close())
    with pytest.warns(ResourceWarning, match="was deallocated while open"):
        del sim
    assert dropped() is None
    assert len(closed) == 1
