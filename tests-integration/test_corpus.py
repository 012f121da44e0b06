"""The command that runs other people's programs finds what differs."""

import json

import corpus
import numpy as np
import pytest
from corpus_program import code_cells

A = np.linspace(0, 1, 6).reshape(3, 2)


def with_value(value, at):
    changed = A.copy()
    changed[at] = value
    return changed


@pytest.mark.parametrize(
    "found, expected",
    [
        (A, (0, 0)),
        (A + 1e-15, (1e-15, 0)),
        (with_value(0.5, (1, 0)), (0.1, -1)),
        (with_value(np.nan, (2, 1)), (np.inf, -2)),
        (A[:2], (np.inf, 0)),
    ],
)
def test_differences(found, expected):
    worst, first = corpus.difference(A, found)
    assert worst == pytest.approx(expected[0], rel=0.2)
    assert first == expected[1]


def test_what_is_not_a_number_in_both_is_equal():
    array = with_value(np.nan, (1, 1))
    assert corpus.difference(array, array.copy())[0] == 0
    assert corpus.difference(np.zeros((0, 2)), np.zeros((0, 2)))[0] == 0


@pytest.mark.parametrize(
    "ours, expected",
    [
        ({"0/0": A, "0/1": 2 * A}, ("equal", "2 probes, up to 0")),
        ({"0/0": A}, ("differs", "2 probes, ours 1")),
        ({"0/0": A, "0/1": A}, ("differs", "1 of 2 probes, by 0.5, from 0")),
    ],
)
def test_results_of_two_runs(ours, expected, tmp_path):
    np.savez(tmp_path / "core.npz", **{"0/0": A, "0/1": 2 * A})
    np.savez(tmp_path / "ours.npz", **ours)
    assert corpus.compare(tmp_path / "core.npz", tmp_path / "ours.npz") == expected


def notebook(folder, name, *sources):
    cells = [{"cell_type": "code", "source": [text]} for text in sources]
    cells.insert(1, {"cell_type": "markdown", "source": ["%text"]})
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    return path


def test_code_without_magics(tmp_path):
    path = notebook(
        tmp_path,
        "magics",
        "%matplotlib inline\nx = 5 % 3\nif x:\n    !ls\n",
        "%%bash\nls",
    )
    (source,) = code_cells(path)
    assert source.split("\n") == ["pass", "x = 5 % 3", "if x:", "    pass", ""]


MODEL = """
import nengo
with nengo.Network() as model:
    ens = nengo.Ensemble(20, 1)
    probe = nengo.Probe(ens)
"""
UNSEEDED = "import numpy as np\nrng = np.random.RandomState()\nens.radius = rng.rand()"
RUN = "with nengo.Simulator(model) as sim:\n    sim.run(0.01)"
OURS = "'nengo_dl' in nengo.Simulator.__mro__[1].__module__"
PROGRAMS = {
    "equal": [MODEL, UNSEEDED, RUN],
    "not in core": [MODEL, "raise KeyError('x')"],
    "fails": [MODEL, f"if {OURS}:\n    1 / 0", RUN],
    "differs": [MODEL, f"if {OURS}:\n    ens.radius = 2", RUN],
    "no probes": ["import nengo"],
}


@pytest.mark.slow
def test_a_program_that_does_not_end_is_given_up(tmp_path):
    path = notebook(tmp_path, "endless", "while True:\n    pass")
    assert corpus.run(path, "core", tmp_path / "core", 0.1) == "not done after 0.1 s"


@pytest.mark.slow
def test_programs_are_run_and_compared(tmp_path):
    programs = {name: notebook(tmp_path, name, *s) for name, s in PROGRAMS.items()}
    programs["example"] = tmp_path / "example.py"
    programs["example"].write_text(MODEL)
    found = {
        name: (result, text)
        for name, result, text in corpus.results(programs, tmp_path, timeout=600)
    }
    assert {name: result for name, (result, _) in found.items()} == {
        **{name: name for name in PROGRAMS},
        "example": "equal",
    }
    assert found["not in core"][1] == "KeyError: 'x'"
    assert found["fails"][1] == "ZeroDivisionError: division by zero"
