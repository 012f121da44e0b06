"""What the tests of operators share: a battery that any operator builder must pass."""

import functools

import nengo.builder.signal
import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_ops import BuildConfig, Builder
from nengo_dl_signals import SignalDict, SignalLayout, stored_value


class Group:
    """A group of merged operators, computed by its builder."""

    def __init__(self, ops, config, compiled, training=False):
        self.ops = ops
        self.config = config
        self.bases = list({sig.base: None for op in ops for sig in op.all_signals})
        written = {sig.base for op in ops for sig in op.sets + op.incs + op.updates}
        self.constants = {b for b in self.bases if b.readonly and b not in written}
        self.written = [base for base in self.bases if base in written]
        self.layout = SignalLayout(self.bases, self.constants, config.dtype)
        self.builder = Builder.build(ops, self.layout, config)
        kept = {sig.base for op in ops for sig in self.builder.previous(op)}
        self.fresh = [
            base
            for base in self.bases
            if base not in self.constants | kept and base.dtype.kind == "f"
        ]
        self.training = training
        self._step = tf.function(self.build, jit_compile=True, autograph=False)
        self._compiled = compiled

    def build(self, arrays):
        signals = SignalDict(self.layout.n_rows)
        for base, array in zip(self.bases, arrays, strict=True):
            place = self.layout[base]
            rows = (len(place.rows), *place.row_shape, array.shape[-1])
            signals.load(place.rows, tf.reshape(array, rows))
        builder = self.builder
        prepared = builder.prepare(signals)
        if prepared and self._compiled:
            signals.prepared[id(builder)] = prepared
        (builder.build_training_step if self.training else builder.build_step)(signals)
        return [signals.gather(self.layout[base]) for base in self.bases]

    def initial_values(self):
        """Return what the signals hold before the first step, (*shape, batch)."""
        return {
            base: np.repeat(
                stored_value(base)[..., None],
                1 if base in self.constants else self.config.minibatch_size,
                axis=-1,
            )
            for base in self.bases
        }

    def __call__(self, values):
        """Compute one step: from and to a dict of signal to (*shape, batch) array."""
        batch = self.config.minibatch_size
        arrays = [
            tf.constant(values[base], self.layout.type_of(base)) for base in self.bases
        ]
        arrays = self._step(arrays) if self._compiled else self.build(arrays)
        return {
            base: np.broadcast_to(array, (*stored_value(base).shape, batch))
            for base, array in zip(self.bases, arrays, strict=True)
        } | {base: values[base] for base in self.constants}


class Reference:
    """The same operators, computed by Nengo for one batch item."""

    def __init__(self, ops, dt):
        self.signals = nengo.builder.signal.SignalDict()
        for op in ops:
            op.init_signals(self.signals)
        self.steps = [op.make_step(self.signals, dt, np.random) for op in ops]

    def __call__(self):
        for step in self.steps:
            step()


def normal(rng, shape):
    return rng.normal(size=shape)


def compare_with_nengo(
    ops,
    draw=normal,
    n_steps=3,
    batch=2,
    dtype="float64",
    atol=1e-11,
    dt=0.001,
    compiled=False,
):
    """Step a group of operators side by side with Nengo, for each batch item."""
    keys = {Builder.of(op).merge_key(op) for op in ops}
    assert len(keys) == 1, "these operators do not merge"
    group = Group(ops, BuildConfig(dt, batch, dtype), compiled)
    references = [Reference(ops, dt) for _ in range(batch)]
    rng = np.random.RandomState(0)
    values = group.initial_values()
    for _ in range(n_steps):
        for base in group.fresh:
            values[base] = draw(rng, (*base.shape, batch)).astype(dtype)
            for i, reference in enumerate(references):
                reference.signals[base][...] = values[base][..., i]
        values = group(values)
        for i, reference in enumerate(references):
            reference()
            for base in group.written:
                np.testing.assert_allclose(
                    values[base][..., i],
                    reference.signals[base],
                    rtol=atol,
                    atol=atol,
                    err_msg=str(base),
                )


@pytest.fixture(params=[False, True], ids=["eager", "compiled"])
def compare(request):
    """Compare a group of operators with Nengo in one of the ways to execute it."""
    return functools.partial(compare_with_nengo, compiled=request.param)


@pytest.fixture
def compare_eagerly():
    """Compare a group of operators with Nengo, without the time to compile it."""
    return compare_with_nengo


@pytest.fixture
def in_nengo():
    """Make the steps of operators in Nengo, to call them."""
    return lambda ops: Reference(ops, 0.001)


@pytest.fixture
def build():
    """Build a group of operators."""

    def build_group(ops, compiled=False, training=False, **settings):
        return Group(ops, BuildConfig(**settings), compiled, training)

    return build_group
