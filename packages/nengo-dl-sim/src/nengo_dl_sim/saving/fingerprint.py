"""What tells apart two plans of a network, whose states may have equal shapes."""

from __future__ import annotations

import hashlib

import numpy as np
from nengo.builder import Model
from nengo.builder.signal import Signal

from nengo_dl_ops.step.program import Program


def plan_fingerprint(model: Model, program: Program) -> np.ndarray:
    """
    Digest where the signals of a program are, and how its operators are merged.

    The meaning of a state array's rows, and the random numbers that operators draw,
    follow from these.
    """
    order = _order(model)
    # New signals come from simplifications. Names may tell addresses in memory.
    bases = [(order.get(base, -1), base.shape) for base in program.layout.bases]
    groups = [(type(group).__name__, len(group.ops)) for group in program.groups]
    digest = hashlib.sha256(repr((bases, groups)).encode())
    for array in program.states:
        digest.update(np.asarray(array.signal.rows, np.int64).tobytes())
    return np.frombuffer(digest.digest()[:8], np.int64)[0]


def _order(model: Model) -> dict[Signal, int]:
    """Number base signals by the operators that come first in the model."""
    signals = (sig.base for op in model.operators for sig in op.all_signals)
    return {base: number for number, base in enumerate(dict.fromkeys(signals))}
