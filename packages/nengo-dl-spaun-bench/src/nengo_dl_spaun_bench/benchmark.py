"""What to measure: a network, its size, and what to do with it."""

from __future__ import annotations

from dataclasses import dataclass

import nengo
from nengo.exceptions import ValidationError
from nengo.utils.numpy import is_integer

from .networks import NETWORKS, NEURON_TYPES, TIME_STEPS
from .workloads import WORKLOADS


@dataclass(frozen=True)
class Benchmark:
    """
    What to measure.

    Parameters
    ----------
    net : str
        Name of a network in :data:`NETWORKS`.
    dimensions : int
        Size of the network, see its builder.
    neurons_per_d : int
        Neurons for each dimension, see its builder.
    neuron : str
        Name of a neuron type in :data:`NEURON_TYPES`.
    minibatch_size : int
        Examples that are simulated at once.
    n_steps : int
        Timesteps of one run, or of each example in training.
    workload : {"run", "train"}
        What to do with the network.

    Raises
    ------
    ValidationError
        If a name is not known, or a size not an integer above 0.
    """

    net: str = "cconv"
    dimensions: int = 128
    neurons_per_d: int = 50
    neuron: str = "relu"
    minibatch_size: int = 1
    n_steps: int = 1000
    workload: str = "run"

    def __post_init__(self) -> None:
        """Check the arguments."""
        self._check_name("net", list(NETWORKS))
        self._check_name("neuron", list(NEURON_TYPES))
        self._check_name("workload", list(WORKLOADS))
        for attr in ("dimensions", "neurons_per_d", "minibatch_size", "n_steps"):
            check_count(attr, getattr(self, attr), self)

    @property
    def dt(self) -> float:
        """The length of a time step, in seconds."""
        return TIME_STEPS.get(self.net, 0.001)

    def build_network(self) -> nengo.Network:
        """Return the network, made anew."""
        neuron_type = NEURON_TYPES[self.neuron]()
        return NETWORKS[self.net](self.dimensions, self.neurons_per_d, neuron_type)

    def _check_name(self, attr: str, known: list[str]) -> None:
        name = getattr(self, attr)
        if name not in known:
            raise ValidationError(f"Must be one of {known} (got {name!r})", attr, self)


def check_count(attr: str, value: int, obj: object = None) -> None:
    """Raise a ValidationError that names ``attr``, unless it is an integer >= 1."""
    if not (is_integer(value) and value >= 1):
        raise ValidationError(f"Must be an integer >= 1 (got {value!r})", attr, obj)
