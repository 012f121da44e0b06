import nengo
import pytest


@pytest.fixture(autouse=True, scope="session")
def no_decoder_cache():
    """Keep the tests out of the user's cache, and its lock out of the tests."""
    enabled = nengo.rc.getboolean("decoder_cache", "enabled")
    nengo.rc.set("decoder_cache", "enabled", "False")
    yield
    nengo.rc.set("decoder_cache", "enabled", str(enabled))
