"""What neurons compute in training: a choice for each operator, rates by default."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from ..builder import Builder
from .base import NeuronBuilder, NeuronState, NeuronStep
from .lif import LIFBuilder
from .spike_function import with_slope


class TrainingMode(ABC):
    """
    What neurons compute in training.

    To be implemented by subclasses: `step_of`. Equal objects (``==``, with equal hash)
    compute the same: the neurons of operators merge if theirs are equal.
    """

    @abstractmethod
    def step_of(self, neurons: NeuronBuilder) -> NeuronStep:
        """
        Return the step that stands in for ``neurons.step`` in training.

        Parameters
        ----------
        neurons : NeuronBuilder
            The neurons of a merged group. Types that do not spike are asked, too.

        Returns
        -------
        step : NeuronStep
            May read the state and change it: gradients then reach the steps before.
        """

    def in_rates(self) -> Rates:
        """Return the rates that neurons have where rates are asked for."""
        return RATES


@dataclass(frozen=True)
class Rates(TrainingMode):
    """Train spiking neurons by their rate approximation."""

    def in_rates(self) -> Rates:
        """Return these."""
        return self

    def step_of(self, neurons: NeuronBuilder) -> NeuronStep:
        """Return the step in rates; of types that do not spike, the step itself."""
        return neurons.rate_step()


@dataclass(frozen=True)
class SoftLIFRates(Rates):
    """
    Train spiking neurons by their rates, those of LIF neurons as `.SoftLIFRate`.

    Parameters
    ----------
    sigma : float
        How far the threshold is smoothed.
    """

    sigma: float

    def step_of(self, neurons: NeuronBuilder) -> NeuronStep:
        """Return the step in rates, which are smooth at the threshold for LIF."""
        if isinstance(neurons, LIFBuilder):
            neurons = neurons.smoothed(self.sigma)
        return super().step_of(neurons)


@dataclass(frozen=True)
class SpikeAware(TrainingMode):
    """
    Train spiking neurons with the spikes of a run, and the gradient of their rates.

    The gradient is that of the rate for the present current: it does not go through
    what neurons remember, such as their voltage [1]_.

    Parameters
    ----------
    rates : Rates
        Whose gradient it is.

    References
    ----------
    .. [1] Zenke, F., & Vogels, T. P. (2021). The remarkable robustness of surrogate
       gradient learning for instilling complex function in spiking neural networks.
       Neural Computation, 33(4), 899-925.
    """

    rates: Rates = field(default_factory=Rates)

    def in_rates(self) -> Rates:
        """Return those whose gradient it is."""
        return self.rates

    def step_of(self, neurons: NeuronBuilder) -> NeuronStep:
        """Return the step in spikes; of types that do not spike, the step itself."""
        rates = self.rates.step_of(neurons)
        kind = neurons.types[0]
        if not kind.spiking:
            return rates
        if not neurons.has_rates:
            raise BuildError(
                f"{type(kind).__name__}: expected another training mode than "
                f"'spike_aware': {type(neurons).__name__} has no training_step, which "
                "gives rates"
            )

        def compute(
            J: tf.Tensor, state: NeuronState
        ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            before = {name: tf.stop_gradient(value) for name, value in state.items()}
            rate, _ = rates.compute(J, before)
            spikes, after = neurons.step(tf.stop_gradient(J), before)
            spikes = tf.stop_gradient(spikes)
            return with_slope(spikes, rate, tf.ones_like(rate)), after

        return NeuronStep(compute)


#: What is computed in training where nobody chooses.
RATES = Rates()

#: The state that tells whether there was a step already.
BEGUN = "begun"


class SimTrainedNeurons(SimNeurons):
    """
    Run neurons for which somebody has chosen what training does.

    Parameters
    ----------
    op : nengo.builder.neurons.SimNeurons
        The operator as Nengo built it.
    training_mode : TrainingMode
        What they compute in training.
    parameters : mapping from str to nengo.builder.Signal, optional
        Parameters of the neuron type that are values of the program, since they are
        trained: (n_neurons,), or (1,) for all neurons.
    starts : mapping from str to nengo.builder.Signal, optional
        What state starts from, if that is trained: (n_neurons,), by Nengo's name.

    Notes
    -----
    1. sets ``[output] + state``
    2. incs ``[]``
    3. reads ``[J] + parameters + starts``
    4. updates ``[]``
    """

    def __init__(
        self,
        op: SimNeurons,
        training_mode: TrainingMode,
        parameters: Mapping[str, Signal] | None = None,
        starts: Mapping[str, Signal] | None = None,
    ) -> None:
        state = {**op.state, **op.state_extra}
        if starts:
            # Zeros, and ones after a step: the state of a simulation tells its start.
            state[BEGUN] = Signal(np.zeros(op.J.shape), name=f"{op.neurons}.begun")
        super().__init__(op.neurons, op.J, op.output, state, tag=op.tag)
        self.training_mode = training_mode
        self._names = list(parameters or {})
        self._starts = list(starts or {})
        self.reads += [*(parameters or {}).values(), *(starts or {}).values()]

    @property
    def parameters(self) -> dict[str, Signal]:
        """The parameters that are signals, by name."""
        return dict(zip(self._names, self.reads[1:], strict=False))

    @property
    def starts(self) -> dict[str, Signal]:
        """What state starts from, where that is a signal, by name."""
        signals = self.reads[1 + len(self._names) :]
        return dict(zip(self._starts, signals, strict=True))


def training_mode(op: Operator) -> TrainingMode:
    """Return what the neurons of an operator compute in training."""
    return op.training_mode if isinstance(op, SimTrainedNeurons) else RATES


def neuron_parameters(op: Operator) -> dict[str, Signal]:
    """Return the parameters of neurons that are signals, by name."""
    return op.parameters if isinstance(op, SimTrainedNeurons) else {}


def trained_starts(op: Operator) -> dict[str, Signal]:
    """Return what state of neurons starts from, where that is trained, by name."""
    return op.starts if isinstance(op, SimTrainedNeurons) else {}


def with_training_modes(
    ops: Sequence[Operator], choose: Callable[[SimNeurons], TrainingMode]
) -> list[Operator]:
    """
    Choose what neurons compute in training.

    Parameters
    ----------
    ops : list of nengo.builder.Operator
        The operators of one step.
    choose : callable
        Takes an operator of neurons, and returns the choice.

    Returns
    -------
    ops : list of nengo.builder.Operator
        The operators, with others in the place of those for which the choice is not
        `RATES`.

    Raises
    ------
    nengo.exceptions.BuildError
        If a choice is not `Rates` for neurons that run in Python, and so have no
        gradient.
    """
    return [
        _in_mode(op, choose(op)) if isinstance(op, SimNeurons) else op for op in ops
    ]


def _in_mode(op: SimNeurons, mode: TrainingMode) -> SimNeurons:
    if not Builder.of(op).python:
        return op if mode == RATES else SimTrainedNeurons(op, mode)
    if not isinstance(mode, Rates):
        raise BuildError(
            f"{type(op.neurons).__name__}: expected training_mode 'rate', got {mode}: "
            "the type runs in Python, where there are no gradients (register a "
            "nengo_dl_ops.SpikingNeuronBuilder for it)"
        )
    return op
