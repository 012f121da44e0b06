"""Random numbers of Keras in TensorNodes, made to follow from a seed."""

from __future__ import annotations

import functools
import hashlib
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError

from .variables import innermost

logger = logging.getLogger(__name__)

#: For each layer that was built for a TensorNode, digests of weights that nobody has
#: chosen: those it was built with, and those that were drawn last.
_drawn: WeakKeyDictionary[keras.Layer, dict[str, bytes]] = WeakKeyDictionary()

_STATE = "seed_generator_state"


def seed_generators(func: Callable) -> list[keras.random.SeedGenerator]:
    """
    Find the seed generators of Keras that a function draws from.

    Returns those among its attributes, and those of layers in it; those in its closure,
    its defaults, and the global variables that it names.
    """
    found: dict[int, keras.random.SeedGenerator] = {}
    waiting, seen = list(_held(func)), set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, keras.random.SeedGenerator):
            found[id(value)] = value
        elif isinstance(value, keras.Layer):
            waiting += vars(value).values()
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, (list, tuple, set)):
            waiting += value
    return sorted(found.values(), key=lambda generator: generator.state.path)


def _held(func: Callable) -> Iterator[Any]:
    if isinstance(func, functools.partial):
        yield from (*func.args, *func.keywords.values())
    inner = innermost(func)
    yield inner
    yield from vars(getattr(inner, "__self__", inner)).values()
    code = getattr(inner, "__code__", None)
    if code is not None:
        for cell in inner.__closure__ or ():
            yield cell.cell_contents
        yield inner.__defaults__ or ()
        yield inner.__kwdefaults__ or ()
        yield [inner.__globals__.get(name) for name in code.co_names]


def check_generators(
    variables: Sequence[keras.Variable | tf.Variable], traced: Any
) -> None:
    """
    Check that a step can carry what a function draws from.

    Raises a ``ValidationError`` if it draws from another seed generator of Keras: it
    would get the same numbers in every step.
    """
    mine = {id(getattr(variable, "value", variable)) for variable in variables}
    used = [v for v in traced.graph.variables if _STATE in v.name]
    if any(id(variable) not in mine for variable in used):
        raise ValidationError(
            "expected random numbers of Keras from a keras.random.SeedGenerator that "
            "the function holds, got a function that draws without one, or from one "
            "that is not found: it would return the same numbers in every step. Use "
            "keras.random.uniform(shape, seed=generator), with generator = "
            "keras.random.SeedGenerator() as a variable outside of the function or an "
            "attribute of its object, or tf.random.uniform(shape)",
            attr="tensor_func",
        )


def reseed(
    func: Callable,
    variables: Sequence[keras.Variable | tf.Variable],
    shape_in: tuple[int, ...] | None,
    rng: np.random.RandomState,
) -> None:
    """Let what is drawn without a seed of its own follow from that of a simulator."""
    known = {id(variable) for variable in variables}
    for generator in seed_generators(func):
        if id(generator.state) in known and generator.get_config()["seed"] is None:
            generator.state.assign([_seed(rng), 0])
    if isinstance(func, keras.Layer) and shape_in is not None:
        _draw_weights(func, shape_in, rng)


def take_note_of_build(layer: keras.Layer) -> None:
    """Remember that nobody has chosen the weights that a layer was built with."""
    _drawn[layer] = {"built": _digest(layer)}


def _draw_weights(
    layer: keras.Layer, shape_in: tuple[int, ...], rng: np.random.RandomState
) -> None:
    """Draw initial weights, unless they were chosen, loaded or trained since."""
    seed, known = _seed(rng), _drawn.get(layer)
    if not known or not layer.weights or _digest(layer) not in known.values():
        return
    try:
        with _seeded(seed):
            copy = type(layer).from_config(layer.get_config())
            copy(keras.KerasTensor((None, *shape_in), dtype=layer.compute_dtype))
        layer.set_weights(copy.get_weights())
    except Exception as error:  # a layer of the user's that cannot be made again
        logger.info("The weights of layer %s keep their values: %s", layer.name, error)
    known["drawn"] = _digest(layer)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Let Keras choose seeds from a seed; leave Python's generator as it was."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def _seed(rng: np.random.RandomState) -> int:
    return int(rng.randint(1, 2**31 - 1))


def _digest(layer: keras.Layer) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for weight in layer.weights:
        digest.update(np.ascontiguousarray(tf.convert_to_tensor(weight)).data)
    return digest.digest()
