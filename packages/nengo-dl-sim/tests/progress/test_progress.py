import sys
import time
import types

import nengo
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_sim.progress import (
    ConsoleProgressBar,
    LogProgressBar,
    NengoProgressBar,
    NullProgressBar,
    ProgressBar,
    bars,
    console,
    make,
    make_progress_bar,
)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until ``clock.now`` is changed."""
    clock = types.SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(console, "time", clock)
    monkeypatch.setattr(bars, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """Let tests see a terminal, unless they ask for something else."""
    monkeypatch.setattr(make, "_is_terminal", lambda: True)


def lines(capsys):
    out, err = capsys.readouterr()
    assert out == ""
    return [line for line in err.replace("\r", "\n").split("\n") if line.strip()]


def test_bar_shows_title_share_and_values(capsys, clock):
    with make_progress_bar("Training", 8) as bar:
        assert isinstance(bar, ProgressBar)
        clock.now = 100
        bar.step(loss=0.123456)
        clock.now = 200
        bar.step(3, loss=0.25)
        clock.now = 300
        bar.step(4, loss=1.5)
    shown = lines(capsys)
    assert all(line.startswith("Training ") for line in shown)
    expected = ["0%", "12%", "50%", "100%", "100%"], ["", ".1235", ".25", "1.5", "1.5"]
    for line, share, loss in zip(shown, *expected, strict=True):
        assert share in line
        assert line.rstrip().endswith(loss)
        assert ("loss: " in line) == bool(loss)


def test_updates_are_rare(capsys, clock):
    with make_progress_bar("Simulating", 10000) as bar:
        for _ in range(9000):
            clock.now += 0.0001
            bar.step()
        assert 8 <= len(lines(capsys)) <= 10


def test_the_last_values_are_shown(capsys, clock):
    with make_progress_bar("Training", 2) as bar:
        clock.now = 100
        bar.step(loss=2.0)
        bar.step(loss=1.0)
    assert [line.rstrip()[-7:] for line in lines(capsys)[1:]] == ["loss: 2", "loss: 1"]


def test_unknown_total(capsys, clock):
    with make_progress_bar("Building", None) as bar:
        clock.now = 100
        bar.step()
    shown = lines(capsys)
    assert len(shown) > 1
    assert all(line.startswith("Building ") for line in shown)


@pytest.mark.parametrize("total, steps", [(0, 0), (0, 1), (3, 5), (3, 2)])
def test_total_need_not_be_exact(total, steps, capsys, clock):
    with make_progress_bar("Simulating", total) as bar:
        for _ in range(steps):
            clock.now += 100
            bar.step()
    assert "100%" in lines(capsys)[-1]


def test_error_leaves_the_bar_where_it_was(capsys, clock):
    with pytest.raises(KeyError), make_progress_bar("Training", 4) as bar:
        bar.step(loss=0.5)
        raise KeyError
    last = lines(capsys)[-1]
    assert "25%" in last
    assert "loss: 0.5" in last


@pytest.mark.parametrize("form", [False, None])
@pytest.mark.parametrize("total", [None, 3])
def test_disabled(total, form, capsys):
    with make_progress_bar("Training", total, form) as bar:
        with bar.stage("Compiling"):
            bar.step(loss=1.0)
        bar.step(2)
    assert isinstance(bar, NullProgressBar)
    assert lines(capsys) == []


@pytest.mark.parametrize(
    "value, expected",
    [
        ("none", NullProgressBar),
        ("None", NullProgressBar),
        ("False", NullProgressBar),
        ("off", NullProgressBar),
        ("auto", ConsoleProgressBar),
        ("True", ConsoleProgressBar),
        ("nengo.utils.progress.TerminalProgressBar", ConsoleProgressBar),
    ],
)
def test_nengo_rc(value, expected):
    before = nengo.rc.get("progress", "progress_bar")
    nengo.rc.set("progress", "progress_bar", value)
    try:
        assert type(make_progress_bar("Training", 3, True)) is expected
        assert type(make_progress_bar("Training", 3, False)) is NullProgressBar
    finally:
        nengo.rc.set("progress", "progress_bar", before)


@pytest.mark.parametrize("form", [1, "yes", object(), dict])
def test_wrong_argument(form):
    match = "progress_bar: expected True, .* Nengo .*, got"
    with pytest.raises(ValidationError, match=match):
        make_progress_bar("Training", 3, form)


def test_a_stage_is_shown_before_the_task(capsys, clock):
    with make_progress_bar("Simulating", 4) as bar:
        with bar.stage("Compiling"):
            clock.now = 100
        bar.step(4)
    titles = [line.split()[0] for line in lines(capsys)]
    assert titles.index("Compiling") < titles.index("Simulating", 1)
    assert titles[-1] == "Simulating"


@pytest.fixture
def in_a_file(monkeypatch):
    monkeypatch.setattr(make, "_is_terminal", lambda: False)


@pytest.mark.parametrize("total", [None, 9000])
def test_a_file_gets_one_line_for_a_long_task(total, in_a_file, capsys, clock):
    with make_progress_bar("Simulating", total) as bar:
        assert isinstance(bar, LogProgressBar)
        with bar.stage("Compiling"):
            clock.now += 12
        for _ in range(9000):
            clock.now += 1
            bar.step()
    shown = lines(capsys)
    assert shown == [
        "Compiling finished in 0:00:12.",
        "Simulating finished in 2:30:12.",
    ]


def test_a_file_gets_no_line_for_a_short_task(in_a_file, capsys, clock):
    with make_progress_bar("Training", 2) as bar:
        with bar.stage("Compiling"):
            clock.now += 0.4
        bar.step(2, loss=1.0)
        clock.now += 0.5
    assert lines(capsys) == []


@pytest.mark.parametrize(
    "total, text",
    [
        (4, "Training stopped at 25% after 0:01:40. loss: 0.5"),
        (None, "Training stopped after 0:01:40. loss: 0.5"),
    ],
)
def test_a_file_says_where_an_error_came(total, text, in_a_file, capsys, clock):
    with pytest.raises(KeyError), make_progress_bar("Training", total) as bar:
        bar.step(loss=0.5)
        clock.now += 100
        raise KeyError
    assert lines(capsys) == [text]


def test_a_file_keeps_the_last_values(in_a_file, capsys, clock):
    with make_progress_bar("Training", 2) as bar:
        bar.step(loss=2.0)
        clock.now += 61
        bar.step(loss=0.25)
    assert lines(capsys) == ["Training finished in 0:01:01. loss: 0.25"]


@pytest.mark.parametrize("modules", [{}, {"ipykernel": types}])
def test_without_a_standard_error_stream(modules, monkeypatch, clock):
    monkeypatch.undo()
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(bars, "LONG", 0)
    monkeypatch.setattr("sys.stderr", None)
    with make_progress_bar("Training", 2) as bar:
        bar.step()
    assert isinstance(bar, LogProgressBar)


@pytest.mark.parametrize(
    "shell, kind",
    [
        (types.SimpleNamespace(kernel=object()), NengoProgressBar),
        (types.SimpleNamespace(), ConsoleProgressBar),
        (None, ConsoleProgressBar),
    ],
    ids=["Jupyter", "IPython in a terminal", "no IPython"],
)
def test_a_notebook_gets_the_bar_that_nengo_shows_there(shell, kind, monkeypatch):
    shown, progress = Recorder(), nengo.utils.progress
    monkeypatch.setattr(progress, "get_ipython", lambda: shell)
    monkeypatch.setattr(progress, "get_default_progressbar", lambda: shown)
    with make_progress_bar("Training", 2) as bar:
        bar.step(2)
    assert type(bar) is kind
    last = ("Training", 2, 2)
    assert shown.shown[-1:] == ([last] if kind is NengoProgressBar else [])


class Recorder(nengo.utils.progress.ProgressBar):
    """A progress bar of Nengo that notes what it is told."""

    made = []

    def __init__(self):
        self.shown, self.closed = [], False
        self.made.append(self)

    def update(self, progress):
        assert not self.closed
        self.shown.append((progress.name_during, progress.n_steps, progress.max_steps))
        self.last = progress

    def close(self):
        self.closed = True


def wait_for(condition):
    """Wait for the thread that updates a bar of Nengo."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("the bar was not updated")


