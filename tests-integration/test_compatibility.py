"""The table of versions says what happened in each cell."""

import compatibility
import pytest
from packaging.requirements import Requirement
from workspace import ROOT, find_packages


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        ("...\n1767 passed, 2 warnings in 177.06s\n", {"passed": 1767, "warning": 2}),
        ("5 failed, 3 passed in 7.0s (0:02)\nnoise", {"failed": 5, "passed": 3}),
        ("= 1 error in 0.5s =", {"error": 1}),
        ("Segmentation fault", {}),
    ],
)
def test_outcomes_are_counted(output, counts):
    assert compatibility.count_outcomes(output) == counts


@pytest.mark.parametrize(
    ("counts", "failed"),
    [
        ({"passed": 9}, False),
        ({"passed": 9, "failed": 1}, True),
        ({"passed": 9, "error": 1}, True),
        ({}, True),
    ],
)
def test_command_prints_the_table_and_tells(monkeypatch, capsys, counts, failed):
    result = compatibility.Result("2.21.0 3.15.1 2.3.5", counts)
    monkeypatch.setattr(compatibility, "run_cell", lambda *arguments: result)
    assert compatibility.main(["--cells", "3.12/new"]) == failed
    head, row = capsys.readouterr().out.splitlines()
    assert len(head) == len(row)
    assert row.split()[:2] == ["3.12/new", "2.21.0"]
    numbers = [counts.get(name, 0) for name in ("passed", "failed", "error")]
    assert row.split()[4:] == [str(number) for number in numbers]


def test_tests_to_run_exist():
    paths = [name for name in compatibility.TELLING if name.startswith("packages")]
    assert all((ROOT / path).exists() for path in paths)


@pytest.mark.parametrize("name", ["tensorflow", "keras", "numpy"])
def test_oldest_cell_has_the_lowest_versions(name):
    (pinned,) = [r for r in map(Requirement, compatibility.OLD) if r.name == name]
    (version,) = [str(s.version).removesuffix(".*") for s in pinned.specifier]
    required = [r for p in find_packages() for r in p.requirements if r.name == name]
    assert {str(s) for r in required for s in r.specifier} == {f">={version}"}
