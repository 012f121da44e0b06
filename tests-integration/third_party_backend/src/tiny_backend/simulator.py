"""The simulator: a loop of its own around the step."""

import numpy as np
import tensorflow as tf
from nengo.builder import Model

from .program import Program


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
        self.program = Program(self.model, minibatch_size or 1, dtype)
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
        self._state = self.program.reset(seed or 0)
        self._recorded = {probe: [] for probe in self.model.probes}
        self.data = {}

    def run(self, seconds):
        """Run for some seconds."""
        self.run_steps(int(np.round(seconds / self.dt)))

    def run_steps(self, n_steps):
        """Run for a number of steps."""
        self._state, probed = self._run(self._state, n_steps)
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

    def _loop(self, state, n_steps):
        """Take steps, and stack what is probed; traced for each number of steps."""
        buffers = [
            tf.zeros((n_steps, *probe.shape, self.program.batch), probe.dtype)
            for probe in self.program.probes
        ]

        def step(i, state, buffers):
            state, probed = self.program.step(*state)
            buffers = [
                tf.tensor_scatter_nd_update(buffer, [[i]], value[None])
                for buffer, value in zip(buffers, probed, strict=True)
            ]
            return i + 1, state, buffers

        _, state, buffers = tf.while_loop(
            lambda i, *_: i < n_steps, step, (tf.constant(0), state, buffers)
        )
        return state, buffers
