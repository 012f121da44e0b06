"""What the tests of the simulator share; helpers lie in the folder ``shared``."""

import sys
from pathlib import Path

import keras
import nengo
import pytest

from nengo_dl_sim.progress import make

# Not this folder: one of its folders is called tensorboard, as a package is.
sys.path.append(str(Path(__file__).parent / "shared"))


@pytest.fixture(autouse=True, scope="session")
def no_decoder_cache():
    """Keep the tests out of the user's cache, and its lock out of the tests."""
    enabled = nengo.rc.getboolean("decoder_cache", "enabled")
    nengo.rc.set("decoder_cache", "enabled", "False")
    yield
    nengo.rc.set("decoder_cache", "enabled", str(enabled))


@pytest.fixture(autouse=True, scope="module")
def floats_of_keras():
    """Fail where a file leaves another type of floats to the files after it."""
    before = keras.config.floatx(), keras.config.dtype_policy().name
    yield
    assert (keras.config.floatx(), keras.config.dtype_policy().name) == before


@pytest.fixture
def sim(shared):
    """The simulator that the tests of a file share, at its start."""
    shared[0].reset()
    return shared[0]


@pytest.fixture
def net(shared):
    """The network of that simulator."""
    return shared[1]


@pytest.fixture
def terminal(monkeypatch):
    """Let progress bars be drawn, as on a terminal."""
    monkeypatch.setattr(make, "_is_terminal", lambda: True)
