"""Run other people's programs with Nengo and with NengoDL, and compare.

    uv run tools/corpus.py                       # all
    uv run tools/corpus.py nengo-spa gui/basics  # those whose name holds a word

The programs are the notebooks of Nengo's and NengoSPA's documentation, from their
source distributions, and the examples of Nengo's GUI, as it is installed. Nothing of
them is kept. Each runs in two processes, first with ``nengo.Simulator``, then with
``nengo_dl.Simulator`` in double precision, from the same random numbers. The table says
for each whether what all probes recorded is equal.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from archives import find_uv

DISTRIBUTIONS = ["nengo", "nengo-spa"]
# Of the largest value of a probe. Rounding is 1e-16, sums over neurons a few of it;
# where it moves a spike by a step, values differ by far more.
TOLERANCE = 1e-6
# Imports once what all need, and makes a new process for each program of it.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["corpus_program", "matplotlib.pyplot", "nengo_dl"])


def find_archive(name: str, folder: Path) -> Path:
    """Return a source distribution of the installed version, downloaded if need be."""
    version = importlib.metadata.version(name)
    pattern = f"{name.replace('-', '[-_]')}-{version}.tar.gz"
    if not list(folder.glob(pattern)):
        command = [find_uv(), "tool", "run", "pip", "download", "-q", "--no-deps"]
        command += ["--no-binary", name, "-d", folder, f"{name}=={version}"]
        subprocess.run(command, check=True)
    return next(folder.glob(pattern))


def find_programs(archives: Path, folder: Path) -> dict[str, Path]:
    """Unpack notebooks into a folder; return them and the examples by name."""
    programs = {}
    for name in DISTRIBUTIONS:
        with tarfile.open(find_archive(name, archives)) as tar:
            tar.extractall(folder / name, filter="data")
        for path in sorted((folder / name).rglob("*.ipynb")):
            programs[f"{name}/{path.stem}"] = path
    examples = Path(importlib.util.find_spec("nengo_gui").origin).parent / "examples"
    for path in sorted(examples.rglob("*.py")):
        programs[f"gui/{path.relative_to(examples).with_suffix('')}"] = path
    return programs


def run(path: Path, simulator: str, output: Path, timeout: float) -> str | None:
    """Run a program in a process of its own; return the error, or None."""
    from corpus_program import run as target

    process = CONTEXT.Process(target=target, args=(path, simulator, output))
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        process.join()
        return f"not done after {timeout:g} s"
    if process.exitcode:
        return f"ended with exit status {process.exitcode}"
    return json.loads(output.with_suffix(".json").read_text())["error"]


def compare(core: Path, ours: Path) -> tuple[str, str]:
    """Return the result and what there is to say about it."""
    with np.load(core) as expected, np.load(ours) as found:
        if not expected:
            return "no probes", ""
        if expected.keys() != found.keys():
            return "differs", f"{len(expected)} probes, ours {len(found)}"
        pairs = [(expected[key], found[key]) for key in expected]
    differences = [difference(*pair) for pair in pairs]
    worst, step = max(differences)
    if worst <= TOLERANCE:
        return "equal", f"{len(pairs)} probes, up to {worst:.1g}"
    n_bad = sum(value > TOLERANCE for value, _ in differences)
    first = min(-step for value, step in differences if value > TOLERANCE)
    return "differs", f"{n_bad} of {len(pairs)} probes, by {worst:.2g}, from {first}"


def difference(expected: np.ndarray, found: np.ndarray) -> tuple[float, int]:
    """Return the largest relative difference, and minus the first bad value."""
    if expected.shape != found.shape:
        return np.inf, 0
    if not expected.size:
        return 0.0, 0
    scale = max(np.nanmax(np.abs(expected), initial=0), 1e-12)
    with np.errstate(invalid="ignore"):
        apart = np.abs(expected - found) / scale
    apart[np.isnan(expected) & np.isnan(found)] = 0
    apart = np.nan_to_num(apart, nan=np.inf, posinf=np.inf)
    by_step = apart.reshape(len(apart), -1).max(axis=1)
    return float(by_step.max()), -int(np.argmax(by_step > TOLERANCE))


def results(
    programs: dict[str, Path], folder: Path, timeout: float
) -> Iterator[tuple[str, str, str]]:
    """Run all programs; yield name, result and what there is to say about it."""
    for name, path in programs.items():
        core, ours = folder / "core", folder / "ours"
        error = run(path, "core", core, timeout)
        if error is not None:
            yield name, "not in core", error
            continue
        error = run(path, "ours", ours, timeout)
        if error is not None:
            yield name, "fails", error
            continue
        yield name, *compare(core.with_suffix(".npz"), ours.with_suffix(".npz"))


def main() -> None:
    """Read the command line, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="run programs whose name holds one")
    parser.add_argument("--timeout", type=float, default=900, help="for each, seconds")
    parser.add_argument("--archives", type=Path, help="a folder to keep archives in")
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs = find_programs(arguments.archives or folder, folder)
        chosen = {
            name: path
            for name, path in programs.items()
            if not arguments.words or any(word in name for word in arguments.words)
        }
        for name, result, text in results(chosen, folder, arguments.timeout):
            counts[result] += 1
            print(f"{name:52} {result:12} {text}", flush=True)
    print(", ".join(f"{n} {result}" for result, n in counts.items()))
    sys.exit(bool(counts["differs"] + counts["fails"]))


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "Agg"
    main()
