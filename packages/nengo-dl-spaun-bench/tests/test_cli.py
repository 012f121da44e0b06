import json

import pytest
from click.testing import CliRunner
from nengo.exceptions import BuildError

import nengo_dl
from nengo_dl_spaun_bench import NETWORKS, NEURON_TYPES, __version__
from nengo_dl_spaun_bench.cli import main

TINY = ["--dims", "2", "--neurons-per-d", "5", "--steps", "10"]


def invoke(*arguments):
    return CliRunner().invoke(main, arguments)


def test_list():
    result = invoke("list")
    assert result.exit_code == 0
    first_words = [line.split()[0] for line in result.output.splitlines()]
    assert [word for word in first_words if word in NETWORKS] == list(NETWORKS)
    assert [word for word in first_words if word in NEURON_TYPES] == list(NEURON_TYPES)
    assert "Circular convolution of two vectors" in result.output


def test_version():
    assert __version__ in invoke("--version").output


LARGE = pytest.param("spaun_like", marks=pytest.mark.slow)


@pytest.mark.parametrize(
    "net", [n if n != LARGE.values[0] else LARGE for n in NETWORKS if n != "spaun"]
)
def test_run(net):
    result = invoke("run", "--net", net, *TINY)
    assert result.exit_code == 0, result.output
    rows = dict(line.split(maxsplit=1) for line in result.output.splitlines())
    assert rows["network"].startswith(f"{net}, 2 dimensions, ")
    assert rows["workload"] == "run, 10 steps, minibatch 1"
    for stage in ("construction", "build", "compile", "steady"):
        assert float(rows[stage].split()[0]) >= 0


def test_scale_of_cuba():
    options = ["--neurons-per-d", "1", "--steps", "10", "--json"]
    result = invoke("run", "--net", "cuba", "--scale", "2", *options)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["n_neurons"] == 2 * 80
    assert found["benchmark"]["neuron"] == "lif"
    simulated = found["real_time_factor"] * found["steady_s"]["median"]
    assert simulated == pytest.approx(10 * 1e-4)


@pytest.mark.parametrize("command", ["run", "compare"])
@pytest.mark.parametrize("others", [["--net", "pes"], ["--net", "cuba", "--dims", "4"]])
def test_a_scale_that_would_change_nothing(command, others):
    result = invoke(command, "--scale", "2", *others)
    assert result.exit_code == 2
    assert "--scale: expected --net cuba" in result.output


def test_run_as_json():
    result = invoke(
        "run", "--net", "integrator", "--neuron", "spiking_relu", *TINY,
        "--minibatch", "3", "--train", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["benchmark"] == {
        "net": "integrator",
        "dimensions": 2,
        "neurons_per_d": 5,
        "neuron": "spiking_relu",
        "minibatch_size": 3,
        "n_steps": 10,
        "workload": "train",
    }
    assert found["n_neurons"] == 10
    stages = {"construction_s", "build_s", "first_s", "compile_s", "steady_s"}
    assert stages < set(found)
    assert found["steady_s"]["n"] > 1


def test_errors_of_nengo_are_one_line(monkeypatch):
    def refuse(*args, **kwargs):
        raise BuildError("no such operator")

    monkeypatch.setattr(nengo_dl, "Simulator", refuse)
    result = invoke("run", "--net", "pes", *TINY)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == ["Error: BuildError: no such operator"]


BAD_ARGUMENTS = [
    ([], "'--net'"),
    (["--net", "spam"], "'spam' is not one of"),
    (["--net", "cconv", "--neuron", "spam"], "'spam' is not one of"),
    (["--net", "cconv", "--dims", "0"], "'--dims': 0 is not in the range"),
    (["--net", "cconv", "--steps", "1.5"], "'--steps': '1.5' is not a valid"),
]


@pytest.mark.parametrize("arguments, message", BAD_ARGUMENTS)
def test_bad_arguments(arguments, message):
    result = invoke("run", *arguments)
    assert result.exit_code == 2
    assert message in result.output
