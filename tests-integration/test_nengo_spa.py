"""Models of nengo-spa give the same answer as in Nengo."""

import nengo
import nengo_spa as spa
import numpy as np
import pytest
from nengo_spa import sym

from nengo_dl import Simulator, configure_settings

SECONDS = 0.5
MAPPING = {"A": "B", "B": "C", "C": "D"}


@pytest.fixture(autouse=True, scope="module")
def no_decoder_cache():
    """Keep the tests out of the user's cache, and its lock out of the tests."""
    enabled = nengo.rc.getboolean("decoder_cache", "enabled")
    nengo.rc.set("decoder_cache", "enabled", "False")
    yield
    nengo.rc.set("decoder_cache", "enabled", str(enabled))


def vocabulary():
    vocab = spa.Vocabulary(16, pointer_gen=np.random.RandomState(1))
    vocab.populate("A; B; C; D")
    return vocab


def state(vocab):
    """A memory that is given one thing after the other, and holds the rest of both."""
    memory = spa.State(vocab, subdimensions=4, neurons_per_dimension=10, feedback=0.5)
    spa.Transcode(lambda t: "A" if t < 0.2 else "C + D", output_vocab=vocab) >> memory
    return memory.output, "C + D"


def binding(vocab):
    bound = spa.Bind(vocab, neurons_per_dimension=20)
    spa.Transcode(lambda t: "A" if t < 0.2 else "C", output_vocab=vocab) >> (
        bound.input_left
    )
    sym.B >> bound.input_right
    return bound.output, "C * B"


def action_selection(vocab):
    """The basal ganglia choose, and the thalamus routes: a walk through the rules."""
    memory = spa.State(vocab, subdimensions=4, neurons_per_dimension=20)
    with spa.ActionSelection():
        spa.ifmax(spa.dot(memory, sym.A), sym.B >> memory)
        spa.ifmax(spa.dot(memory, sym.B), sym.C >> memory)
        spa.ifmax(spa.dot(memory, sym.C), sym.D >> memory)
        spa.ifmax(spa.dot(memory, sym.D), sym.D >> memory)
    spa.Transcode(lambda t: "A" if t < 0.1 else "0", output_vocab=vocab) >> memory
    return memory.output, "D"


def wta_memory(vocab):
    memory = spa.WTAAssocMem(0.3, vocab, mapping=MAPPING, n_neurons=20)
    heard = spa.Transcode(
        lambda t: "A + 0.5 * B" if t < 0.25 else "B + 0.5 * C", output_vocab=vocab
    )
    heard >> memory
    return memory.output, "C"


def ia_memory(vocab):
    memory = spa.IAAssocMem(vocab, mapping=MAPPING, n_neurons=20)
    heard = spa.Transcode(lambda t: "0.6 * B + 0.4 * C", output_vocab=vocab)
    heard >> memory
    return memory.output, "C"


MODELS = [state, binding, action_selection, wta_memory, ia_memory]


def build(model, neuron_type, dtype, seed=0):
    """Return a network, its probe, and what it should have come to in the end."""
    with spa.Network(seed=seed) as net:
        net.config[nengo.Ensemble].neuron_type = neuron_type
        configure_settings(dtype=dtype)
        vocab = vocabulary()
        output, expected = model(vocab)
        probe = nengo.Probe(output, synapse=0.03)
    return net, probe, vocab.parse(expected).v


def run(simulator, net, probe):
    with simulator(net, seed=1, progress_bar=False) as sim:
        sim.run(SECONDS)
        return sim.data[probe]


def rms(values):
    return np.sqrt(np.mean(values**2))


def similarity(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


@pytest.mark.slow
@pytest.mark.parametrize("neuron_type", [nengo.LIFRate(), nengo.LIF()], ids=str)
@pytest.mark.parametrize("model", MODELS)
def test_as_nengo(model, neuron_type):
    """In double precision every spike is the same, too."""
    net, probe, expected = build(model, neuron_type, "float64")
    reference = run(nengo.Simulator, net, probe)
    found = run(Simulator, net, probe)
    peak = np.max(np.abs(reference))
    np.testing.assert_allclose(found, reference, rtol=0, atol=1e-8 * peak)
    assert similarity(found[-1], expected) > 0.9  # the model does what it is for


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_in_single_precision(model):
    """Spikes may come a step earlier or later: that changes less than other neurons."""
    net, probe, _ = build(model, nengo.LIF(), "float32")
    other_net, other_probe, _ = build(model, nengo.LIF(), "float32", seed=1)
    reference = run(nengo.Simulator, net, probe)
    others = run(nengo.Simulator, other_net, other_probe)
    found = run(Simulator, net, probe)
    assert rms(found - reference) < 0.1 * rms(others - reference)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_parameters_of_networks_without_a_seed(model, tmp_path):
    """What one build saved, another one loads: of all that is drawn nothing is left.

    In double precision: two builds may sum in another order, which moves spikes.
    """
    outputs = []
    for number in range(2):
        net, probe, _ = build(model, nengo.LIF(), "float64", seed=None)
        with Simulator(net, progress_bar=False, jit_compile=False) as sim:
            sim.run_steps(100)
            outputs.append(sim.data[probe])
            sim.reset()
            if number == 0:
                sim.save_params(tmp_path / "parameters")
            else:
                sim.load_params(tmp_path / "parameters")
                sim.run_steps(100)
                outputs.append(sim.data[probe])
    first, built, loaded = outputs
    assert rms(built - first) > 1e-4 * rms(first)
    np.testing.assert_allclose(loaded, first, rtol=0, atol=1e-5 * np.max(np.abs(first)))
