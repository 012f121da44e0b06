"""How much memory a minibatch needs at least, compared with what the machine has."""

from __future__ import annotations

import os

from nengo.builder import Model
from nengo.builder.processes import SimProcess
from nengo.exceptions import ValidationError

from nengo_dl_ops import Builder

#: A NumPy generator, which each item has of each process and operator in Python.
_GENERATOR_BYTES = 2500


def check_memory(model: Model, minibatch_size: int, dtype: str) -> None:
    """
    Refuse a minibatch for which the machine has too little memory, before it is made.

    Raises a ``ValidationError`` if what each item holds between two steps alone takes
    more than the machine's memory. What a step, a run or training needs besides is not
    counted.
    """
    available = _machine_bytes()
    needed = minibatch_size * _item_bytes(model, _FLOAT_BYTES[dtype])
    if available is not None and needed > available:
        raise ValidationError(
            f"expected a number of items that fit into memory, got {minibatch_size}: "
            f"they need at least {_text(needed)}, and this machine has "
            f"{_text(available)} (simulate fewer at once: data of more items are "
            f"divided into minibatches by sim.predict and sim.fit)",
            attr="minibatch_size",
        )


_FLOAT_BYTES = {"float16": 2, "float32": 4, "float64": 8}


def _item_bytes(model: Model, float_bytes: int) -> int:
    """Return what one item of a minibatch holds between two steps, at least."""
    state = {sig.base for op in model.operators for sig in Builder.of(op).previous(op)}
    probed = sum(model.sig[probe]["in"].size for probe in model.probes)
    drawing = [
        op
        for op in model.operators
        if isinstance(op, SimProcess) or Builder.of(op).python
    ]
    n_numbers = sum(sig.size for sig in state) + probed
    return float_bytes * n_numbers + _GENERATOR_BYTES * len(drawing)


def _machine_bytes() -> int | None:
    """Return the size of the machine's memory; None where it is not known."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _text(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:,.1f} GiB"
