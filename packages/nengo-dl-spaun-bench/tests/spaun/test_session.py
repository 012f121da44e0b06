"""Scores, tables and the command, with answers that no network gave."""

import json

import nengo
import numpy as np
import pytest
from click.testing import CliRunner

from nengo_dl_spaun_bench import cli
from nengo_dl_spaun_bench.spaun import bandit, command, score, session
from nengo_dl_spaun_bench.spaun.tasks import make_trials
from nengo_dl_spaun_bench.spaun.trials import Answer, Speed


def answered(trial, drawn):
    return Answer(
        trial, drawn, np.zeros((trial.n_steps, 3)), np.zeros((trial.n_steps, 64))
    )


def all_right(name, n):
    return [answered(trial, trial.answer) for trial in make_trials(name, n, 0)]


class Machine:
    """Draws what a function of what it was shown last says."""

    minibatch = 3

    def __init__(self, monkeypatch, choose):
        self.choose, self.shown = choose, 0
        monkeypatch.setattr(bandit, "read_pen", lambda pen: pen)

    def reset(self):
        self.shown = 0

    def run(self, stimulus):
        self.shown += 1
        return [self.choose(self.shown)] * len(stimulus)


@pytest.mark.parametrize(
    "right, of, low, high",
    [(0, 10, 0.0, 0.278), (9, 10, 0.596, 0.982), (5, 5, 0.566, 1)],
)
def test_wilson_interval(right, of, low, high):
    np.testing.assert_allclose(score.wilson(right, of), (low, high), atol=1e-3)


def test_all_right_passes_and_one_more_digit_is_wrong():
    answers = all_right("A1", 100)
    assert score.score("A1", answers, 64).passed
    assert not score.score("A1", answers[:99], 64).passed
    extra = [answered(a.trial, a.read + "1") for a in answers]
    assert score.score("A1", extra, 64).right == 0


def test_lists_are_scored_by_items_of_the_shortest():
    trials = make_trials("A3", 8, 0)
    answers = [answered(t, t.answer[:-1] + "-") for t in trials]
    found = score.score("A3", answers, 64)
    assert (found.right, found.of) == (6, 8)
    assert found.also["place 7 of 7"] == 0
    assert not found.passed


def test_counting_must_take_time():
    assert not score.score("A4", all_right("A4", 10), 64).passed


def test_bandit_is_scored_by_late_choices_of_the_best_arm(monkeypatch):
    # The first call shows the task; then each choice takes two.
    machine = Machine(monkeypatch, lambda n: "1" if n < 2 + 40 else "0")
    choices = list(bandit.play(machine, 40, [0, 1, 2]))[-1]
    assert choices.best[0] == 1 and choices.best[20] == 0
    found = bandit.score_bandit(choices)
    assert (found.right, found.of) == (60, 60)
    assert not found.enough and not found.passed
    machine = Machine(monkeypatch, lambda n: "7")
    *_, choices = bandit.play(machine, 20, [0])
    assert (choices.chosen == -1).all()


def test_command_prints_a_table_and_writes_json(monkeypatch, tmp_path):
    asked = []

    def run_session(wanted):
        asked.append(wanted)
        answers = {name: all_right(name, wanted.trials) for name in wanted.tasks}
        scores = [score.score(n, a, wanted.dimensions) for n, a in answers.items()]
        yield session.Results(wanted, 1000, scores, answers, None, Speed(1, 2, 3, 4, 8))

    monkeypatch.setattr(command, "run_session", run_session)
    path = tmp_path / "results.json"
    arguments = "spaun --dims 32 --tasks A1,A7 --trials 4 --seed 5 --lesion vision"
    done = CliRunner().invoke(cli.main, [*arguments.split(), "--json", str(path)])
    assert done.exit_code == 0, done.output
    assert asked[0].lesions.shuffled_vision and asked[0].seed == 5
    assert "Spaun (0 of 8 tasks), D=32, re-implemented" in done.output
    assert "too few trials" in done.output
    assert "0.5 s for each simulated second and item" in done.output
    found = json.loads(path.read_text())
    assert [t["task"] for t in found] == ["A1", "A7"]
    assert [(t["trials"], t["right"]) for t in found] == [(4, 4), (4, 4)]
    assert found[0]["answers"][0]["text"].startswith("A1[")


@pytest.mark.parametrize("arguments", ["--tasks A9", "--tasks A1,", "--trials 0"])
def test_command_refuses_what_there_is_not(arguments):
    done = CliRunner().invoke(cli.main, ["spaun", *arguments.split()])
    assert done.exit_code == 2
    assert "expected" in done.output or "range" in done.output


class Backend:
    """Draws nothing, and stops working after a few minibatches."""

    def __init__(self, net, minibatch, speed, watched):
        self.minibatch, self.runs = minibatch, 0

    def reset(self):
        pass

    def run(self, stimulus):
        self.runs += 1
        if self.runs > 2:
            raise KeyboardInterrupt
        return np.zeros((*stimulus.shape[:2], 3))

    def inside(self, item, n_steps):
        return {}

    def close(self):
        pass


def test_trials_that_were_run_before_an_interruption_are_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(session, "spaun", lambda *_: nengo.Network())
    monkeypatch.setitem(session.BACKENDS, "nengo_dl", Backend)
    path = tmp_path / "results.json"
    arguments = "spaun --tasks A4 --trials 6 --minibatch 2".split()
    done = CliRunner().invoke(cli.main, [*arguments, "--json", str(path)])
    assert done.exit_code != 0
    (found,) = json.loads(path.read_text())
    shown = [answer["text"] for answer in found["answers"]]
    trials = make_trials("A4", 6, 0)
    assert shown == [trials[k].text for k in (0, 1, 2, 5)]
    assert found["trials"] == 4 and found["also"]["seconds per count"] is None
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]
