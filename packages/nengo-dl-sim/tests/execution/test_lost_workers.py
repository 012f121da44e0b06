"""What is said of a worker that is lost, or does something else."""

import pytest
import tensorflow as tf
from nengo.exceptions import SimulationError

from nengo_dl_sim.execution.distributed_replicas import DistributedReplicas

#: What TensorFlow 2.21 has said, and what is made of it.
SAID = {
    "connection lost": (
        "Collective ops is aborted by: failed to connect to all addresses\n"
        "from remote target /job:worker/replica:0/task:1 while calling",
        "Lost worker 1 (this is worker 0): it was stopped",
    ),
    "no heartbeat": (
        "The following tasks are unhealthy (stopped sending heartbeats):\n"
        "/job:worker/replica:0/task:2",
        "Lost worker 2 (this is worker 0)",
    ),
    "of itself": (
        "Unexpected heartbeat request from /job:worker/replica:0/task:0",
        "Lost another worker (this is worker 0)",
    ),
    "another type": (
        "Collective ops is aborted by: Collective instance 102 expected type 0 and "
        "data_type 2 but got type 0 and data_type 9",
        "Workers do not make the same calls (this is worker 0): one has stopped",
    ),
    "another shape": (
        "Shape mismatch in the collective instance 3. Op at device "
        "/job:worker/replica:0/task:1/device:CPU:0 expected shape [3] but another "
        "member in the group expected shape [4].",
        "Workers do not make the same calls (this is worker 0)",
    ),
}


class Failing(DistributedReplicas):
    """Sums up nothing: TensorFlow fails."""

    def __init__(self, text):
        super().__init__(tf.distribute.MirroredStrategy(["/cpu:0"]), 0, None, None)
        self._text = text

    def _sum(self, parts, n_gradients):
        raise tf.errors.InternalError(None, None, self._text)


@pytest.mark.parametrize("text, said", SAID.values(), ids=SAID)
def test_what_is_said_of_workers(text, said):
    with pytest.raises(SimulationError) as error:
        Failing(text).sum([[tf.ones(1)]])
    assert str(error.value).startswith(said)
    assert text.partition("\n")[0][:200] in str(error.value)
