"""What is not in NIR is refused by name, with the reason."""

import nengo
import nir
import numpy as np
import pytest
from nengo.dists import Choice
from nengo.exceptions import SimulatorClosed, ValidationError

import nengo_dl_ops
from nengo_dl_sim.nir import export, load
from nengo_dl_sim.nir.verdicts import (
    ABSTRACT,
    LEARNING_RULES,
    NEURONS,
    SYNAPSES,
    TRANSFORMS,
)

AT_ZERO = {"voltage": Choice([0])}


def ensemble_of(kind, **kwargs):
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(1), label="source")
        if isinstance(kind, nengo.Direct):
            ens = nengo.Ensemble(5, 1, neuron_type=kind, label="ens")
            nengo.Connection(source, ens, synapse=None)
            return net
        ens = nengo.Ensemble(
            5,
            1,
            neuron_type=kind,
            gain=np.ones(5),
            bias=np.ones(5),
            label="ens",
            **kwargs,
        )
        nengo.Connection(source, ens.neurons, transform=np.ones((5, 1)), synapse=None)
        nengo.Probe(ens.neurons)
    return net


def line_of(**kwargs):
    """Return a network with one connection that has something."""
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = nengo_dl_ops.ExactLIF()
        source = nengo.Node(np.zeros(2), label="source")
        out = nengo.Node(size_in=2, label="out")
        nengo.Connection(source, out, **{"synapse": None, **kwargs})
        nengo.Probe(out)
    return net


def concrete(*modules, base):
    return (
        {
            kind
            for module in modules
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, base)
        }
        - ABSTRACT
        - {nengo.transforms._ConvolutionBase}
    )


@pytest.mark.parametrize(
    "table, module, base",
    [
        (NEURONS, nengo.neurons, nengo.neurons.NeuronType),
        (SYNAPSES, nengo.synapses, nengo.synapses.Synapse),
        (TRANSFORMS, nengo.transforms, nengo.transforms.Transform),
        (LEARNING_RULES, nengo.learning_rules, nengo.learning_rules.LearningRuleType),
    ],
)
def test_the_tables_have_all_types(table, module, base):
    assert set(table) == concrete(module, nengo_dl_ops, base=base)
    for verdict in table.values():
        assert verdict.kind in ("exact", "conditional", "refused")
        assert bool(verdict.why) or verdict.kind == "exact"


RATES = {
    nengo.RegularSpiking: lambda: nengo.RegularSpiking(nengo.Tanh()),
    nengo.StochasticSpiking: lambda: nengo.StochasticSpiking(nengo.Tanh()),
    nengo.PoissonSpiking: lambda: nengo.PoissonSpiking(nengo.Tanh()),
}


@pytest.mark.parametrize("kind", NEURONS, ids=lambda kind: kind.__name__)
def test_neurons_as_the_table_says(kind):
    verdict, net = NEURONS[kind], ensemble_of(RATES.get(kind, kind)())
    if verdict.kind == "exact":
        nodes = export(net).nodes
        assert type(nodes["ens"]).__name__ == verdict.node
        return
    with pytest.raises(ValidationError, match="'ens'|\"ens\"|ens") as error:
        export(net)
    assert verdict.node in str(error.value)
    if not verdict.node:
        with pytest.raises(ValidationError, match="there is no approximation"):
            export(net, on_lossy="warn")
        return
    with pytest.warns(UserWarning, match="exported as"):
        nodes = export(net, on_lossy="warn").nodes
    assert type(nodes["ens"]).__name__ == verdict.node


LIF = {"tau_ref": 0, "min_voltage": -np.inf, "initial_state": AT_ZERO}


@pytest.mark.parametrize(
    "change, match",
    [
        ({"tau_ref": 0.002}, "no refractory period, tau_ref is 0.002"),
        ({"min_voltage": -1}, "no lowest voltage, min_voltage is -1"),
        ({"initial_state": None}, "no initial state"),
    ],
)
def test_conditions_of_lif(change, match):
    assert export(ensemble_of(nengo.LIF(**LIF)))
    net = ensemble_of(nengo.LIF(**{**LIF, **change}))
    with pytest.raises(ValidationError, match=f"{match}.*on_lossy='warn' exports"):
        export(net)
    with pytest.warns(UserWarning, match=f"{match}.*exported as"):
        export(net, on_lossy="warn")


