"""Minibatches in blocks of steps."""

import numpy as np
import pytest

from nengo_dl_sim.data.batches import Batch, step_blocks


@pytest.mark.parametrize(
    "n_steps, truncation, expected",
    [
        (5, None, [(0, 5)]),
        (5, 2, [(0, 2), (2, 4), (4, 5)]),
        (4, 2, [(0, 2), (2, 4)]),
        (3, 7, [(0, 3)]),
        (0, 2, []),
    ],
)
def test_blocks(n_steps, truncation, expected):
    found = [(block.start, block.stop) for block in step_blocks(n_steps, truncation)]
    assert found == expected
    stepped, target = np.arange(n_steps)[:, None], np.arange(2 * n_steps)
    batch = Batch(np.zeros(1), stepped, [target.reshape(2, n_steps)])
    blocks = list(batch.blocks(truncation))
    assert [block.stepped[:, 0].tolist() for block in blocks] == [
        list(range(*steps)) for steps in expected
    ]
    joined = [block.targets[0] for block in blocks]
    if joined:
        np.testing.assert_array_equal(np.concatenate(joined, axis=1), batch.targets[0])
