"""``python -m nengo_dl`` says whether what is installed works."""

import subprocess
import sys

import nengo
import pytest

import nengo_dl
from nengo_dl.__main__ import main

CHECKS = ["run as a graph", "run with XLA", "training"]


def output(capsys, *arguments):
    status = main(list(arguments))
    return status, capsys.readouterr().out.splitlines()


def test_all_is_well(capsys):
    status, lines = output(capsys)
    assert status == 0
    assert lines[-1] == "all well"
    for name in ("nengo-dl", "nengo-dl-sim", "Nengo", "TensorFlow", "Keras", "NumPy"):
        assert any(line.split()[0] == name for line in lines if line)
    assert any(line.startswith("devices") and "CPU:0" in line for line in lines)
    for check in CHECKS:
        assert [line.startswith(f"{check} ") for line in lines].count(True) == 1


def simulator(**changes):
    """Return a simulator some of whose methods are others."""
    return type("Changed", (nengo_dl.Simulator,), changes)


run_steps = nengo_dl.Simulator.run_steps


def refuse(self, *args, **kwargs):
    raise nengo.exceptions.BuildError("no\nway")


@pytest.mark.parametrize(
    "changed, failing, text",
    [
        (simulator(__init__=refuse), CHECKS, "BuildError: no way"),
        (simulator(train=lambda *args, **kwargs: None), CHECKS[2:], "0.875, got 0"),
        (
            simulator(run_steps=lambda self, n: run_steps(self, n - 1)),
            CHECKS[:2],
            "ValueError: operands could not be broadcast",
        ),
    ],
    ids=["nothing is built", "nothing is trained", "too few steps"],
)
def test_what_is_wrong_is_named(changed, failing, text, monkeypatch, capsys):
    monkeypatch.setattr(nengo_dl, "Simulator", changed)
    status, lines = output(capsys)
    assert status == 1
    assert lines[-1] == f"not well: {', '.join(failing)}"
    for check in CHECKS:
        (line,) = (line for line in lines if line.startswith(f"{check} "))
        assert ("failed: " in line) == (check in failing)
        assert (text in line) == (check in failing)


def test_results_that_differ_are_named(monkeypatch, capsys):
    class Other(nengo.Simulator):
        def run_steps(self, n_steps):
            super().run_steps(n_steps)
            (probe,) = self.model.probes
            self.data.raw[probe][-1] = self.data.raw[probe][-1] + 1e-6

    monkeypatch.setattr(nengo, "Simulator", Other)
    status, lines = output(capsys)
    assert status == 1
    assert lines[-1] == "not well: run as a graph, run with XLA"
    assert sum("expected what Nengo computes, got up to" in line for line in lines) == 2


@pytest.mark.parametrize("arguments, status", [(["--help"], 0), (["--spam"], 2)])
def test_the_command_line(arguments, status, capsys):
    with pytest.raises(SystemExit) as info:
        main(arguments)
    assert info.value.code == status


@pytest.mark.slow
def test_the_command():
    command = [sys.executable, "-m", "nengo_dl"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "all well"