def test_rectified_neurons_are_exact_under_their_condition():
    """No current is negative, and no neuron spikes twice in a step."""
    net = ensemble_of(nengo.SpikingRectifiedLinear(initial_state=AT_ZERO))
    source = net.nodes[0]
    with pytest.warns(UserWarning, match="exact only while.*no current is negative"):
        loaded = load(export(net, on_lossy="warn"))
    assert len(net.probes) == 1
    recorded = []
    for simulated, node in ((net, source), (loaded, loaded.inputs["source"])):
        node.output = np.array([333.0])
        with simulated:
            probe = (
                simulated.probes[0]
                if simulated is net
                else nengo.Probe(*simulated.outputs.values())
            )
        with nengo.Simulator(simulated, progress_bar=False) as sim:
            sim.run_steps(20)
        recorded.append(sim.data[probe])
    np.testing.assert_array_equal(*recorded)
    assert np.any(recorded[0])


@pytest.mark.parametrize(
    "kwargs, match",
    [
        ({"synapse": nengo.synapses.Triangle(0.01)}, "Triangle.*no such filter"),
        (
            {"synapse": nengo.synapses.LinearFilter([1, 1], [1, 2, 1])},
            "LinearFilter.*not so that it is 1 / ",
        ),
        ({"function": lambda x: x**2}, "function: NIR has no functions"),
    ],
)
def test_connections_that_are_refused(kwargs, match):
    for on_lossy in ("raise", "warn"):
        with pytest.raises(ValidationError, match=f"{match}.*no approximation"):
            export(line_of(**kwargs), on_lossy=on_lossy)


def test_learning_is_refused():
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(2))
        ens = nengo.Ensemble(9, 2, neuron_type=nengo_dl_ops.ExactLIF())
        out = nengo.Node(size_in=2)
        nengo.Connection(source, ens)
        nengo.Connection(ens, out, learning_rule_type=nengo.PES())
        nengo.Probe(out)
    with pytest.raises(ValidationError, match="PES: NIR has no learning; on_lossy"):
        export(net)
    with pytest.warns(UserWarning, match="PES.*exported as the weights as they are"):
        assert export(net, on_lossy="warn")


@pytest.mark.parametrize(
    "make, match",
    [
        (lambda: nengo.Node(lambda t, x: x, size_in=2), "no functions; there is no"),
        (
            lambda: nengo_dl_ops.TensorNode(lambda t, x: x, size_in=2, size_out=2),
            "Tens",
        ),
        (lambda: nengo.Node(lambda t: t), "as sources; on_lossy='warn' exports an in"),
        (lambda: nengo.Node([0.5]), "constants"),
        (lambda: nengo.Node(nengo.processes.WhiteNoise()), "processes"),
    ],
)
def test_nodes_that_compute_are_refused(make, match):
    net = line_of()
    with net:
        node = make()
        if node.size_in:
            nengo.Connection(net.nodes[0], node)
        nengo.Probe(node)
    with pytest.raises(ValidationError, match=match):
        export(net)


def test_sources_become_inputs_with_a_warning():
    net = line_of()
    net.nodes[0].output = lambda t: [t, t]
    with pytest.warns(UserWarning, match="exported as an input, to be given"):
        graph = export(net, on_lossy="warn")
    assert isinstance(graph.nodes["source"], nir.Input)


def test_probes_of_other_signals_are_refused():
    net = ensemble_of(nengo_dl_ops.ExactLIF())
    with net:
        nengo.Probe(net.ensembles[0].neurons, "voltage")
    with pytest.raises(ValidationError, match="'voltage' is none"):
        export(net)


def test_noise_is_refused():
    noise = nengo.processes.WhiteNoise(seed=0)
    net = ensemble_of(nengo_dl_ops.ExactLIF(), noise=noise)
    with pytest.raises(ValidationError, match="NIR has no noise"):
        export(net)


def test_networks_without_ends_are_refused():
    with nengo.Network() as net:
        nengo.Node(size_in=1)
    with pytest.raises(ValidationError, match="a node without input.*nir.Input"):
        export(net)
    with net:
        source = nengo.Node([0])
        a, b = (nengo.Node(size_in=1) for _ in range(2))
        nengo.Connection(a, b, synapse=0.1)
        nengo.Connection(b, a)
        nengo.Connection(source, a)
        net.objects[nengo.Node].pop(0)
    with pytest.raises(ValidationError, match="a probe.*nir.Output"):
        export(net)


