"""From Nengo's operators to one step: merge, lay out, build, emit."""

import numpy as np
import tensorflow as tf
from nengo.utils.graphs import toposort
from nengo.utils.simulator import operator_dependency_graph

from nengo_dl_ops import BuildConfig, Builder, make_merge_key
from nengo_dl_signals import SignalDict, SignalLayout, repeat_batch, stored_value


class Program:
    """One step of a model, as a function from values to values.

    Everything that some operator writes is carried from step to step: simple, and
    right, if not the fastest.
    """

    def __init__(self, model, minibatch_size, dtype):
        ops = model.operators
        probed = [model.sig[probe]["in"] for probe in model.probes]
        signals = [*(sig for op in ops for sig in op.all_signals), *probed]
        bases = dict.fromkeys(sig.base for sig in signals)
        written = {s.base for op in ops for s in (*op.sets, *op.incs, *op.updates)}
        self.batch = minibatch_size
        self.constants = [base for base in bases if base not in written]
        self.carried = [base for base in bases if base in written]
        self.layout = SignalLayout(bases, self.constants, dtype)
        self.probes = [self.layout[sig] for sig in probed]
        config = BuildConfig(model.dt, minibatch_size, dtype)
        groups = merge(ops, make_merge_key(self.layout))
        self.builders = [Builder.build(group, self.layout, config) for group in groups]
        self.variables = list(
            {id(v): v for builder in self.builders for v in builder.variables}.values()
        )

    @property
    def runs_python(self):
        return any(builder.python for builder in self.builders)

    def reset(self, seed):
        """Start anew; return the first step's values, variables and random key."""
        rng = np.random.RandomState(seed)
        for builder in self.builders:
            builder.post_build(rng)
            seeds = {op: rng.randint(2**31, size=self.batch) for op in builder.ops}
            streams = {op: [*map(np.random.RandomState, s)] for op, s in seeds.items()}
            builder.reset(streams)
        values = [self._initial(base) for base in self.carried]
        return values, [tf.identity(v) for v in self.variables], tf.constant([seed, 0])

    def _initial(self, base):
        rows = np.reshape(stored_value(base), (-1, 1))
        return repeat_batch(tf.constant(rows, self.layout.type_of(base)), self.batch)

    def step(self, values, variables, key):
        """Compute one step; return what `reset` does, and the probes' values."""
        signals = SignalDict(self.layout.n_rows)
        signals.key = key
        signals.variables = {
            id(v): value for v, value in zip(self.variables, variables, strict=True)
        }
        for base, value in zip(self.carried, values, strict=True):
            signals.load(self.layout.rows(base), value)
        for base in self.constants:
            value = np.atleast_1d(stored_value(base))[..., None]
            value = tf.constant(value, self.layout.type_of(base))
            signals.load(self.layout.rows(base), value)
        for builder in self.builders:
            builder.build_step(signals)
        after = [self._read(signals, self.layout[base]) for base in self.carried]
        after = [tf.reshape(value, (-1, self.batch)) for value in after]
        variables = [signals.variables[id(v)] for v in self.variables]
        probed = [self._read(signals, probe) for probe in self.probes]
        return (after, variables, key + tf.constant([0, 1])), probed

    def _read(self, signals, signal):
        return repeat_batch(signals.gather(signal), self.batch)


def merge(ops, merge_key):
    """Merge operators that wait for equally long chains of others, if keys agree."""
    graph = operator_dependency_graph(ops)
    depth = dict.fromkeys(ops, 0)
    for op in toposort(graph):
        for successor in graph[op]:
            depth[successor] = max(depth[successor], depth[op] + 1)
    groups = {}
    for op in sorted(ops, key=depth.get):
        groups.setdefault((depth[op], merge_key(op)), []).append(op)
    return list(groups.values())
