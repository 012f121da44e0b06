"""The base class of what computes a group of operators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal

from .config import BuildConfig


class Memoryless(NamedTuple):
    """
    What a group reads and writes, where that is all there is to it.

    Parameters
    ----------
    reads, writes : list of nengo.builder.Signal
        The signals.
    """

    reads: list[Signal]
    writes: list[Signal]

    @classmethod
    def of(cls, ops: Sequence[Operator]) -> Memoryless:
        """Collect the signals of operators that set and increment."""
        return cls(
            [sig for op in ops for sig in (*op.reads, *op.incs)],
            [sig for op in ops for sig in (*op.sets, *op.incs)],
        )


class OpBuilder(ABC):
    """
    Computes one step of a group of merged operators.

    To be implemented by subclasses: ``__init__`` finds the group's signals (the
    layout does not change afterwards), `build_step` emits TensorFlow.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of the group, in the order that the sorter chose.
    layout : SignalLayout
        Where their signals are.
    config : BuildConfig
        The settings of the simulation.
    """

    #: Whether all batch items have the same results whatever the inputs are.
    shared: bool = False

    #: Whether a step calls Python, which XLA cannot compile.
    python: bool = False

    #: Whether random numbers are drawn that depend on the seed and the step alone.
    draws: bool = False

    #: Whether what one batch item gets may depend on the others, as in a layer.
    mixes_items: bool = False

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        self.ops = ops
        self.config = config
        del layout

    @classmethod
    def supports(cls, op: Operator) -> bool:
        """
        Say whether the builder can compute an operator of its type.

        Parameters
        ----------
        op : nengo.builder.Operator
            An operator of the registered type.

        Returns
        -------
        supported : bool
            By default True. If False, the operator runs in Python.
        """
        del op
        return True

    @classmethod
    def check(cls, op: Operator) -> None:
        """
        Refuse an operator that Nengo's simulator would refuse, too.

        Parameters
        ----------
        op : nengo.builder.Operator
            An operator of the registered type. By default any is good.

        Raises
        ------
        nengo.exceptions.BuildError
            If its signals do not fit each other.
        """
        del op

    @classmethod
    def merge_key(cls, op: Operator) -> Hashable:
        """
        Say which operators may be merged.

        Operators of the same type merge if their keys are equal, and if their
        signals agree in type, shape of a row, trainability, and in whether they are
        ever written. By default an operator is never merged.

        Parameters
        ----------
        op : nengo.builder.Operator
            An operator of the registered type.

        Returns
        -------
        key : hashable
            Equal for operators that one group can compute.
        """
        return id(op)

    @classmethod
    def previous(cls, op: Operator) -> list[Signal]:
        """
        Return the signals of which the operator needs the previous step's value.

        Parameters
        ----------
        op : nengo.builder.Operator
            An operator of the registered type.

        Returns
        -------
        signals : list of nengo.builder.Signal
            By default what the operator updates.
        """
        return list(op.updates)

    @classmethod
    def shared_signals(cls, op: Operator) -> list[Signal]:
        """
        Return the signals whose new values are the same for all batch items.

        Parameters
        ----------
        op : nengo.builder.Operator
            An operator of the registered type.

        Returns
        -------
        signals : list of nengo.builder.Signal
            By default none, or if it is ``shared`` all that are written.
        """
        return [*op.sets, *op.incs, *op.updates] if cls.shared else []

    @classmethod
    def rings(cls, op: Operator) -> list[Signal]:
        """
        Return the signals that are rings: each step writes the next row of them.

        Those of one group have the same length. They are joined along the second axis,
        as the group writes them, so that XLA changes the row in place.

        Parameters
        ----------
        op : nengo.builder.Operator
            An operator of the registered type.

        Returns
        -------
        signals : list of nengo.builder.Signal
            By default none.
        """
        del op
        return []

    @classmethod
    def packed(cls, op: Operator) -> Mapping[Signal, Callable[[tf.Tensor], tf.Tensor]]:
        """
        Return the signals that loops which XLA compiles may carry in another form.

        Where ``signals.packed`` has a form of them, a step reads it there, and puts the
        next one there, besides writing the signals as always.

        Parameters
        ----------
        op : nengo.builder.Operator
            An operator of the registered type.

        Returns
        -------
        unpack : mapping from nengo.builder.Signal to callable
            Takes values in that form, or as they are, and returns them as they are. By
            default there are none.
        """
        del op
        return {}

    @property
    def variables(self) -> list[tf.Variable]:
        """
        Return the variables that the group brings along (for example a layer's).

        A step takes their values from ``signals.variables``, never from the variable:
        so that one step stays a function of what is passed in.
        """
        return []

    def compiler_error(self) -> str | None:
        """
        Say why XLA cannot compile a step, if it cannot (and it is not for Python).

        Returns
        -------
        error : str or None
            What XLA says. By default None: it can.
        """
        return None

    @property
    def checked(self) -> dict[str, TensorSignal]:
        """
        Return what must be finite after each step of a run, by what it is of.

        By default nothing, for what Nengo itself computes may be anything.
        """
        return {}

    def with_config(self, layout: SignalLayout, config: BuildConfig) -> OpBuilder:
        """
        Return the same group, for another number of items.

        By default made anew from its operators.

        Parameters
        ----------
        layout : SignalLayout
            Where their signals are.
        config : BuildConfig
            The settings of the simulation.

        Returns
        -------
        group : OpBuilder
            Computes the same.
        """
        return type(self)(self.ops, layout, config)

    def with_checked_gradients(self) -> OpBuilder:
        """
        Return the same, but that a gradient that is not finite is an error.

        By default itself: only what users write may make such gradients.
        """
        return self

    def post_build(self, rng: np.random.RandomState) -> None:
        """
        Get ready to run: called when a simulator is built, and after each reset.

        Here an operator may assign to its `variables`. By default it does nothing.

        Parameters
        ----------
        rng : numpy.random.RandomState
            The simulator's random generator.
        """
        del rng

    def reset(
        self, streams: Mapping[Operator, Sequence[np.random.RandomState]]
    ) -> None:
        """
        Forget what Python code remembers: called when the state is reset.

        By default it does nothing, for there is nothing to forget: all state is in
        signals.

        Parameters
        ----------
        streams : dict from nengo.builder.Operator to list of RandomState
            For operators that run in Python, a random generator for each batch item.
        """
        del streams

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """
        Keep what Python code remembers from what is computed in the context.

        By default it does nothing, as `reset`.
        """
        yield

    def memoryless(self, training: bool) -> Memoryless | None:
        """
        Say from what the group computes what, if it needs nothing else.

        Many steps may then be computed at once, as one with a larger batch: as long
        as nothing that is read depends on the step before.

        Parameters
        ----------
        training : bool
            Whether `build_training_step` is meant, not `build_step`.

        Returns
        -------
        signals : Memoryless or None
            By default None: the group has a memory, draws random numbers, brings
            variables along, or needs to know the size of the minibatch.
        """
        del training
        return None

    @property
    def prepared_steps(self) -> int:
        """
        Return after how many steps of a run `prepare` has repaid the time it takes.

        By default 0: it does nothing.
        """
        return 0

    def prepare(self, signals: SignalDict) -> list[tf.Tensor]:
        """
        Compute what steps need of constants, once before the first of many.

        Where XLA compiles the steps of a run of more than `prepared_steps`, each finds
        it in ``signals.prepared``, by the ``id`` of the builder. Others do without.

        Parameters
        ----------
        signals : SignalDict
            The values of constants, and no others.

        Returns
        -------
        prepared : list of tf.Tensor
            By default none.
        """
        del signals
        return []

    @abstractmethod
    def build_step(self, signals: SignalDict) -> None:
        """
        Emit the computation of one step.

        Parameters
        ----------
        signals : SignalDict
            The values so far; the results are written to it.
        """

    def build_training_step(self, signals: SignalDict) -> None:
        """
        Emit the differentiable computation of one step, for training.

        Parameters
        ----------
        signals : SignalDict
            The values so far; the results are written to it.
        """
        self.build_step(signals)
