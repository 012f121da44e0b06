"""The whole network: what it is made of, and that it does what it should."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_spaun_bench.spaun import spaun
from nengo_dl_spaun_bench.spaun.benchmark import spaun_benchmark
from nengo_dl_spaun_bench.spaun.stimulus import images, show
from nengo_dl_spaun_bench.spaun.trials import NengoDLBackend, Speed, read_pen

DIMENSIONS = 16


@pytest.fixture(scope="module")
def net():
    return spaun(DIMENSIONS)


def test_no_node_computes_anything(net):
    for node in net.all_nodes:
        if node is net.stimulus:
            assert not node.size_in and not np.any(node.output)
        elif node.output is not None:
            # Biases are all the same; all other nodes pass on what they get.
            assert isinstance(node.output, np.ndarray) and not node.size_in
            assert node.output.tolist() == [1.0], node


def test_no_connection_function_stands_for_a_module(net):
    for connection in net.all_connections:
        if connection.function is not None:
            assert isinstance(connection.pre_obj, nengo.Ensemble)
            assert connection.pre_obj.dimensions <= 2


def test_neurons_are_lif(net):
    for ensemble in net.all_ensembles:
        assert type(ensemble.neuron_type) is nengo.LIF


@pytest.mark.slow
def test_digit_is_recognized_and_drawn(net):
    backend = NengoDLBackend(net, 1, Speed())
    with backend.sim:
        shown = show(images("A1[3]?", np.random.RandomState(0)), 2800)
        pens = backend.run(shown[None])
    assert read_pen(pens[0]) == "3"


@pytest.mark.parametrize("dimensions", [0, 24])
def test_other_sizes_are_refused(dimensions):
    with pytest.raises(ValidationError, match="dimensions"):
        spaun(dimensions)


def test_is_a_benchmark_of_one_size_and_one_type_of_neurons():
    for change in ((16, 20, nengo.LIF()), (16, 50, nengo.LIFRate())):
        with pytest.raises(ValidationError, match="tasks"):
            spaun_benchmark(*change)
