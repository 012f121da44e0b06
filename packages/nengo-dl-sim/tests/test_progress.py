import types

import nengo
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_sim import progress
from nengo_dl_sim.progress import (
    ConsoleProgressBar,
    NullProgressBar,
    ProgressBar,
    make_progress_bar,
)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until ``clock.now`` is changed."""
    clock = types.SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(progress, "time", clock)
    return clock


def lines(capsys):
    out, err = capsys.readouterr()
    assert out == ""
    return [line for line in err.replace("\r", "\n").split("\n") if line.strip()]


@pytest.mark.parametrize("enabled", [True, None])
def test_bar_shows_title_share_and_values(enabled, capsys, clock):
    with make_progress_bar("Training", 8, enabled) as bar:
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


@pytest.mark.parametrize("terminal, interval", [(True, 0.1), (False, 10)])
def test_updates_are_rare(terminal, interval, capsys, clock, monkeypatch):
    monkeypatch.setattr(progress, "_is_terminal", lambda: terminal)
    with make_progress_bar("Simulating", 10000) as bar:
        for _ in range(9000):
            clock.now += interval / 1000
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


@pytest.mark.parametrize("total", [None, 3])
def test_disabled(total, capsys):
    with make_progress_bar("Training", total, enabled=False) as bar:
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


@pytest.mark.parametrize("enabled", [1, "yes", object()])
def test_wrong_argument(enabled):
    with pytest.raises(ValidationError, match="progress_bar: expected True, .*, got"):
        make_progress_bar("Training", 3, enabled)
