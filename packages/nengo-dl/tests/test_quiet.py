"""TensorFlow's notes about the machine are not shown, all else is."""

import os
import subprocess
import sys

import pytest

from nengo_dl import _quiet

NOTES = [
    "WARNING: All log messages before absl::InitializeLog() is called are written",
    "I0000 00:00:1.5 7 cudart_stub.cc:31] Could not find cuda drivers on your machine",
    "E0000 00:00:1.5 7 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)",
    "E0000 00:00:1.5 7 cuda_dnn.cc:8310] Unable to register cuDNN factory",
    "To enable the following instructions: AVX2 FMA, in other operations, rebuild",
]
OTHERS = [
    "E0000 00:00:1.5 7 something.cc:1] cannot be",
    "Traceback (most recent call last):",
    "  I0000 is the name of it",
    "no end of line",
]


def shown(code, **variables):
    """Return what a process writes that imports the module and does something."""
    env = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    path = f"import importlib.util as u; s = u.spec_from_file_location('q', {FILE!r})"
    load = f"{path}\nq = u.module_from_spec(s); s.loader.exec_module(q)\nimport os, sys"
    done = subprocess.run(
        [sys.executable, "-c", f"{load}\n{code}"],
        env={**env, **variables},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


FILE = _quiet.__file__
WRITTEN = "\n".join(NOTES + OTHERS)
WRITE = f"os.write(2, {WRITTEN!r}.encode())"
LEVEL = "print(os.environ.get('TF_CPP_MIN_LOG_LEVEL'))"


def test_notes_are_held_back_and_nothing_else():
    code = f"with q.without_notes():\n    {WRITE}\n{LEVEL}\nos.write(2, b'!')"
    assert shown(code) == (0, "3\n", "\n".join(OTHERS) + "!")


def test_an_error_is_shown_with_what_was_written_before():
    status, _, errors = shown(f"with q.without_notes():\n    {WRITE}\n    1 / 0")
    assert status == 1
    assert errors.startswith("\n".join(OTHERS))
    assert errors.endswith("ZeroDivisionError: division by zero\n")
    assert not any(note in errors for note in NOTES)


@pytest.mark.parametrize(
    "before, variables, level",
    [
        ("sys.modules['tensorflow'] = sys", {}, "None"),
        ("pass", {"TF_CPP_MIN_LOG_LEVEL": "0"}, "0"),
    ],
    ids=["imported before", "chosen by the user"],
)
def test_what_the_user_decided_stays(before, variables, level):
    code = f"{before}\nwith q.without_notes():\n    {WRITE}\n{LEVEL}"
    assert shown(code, **variables) == (0, f"{level}\n", WRITTEN)


def test_a_closed_file_is_left_closed():
    code = "os.close(2)\nwith q.without_notes():\n    print('imported')"
    assert shown(code)[:2] == (0, "imported\n")


@pytest.mark.slow
def test_an_import_and_a_run_write_nothing():
    code = (
        "import nengo, nengo_dl, warnings\n"
        "with nengo.Network() as net:\n"
        "    nengo.Ensemble(5, 1)\n"
        "with nengo_dl.Simulator(net, device='/cpu:0', progress_bar=False) as sim:\n"
        "    sim.run_steps(5)"
    )
    assert shown(code) == (0, "", "")
