"""Attributes that a simulator of NengoDL 2 or 3 had, and what to use in their place."""

from __future__ import annotations

from nengo.exceptions import ValidationError

REPLACEMENTS = {
    "keras_model": (
        "there is no Keras model inside; instead, use sim.compile, sim.fit, "
        "sim.evaluate and sim.predict, and sim.save_params for the weights"
    ),
    "rng": (
        "the simulator keeps no generator; instead, use np.random.RandomState(sim.seed)"
    ),
    "sess": (
        "TensorFlow 2 has no sessions; instead, run the simulation with sim.run, "
        "sim.run_batch and sim.train, and read values from sim.data and sim.signals"
    ),
    "summary": (
        "there is no writer to add to; instead, name what TensorBoard is to show in "
        "sim.train(summaries=...), or write with tf.summary.create_file_writer"
    ),
    "tensor_graph": (
        "there is no graph to look into; instead, read values from sim.signals, and "
        "operators from sim.step_order and sim.dg"
    ),
}


class RemovedError(ValidationError, AttributeError):
    """
    An attribute was asked for that only NengoDL 2 or 3 had.

    Parameters
    ----------
    name : str
        The attribute.
    obj : object
        What was asked.
    """

    def __init__(self, name: str, obj: object) -> None:
        ValidationError.__init__(self, REPLACEMENTS[name], attr=name, obj=obj)
