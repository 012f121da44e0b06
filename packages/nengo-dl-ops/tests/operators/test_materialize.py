"""What XLA computes before it computes what reads it."""

import re

import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_ops.operators.materialize import is_piecewise, materialized

# Values made of a vector of 6, and whether XLA would join them of pieces.
VALUES = {
    "pieces": (lambda x: tf.concat([x[3:], 2 * x[:3]], 0), True),
    "pieces, times": (lambda x: tf.ones((6, 2)) * tf.stack([x[:3], x[3:]], 1)[0], True),
    "elements": (lambda x: tf.gather(x, [5, 0, 3]), True),
    "whole": (lambda x: 2 * x[1:] + 1, False),
}


@pytest.mark.parametrize("make, expected", VALUES.values(), ids=VALUES)
def test_what_reads_a_value_is_another_kernel(make, expected):
    @tf.function(jit_compile=True)
    def compute(x, key):
        value = make(x)
        assert is_piecewise(value) == expected
        return 1 / (3 + materialized(value, key))

    x, key = tf.range(6.0), tf.constant([1, 2])
    np.testing.assert_allclose(compute(x, key), 1 / (3 + make(x)), rtol=1e-6)
    text = compute.experimental_get_compiler_ir(x, key)(stage="optimized_hlo")
    (reader,) = (k for k in re.split(r"\n(?=%|ENTRY)", text) if " divide(" in k)
    assert not re.search(r" (concatenate|gather|pad)\(", reader)
