"""What tests of the simulator share, and their only way into a simulator."""

from pathlib import Path

import keras
import nengo
import numpy as np
import tensorflow as tf

from nengo_dl_sim import Simulator, configure_settings
from nengo_dl_sim.execution.jit_policy import Mode

#: This folder; a Python that is started anew must have it on its path.
SHARED = Path(__file__).parent


def simulator(net, **kwargs):
    """Make a simulator that draws no bars, and takes no time to compile."""
    return Simulator(net, **{"progress_bar": False, "jit_compile": False, **kwargs})


def reference(net, **kwargs):
    """Make the simulator of Nengo that says what is right."""
    return nengo.Simulator(net, progress_bar=False, optimize=False, **kwargs)


def total(outputs):
    """An objective: the sum of everything."""
    return tf.reduce_sum(outputs)


def sgd(rate=0.125):
    """An optimizer whose updates can be computed by hand."""
    return keras.optimizers.SGD(rate)


def linear(value=0.5):
    """A trainable weight of 1 from an input to a probe: its gradient is the input."""
    with nengo.Network(seed=0) as net:
        configure_settings(dtype="float64")
        net.a = nengo.Node([value])
        net.b = nengo.Node(size_in=1)
        net.conn = nengo.Connection(net.a, net.b, transform=1.0, synapse=None)
        net.p = nengo.Probe(net.b, label="p")
    return net


def weight(sim, net):
    """The weight of ``net.conn``, as it is now."""
    return float(np.squeeze(sim.data[net.conn].weights))


# -- inside a simulator: no test goes another way


def engine_of(sim):
    """The parts of a simulator."""
    return sim._engine


def program_of(sim):
    """What a step of a simulator computes."""
    return engine_of(sim).program


def groups_of(sim):
    """The operators of each group of a program, in the order of the step."""
    return [group.ops for group in program_of(sim).groups]


def simulation_of(sim):
    """The state of a simulation, and the number of steps done."""
    return sim._simulation


def state_of(sim):
    """The state after the last step."""
    return simulation_of(sim).state


def specialized_of(sim):
    """The specialized program by which a simulator runs now, if by one."""
    return simulation_of(sim)._specialized


def runner_of(sim):
    """What runs the program that is in use."""
    return (specialized_of(sim) or engine_of(sim)).runner


def run_functions_of(sim):
    """The functions of runs that were made so far."""
    return list(runner_of(sim)._functions.values())


def trainer_of(sim):
    """What trains, and remembers optimizers and functions."""
    return sim._trainer


def batch_functions_of(sim):
    """The functions of minibatches that were made so far."""
    return list(sim._evaluator.functions._functions._values.values())


def n_updates_kept(sim):
    """How many optimizers' updates are remembered."""
    return len(trainer_of(sim)._optimizers._updates._values)


def body_of(function):
    """What a function of runs computes, before TensorFlow makes a graph of it."""
    return function._run


def arguments_of(sim, function):
    """What a function of runs may be called with."""
    chosen, state = simulation_of(sim).prepare(Mode.XLA)
    batch, stepped = program_of(sim).minibatch_size, function.split.stepped
    size = 0 if stepped is None else stepped.size
    return (
        state,
        chosen.runner.feed({}).held({}),
        tf.zeros((function.capacity, size, batch)),
        tf.zeros((len(chosen.runner.recordings), function.capacity), tf.int32),
        tf.constant(1),
    )


def counting_builders(sim):
    """Return the names of the builders of what counts operations."""
    return [type(group).__name__ for group in sim._counting.program.groups]
