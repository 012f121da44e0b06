"""What a step hands out: signals by any keys, of which probes are one kind."""

import nengo
import numpy as np
import tensorflow as tf
from nengo.builder import Model

from nengo_dl_ops import BuildConfig
from nengo_dl_ops.step import PlanSettings, SignalRoles, build_program


def built():
    with nengo.Network(seed=0) as net:
        net.ens = nengo.Ensemble(5, 1, neuron_type=nengo.LIFRate())
        net.probe = nengo.Probe(net.ens)
    model = Model()
    model.build(net)
    return net, model


def program(model, **outputs):
    return build_program(
        model, model.operators, SignalRoles(), PlanSettings(), BuildConfig(), **outputs
    )


def first_step(program, outputs):
    parameters = [
        tf.constant(np.concatenate([np.atleast_1d(b.initial_value) for b in p.bases]))
        for p in program.parameters
    ]
    parameters = [tf.cast(value, "float32") for value in parameters]
    return program.step(parameters, program.initial_state(0), outputs=outputs)[1]


def test_by_default_what_probes_read():
    net, model = built()
    assert list(program(model).outputs) == [net.probe]


def test_signals_by_any_key_without_a_probe():
    net, model = built()
    neurons = model.sig[net.ens.neurons]
    signals = {("rates", net.ens): neurons["out"], "current": neurons["in"]}
    made = program(model, outputs=signals)
    assert list(made.outputs) == list(signals)
    rates, current = first_step(made, list(made.outputs.values()))
    expected = nengo.LIFRate().rates(current[:, 0], np.ones(1), np.zeros(1))
    np.testing.assert_allclose(rates, expected, rtol=1e-5)
    assert np.any(expected > 0)
