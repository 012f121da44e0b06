"""Which operators may be merged, as any backend asks."""

import numpy as np
import pytest
from nengo.builder.operator import Copy, ElementwiseInc, Reset
from nengo.builder.signal import Signal

from nengo_dl_ops import make_merge_key
from nengo_dl_signals import SignalLayout

VECTOR, OTHER = Signal(np.ones(3), name="vector"), Signal(np.ones(5), name="other")
FIXED = Signal(np.ones(3), name="fixed", readonly=True)
TRAINED = Signal(np.ones(3), name="trained", readonly=True)
WHOLE = Signal(np.ones(3, dtype=int), name="whole")
TARGET = Signal(np.zeros(3), name="target")


@pytest.fixture
def merge_key():
    bases = [VECTOR, OTHER, FIXED, TRAINED, WHOLE, TARGET]
    return make_merge_key(SignalLayout(bases, {FIXED, TRAINED}), {TRAINED})


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        (Reset(VECTOR), Reset(OTHER), True),
        (Reset(VECTOR), Reset(VECTOR, value=2), True),
        (Reset(VECTOR), Copy(VECTOR, TARGET), False),
        (Copy(VECTOR, TARGET), Copy(TARGET, VECTOR), True),
        (Copy(VECTOR, TARGET), Copy(VECTOR, TARGET, inc=True), False),
        (Copy(VECTOR, TARGET), Copy(FIXED, TARGET), False),
        (Reset(VECTOR), Reset(WHOLE), False),
        (
            ElementwiseInc(FIXED, VECTOR, TARGET),
            ElementwiseInc(TRAINED, VECTOR, TARGET),
            False,
        ),
    ],
)
def test_operators_merge_if_keys_are_equal(merge_key, first, second, equal):
    assert (merge_key(first) == merge_key(second)) is equal
