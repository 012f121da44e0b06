"""Settings for every test of the workspace."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Run slow tests too: Nengo's plugin skips them unless told otherwise.

    An ``addopts`` of ``--slow`` would be an unknown option wherever Nengo is not
    installed, such as in the environment of nengo-dl-objectives alone.
    """
    if hasattr(config.option, "slow"):
        config.option.slow = True
