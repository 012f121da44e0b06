"""Settings for every test of the workspace."""

import gc
import itertools
import os
import re
from collections.abc import Iterator

import numpy as np
import pytest

_OPTIONS = ("--dtype", "--unroll-simulation", "--minibatch-size", "--jit-compile")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the simulator that runs Nengo's own tests."""
    group = parser.getgroup("nengo-dl", "the simulator under test in Nengo's tests")
    group.addoption("--dtype", help="type of its signals: float32 or float64")
    group.addoption("--unroll-simulation", type=int, help="steps an iteration")
    group.addoption("--minibatch-size", type=int, help="items at once")
    group.addoption(
        "--jit-compile", type=lambda value: value == "True", help="True or False"
    )
    parser.addini("allclose_tolerances", "of Nengo's own tests, for pytest-allclose")
    try:
        parser.addini("nengo_simloader", "makes the simulator under test")
        parser.addini("nengo_test_unsupported", "tests to skip, with reasons")
    except ValueError:
        pass  # Nengo's plugin, where it is installed, has added them


def pytest_configure(config: pytest.Config) -> None:
    """Run slow tests too: Nengo's plugin skips them unless told otherwise.

    An ``addopts`` of ``--slow`` would be an unknown option wherever Nengo is not
    installed, such as in the environment of nengo-dl-objectives alone.
    """
    if hasattr(config.option, "slow"):
        config.option.slow = True
        config.option.spa = True


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """
    Run tests on all cores, if pytest-xdist is there; ``-n0`` stays in one process.

    An ``addopts`` of ``-n`` would be an unknown option where it is not. A single file
    is not worth the start of several processes. Who has no more tests takes half of
    what another has left, so that no file decides how long a run takes.
    """
    option = config.option
    named = option.file_or_dir
    alone = len(named) == 1 and re.search(r"\.(py|rst)\b", named[0])
    inside = "PYTEST_XDIST_WORKER" in os.environ
    if getattr(option, "numprocesses", 0) is None and not (alone or inside):
        option.numprocesses = "auto"
        if option.dist == "no":
            option.dist = "worksteal"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Start no more processes than memory is there for, with 6 GB for each."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # pytest-xdist reads it
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    try:
        n_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError):
        return cores
    return max(1, min(cores, n_bytes // (6 * 2**30)))


def pytest_collection_finish() -> None:
    """Let no search for garbage look at what was imported: all of it stays."""
    gc.collect()
    gc.freeze()


_n_files = itertools.count(1)


@pytest.fixture(autouse=True, scope="module")
def collected() -> Iterator[None]:
    """Let go of the graphs of tests: they hold more than Python counts."""
    yield
    # Each time takes seconds once there are many graphs, as after most of the tests.
    if next(_n_files) % 4 == 0:
        gc.collect()


#: Tests of Nengo that an option of ours makes meaningless: the option, the reason.
_MEANINGLESS = {
    "test_entry_point": (
        _OPTIONS,
        "with options, the simulator under test is not the one that is registered",
    ),
    "test_x_copy": (
        ("--minibatch-size",),
        "the process of the test collects the input of all batch items in one list",
    ),
}


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Let Nengo's own tests warn: what they warn of is Nengo's matter."""
    for item in items:
        if _is_from_nengo(item):
            item.add_marker(pytest.mark.filterwarnings("default"))
            options, reason = _MEANINGLESS.get(item.name, ((), ""))
            if any(config.getoption(option) is not None for option in options):
                item.add_marker(pytest.mark.skip(reason))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Run Nengo's own tests with the settings that they have in Nengo's repository."""
    if _is_from_nengo(item):
        from nengo.rc import rc

        rc.reload_rc([])
        rc["decoder_cache"]["enabled"] = "False"
        rc["exceptions"]["simplified"] = "False"
        rc["nengo.Simulator"]["fail_fast"] = "True"
        rc["progress"]["progress_bar"] = "False"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Make a seed from the name of a test.

    That of one of Nengo's tests is the seed it has in Nengo's own repository, whose
    folders its name begins with there; here the name would begin with the environment.
    """
    return _seed(request.node, "")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.RandomState:
    """Make a random number generator from the name of a test, as `seed` does."""
    return np.random.RandomState(_seed(request.node, "rng"))


def _seed(item: pytest.Item, salt: str) -> int:
    from pytest_rng.plugin import Seed

    name = item.nodeid
    if _is_from_nengo(item):
        name = "nengo/" + name.rpartition("site-packages/nengo/")[2]
    return int(Seed.generate(name, extra_salt=salt))


def _is_from_nengo(item: pytest.Item) -> bool:
    return "site-packages/nengo/" in item.path.as_posix()
