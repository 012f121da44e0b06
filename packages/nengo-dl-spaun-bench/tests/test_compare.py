import contextlib
import dataclasses
import json

import nengo
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.image import imread
from nengo.exceptions import ValidationError

from nengo_dl_spaun_bench import Benchmark, cli, compare
from nengo_dl_spaun_bench.cli import STANDARD, main
from nengo_dl_spaun_bench.compare import find_backend, relative_difference

TINY = Benchmark(
    net="integrator", dimensions=2, neurons_per_d=5, minibatch_size=3, n_steps=10
)
Core = nengo.Simulator
TINY_OPTIONS = ["--dims", "2", "--neurons-per-d", "5", "--steps", "10", "--pairs", "2"]


def invoke(*arguments):
    return CliRunner().invoke(main, ["compare", *arguments])


def test_compare():
    found = compare(TINY, n_pairs=3)
    assert (found.benchmark, found.against, found.n_neurons) == (TINY, "nengo", 10)
    assert found.ours.n == found.theirs.n == found.ratio.n == 3
    assert found.ratio.min <= found.theirs.max / found.ours.min
    assert found.ratio.max >= found.theirs.min / found.ours.max
    assert 0 < found.difference < 1e-5


class Doubled(contextlib.AbstractContextManager):
    """A backend whose outputs are twice what they should be."""

    def __init__(self, net, **options):
        self.sim = Core(net, **options)
        self.run_steps = self.sim.run_steps

    def __exit__(self, *args):
        self.sim.close()

    @property
    def data(self):
        return {p: 2 * self.sim.data[p] for p in self.sim.model.probes}


def test_results_that_differ_show(monkeypatch):
    monkeypatch.setattr(nengo, "Simulator", Doubled)
    assert compare(TINY, n_pairs=1).difference == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(
    "found, expected, difference",
    [
        ([1.0, 2.0], [1.0, 2.0], 0),
        ([1.0, 2.5], [1.0, 2.0], 0.25),
        ([0.0, 0.5], [0.0, 0.0], 0.5),
        ([], [], 0),
    ],
)
def test_relative_difference(found, expected, difference):
    assert relative_difference(np.array(found), np.array(expected)) == difference


def test_backends():
    assert find_backend("nengo") is nengo.Simulator
    assert find_backend("dl").__module__.startswith("nengo_dl")


@pytest.mark.parametrize(
    "change, arguments, message",
    [
        ({}, {"against": "spam"}, r"against: .*'nengo'.*got 'spam'"),
        ({}, {"n_pairs": 0}, "n_pairs: .*got 0"),
        ({"workload": "train"}, {}, "Benchmark.workload: .*'run'.*got 'train'"),
    ],
)
def test_bad_arguments(change, arguments, message):
    with pytest.raises(ValidationError, match=message):
        compare(dataclasses.replace(TINY, **change), **arguments)


def test_table_and_plot(tmp_path):
    path = tmp_path / "plot.png"
    nets = ["--net", "integrator", "--net", "cconv"]
    result = invoke(
        *nets, *TINY_OPTIONS, "--minibatch", "1", "--minibatch", "2", "--plot", path
    )
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("network")
    assert lines[0].endswith("times as fast  difference")
    assert [line.split()[:2] for line in lines[1:]] == [
        *[["integrator", "(relu)"]] * 2,
        *[["cconv", "(relu)"]] * 2,
    ]
    assert imread(path).std() > 0.05
    assert [line.split(":")[:2] for line in result.stderr.splitlines()] == [
        [f"{number} of 4", f" {net} (relu), minibatch {size}"]
        for number, (net, size) in enumerate(
            [(net, size) for net in ("integrator", "cconv") for size in (1, 2)], start=1
        )
    ]


def test_a_line_comes_as_each_network_ends(monkeypatch):
    compared = []

    def fail_at_last(benchmark, *args):
        compared.append(benchmark.net)
        if len(compared) == 2:
            raise ValidationError("no", "against")
        return compare(TINY, n_pairs=1)

    monkeypatch.setattr(cli, "compare", fail_at_last)
    result = invoke("--net", "integrator", "--net", "cconv", *TINY_OPTIONS)
    assert result.exit_code == 1
    first, error = result.stderr.splitlines()
    assert first.startswith("1 of 2: integrator (relu), minibatch 3: ")
    assert error.startswith("Error: ")


def test_json():
    result = invoke("--net", "integrator", *TINY_OPTIONS, "--json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    assert found["benchmark"]["net"] == "integrator"
    assert found["ratio"]["n"] == 2


def test_unknown_backend_is_one_line():
    result = invoke("--net", "integrator", *TINY_OPTIONS, "--against", "spam")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "got 'spam'" in line


def test_standard_networks():
    assert "spaun_like" not in STANDARD
    assert len(STANDARD) == 7
