"""What the pages of the guide share when they are run."""

import pytest


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Let a page write files without a thought of where."""
    monkeypatch.chdir(tmp_path)
