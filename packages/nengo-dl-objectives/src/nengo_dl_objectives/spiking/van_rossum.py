"""The distance of two spike trains, on a scale of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ..arguments import number
from ..mse import difference
from .items import ItemObjective

#: After so many time constants what is left of a spike is 0 in any type.
_LONGEST = 750


@dataclass(frozen=True)
class VanRossumDistance(ItemObjective):
    r"""
    Squared van Rossum distance between spike trains.

    Computes the mean over neurons of

    .. math::

       D^2 = \frac{1}{\tau} \int_0^\infty (x(t) - \hat x(t))^2 dt, \quad
       x(t) = \sum_{t_k \le t} e^{-(t - t_k) / \tau}

    for the spikes at times :math:`t_k` of a neuron, and those wanted of it [1]_. The
    integral is exact for spikes at the beginning of steps, and goes on after the last
    step. A spike that is missing, or one too many, adds 1/2; spikes much less than
    :math:`\tau` apart are the same, others are told apart. (Without the square the
    gradient would be infinite where trains are equal.)

    Outputs are spikes, in Hz (Nengo's have the height ``1 / dt``), and so are targets,
    of the same shape: for example what a probe of another simulation recorded. Where
    targets are NaN there is no error.

    Parameters
    ----------
    tau : float
        The time constant :math:`\tau`, in seconds.
    dt : float, optional
        The length of a time step of the simulation, in seconds.

    Raises
    ------
    ValueError
        If an argument is not a finite number above 0.

    References
    ----------
    .. [1] van Rossum, M. C. W. (2001). A novel spike distance. Neural Computation,
       13(4), 751-763.
    """

    tau: float
    dt: float = 0.001

    def __post_init__(self) -> None:
        """Check the arguments."""
        number("tau", self.tau, above=0)
        number("dt", self.dt, above=0)

    def _of_items(self, outputs: tf.Tensor, targets: Any) -> tf.Tensor:
        spikes = difference(outputs, targets) * self.dt
        # Within a step the difference decays; of its square, the integral is this.
        trace = tf.square(self._filtered(spikes))
        decay = math.exp(-2 * self.dt / self.tau)
        within = (1 - decay) * tf.reduce_sum(trace, axis=1)
        after = decay * trace[:, -1]
        return tf.reduce_mean(within + after, axis=1) / 2

    def _filtered(self, spikes: tf.Tensor) -> tf.Tensor:
        """Add to each step the decayed values of all steps before."""
        # In each round every step gets the sum of twice as many: as many rounds as the
        # logarithm of the number of steps, in place of a loop over them.
        longest = math.ceil(_LONGEST * self.tau / self.dt)
        n_steps = spikes.shape[1]
        length = longest if n_steps is None else min(n_steps, longest)
        for k in range((length - 1).bit_length()):
            before = tf.pad(spikes, [[0, 0], [2**k, 0], [0, 0]])[:, : -(2**k)]
            spikes += math.exp(-(2**k) * self.dt / self.tau) * before
        return spikes
