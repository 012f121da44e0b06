"""The directory that TensorBoard reads."""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import tensorflow as tf
from nengo.exceptions import ValidationError

from ..engine.engine import Engine
from ..inputs.feed import InputFeed
from ..saving.writing import writing

_RUN = re.compile(r"run_(\d+)")


class EventDirectory:
    """
    A new run in a directory of runs.

    Parameters
    ----------
    directory : str or path-like
        Where the runs are, ``run_0``, ``run_1``, and so on. It is made if there is
        none.

    Attributes
    ----------
    directory : pathlib.Path
        The directory of this run.
    writer : tf.summary.SummaryWriter
        Writes to it.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``directory`` is not a path.
    OSError
        If it cannot be made.
    """

    def __init__(self, directory: Any) -> None:
        if not isinstance(directory, (str, os.PathLike)):
            raise ValidationError(
                f"expected a directory, got {directory!r}", attr="tensorboard"
            )
        self.directory = _new_run(Path(directory))
        self.writer = tf.summary.create_file_writer(str(self.directory))

    def write_graph(self, engine: Engine) -> None:
        """Write the graph of one simulation step."""
        graph = _step_graph(engine)
        with writing(self.directory, "graph"), self.writer.as_default():
            tf.summary.graph(graph)
            self.writer.flush()

    def writing(self) -> AbstractContextManager[None]:
        """Make a context in which summaries are written."""
        return writing(self.directory, "summaries")

    def close(self) -> None:
        """Write what has not been written yet; nothing can be written afterwards."""
        with self.writing():
            self.writer.close()


def _new_run(directory: Path) -> Path:
    """Make the directory of the next run."""
    directory.mkdir(parents=True, exist_ok=True)
    found = [_RUN.fullmatch(path.name) for path in directory.iterdir()]
    numbers = [int(match[1]) for match in found if match]
    run = directory / f"run_{max(numbers, default=-1) + 1}"
    run.mkdir()
    return run


def _step_graph(engine: Engine) -> tf.Graph:
    """Trace a step of a run in which no inputs are given."""
    program = engine.program
    feed = InputFeed(engine.inputs, (), (), program)
    n_stepped = sum(feed.sizes.values())

    @tf.function(autograph=False)
    def step(parameters, state, held, stepped):  # type: ignore[no-untyped-def]
        outputs = list(program.outputs.values())
        return program.step(parameters, state, feed.split, held, stepped, outputs)

    traced = step.get_concrete_function(
        [tf.TensorSpec(v.shape, v.dtype) for v in engine.parameters.variables],
        program.initial_state(seed=0),
        feed.held({}),
        tf.TensorSpec((n_stepped, program.minibatch_size), engine.config.dtype),
    )
    return traced.graph
