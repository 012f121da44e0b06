import dataclasses

import nengo
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_spaun_bench import Benchmark, Spread, measure

TINY = Benchmark(
    net="integrator", dimensions=2, neurons_per_d=5, minibatch_size=3, n_steps=10
)


@pytest.mark.parametrize(
    "times, median, shortest, longest",
    [([3.0, 1.0, 2.0], 2.0, 1.0, 3.0), ([4.0, 1.0], 2.5, 1.0, 4.0), ([5.0], 5, 5, 5)],
)
def test_spread(times, median, shortest, longest):
    spread = Spread.of(times)
    assert spread == Spread(median, shortest, longest, len(times))


def test_benchmark_builds_the_network_that_it_describes():
    net = Benchmark("cconv", 4, 6, "lif").build_network()
    assert net.label == "cconv"
    assert net.p.size_in == 4
    assert {ens.n_neurons for ens in net.all_ensembles} == {3}
    assert {type(ens.neuron_type) for ens in net.all_ensembles} == {nengo.LIF}


@pytest.mark.parametrize("workload", ["run", "train"])
def test_measure(workload):
    benchmark = dataclasses.replace(TINY, workload=workload)
    found = measure(benchmark, n_repetitions=3)
    steady = found.steady_s
    assert found.benchmark == benchmark
    assert found.n_neurons == 10
    assert min(found.construction_s, found.build_s, found.first_s, steady.min) > 0
    assert steady.n == 3
    assert steady.min <= steady.median <= steady.max
    assert found.compile_s == max(0, found.first_s - steady.median)
    assert found.real_time_factor == pytest.approx(10 * 0.001 / steady.median)
    assert found.machine.n_cpus >= 1
    assert found.machine.versions["nengo"] == nengo.__version__
    assert set(found.machine.versions) == {
        "python",
        "nengo_dl",
        "nengo",
        "tensorflow",
        "numpy",
    }


@pytest.mark.parametrize("enabled", ["True", "False"])
def test_leaves_the_decoder_cache_as_it_was(enabled):
    before = nengo.rc.get("decoder_cache", "enabled")
    nengo.rc.set("decoder_cache", "enabled", enabled)
    try:
        measure(TINY, n_repetitions=1)
        assert nengo.rc.get("decoder_cache", "enabled") == enabled
    finally:
        nengo.rc.set("decoder_cache", "enabled", before)


BAD_BENCHMARKS = [
    ({"net": "spam"}, "Benchmark.net: .*'cconv'.*got 'spam'"),
    ({"neuron": "spam"}, "Benchmark.neuron: .*'relu'.*got 'spam'"),
    ({"workload": "spam"}, "Benchmark.workload: .*'run'.*got 'spam'"),
    ({"dimensions": 0}, "Benchmark.dimensions: .*got 0"),
    ({"neurons_per_d": 1.5}, "Benchmark.neurons_per_d: .*got 1.5"),
    ({"minibatch_size": None}, "Benchmark.minibatch_size: .*got None"),
    ({"n_steps": -1}, "Benchmark.n_steps: .*got -1"),
]


@pytest.mark.parametrize("change, message", BAD_BENCHMARKS)
def test_bad_benchmark(change, message):
    with pytest.raises(ValidationError, match=message):
        Benchmark(**change)


def test_bad_repetitions():
    with pytest.raises(ValidationError, match="n_repetitions: .*got 0"):
        measure(TINY, n_repetitions=0)
