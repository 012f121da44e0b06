"""What the pages share when they are run."""

import nengo
import pytest


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Let a page write files without a thought of where."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def without_the_cache_of_the_user():
    """Another process may have locked it, of which Nengo warns."""
    enabled = nengo.rc["decoder_cache"]["enabled"]
    nengo.rc["decoder_cache"]["enabled"] = "False"
    yield
    nengo.rc["decoder_cache"]["enabled"] = enabled
