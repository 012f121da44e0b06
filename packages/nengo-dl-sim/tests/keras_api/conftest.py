"""The simulator of two nodes that most tests of Keras's interface share."""

import helpers
import pytest
from weighted_sum import SIZE, linear


@pytest.fixture(scope="module")
def shared():
    net = linear()
    with helpers.simulator(net, seed=0, minibatch_size=SIZE) as sim:
        yield sim, net
