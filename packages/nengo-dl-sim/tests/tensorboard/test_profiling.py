"""Profiles of what a simulator does, in a folder."""

import pytest
from helpers import sgd, simulator, total
from nengo.exceptions import ValidationError
from networks import labelled


@pytest.fixture
def net():
    return labelled()


@pytest.mark.parametrize("use", ["run_steps", "run", "train", "run_batch"])
@pytest.mark.row("S046")
def test_profile_of_a_run(net, tmp_path, monkeypatch, use):
    monkeypatch.chdir(tmp_path)
    with simulator(net) as sim:
        calls = {
            "run_steps": lambda **kwargs: sim.run_steps(3, **kwargs),
            "run": lambda **kwargs: sim.run(0.003, **kwargs),
            "train": lambda **kwargs: sim.train(
                3, sgd(), objective={net.p: total}, **kwargs
            ),
            "run_batch": lambda **kwargs: sim.run_batch(3, {net.p: None}, **kwargs),
        }
        calls[use]()
        calls[use](profile=False)
        assert list(tmp_path.iterdir()) == []
        for profile, directory in ((True, "nengo_dl_profile"), ("my/dir", "my/dir")):
            calls[use](profile=profile)
            traces = list((tmp_path / directory).glob("plugins/profile/*/*.xplane.pb"))
            assert len(traces) == 1
            assert traces[0].stat().st_size > 1000
        with pytest.raises(ValidationError, match="profile.*directory.*got 3"):
            calls[use](profile=3)
