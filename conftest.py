"""Settings for every test of the workspace."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the simulator that runs Nengo's own tests."""
    group = parser.getgroup("nengo-dl", "the simulator under test in Nengo's tests")
    group.addoption("--dtype", help="type of its signals: float32 or float64")
    group.addoption("--unroll-simulation", type=int, help="steps an iteration")
    group.addoption("--minibatch-size", type=int, help="items at once")
    group.addoption(
        "--jit-compile", type=lambda value: value == "True", help="True or False"
    )
    try:
        parser.addini("nengo_simloader", "makes the simulator under test")
    except ValueError:
        pass  # Nengo's plugin, where it is installed, has added it


def pytest_configure(config: pytest.Config) -> None:
    """Run slow tests too: Nengo's plugin skips them unless told otherwise.

    An ``addopts`` of ``--slow`` would be an unknown option wherever Nengo is not
    installed, such as in the environment of nengo-dl-objectives alone.
    """
    if hasattr(config.option, "slow"):
        config.option.slow = True
        config.option.spa = True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Nengo's own tests warn: what they warn of is Nengo's matter."""
    for item in items:
        if "site-packages" in item.nodeid or item.nodeid.startswith(".."):
            item.add_marker(pytest.mark.filterwarnings("default"))
        elif "nengo/" in item.nodeid and "packages/" not in item.nodeid:
            item.add_marker(pytest.mark.filterwarnings("default"))
