"""The registry that knows how to compute what Nengo describes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nengo.builder.operator import Operator
from nengo.exceptions import BuildError
from nengo.neurons import NeuronType

from nengo_dl_signals import SignalLayout

from .config import BuildConfig
from .op_builder import OpBuilder
from .user_warnings import warn_user


class Builder:
    """
    Maps types of operators, neurons and processes to what computes them.

    There is one registry. An entry serves the registered type and every subclass
    that inherits the method the entry stands for (``make_step`` of an operator or
    process, ``step`` of a neuron type): a subclass that overrides it computes
    something else, and needs an entry of its own.
    """

    _registry: dict[type, type] = {}

    @classmethod
    def register(cls, kind: type) -> Callable[[type], type]:
        """
        Register the decorated class as the builder of a type.

        Parameters
        ----------
        kind : type
            A subclass of ``nengo.builder.Operator`` (the decorated class is then an
            `.OpBuilder`), ``nengo.neurons.NeuronType`` (a `.NeuronBuilder`) or
            ``nengo.Process`` (a `.ProcessBuilder`).

        Returns
        -------
        decorator : callable
            Returns the class it is given.

        Warns
        -----
        UserWarning
            If the type has a builder already (the new one takes its place).
        """

        def register_builder(builder: type) -> type:
            if kind in cls._registry:
                warn_user(
                    f"Type '{kind.__name__}' already has a builder, "
                    f"{cls._registry[kind].__name__}; {builder.__name__} replaces it"
                )
            cls._registry[kind] = builder
            return builder

        return register_builder

    @classmethod
    def find(cls, kind: type) -> Any:
        """
        Find the builder of a type.

        Parameters
        ----------
        kind : type
            The type of an operator, neuron type or process.

        Returns
        -------
        builder : type
            The class registered for it, or for the nearest type that it inherits
            its computation from.

        Raises
        ------
        nengo.exceptions.BuildError
            If there is none.
        """
        builder = cls._find(kind)
        if builder is None:
            raise BuildError(
                f"No builder is registered for '{kind.__module__}.{kind.__name__}' "
                f"(register one with nengo_dl_ops.Builder.register({kind.__name__}))"
            )
        return builder

    @classmethod
    def has(cls, kind: type) -> bool:
        """Tell whether `find` finds a builder for a type."""
        return cls._find(kind) is not None

    @classmethod
    def _find(cls, kind: type) -> type | None:
        for ancestor in kind.__mro__:
            if ancestor in cls._registry:
                same = _computes_the_same(kind, ancestor)
                return cls._registry[ancestor] if same else None
        return None

    @classmethod
    def of(cls, op: Operator) -> type[OpBuilder]:
        """
        Find the builder of an operator.

        Parameters
        ----------
        op : nengo.builder.Operator
            An operator.

        Returns
        -------
        builder : type
            The class registered for its type, if that supports it; else the one that
            runs the operator in Python.
        """
        builder: type[OpBuilder] | None = cls._find(type(op))
        if builder is not None and builder.supports(op):
            return builder
        in_python: type[OpBuilder] = cls._registry[Operator]
        return in_python

    @classmethod
    def check(cls, op: Operator) -> None:
        """
        Refuse an operator that Nengo's simulator would refuse, too.

        Parameters
        ----------
        op : nengo.builder.Operator
            An operator. Those that run in Python are checked alike.

        Raises
        ------
        nengo.exceptions.BuildError
            If its signals do not fit each other.
        """
        builder: type[OpBuilder] | None = cls._find(type(op))
        if builder is not None:
            builder.check(op)

    @classmethod
    def build(
        cls, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> OpBuilder:
        """
        Make the builder of a group of merged operators.

        Parameters
        ----------
        ops : list of nengo.builder.Operator
            Operators with the same builder and equal `.OpBuilder.merge_key`.
        layout : SignalLayout
            Where their signals are.
        config : BuildConfig
            The settings of the simulation.

        Returns
        -------
        builder : OpBuilder
            Computes all of them at once.
        """
        return cls.of(ops[0])(ops, layout, config)


def _computes_the_same(kind: type, ancestor: type) -> bool:
    if kind is ancestor:  # as most are, of up to a million operators
        return True
    method = "step" if issubclass(ancestor, NeuronType) else "make_step"
    return getattr(kind, method, None) is getattr(ancestor, method, None)
