"""Distributions from which to draw the initial parameters of a network to train."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.dists import Distribution
from nengo.exceptions import ValidationError
from nengo.params import EnumParam

from nengo_dl_ops.neurons.finite import FiniteParam

from .checks import check_count


def check_sampling(n: Any, d: Any, rng: Any) -> Any:
    """
    Check the arguments of ``sample``.

    Returns a random generator: for None, NumPy's global one.
    """
    check_count("n", n)
    if d is not None:
        check_count("d", d)
    if rng is None:
        return np.random
    if not hasattr(rng, "uniform"):
        raise ValidationError(
            f"expected a numpy.random.RandomState, got {rng!r:.100}", attr="rng"
        )
    return rng


class TruncatedNormal(Distribution):
    """
    A normal distribution without its tails.

    Samples further than ``limit`` from the mean are drawn again, so the density is
    that of the normal distribution, rescaled, within ``mean +- limit``.

    Parameters
    ----------
    mean : float, optional
        Mean of the normal distribution.
    stddev : float, optional
        Standard deviation of the normal distribution, before truncation; above 0.
    limit : float, optional
        Greatest distance of a sample from the mean; above 0 (None: ``2 * stddev``).

    Raises
    ------
    ValidationError
        If an argument is not a finite number in its range.
    """

    mean: float = FiniteParam("mean")
    stddev: float = FiniteParam("stddev", low=0, low_open=True)
    limit: float | None = FiniteParam("limit", low=0, low_open=True, optional=True)

    def __init__(
        self, mean: float = 0, stddev: float = 1, limit: float | None = None
    ) -> None:
        super().__init__()
        self.mean = mean
        self.stddev = stddev
        self.limit = limit

    def sample(self, n: int, d: int | None = None, rng: Any = None) -> np.ndarray:
        """
        Sample the distribution.

        Parameters
        ----------
        n : int
            Number of samples.
        d : int, optional
            Number of dimensions; None for samples without an axis of dimensions.
        rng : numpy.random.RandomState, optional
            Random number generator (None: NumPy's global one).

        Returns
        -------
        samples : (n,) or (n, d) array
            The samples.
        """
        rng = check_sampling(n, d, rng)
        limit = 2 * self.stddev if self.limit is None else self.limit
        distance = np.empty(self._sample_shape(n, d))
        redraw = np.ones(distance.shape, dtype=bool)
        while np.any(redraw):
            distance[redraw] = self._propose(int(redraw.sum()), limit, rng)
            redraw = ~(np.abs(distance) <= limit)
        return self.mean + distance

    def _propose(self, n: int, limit: float, rng: Any) -> np.ndarray:
        """Draw distances from the mean, NaN or beyond ``limit`` to be drawn again."""
        if limit >= self.stddev:
            return rng.normal(scale=self.stddev, size=n)
        # A limit far inside the bell would refuse nearly every normal sample. Drawing
        # evenly and keeping each sample with the bell's height there gives the same
        # distribution, and keeps at least exp(-1/2) of them.
        distance = rng.uniform(-limit, limit, size=n)
        height = np.exp(-0.5 * (distance / self.stddev) ** 2)
        return np.where(rng.uniform(size=n) < height, distance, np.nan)


class VarianceScaling(Distribution):
    r"""
    Weights whose variance is the inverse of the number of connections.

    The variance of ``sample(n, d)`` is about :math:`s / f`, for the scale :math:`s`
    and the fan :math:`f`: the number of columns ``d`` (1 if None) for ``fan_in``, the
    number of rows ``n`` for ``fan_out``, and the mean of both for ``fan_avg``.

    Parameters
    ----------
    scale : float, optional
        The scale :math:`s`; above 0.
    mode : {"fan_in", "fan_out", "fan_avg"}, optional
        Which number of connections to divide by.
    distribution : {"uniform", "normal"}, optional
        ``"uniform"``: evenly in :math:`\pm \sqrt{3 s / f}`. ``"normal"``: a
        :class:`TruncatedNormal` with standard deviation :math:`\sqrt{s / f}` before
        truncation (so its variance is 0.774 of the nominal one).

    Raises
    ------
    ValidationError
        If an argument is not a finite number in its range, or not one of the words.
    """

    scale: float = FiniteParam("scale", low=0, low_open=True)
    mode = EnumParam("mode", values=("fan_in", "fan_out", "fan_avg"))
    distribution = EnumParam("distribution", values=("uniform", "normal"))

    def __init__(
        self, scale: float = 1, mode: str = "fan_avg", distribution: str = "uniform"
    ) -> None:
        super().__init__()
        self.scale = scale
        self.mode = mode
        self.distribution = distribution

    def sample(self, n: int, d: int | None = None, rng: Any = None) -> np.ndarray:
        """
        Sample the distribution.

        Parameters
        ----------
        n : int
            Number of rows of the weights: the fan out.
        d : int, optional
            Number of columns of the weights: the fan in (None: 1).
        rng : numpy.random.RandomState, optional
            Random number generator (None: NumPy's global one).

        Returns
        -------
        samples : (n,) or (n, d) array
            The samples.
        """
        rng = check_sampling(n, d, rng)
        fan = self._fan(fan_in=1 if d is None else d, fan_out=n)
        variance = self._variance_scale() / fan
        if self.distribution == "normal":
            return TruncatedNormal(stddev=np.sqrt(variance)).sample(n, d, rng=rng)
        limit = np.sqrt(3 * variance)
        return rng.uniform(-limit, limit, size=self._sample_shape(n, d))

    def _variance_scale(self) -> float:
        return self.scale

    def _fan(self, fan_in: int, fan_out: int) -> float:
        fans = {
            "fan_in": fan_in,
            "fan_out": fan_out,
            "fan_avg": (fan_in + fan_out) / 2,
        }
        # Weights without rows or columns are empty, but may be asked for.
        return max(1, fans[self.mode])


class Glorot(VarianceScaling):
    """
    Variance scaling for both directions: of activity forward, gradients backward.

    Parameters
    ----------
    scale : float, optional
        The scale of the variance; above 0.
    distribution : {"uniform", "normal"}, optional
        As in :class:`VarianceScaling`.

    References
    ----------
    Xavier Glorot and Yoshua Bengio (2010): Understanding the difficulty of training
    deep feedforward neural networks. Proceedings of AISTATS 9, 249-256.
    """

    def __init__(self, scale: float = 1, distribution: str = "uniform") -> None:
        super().__init__(scale=scale, mode="fan_avg", distribution=distribution)


class He(VarianceScaling):
    """
    Variance scaling for the activity of rectified linear layers.

    Parameters
    ----------
    scale : float, optional
        The gain: the scale of the *standard deviation*, so the variance is
        ``scale**2 / fan_in``; above 0. (``scale=np.sqrt(2)`` is the paper's choice.)
    distribution : {"uniform", "normal"}, optional
        As in :class:`VarianceScaling`.

    References
    ----------
    Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun (2015): Delving deep into
    rectifiers: surpassing human-level performance on ImageNet classification.
    Proceedings of ICCV, 1026-1034.
    """

    def __init__(self, scale: float = 1, distribution: str = "normal") -> None:
        super().__init__(scale=scale, mode="fan_in", distribution=distribution)

    def _variance_scale(self) -> float:
        return self.scale**2


class FluctuationDriven(Distribution):
    r"""
    Weights with which spikes make membrane potentials fluctuate up to the threshold.

    ``sample(n, d)`` is normal with a mean of zero and the standard deviation

    .. math::

       \sigma_W = \frac{\theta}{\xi} \sqrt{\frac{2 (\tau_{rc} + \tau_{syn})}{d \, \nu}}

    for ``d`` inputs that spike at random with the rate :math:`\nu`. So the potential of
    a leaky integrate-and-fire neuron that never spiked would have a mean of zero and
    the standard deviation :math:`\theta / \xi`, for the threshold :math:`\theta`, which
    is 1 in Nengo [1]_. (There a spike has the area 1, and so has a synapse. Hence the
    potential that follows a spike is :math:`\frac{w}{\tau_{rc} - \tau_{syn}}
    (e^{-t / \tau_{rc}} - e^{-t / \tau_{syn}})` for a weight :math:`w`; the integral of
    its square is :math:`w^2 / 2 (\tau_{rc} + \tau_{syn})`.)

    With the default values spikes pass through many layers of ``nengo.LIF`` with a
    rate of 10 to 30 Hz: layers that spike less are silent after a few more, and layers
    that spike more let the rates grow. It is for connections between neurons,
    ``nengo.Connection(pre.neurons, post.neurons, transform=FluctuationDriven(),
    synapse=0.005)``, of ensembles with ``gain=1`` and ``bias=0`` for all neurons.

    Parameters
    ----------
    rate : float, optional
        The rate :math:`\nu` of the inputs, in Hz; above 0.
    tau_rc : float, optional
        The time constant :math:`\tau_{rc}` of the membrane, in seconds; above 0.
    tau_syn : float, optional
        The time constant :math:`\tau_{syn}` of the synapse (``nengo.Lowpass``), in
        seconds; 0 if there is none.
    xi : float, optional
        How many standard deviations the threshold is away, :math:`\xi`; above 0.

    Raises
    ------
    ValidationError
        If an argument is not a finite number in its range.

    References
    ----------
    .. [1] Rossbroich, J., Gygax, J., & Zenke, F. (2022). Fluctuation-driven
       initialization for spiking neural network training. Neuromorphic Computing and
       Engineering, 2(4), 044016.
    """

    rate: float = FiniteParam("rate", low=0, low_open=True)
    tau_rc: float = FiniteParam("tau_rc", low=0, low_open=True)
    tau_syn: float = FiniteParam("tau_syn", low=0)
    xi: float = FiniteParam("xi", low=0, low_open=True)

    def __init__(
        self,
        rate: float = 20,
        tau_rc: float = 0.02,
        tau_syn: float = 0.005,
        xi: float = 1,
    ) -> None:
        super().__init__()
        self.rate = rate
        self.tau_rc = tau_rc
        self.tau_syn = tau_syn
        self.xi = xi

    def sample(self, n: int, d: int | None = None, rng: Any = None) -> np.ndarray:
        """
        Sample the distribution.

        Parameters
        ----------
        n : int
            Number of rows of the weights: the neurons.
        d : int, optional
            Number of columns of the weights: the inputs of each neuron (None: 1).
        rng : numpy.random.RandomState, optional
            Random number generator (None: NumPy's global one).

        Returns
        -------
        samples : (n,) or (n, d) array
            The samples.
        """
        rng = check_sampling(n, d, rng)
        # Weights without columns are empty, but may be asked for.
        n_spikes = max(1, 1 if d is None else d) * self.rate
        scale = np.sqrt(2 * (self.tau_rc + self.tau_syn) / n_spikes) / self.xi
        return rng.normal(scale=scale, size=self._sample_shape(n, d))
