"""Trials, and the answers that are right."""

import pytest
from nengo.exceptions import ValidationError

from nengo_dl_spaun_bench.spaun import tasks


def cells(text):
    return text[2:].replace("?", "").strip("[]").split("][")


@pytest.mark.parametrize("name", list(tasks.TASKS))
def test_trials_do_not_depend_on_how_many_there_are(name):
    few, many = (tasks.make_trials(name, n, seed=4) for n in (2, 6))
    assert many[:2] == few
    assert tasks.make_trials(name, 6, seed=5) != many


def test_counting():
    for trial in tasks.make_trials("A4", 20, 0):
        start, n = cells(trial.text)
        assert trial.answer == str(int(start) + int(n))


def test_questions():
    for trial in tasks.make_trials("A5", 20, 0):
        digits, cue = trial.text[3:8], trial.text[11]
        if trial.text[9] == "P":
            assert trial.answer == digits[int(cue) - 1]
        else:
            assert trial.answer == str(digits.index(cue) + 1)


def test_variables():
    for trial in tasks.make_trials("A6", 20, 0):
        shown = cells(trial.text)
        for given, answer in zip(shown[0:6:2], shown[1:6:2], strict=True):
            assert given[1] == answer
            assert given[0] == shown[0][0]
        assert trial.answer == shown[6][1]
        assert trial.answer not in shown[1:6:2]


def test_inductions():
    for trial in tasks.make_trials("A7", 20, 0):
        shown = [*cells(trial.text), trial.answer]
        rows = [shown[k : k + 3] for k in (0, 3, 6)]
        for row in rows:
            if trial.kind == "count":
                assert [int(c) - int(row[0]) for c in row] == [0, 1, 2]
            else:
                assert {len(set(c)) for c in row} == {1}


def test_unknown_task_is_refused():
    with pytest.raises(ValidationError, match="A9"):
        tasks.make_trials("A9", 1, 0)