@pytest.mark.parametrize("as_class", [False, True])
def test_bars_of_nengo(as_class, monkeypatch, capsys):
    monkeypatch.setattr(Recorder, "made", [])
    form = Recorder if as_class else Recorder()
    with make_progress_bar("Training", 3, form) as bar:
        assert isinstance(bar, NengoProgressBar)
        (recorder,) = Recorder.made
        wait_for(lambda: ("Training", 0, 3) in recorder.shown)
        with bar.stage("Compiling"):
            wait_for(lambda: ("Compiling", 0, None) in recorder.shown)
        bar.step(2, loss=0.5)
        wait_for(lambda: ("Training loss: 0.5", 2, 3) in recorder.shown)
        bar.step(loss=0.25)
    assert recorder.closed
    assert recorder.shown[-1] == ("Training loss: 0.25", 3, 3)
    assert recorder.last.finished and recorder.last.success
    assert lines(capsys) == []


@pytest.mark.parametrize("total", [None, 0, 5])
def test_a_bar_of_nengo_is_closed_after_an_error(total):
    recorder = Recorder()
    with pytest.raises(KeyError), make_progress_bar("Training", total, recorder) as bar:
        bar.step()
        raise KeyError
    assert recorder.closed
    assert recorder.last.finished and not recorder.last.success
    assert recorder.last.n_steps == 1


def test_a_bar_of_nengo_is_shown_whatever_rc_says(capsys):
    before = nengo.rc.get("progress", "progress_bar")
    nengo.rc.set("progress", "progress_bar", "none")
    try:
        with make_progress_bar(
            "Training", 1, nengo.utils.progress.TerminalProgressBar
        ) as bar:
            bar.step()
    finally:
        nengo.rc.set("progress", "progress_bar", before)
    assert "Training finished" in capsys.readouterr().out
