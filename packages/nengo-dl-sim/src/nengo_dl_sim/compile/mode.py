"""Which way of executing the step pays: compiled by XLA, or as a plain graph."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)

#: Rough costs in seconds, measured on two cores of a common server: compiling one
#: group of operators, and what one group costs more per step without compilation.
COMPILE_SECONDS_PER_GROUP = 0.06
GRAPH_SECONDS_PER_GROUP_AND_STEP = 40e-6


def choose_mode(jit_compile: bool | str, n_groups: int, n_steps: int) -> bool:
    """
    Decide whether a function is compiled by XLA.

    Parameters
    ----------
    jit_compile : bool or "auto"
        What the user asked for.
    n_groups : int
        The number of merged groups in a step.
    n_steps : int
        How many steps have been asked for so far, those of this call included.

    Returns
    -------
    compiled : bool
        Whether to compile: if the time saved in ``n_steps`` steps repays the
        compilation.
    """
    if jit_compile != "auto":
        return bool(jit_compile)
    compiling = COMPILE_SECONDS_PER_GROUP * n_groups + 0.3
    saving = GRAPH_SECONDS_PER_GROUP_AND_STEP * n_groups * n_steps
    compiled = saving > compiling
    logger.info(
        "Running %s: compiling %d groups takes about %.1f s, and saves about %.2f s "
        "in %d steps",
        "compiled by XLA" if compiled else "as a graph",
        n_groups,
        compiling,
        saving,
        n_steps,
    )
    return compiled
