"""Surrogate gradients: what stands in for the derivative of a spike in training."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, cast

import tensorflow as tf
from nengo.exceptions import BuildError, ValidationError

from .base import NeuronBuilder, NeuronStep, SpikingNeuronBuilder
from .finite import check_finite
from .spike_function import SurrogateSpikeFunction
from .training import TrainingMode


@dataclass(frozen=True)
class Surrogate(TrainingMode):
    r"""
    Train with the spikes of a run, and the gradient of something smooth.

    Gradients go through time, by way of all that the neurons remember: voltage,
    refractory time, adaptation and reset. Where a step function
    :math:`s = \Theta(x)` stands, its derivative is taken to be :math:`g'(x)`. The
    distance :math:`x = v / v_{th} - 1` from the threshold is in units of the threshold
    :math:`v_{th}` (1 for all of Nengo's types but ``nengo.Izhikevich``, 30 mV). Of
    neurons that may spike several times in a step it is that from the nearest
    threshold [1]_. The times of spikes inside a step, from which ``nengo.LIF`` counts
    its refractory time, have the gradient of their equation.

    To be implemented by subclasses, which are frozen dataclasses: `derivative`, and
    `smooth_step` where there is one. Fields of type float must be positive.

    Parameters
    ----------
    detach_reset : bool
        Whether gradients are kept from reaching a spike through the reset that it
        causes.

    References
    ----------
    .. [1] Neftci, E. O., Mostafa, H., & Zenke, F. (2019). Surrogate gradient learning
       in spiking neural networks. IEEE Signal Processing Magazine, 36(6), 51-63.
    """

    detach_reset: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.detach_reset, bool):
            raise ValidationError(
                f"expected True or False, got {self.detach_reset!r:.100}",
                attr="detach_reset",
                obj=self,
            )
        for one in fields(self):
            if one.type in (float, "float"):
                _set_positive(self, one.name)

    @abstractmethod
    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """
        Return what is taken for the derivative of a spike.

        Parameters
        ----------
        x : tf.Tensor
            The distance from the threshold, in units of the threshold.

        Returns
        -------
        slope : tf.Tensor
            Of the same shape.
        """

    def smooth_step(self, x: tf.Tensor) -> tf.Tensor:
        """
        Return the smooth step whose derivative this is.

        Parameters
        ----------
        x : tf.Tensor
            The distance from the threshold, in units of the threshold.

        Returns
        -------
        step : tf.Tensor
            Of the same shape: 1/2 at the threshold.

        Raises
        ------
        NotImplementedError
            If nobody has written it down.
        """
        raise NotImplementedError(f"{type(self).__name__} has no smooth_step")

    def step_of(self, neurons: NeuronBuilder) -> NeuronStep:
        """Return the step with this gradient; of types that do not spike, the step."""
        if _has_threshold(neurons):
            self._check_derivative(neurons.config.dtype)
            function = SurrogateSpikeFunction(self.derivative, self.detach_reset)
            step = cast(SpikingNeuronBuilder, neurons).spiking_step
            return NeuronStep(partial(step, function=function))
        kind = neurons.types[0]
        if kind.spiking:
            raise BuildError(
                f"{type(kind).__name__}: expected training_mode 'rate' or "
                f"'spike_aware', got {self}: how it spikes has no threshold of which a "
                "surrogate gradient could be taken "
                f"({type(neurons).__name__} has no spiking_step)"
            )
        return neurons.rate_step()

    def _check_derivative(self, dtype: str) -> None:
        x = tf.zeros((2, 3), dtype)
        slope = self.derivative(x)
        if not tf.is_tensor(slope) or (slope.dtype, slope.shape) != (x.dtype, x.shape):
            raise BuildError(
                f"training_mode {self}: expected a derivative to be a tensor of the "
                "type and shape of what it is given (here "
                f"{dtype} of shape {tuple(x.shape)}), got {slope!r:.200}"
            )


def _has_threshold(neurons: NeuronBuilder) -> bool:
    """Whether the step of a run is one that can be asked for spikes."""
    return (
        isinstance(neurons, SpikingNeuronBuilder)
        and type(neurons).step is SpikingNeuronBuilder.step
    )


def _set_positive(surrogate: Surrogate, name: str) -> None:
    value: Any = getattr(surrogate, name)
    check_finite(surrogate, **{name: value})
    if value <= 0:
        raise ValidationError(
            f"expected a positive number, got {value!r:.100}", attr=name, obj=surrogate
        )
    # A float whatever was given: equal ones must have equal hashes.
    object.__setattr__(surrogate, name, float(value))


@dataclass(frozen=True)
class ATan(Surrogate):
    r"""
    The derivative of an arc tangent.

    .. math::

       g(x) = \frac{1}{\pi} \arctan\left(\frac{\pi}{2} \alpha x\right) + \frac{1}{2},
       \qquad
       g'(x) = \frac{\alpha}{2 \left(1 + (\frac{\pi}{2} \alpha x)^2\right)}

    Definition and default are those of SpikingJelly and snnTorch [1]_.

    Parameters
    ----------
    alpha : float
        The slope at the threshold is half of it.
    detach_reset : bool
        See `Surrogate`.

    References
    ----------
    .. [1] Fang, W., et al. (2021). Incorporating learnable membrane time constant to
       enhance learning of spiking neural networks. ICCV 2021, 2641-2651.
    """

    alpha: float = 2.0

    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """Return the derivative."""
        return self.alpha / 2 / (1 + tf.square(math.pi / 2 * self.alpha * x))

    def smooth_step(self, x: tf.Tensor) -> tf.Tensor:
        """Return the smooth step."""
        return tf.math.atan(math.pi / 2 * self.alpha * x) / math.pi + 0.5


@dataclass(frozen=True)
class FastSigmoid(Surrogate):
    r"""
    The derivative of a fast sigmoid.

    .. math::

       g(x) = \frac{x}{1 + k |x|} + \frac{1}{2}, \qquad
       g'(x) = \frac{1}{(1 + k |x|)^2}

    with the slope :math:`k`. Definition and default are those of snnTorch [1]_.

    Parameters
    ----------
    slope : float
        How narrow it is.
    detach_reset : bool
        See `Surrogate`.

    References
    ----------
    .. [1] Eshraghian, J. K., et al. (2023). Training spiking neural networks using
       lessons from deep learning. Proceedings of the IEEE, 111(9), 1016-1054.
    """

    slope: float = 25.0

    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """Return the derivative."""
        return 1 / tf.square(1 + self.slope * tf.abs(x))

    def smooth_step(self, x: tf.Tensor) -> tf.Tensor:
        """Return the smooth step."""
        return x / (1 + self.slope * tf.abs(x)) + 0.5


@dataclass(frozen=True)
class SuperSpike(Surrogate):
    r"""
    The derivative that SuperSpike takes.

    .. math:: g'(x) = \frac{1}{(1 + \beta |x|)^2}

    That is `FastSigmoid`. The definition is that of [1]_, the default that of Norse.

    Parameters
    ----------
    beta : float
        How narrow it is.
    detach_reset : bool
        See `Surrogate`.

    References
    ----------
    .. [1] Zenke, F., & Ganguli, S. (2018). SuperSpike: Supervised learning in
       multilayer spiking neural networks. Neural Computation, 30(6), 1514-1541.
    """

    beta: float = 100.0

    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """Return the derivative."""
        return 1 / tf.square(1 + self.beta * tf.abs(x))

    def smooth_step(self, x: tf.Tensor) -> tf.Tensor:
        """Return the smooth step."""
        return x / (1 + self.beta * tf.abs(x)) + 0.5


@dataclass(frozen=True)
class Sigmoid(Surrogate):
    r"""
    The derivative of a sigmoid.

    .. math::

       g(x) = \sigma(\alpha x) = \frac{1}{1 + e^{-\alpha x}}, \qquad
       g'(x) = \alpha \sigma(\alpha x) (1 - \sigma(\alpha x))

    Definition and default are those of SpikingJelly [1]_.

    Parameters
    ----------
    alpha : float
        The slope at the threshold is a quarter of it.
    detach_reset : bool
        See `Surrogate`.

    References
    ----------
    .. [1] Fang, W., et al. (2023). SpikingJelly: An open-source machine learning
       infrastructure platform for spike-based intelligence. Science Advances, 9(40).
    """

    alpha: float = 4.0

    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """Return the derivative."""
        x = self.alpha * x
        # Not one minus the sigmoid: far above the threshold nothing would be left.
        return self.alpha * tf.sigmoid(x) * tf.sigmoid(-x)

    def smooth_step(self, x: tf.Tensor) -> tf.Tensor:
        """Return the smooth step."""
        return tf.sigmoid(self.alpha * x)


@dataclass(frozen=True)
class Triangle(Surrogate):
    r"""
    A triangle, one threshold wide on both sides.

    .. math:: g'(x) = \gamma \max(0, 1 - |x|)

    Definition and default are those of [1]_.

    Parameters
    ----------
    gamma : float
        The slope at the threshold, which dampens gradients over many steps.
    detach_reset : bool
        See `Surrogate`.

    References
    ----------
    .. [1] Bellec, G., et al. (2018). Long short-term memory and learning-to-learn in
       networks of spiking neurons. NeurIPS 31.
    """

    gamma: float = 0.3

    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """Return the derivative."""
        return self.gamma * tf.nn.relu(1 - tf.abs(x))

    def smooth_step(self, x: tf.Tensor) -> tf.Tensor:
        """Return the smooth step."""
        x = tf.clip_by_value(x, -1, 1)
        return self.gamma * (x - x * tf.abs(x) / 2) + 0.5


@dataclass(frozen=True)
class Rectangle(Surrogate):
    r"""
    A constant slope near the threshold.

    .. math:: g'(x) = \frac{1}{w} \quad (|x| < \frac{w}{2}), \qquad 0 \text{ elsewhere}

    Definition and default are those of spatio-temporal back-propagation [1]_.

    Parameters
    ----------
    width : float
        The width :math:`w`, in units of the threshold.
    detach_reset : bool
        See `Surrogate`.

    References
    ----------
    .. [1] Wu, Y., Deng, L., Li, G., Zhu, J., & Shi, L. (2018). Spatio-temporal
       backpropagation for training high-performance spiking neural networks.
       Frontiers in Neuroscience, 12, 331.
    """

    width: float = 1.0

    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """Return the derivative."""
        return tf.cast(tf.abs(x) < self.width / 2, x.dtype) / self.width

    def smooth_step(self, x: tf.Tensor) -> tf.Tensor:
        """Return the smooth step."""
        return tf.clip_by_value(x / self.width + 0.5, 0, 1)


@dataclass(frozen=True)
class PiecewiseLinear(Surrogate):
    r"""
    A piecewise linear step that leaks: its slope is nowhere zero.

    .. math::

       g(x) = \begin{cases}
       c (x + w) & x < -w \\
       \frac{x}{2 w} + \frac{1}{2} & -w \le x \le w \\
       c (x - w) + 1 & x > w
       \end{cases}, \qquad
       g'(x) = \begin{cases}
       \frac{1}{2 w} & |x| \le w \\
       c & |x| > w
       \end{cases}

    The step and its defaults are those of SpikingJelly's ``PiecewiseLeakyReLU`` [1]_.

    Parameters
    ----------
    w : float
        Half of the width of the middle part, in units of the threshold.
    c : float
        The slope outside.
    detach_reset : bool
        See `Surrogate`.

    References
    ----------
    .. [1] Fang, W., et al. (2023). SpikingJelly: An open-source machine learning
       infrastructure platform for spike-based intelligence. Science Advances, 9(40).
    """

    w: float = 1.0
    c: float = 0.01

    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """Return the derivative."""
        inside = tf.abs(x) <= self.w
        return tf.where(inside, tf.ones_like(x) / (2 * self.w), self.c)

    def smooth_step(self, x: tf.Tensor) -> tf.Tensor:
        """Return the smooth step."""
        inside = tf.clip_by_value(x, -self.w, self.w)
        return inside / (2 * self.w) + 0.5 + self.c * (x - inside)


@dataclass(frozen=True)
class Gaussian(Surrogate):
    r"""
    The density of a normal distribution.

    .. math::

       g(x) = \Phi\left(\frac{x}{\sigma}\right), \qquad
       g'(x) = \frac{1}{\sqrt{2 \pi} \sigma} e^{-x^2 / (2 \sigma^2)}

    Definition and default are those of [1]_. (SpikingJelly's ``Erf`` is the same.)

    Parameters
    ----------
    sigma : float
        The standard deviation, in units of the threshold.
    detach_reset : bool
        See `Surrogate`.

    References
    ----------
    .. [1] Yin, B., Corradi, F., & Bohte, S. M. (2021). Accurate and efficient
       time-domain classification with adaptive spiking recurrent neural networks.
       Nature Machine Intelligence, 3, 905-913.
    """

    sigma: float = 0.5

    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """Return the derivative."""
        height = 1 / (math.sqrt(2 * math.pi) * self.sigma)
        return height * tf.exp(-tf.square(x / self.sigma) / 2)

    def smooth_step(self, x: tf.Tensor) -> tf.Tensor:
        """Return the smooth step."""
        return (1 + tf.math.erf(x / (math.sqrt(2) * self.sigma))) / 2


@dataclass(frozen=True)
class StraightThrough(Surrogate):
    """
    A slope of one everywhere: the straight-through estimator [1]_.

    Parameters
    ----------
    detach_reset : bool
        See `Surrogate`.

    References
    ----------
    .. [1] Bengio, Y., Leonard, N., & Courville, A. (2013). Estimating or propagating
       gradients through stochastic neurons for conditional computation.
       arXiv:1308.3432.
    """

    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """Return the derivative."""
        return tf.ones_like(x)

    def smooth_step(self, x: tf.Tensor) -> tf.Tensor:
        """Return the step."""
        return x + 0.5


@dataclass(frozen=True)
class CustomSurrogate(Surrogate):
    """
    A derivative of one's own.

    Parameters
    ----------
    function : callable
        See `Surrogate.derivative`. Neurons merge if they have the same function.
    detach_reset : bool
        See `Surrogate`.
    """

    function: Callable[[tf.Tensor], tf.Tensor]

    def __post_init__(self) -> None:
        super().__post_init__()
        function = self.function
        is_hashable = isinstance(function, Hashable)
        if not callable(function) or isinstance(function, type) or not is_hashable:
            raise ValidationError(
                "expected a function from distances to derivatives (hashable, as "
                f"neurons with the same one merge), got {function!r:.100}",
                attr="function",
                obj=self,
            )

    def derivative(self, x: tf.Tensor) -> tf.Tensor:
        """Return what the function gives."""
        return self.function(x)
