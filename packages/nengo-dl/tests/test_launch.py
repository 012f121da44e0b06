"""``python -m nengo_dl.launch`` starts a script as several workers."""

import json
import signal
import subprocess
import sys
import time

import pytest

from nengo_dl.launch import configurations, main

#: What does not wait for TensorFlow: a script that says who it is.
SCRIPT = """
import json, os, signal, sys, time
index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
print("worker", index, *sys.argv[1:], flush=True)
print("to stderr", file=sys.stderr)
"""


@pytest.fixture
def launch(tmp_path, capsys):
    def launch(source, *arguments, workers=2):
        path = tmp_path / "script.py"
        path.write_text(SCRIPT + source, encoding="utf-8")
        status = main(["--workers", str(workers), str(path), *arguments])
        captured = capsys.readouterr()
        return status, sorted(captured.out.splitlines()), captured.err

    return launch


def test_each_worker_knows_who_it_is(launch):
    status, lines, errors = launch("", "--quick", "3", workers=3)
    assert status == 0
    assert lines == [f"[{n}] worker {n} --quick 3" for n in range(3)]
    assert sorted(errors.splitlines()) == [f"[{n}] to stderr" for n in range(3)]


def test_workers_know_each_other():
    found = [json.loads(text) for text in configurations(3)]
    assert all(one["cluster"] == found[0]["cluster"] for one in found)
    assert len(set(found[0]["cluster"]["worker"])) == 3
    assert [one["task"]["index"] for one in found] == [0, 1, 2]


@pytest.mark.parametrize(
    "end, expected",
    [("sys.exit(3)", 3), ("os.kill(os.getpid(), signal.SIGKILL)", 128 + 9)],
)
def test_if_one_fails_all_end(launch, end, expected):
    begin = time.monotonic()
    status, _, _ = launch(f"{end} if index else time.sleep(300)")
    assert status == expected
    assert time.monotonic() - begin < 60


def test_signals_are_passed_on(tmp_path):
    path = tmp_path / "script.py"
    catch = "signal.signal(signal.SIGTERM, lambda *_: (print('told'), sys.exit(5)))\n"
    path.write_text(
        f"{SCRIPT}{catch}print('ready', flush=True)\ntime.sleep(300)", encoding="utf-8"
    )
    command = [sys.executable, "-m", "nengo_dl.launch", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        assert sorted(lines)[0] == "[0] ready\n"
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert process.returncode == 5
    assert sorted(rest.split("\n")) == ["", "[0] told", "[1] told"]


@pytest.mark.parametrize("workers", ["0", "two"])
def test_a_number_of_workers_is_expected(capsys, workers):
    with pytest.raises(SystemExit):
        main(["--workers", workers, "script.py"])
    assert f"expected a positive integer, got '{workers}'" in capsys.readouterr().err
