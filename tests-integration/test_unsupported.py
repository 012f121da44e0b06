"""An unsupported version is one line, before TensorFlow is imported if that is it."""

import os
import subprocess
import sys

import pytest
from workspace import find_packages


def fail_to_import(module, folder, **variables):
    """Return what an import prints that sees the distributions of a folder first."""
    environment = {**os.environ, "PYTHONPATH": str(folder), **variables}
    watched = f"import sys\ntry:\n    import {module}\nfinally:\n"
    code = f"{watched}    print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    return done.stdout.strip(), done.stderr


@pytest.mark.parametrize(
    ("module", "name", "version", "works"),
    [
        ("nengo_dl", "tensorflow", "2.16.2", ">=2.18"),
        ("nengo_dl_sim", "nengo", "3.2.0", ">=4.1,<5"),
        ("nengo_dl_signals", "numpy", "1.26.4", ">=2.0"),
        ("nengo_dl_objectives", "keras", "3.9.2", ">=3.10"),
    ],
)
def test_import_names_what_works_first(tmp_path, module, name, version, works):
    check_import(tmp_path, module, name, version, works)
    assert fail_to_import(module, tmp_path)[0] == "False False"


@pytest.mark.parametrize("module", ["nengo_dl", "nengo_dl_objectives"])
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_of_keras_is_one_line(tmp_path, module, backend):
    imported, errors = fail_to_import(module, tmp_path, KERAS_BACKEND=backend)
    assert imported == "False False"
    last = errors.strip().splitlines()[-1]
    assert last.startswith("ImportError: NengoDL works with Keras on TensorFlow, but")
    assert f"has chosen the backend '{backend}'" in last
    assert errors.count("File ") <= 7


@pytest.mark.slow  # the lowest package, which does not require these, is imported first
@pytest.mark.parametrize(
    ("module", "name", "version", "works"),
    [
        ("nengo_dl", "nengo-dl-sim", "2.0.0", ">=1.0,<2"),
        ("nengo_dl_sim", "nengo-dl-ops", "0.9.0", ">=1.0,<2"),
        ("nengo_dl_ops", "keras", "3.9.2", ">=3.10"),
    ],
)
def test_import_names_what_works(tmp_path, module, name, version, works):
    check_import(tmp_path, module, name, version, works)


def check_import(folder, module, name, version, works):
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(text, encoding="utf-8")
    _, errors = fail_to_import(module, folder)
    last = errors.strip().splitlines()[-1]
    assert f"works with {name} {works}, but version {version} is installed" in last
    assert last.startswith("ImportError: nengo-dl")
    assert errors.count("File ") <= 7


def test_packages_without_a_common_sibling_check_alike():
    sources = {
        package.dist: (package.src / "versions.py").read_text(encoding="utf-8")
        for package in find_packages()
        if (package.src / "versions.py").is_file()
    }
    assert sources.keys() == {"nengo-dl-objectives", "nengo-dl-signals"}
    assert len(set(sources.values())) == 1


def test_limits_use_operators_that_the_check_reads():
    for package in find_packages():
        for requirement in package.requirements:
            operators = {spec.operator for spec in requirement.specifier}
            assert operators <= {">=", "<"}, f"{package.dist}: {requirement}"
