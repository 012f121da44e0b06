"""What only other versions of NengoDL have, and what to use in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nengo.exceptions import ValidationError

REPLACEMENTS = {
    "graph": (
        "TensorFlow 2 needs no graph of its own; instead, simulate several networks "
        "one after the other, without anything to enter"
    ),
    "print_params": (
        "instead, use sim.keras_model.summary(), or sim.data[obj] for the values"
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
        instead = {**MODEL_REPLACEMENTS, **REPLACEMENTS}[name]
        ValidationError.__init__(self, instead, attr=name, obj=obj)


_FIT = "the network is trained by the simulator; instead, use sim.{}"

#: What `sim.keras_model` does not have, as it is only a view of the parameters.
MODEL_REPLACEMENTS = {
    **{
        name: _FIT.format(name)
        for name in ("compile", "fit", "evaluate", "predict", "predict_on_batch")
    },
    "inputs": "instead, use sim.node_inputs",
    "input": "instead, use sim.node_inputs",
    "metrics_names": "instead, use the keys of what sim.evaluate returns",
    "outputs": "instead, use sim.model.probes, and sim.predict for their values",
    "output": "instead, use sim.model.probes, and sim.predict for their values",
    "test_on_batch": _FIT.format("evaluate"),
    "to_json": "instead, keep the program that makes the network",
    "get_config": "instead, keep the program that makes the network",
    "train_on_batch": _FIT.format("fit"),
}


_REPLACEMENTS = {
    "extra_feeds": (
        "put the value into a tf.Variable that a TensorNode or an objective reads, and "
        "assign to it before the call; values of nodes go into `data`"
    ),
    "extra_fetches": (
        "probe what you want to see, or return it from a function in `outputs`"
    ),
}


class SessionError(ValidationError):
    """
    An argument was given that only a session of TensorFlow 1 has.

    Parameters
    ----------
    name : str
        The argument.
    """

    def __init__(self, name: str) -> None:
        message = f"TensorFlow 2 has no sessions; instead, {_REPLACEMENTS[name]}"
        super().__init__(message, attr=name)


def refuse(name: str, value: Any) -> None:
    """Refuse an argument of session.run, unless it is empty."""
    empty = isinstance(value, (Mapping, list, tuple)) and not value
    if value is not None and not empty:
        raise SessionError(name)