def test_bad_arguments():
    with pytest.raises(ValidationError, match="on_lossy: expected 'raise' or 'warn'"):
        export(line_of(), on_lossy="ignore")
    with pytest.raises(ValidationError, match="nengo.Network or a simulator, got 3"):
        export(3)
    with nengo.Simulator(line_of(), progress_bar=False) as sim:
        assert export(sim)
    with pytest.raises(SimulatorClosed):
        export(sim)


def test_biases_of_convolutions_go_by_channel():
    transform = nengo.Convolution(2, (1, 4, 4), channels_last=False)
    bias = np.repeat([0.5, 2.0], 4)
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(16), label="source")
        ens = nengo.Ensemble(
            8,
            1,
            neuron_type=nengo_dl_ops.IntegrateAndFire(),
            gain=np.ones(8),
            bias=bias,
        )
        nengo.Connection(source, ens.neurons, transform=transform, synapse=None)
        nengo.Probe(ens.neurons)
    graph = export(net)
    (conv,) = (node for node in graph.nodes.values() if isinstance(node, nir.Conv2d))
    np.testing.assert_array_equal(conv.bias, [0.5, 2])
    assert nir.NIRGraph(graph.nodes, graph.edges).check_types()


def test_neurons_that_give_a_constant_become_a_bias():
    rng = np.random.RandomState(0)
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(3), label="source")
        one = nengo.Ensemble(
            2, 1, neuron_type=nengo.RectifiedLinear(), gain=[1, 1], bias=[1, 0.5]
        )
        passed = nengo.Node(size_in=4)
        nengo.Connection(one.neurons, passed, transform=rng.rand(4, 2), synapse=None)
        lif = nengo.Ensemble(
            4,
            1,
            neuron_type=nengo_dl_ops.EulerLIF(),
            gain=np.full(4, 2.0),
            bias=np.ones(4),
        )
        encoded = nengo.Ensemble(5, 2, neuron_type=nengo_dl_ops.EulerLIF())
        out = nengo.Node(size_in=4, label="out")
        plain = {"synapse": None}
        nengo.Connection(passed, lif.neurons, **plain)
        nengo.Connection(passed[:2], encoded, **plain)
        nengo.Connection(source, lif.neurons, transform=rng.rand(4, 3), **plain)
        nengo.Connection(lif.neurons, out, transform=rng.rand(4, 4), **plain)
        nengo.Connection(encoded.neurons[:4], out, **plain)
        nengo.Connection(passed, out, **plain)
        probe = nengo.Probe(out, label="p")
    loaded = load(export(net))
    recorded = []
    with loaded:
        found = nengo.Probe(loaded.outputs["out"])
    for simulated, which, node in (
        (net, probe, source),
        (loaded, found, loaded.inputs["source"]),
    ):
        node.output = np.array([1.0, 2.0, 3.0])
        with nengo.Simulator(simulated, progress_bar=False) as sim:
            sim.run_steps(30)
        recorded.append(sim.data[which])
    np.testing.assert_allclose(*recorded, rtol=1e-12)
    assert len(np.unique(recorded[0])) > 10


@pytest.mark.parametrize("amplitude", [1, 0.001, 0.3])
def test_spikes_of_one(amplitude):
    kind = nengo_dl_ops.EulerLIF(0.01, amplitude=amplitude)
    net = ensemble_of(kind)
    source, probe = net.nodes[0], net.probes[0]
    graph = export(net, spike_height="one")
    assert ("Scale" in {type(n).__name__ for n in graph.nodes.values()}) == (
        amplitude != 0.001
    )
    loaded = load(graph)
    assert loaded.nodes["ens"].neuron_type.amplitude == pytest.approx(amplitude)
    with loaded:
        found = nengo.Probe(*loaded.outputs.values())
    recorded = []
    for simulated, which, node in (
        (net, probe, source),
        (loaded, found, loaded.inputs["source"]),
    ):
        node.output = np.array([2.0])
        with nengo.Simulator(simulated, progress_bar=False) as sim:
            sim.run_steps(40)
        recorded.append(sim.data[which])
    np.testing.assert_allclose(*recorded, rtol=1e-12)
    assert np.any(recorded[0])


def test_a_wrong_height_of_spikes():
    with pytest.raises(ValidationError, match="spike_height: expected one of 'one'"):
        export(line_of(), spike_height=1)
