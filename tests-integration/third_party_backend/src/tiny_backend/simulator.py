"""The simulator: a loop of its own around the step that nengo-dl-ops plans."""

import numpy as np
import tensorflow as tf
from nengo.builder import Model

from nengo_dl_ops import BuildConfig
from nengo_dl_ops.planning import greedy_planner
from nengo_dl_ops.step import (
    PlanSettings,
    SignalRoles,
    build_program,
    check_numbers,
    check_supported,
)


class Simulator:
    """Simulate a Nengo network, ``minibatch_size`` times at once.

    Probe data is ``(steps, ...)`` like Nengo's, or ``(batch, steps, ...)`` if a
    minibatch size is given.
    """

    def __init__(
        self, network, dt=0.001, seed=None, minibatch_size=None, dtype="float32"
    ):
        self.model = Model(dt=dt, label=str(network))
        self.model.build(network)
        self.dt = dt
        self.minibatch_size = minibatch_size
        self.program = plan(self.model, BuildConfig(dt, minibatch_size or 1, dtype))
        self.data = {}
        self._run = tf.function(
            self._loop, autograph=False, jit_compile=not self.program.runs_python
        )
        self.reset(network.seed if seed is None else seed)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.data = dict(self.data)

    def reset(self, seed=None):
        """Go back to the beginning."""
        self.n_steps = 0
        self._get_ready(np.random.RandomState(seed or 0))
        arrays = [array.initial() for array in self.program.parameters]
        self._parameters = [tf.constant(array) for array in arrays]
        self._parameters += map(tf.identity, self.program.trainable_variables)
        self._state = self.program.initial_state(seed or 0)
        self._recorded = {probe: [] for probe in self.model.probes}
        self.data = {}

    def _get_ready(self, rng):
        """Let operators set their variables, and Python code begin anew."""
        for group in self.program.groups:
            group.post_build(rng)
            n_items = self.program.minibatch_size
            seeds = {op: rng.randint(2**31, size=n_items) for op in group.ops}
            streams = {op: [*map(np.random.RandomState, s)] for op, s in seeds.items()}
            group.reset(streams)

    def run(self, seconds):
        """Run for some seconds."""
        self.run_steps(int(np.round(seconds / self.dt)))

    def run_steps(self, n_steps):
        """Run for a number of steps."""
        self._state, probed = self._run(self._parameters, self._state, n_steps)
        steps = self.n_steps + 1 + np.arange(n_steps)
        self.n_steps += n_steps
        for probe, values in zip(self.model.probes, probed, strict=True):
            period = 1 if probe.sample_every is None else probe.sample_every / self.dt
            self._recorded[probe].append(values.numpy()[steps % period < 1])
            self.data[probe] = self._shaped(np.concatenate(self._recorded[probe]))

    def trange(self, sample_every=None):
        """Return the times of the steps, or of those that a probe sampled."""
        period = 1 if sample_every is None else sample_every / self.dt
        steps = np.arange(1, self.n_steps + 1)
        return self.dt * steps[steps % period < 1]

    def _shaped(self, values):
        """Bring the batch axis, the last one of a step, to where users expect it."""
        if self.minibatch_size is None:
            return values[..., 0]
        return np.moveaxis(values, -1, 0)

    def _loop(self, parameters, state, n_steps):
        """Take steps, and stack what is probed; traced for each number of steps."""
        probes = list(self.program.outputs.values())
        batch = self.program.minibatch_size
        buffers = [
            tf.zeros((n_steps, *probe.shape, batch), probe.dtype) for probe in probes
        ]

        def step(i, state, buffers):
            state, probed = self.program.step(parameters, state, outputs=probes)
            buffers = [
                tf.tensor_scatter_nd_update(buffer, [[i]], value[None])
                for buffer, value in zip(buffers, probed, strict=True)
            ]
            return i + 1, state, buffers

        _, state, buffers = tf.while_loop(
            lambda i, *_: i < n_steps, step, (tf.constant(0), state, buffers)
        )
        return state, buffers


def plan(model, config):
    """Make a program of all operators: no value of a node comes from elsewhere."""
    check_supported(model, model.operators)
    check_numbers(model, model.operators, config.dtype)
    # The clock counts in 64 bits, whatever the type of the simulation.
    roles = SignalRoles(exact=frozenset([model.step, model.time]))
    settings = PlanSettings(planner=greedy_planner)
    return build_program(model, model.operators, roles, settings, config)
