"""Neuron builders in the manner of NengoDL 3: the batch first, time and state given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError, ValidationError

from ..config import BuildConfig


@dataclass
class TFBuildConfig:
    """
    The settings that such a builder may ask for.

    Parameters
    ----------
    lif_smoothing : float, optional
        The ``sigma`` with which LIF neurons are trained.
    inference_only : bool
        False: whether there will be training is not known when a step is built.
    training : bool
        Whether the step that is being built is one of training.
    """

    lif_smoothing: float | None = None
    inference_only: bool = False
    training: bool = False


@dataclass(frozen=True)
class NeuronSignal:
    """
    One of the signals of a group of neurons.

    Parameters
    ----------
    name : str
        ``"J"``, ``"output"`` or the name of a state.
    shape : tuple of int
        ``(n_neurons,)``.
    minibatch_size : int
        The number of items.
    """

    name: str
    shape: tuple[int, ...]
    minibatch_size: int

    @property
    def full_shape(self) -> tuple[int, ...]:
        """The shape with the batch axis, which is the first."""
        return (self.minibatch_size, *self.shape)


class NeuronSignals:
    """
    The signals of a group of neurons, as such a builder reads and writes them.

    Parameters
    ----------
    ops : list of nengo.builder.neurons.SimNeurons
        The operators of the group.
    config : BuildConfig
        The settings of the simulation.
    """

    def __init__(self, ops: Sequence[Operator], config: BuildConfig) -> None:
        self.ops = ops
        self.config = config
        self.minibatch_size = config.minibatch_size
        self.dtype = tf.as_dtype(config.dtype)
        self.zero = tf.constant(0, self.dtype)
        self.one = tf.constant(1, self.dtype)
        self.dt = tf.constant(config.dt, self.dtype)
        self.training = False
        self.values: dict[str, tf.Tensor] = {}

    def combine(self, sigs: Sequence[Signal]) -> NeuronSignal:
        """Return the handle of ``J``, of ``output`` or of a state of all operators."""
        op = self.ops[0]
        named = {"J": op.J, "output": op.output, **op.state}
        for name, sig in named.items():
            if sigs[0] is sig:
                size = sum(sig.size for sig in sigs)
                return NeuronSignal(name, (size,), self.minibatch_size)
        raise BuildError(
            f"expected J, output or state of the neurons ({sorted(named)}), got {sigs}"
        )

    def gather(self, sig: NeuronSignal, force_copy: bool = False) -> tf.Tensor:
        """Return the current value of a signal, (minibatch_size, n_neurons)."""
        del force_copy  # a value is never changed
        return self.values[sig.name]

    def scatter(self, sig: NeuronSignal, val: tf.Tensor, mode: str = "update") -> None:
        """Set a signal, or increment it."""
        if mode not in ("update", "inc"):
            raise BuildError(f"expected mode 'update' or 'inc', got {mode!r}")
        self.values[sig.name] = val if mode == "update" else self.gather(sig) + val

    def op_constant(
        self,
        ops: Sequence[Any],
        op_sizes: Sequence[int],
        attr: str,
        dtype: str | tf.DType,
        ndims: int = 2,
    ) -> tf.Tensor:
        """
        Return an attribute of objects, such as the neuron types of a group.

        Returns one number if all objects agree, else one for each neuron.
        """
        found = [getattr(op, attr) for op in ops]
        if all(value == found[0] for value in found):
            return tf.constant(found[0], dtype)
        per_neuron = np.repeat(np.asarray(found, np.float64), op_sizes)
        shape = (1, -1, *[1] * (ndims - 2)) if ndims > 1 else (-1,)
        return tf.constant(per_neuron.reshape(shape), dtype)


class TFNeuronBuilder:
    """
    Computes one neuron type in the manner of NengoDL 3.

    To be implemented by subclasses: `step`, `training_step` if ``spiking``, and
    `build_pre` for constants. Register them with
    ``SimNeuronsBuilder.TF_NEURON_IMPL[MyNeuronType] = MyBuilder``. (`NeuronBuilder` is
    the shorter way of saying the same: it runs faster, and more of it is checked.)

    Parameters
    ----------
    ops : list of nengo.builder.neurons.SimNeurons
        The operators of a merged group; all of one neuron type, whose parameters may
        differ.

    Attributes
    ----------
    spiking : bool
        Whether training needs `training_step` in place of `step`.
    config : TFBuildConfig
        Settings of the simulation (from `build_pre` on).
    J_data, output_data : NeuronSignal
        Input and output (from `build_pre` on).
    state_data : dict from str to NeuronSignal
        The state, by Nengo's names (from `build_pre` on).
    """

    spiking: ClassVar[bool] = False

    def __init__(self, ops: Sequence[Operator]) -> None:
        self.ops = ops

    def build_pre(self, signals: NeuronSignals, config: TFBuildConfig) -> None:
        """
        Get ready: called once, before any step is built.

        Parameters
        ----------
        signals : NeuronSignals
            The signals of the group.
        config : TFBuildConfig
            Settings of the simulation.
        """
        self.config = config
        self.J_data = signals.combine([op.J for op in self.ops])
        self.output_data = signals.combine([op.output for op in self.ops])
        self.state_data = {
            name: signals.combine([op.state[name] for op in self.ops])
            for name in self.ops[0].state
        }

    def build_post(self, signals: NeuronSignals) -> None:
        """
        Finish: called once, after `build_pre`; does nothing by default.

        Parameters
        ----------
        signals : NeuronSignals
            The signals of the group.
        """

    def step(self, J: tf.Tensor, dt: tf.Tensor, **state: tf.Tensor) -> Any:
        """
        Compute one time step.

        Parameters
        ----------
        J : (minibatch_size, n_neurons) tf.Tensor
            The input current.
        dt : () tf.Tensor
            The length of a time step, in seconds.
        **state : (minibatch_size, n_neurons) tf.Tensor
            The state after the step before, by Nengo's names.

        Returns
        -------
        output : (minibatch_size, n_neurons) tf.Tensor
            Rates or spikes, in Hz. If there is state, the first of a tuple.
        *state : (minibatch_size, n_neurons) tf.Tensor
            The new state, in the order of the neuron type's ``state``.

        Raises
        ------
        nengo.exceptions.BuildError
            If a subclass does not implement it.
        """
        del J, dt, state
        raise BuildError(
            f"{type(self).__name__} has no step(J, dt, **state): write one"
        )

    def training_step(self, J: tf.Tensor, dt: tf.Tensor, **state: tf.Tensor) -> Any:
        """
        Compute the differentiable stand-in of `step` of a spiking type.

        Parameters
        ----------
        J, dt, **state
            As in `step`.

        Returns
        -------
        output : (minibatch_size, n_neurons) tf.Tensor
            Rates, in Hz. The state stays as it is.

        Raises
        ------
        nengo.exceptions.BuildError
            If a subclass that spikes does not implement it.
        """
        del J, dt, state
        raise BuildError(
            f"{type(self).__name__} spikes and has no training_step(J, dt, **state), "
            "from which gradients could be computed: write one that returns rates"
        )

    def build_step(self, signals: NeuronSignals) -> None:
        """
        Read the signals, compute a step, write them.

        Parameters
        ----------
        signals : NeuronSignals
            The signals of the group.
        """
        J = signals.gather(self.J_data)
        state = {name: signals.gather(sig) for name, sig in self.state_data.items()}
        if signals.training and self.spiking:
            output = self.training_step(J, signals.dt, **state)
            return signals.scatter(self.output_data, output)
        output, *new = self._results(self.step(J, signals.dt, **state))
        signals.scatter(self.output_data, output)
        for sig, values in zip(self.state_data.values(), new, strict=True):
            signals.scatter(sig, values)
        return None

    def _results(self, found: Any) -> Sequence[tf.Tensor]:
        names = list(self.state_data)
        results = tuple(found) if isinstance(found, (tuple, list)) else (found,)
        if len(results) != 1 + len(names):
            raise ValidationError(
                "expected step to return a tuple with the neuron output and the state "
                f"({', '.join(['output', *names])}), got {len(results)} values",
                attr="step",
                obj=self,
            )
        return results
