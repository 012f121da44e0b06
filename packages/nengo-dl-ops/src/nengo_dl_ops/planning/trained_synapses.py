"""Parameters of synapses, as trainable signals."""

from __future__ import annotations

from functools import partial

from nengo.builder.processes import SimProcess
from nengo.exceptions import BuildError

from ..operators.process_coefficients import SimProcessCoefficients
from ..operators.process_parameters import SimParametricProcess
from ..operators.processes import trainable_process
from .trained_parameters import (
    TrainedObject,
    TrainedOperators,
    train_value,
    values_of,
)


def train_process(
    op: SimProcess, elementwise: bool, dt: float, setting: str
) -> TrainedOperators:
    """
    Let the parameters of a process be trained.

    ``elementwise``: whether each element has its own. ``setting``: what asks for it,
    for messages. Raises a ``BuildError`` if it has none, or one that is at its bound.
    """
    form = trainable_process(op)
    if form is None:
        raise BuildError(
            f"{setting}: expected a synapse whose parameters can be trained, such as "
            f"Lowpass or Alpha (analog, with method 'zoh'), got {op.process}. Use one, "
            "or set trainable_synapse = False"
        )
    refused = form.refusal(op.process, dt)
    if refused is not None:
        raise BuildError(
            f"{setting}: expected {op.process} to have {refused}. Use such a synapse, "
            "or set trainable_synapse = False"
        )
    bounds, built = form.bounds(op.process, dt), form.values(op.process, dt)
    shape = op.output.shape if elementwise else None
    trained = [
        train_value(op.process, name, bounds[name], value, shape, setting)
        for name, value in built.items()
    ]
    compute = SimProcessCoefficients(form, values_of(trained), dt, tag=op.tag)
    process = SimParametricProcess(op, compute.coefficients)
    attributes = partial(form.attributes, op.process)
    parameters = [one.parameter for one in trained]
    return TrainedOperators(
        {op: [*(one.compute for one in trained), compute, process]},
        TrainedObject(parameters, attributes),
    )
