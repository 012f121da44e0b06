"""From wheels alone, without the workspace: what users install works by itself."""

import json
import os
import re
import shutil
import subprocess

import pytest
from archives import build, find_uv
from workspace import ROOT, Package, find_packages

pytestmark = pytest.mark.slow

PACKAGES = {package.dist: package for package in find_packages()}
BACKEND = ROOT / "tests-integration" / "third_party_backend"

#: Of the others, what uses every package that any of them requires.
SMOKE = """
import nengo, nengo_dl, numpy as np
from nengo_dl_objectives import mse
with nengo.Network(seed=0) as net:
    node = nengo.Node([0.5])
    ens = nengo.Ensemble(10, 1, neuron_type=nengo.LIFRate())
    nengo.Connection(node, ens)
    probe = nengo.Probe(ens, synapse=0.01)
with nengo.Simulator(net, progress_bar=False) as sim:
    sim.run_steps(5)
    expected = sim.data[probe]
with nengo_dl.Simulator(net, progress_bar=False) as sim:
    sim.run_steps(5)
    np.testing.assert_allclose(sim.data[probe], expected, atol=1e-5)
"""


class Environment:
    """A virtual environment in which only wheels are installed."""

    def __init__(self, folder, wheels):
        self.folder, self.wheels = folder, wheels
        run([find_uv(), "venv", "--quiet", folder])

    def pip(self, command, *arguments, expected=0):
        place = ["--python", self.folder]
        return run([find_uv(), "pip", command, *place, *arguments], expected=expected)

    def install(self, *requirements):
        self.pip("install", "--quiet", "--find-links", self.wheels, *requirements)

    def run(self, *command, cwd=None):
        program, *arguments = command
        return run([self.folder / "bin" / program, *arguments], cwd=cwd).stdout

    def siblings(self):
        """Return the names of what is installed of NengoDL."""
        listed = json.loads(self.pip("list", "--format", "json").stdout)
        return {p["name"] for p in listed if p["name"].startswith("nengo-dl")}


def run(command, cwd=None, expected=0):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=cwd or ROOT.parent,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Return a folder with the wheels of all packages and of the backend."""
    folder = tmp_path_factory.mktemp("wheels")
    for package in PACKAGES.values():
        build(package, folder)
    run([find_uv(), "build", "--quiet", "--wheel", BACKEND, "--out-dir", folder])
    return folder


@pytest.fixture(scope="module")
def environment(wheels, tmp_path_factory):
    """Return an environment in which nengo-dl is installed, and no more."""
    made = Environment(tmp_path_factory.mktemp("nengo-dl") / "venv", wheels)
    made.install("nengo-dl")
    return made


def test_objectives_import_without_nengo(wheels, tmp_path):
    environment = Environment(tmp_path / "venv", wheels)
    environment.install("nengo-dl-objectives")
    assert environment.siblings() == {"nengo-dl-objectives"}
    code = """
import importlib.util, nengo_dl_objectives as objectives
print(importlib.util.find_spec("nengo"), float(objectives.mse([[1.0]], [[3.0]])))
"""
    output = environment.run("python", "-c", code, cwd=tmp_path)
    assert output.split() == ["None", "4.0"]


def test_operators_alone_carry_another_backend(wheels, tmp_path):
    environment = Environment(tmp_path / "venv", wheels)
    environment.install("tiny-backend")
    assert environment.siblings() == {"nengo-dl-ops", "nengo-dl-signals"}
    output = environment.run("python", BACKEND / "compare.py", cwd=tmp_path)
    report = json.loads(output.splitlines()[-1])
    assert report["foreign"] == []
    assert report["differences"].keys() == {"quadratic", "lif", "learning", "python"}
    assert max(report["differences"].values()) < 1e-12  # relative, in 64 bits


def test_facade_runs_the_digits(environment, tmp_path):
    environment.install("matplotlib", "scikit-learn")  # the example's own needs
    command = [ROOT / "docs/examples/spiking_digits.py", "--epochs=1", "--steps=40"]
    output = environment.run("python", *command, cwd=tmp_path)
    assert re.search(r"\d+\.\d %", output), output
    assert "nengo-dl-spaun-bench" not in environment.siblings()


def test_benchmark_runs_its_command(environment, tmp_path):
    environment.install("nengo-dl-spaun-bench")
    size = "--net integrator --dims 2 --neurons-per-d 5 --steps 9 --json".split()
    output = environment.run("nengo-dl-bench", "run", *size, cwd=tmp_path)
    measurement = json.loads(output.splitlines()[-1])
    assert measurement["n_neurons"] > 0 and measurement["steady_s"]["median"] > 0


def bumped(package, version, folder):
    """Copy a package with another version, and build it."""
    copy = Package(folder / package.dist)
    unneeded = shutil.ignore_patterns("tests", "__pycache__")
    shutil.copytree(package.path, copy.path, ignore=unneeded)
    path = copy.src / "version.py"
    text = path.read_text(encoding="utf-8").replace(package.version, version)
    path.write_text(text, encoding="utf-8")
    return build(copy, folder).wheel


def next_version(package, part):
    """Return the next major, minor or patch version."""
    numbers = [int(number) for number in package.version.split(".")]
    place = ("major", "minor", "patch").index(part)
    rest = [0] * (2 - place)
    return ".".join(map(str, [*numbers[:place], numbers[place] + 1, *rest]))


@pytest.mark.parametrize("part", ["patch", "minor"])
@pytest.mark.parametrize("dist", sorted(set(PACKAGES) - {"nengo-dl-spaun-bench"}))
def test_others_take_a_new_release_of_one(environment, tmp_path, dist, part):
    package = PACKAGES[dist]
    version = next_version(package, part)
    wheel = bumped(package, version, tmp_path)
    environment.pip("install", "--quiet", "--no-deps", wheel)
    environment.pip("check")
    if part == "minor":  # the contents of a patch are the same
        environment.run("python", "-W", "ignore", "-c", SMOKE, cwd=tmp_path)
    listed = json.loads(environment.pip("list", "--format", "json").stdout)
    assert {"name": dist, "version": version} in listed
    (old,) = environment.wheels.glob(f"{package.module}-*.whl")
    environment.pip("install", "--quiet", "--no-deps", old)


def test_others_refuse_a_new_major_release(environment, tmp_path):
    package = PACKAGES["nengo-dl-signals"]
    wheel = bumped(package, next_version(package, "major"), tmp_path)
    environment.pip("install", "--quiet", "--no-deps", wheel)
    refused = environment.pip("check", expected=1)
    assert "nengo-dl-signals>=1.0,<2" in refused.stderr
    (old,) = environment.wheels.glob("nengo_dl_signals-*.whl")
    environment.pip("install", "--quiet", "--no-deps", old)
    environment.pip("check")
