"""Run Nengo's own test suite against this simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo

from .settings.config import configure_settings
from .settings.table import dtype_of_nengo
from .simulator.simulator import Simulator


def make_test_sim(request: Any) -> Callable[..., Simulator]:
    """
    Make the simulator class that Nengo's tests use.

    Named as ``nengo_simloader`` in the configuration of pytest.

    ``request``: knows the options ``--dtype``, ``--unroll-simulation``,
    ``--minibatch-size`` and ``--jit-compile``, if there are such. Returns a
    `.Simulator` whose defaults are those of the options.
    """
    option = request.config.getoption
    names = ("--dtype", "--unroll-simulation", "--minibatch-size", "--jit-compile")
    if all(option(name, default=None) is None for name in names):
        return Simulator
    dtype = option("--dtype", default=None)
    jit_compile = option("--jit-compile", default=None)
    defaults = {
        "unroll_simulation": int(option("--unroll-simulation", default=None) or 1),
        "minibatch_size": option("--minibatch-size", default=None),
        "jit_compile": "auto" if jit_compile is None else jit_compile,
    }

    class TestSimulator(Simulator):
        def __init__(self, network: Any, *args: Any, **kwargs: Any) -> None:
            unset = network is not None and nengo.Network not in network.config.params
            if unset and dtype is not None and dtype_of_nengo() is None:
                with network:
                    configure_settings(dtype=dtype)
            super().__init__(network, *args, **{**defaults, **kwargs})

        def _shows_batch(self) -> bool:
            # Nengo's tests know nothing of a batch axis: they see the first item.
            return False

    return TestSimulator
