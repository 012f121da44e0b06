"""Run the quick tests on every supported Python with old and new TensorFlow.

    uv run tools/compatibility.py                     # all cells
    uv run tools/compatibility.py --cells 3.11/old    # one
    uv run tools/compatibility.py --tests "packages -m 'not slow'"

Each cell is an environment of its own, made anew from what uv has in its cache. The
cells end as a table of how many tests passed and failed.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from archives import find_uv
from workspace import ROOT, find_packages

# Old: the lowest versions that the packages declare; of TensorFlow and NumPy on Python
# 3.13, the first that have wheels for it.
OLD = ["tensorflow==2.18.*", "keras==3.10.*", "numpy==2.0.*", "nengo==4.1.*"]
OLD_313 = ["tensorflow==2.20.*", "keras==3.10.*", "numpy==2.1.*", "nengo==4.1.*"]
NEW = ["tensorflow==2.21.*", "keras", "numpy<2.4", "nengo==4.1.*"]

CELLS = {
    "3.11/old": OLD,
    "3.11/new": NEW,
    "3.12/old": OLD,
    "3.12/new": NEW,
    "3.13/old": OLD_313,
    "3.13/new": NEW,
}

# What uses most of TensorFlow and Keras: everything that the two lower packages and
# the objectives do, and of the simulator what differs from version to version.
TELLING = [
    *("packages/nengo-dl-signals", "packages/nengo-dl-ops"),
    "packages/nengo-dl-objectives",
    *(
        f"packages/nengo-dl-sim/tests/{name}"
        for name in (
            *("data/test_train_data.py", "data/test_weights.py"),
            *("engine/test_build.py", "engine/test_specialized_program.py"),
            *("keras_api", "measures", "tensorboard", "test_legacy.py"),
            *("saving/test_parameter_files.py", "saving/test_checkpoints.py"),
            *("settings/test_session_config.py", "settings/test_trainable_levels.py"),
            *("simulator/test_battery.py", "simulator/test_equivalence.py"),
            *("simulator/test_run_batch.py", "training"),
        )
    ),
    *("-m", "not slow"),
]


class Result(NamedTuple):
    """What came of one cell."""

    versions: str
    counts: dict[str, int]


def make_environment(folder: Path, cell: str) -> Path:
    """Install the workspace and the versions of a cell; return its Python."""
    uv, version = find_uv(), cell.partition("/")[0]
    subprocess.run([uv, "venv", "-q", "--python", version, folder], check=True)
    sources = [arg for p in find_packages() for arg in ("-e", f"{p.path}[tests]")]
    extra = ["pytest-xdist>=3.6", "scikit-learn>=1.5", "pytest-rng>=1.0"]
    command = [uv, "pip", "install", "-q", "--python", folder, *sources, *extra]
    subprocess.run([*command, *CELLS[cell]], cwd=ROOT, check=True)
    return folder / "bin" / "python"


def installed_versions(python: Path) -> str:
    """Return the versions that decide, as they are installed."""
    names = ("tensorflow", "keras", "numpy")
    code = f"import importlib.metadata as m; print(*map(m.version, {names}))"
    return subprocess.check_output([python, "-c", code], text=True).strip()


def count_outcomes(output: str) -> dict[str, int]:
    """Read how many tests passed, failed and so on from pytest's last line."""
    lines = [line for line in output.splitlines() if re.search(r" in \d+", line)]
    pairs = re.findall(r"(\d+) (\w+)", lines[-1].partition(" in ")[0] if lines else "")
    return {name.rstrip("s"): int(number) for number, name in pairs}


def run_cell(cell: str, tests: list[str], log: Path) -> Result:
    """Run tests in the environment of a cell; what they print goes to a log."""
    with tempfile.TemporaryDirectory() as folder:
        python = make_environment(Path(folder) / "venv", cell)
        versions = installed_versions(python)
        command = [python, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        with log.open("w", encoding="utf-8") as out:
            arguments = [*command, "-p", "no:cacheprovider", *tests]
            subprocess.run(arguments, cwd=ROOT, env=environment, stdout=out, stderr=out)
    return Result(versions, count_outcomes(log.read_text(encoding="utf-8")))


def format_row(cell: str, result: Result) -> str:
    """Return a line of the table."""
    numbers = [result.counts.get(name, 0) for name in ("passed", "failed", "error")]
    columns = [f"{number:>7}" for number in numbers]
    return f"{cell:<9} {result.versions:<22} {' '.join(columns)}"


def main(arguments: list[str]) -> int:
    """Run the cells that were asked for, print the table, tell whether all passed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--tests", type=shlex.split, default=TELLING)
    parser.add_argument("--logs", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args(arguments)
    print(f"{'cell':<9} {'TensorFlow Keras NumPy':<22}  passed  failed   error")
    failed = False
    for cell in options.cells:
        log = options.logs / f"compatibility-{cell.replace('/', '-')}.log"
        result = run_cell(cell, options.tests, log)
        print(format_row(cell, result), flush=True)
        counts = result.counts
        failed |= not counts.get("passed") or bool(set(counts) & {"failed", "error"})
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
