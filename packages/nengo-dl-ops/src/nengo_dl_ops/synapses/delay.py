"""A synapse that delays its input, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from nengo.builder import Builder as NengoBuilder
from nengo.builder import Model
from nengo.builder.processes import build_process
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError, ValidationError
from nengo.params import Parameter
from nengo.rc import rc
from nengo.synapses import Synapse

from ..user_warnings import warn_user

#: A delay is taken for a multiple of the time step if it differs by less, in steps, or
#: relative to its length: quotients of decimal fractions are rarely whole.
_NOISE = 1e-9


def _as_array(value: Any) -> np.ndarray:
    try:
        return np.array(value)
    except ValueError:  # lists of different lengths
        return np.array(None)


class DelayParam(Parameter):
    """A number of seconds, or one for each dimension: finite, and not negative."""

    equatable = True

    def coerce(self, instance: Any, value: Any) -> Any:
        """Return a float, or a read-only array; or raise a ValidationError."""
        if value is None and self.optional:
            return super().coerce(instance, None)
        array = _as_array(value)
        if array.dtype.kind not in "iuf" or array.ndim > 1 or not array.size:
            raise self._refused(instance, "a number, or a list of numbers", value)
        array = array.astype(np.float64)
        if not np.all(np.isfinite(array)) or np.any(array < 0):
            raise self._refused(instance, "finite numbers that are not negative", value)
        array.setflags(write=False)
        return super().coerce(instance, array if array.ndim else float(array))

    def hashvalue(self, instance: Any) -> Any:
        """Return what is equal for equal delays."""
        value = self.__get__(instance, None)
        return (
            value if value is None else (np.shape(value), np.asarray(value).tobytes())
        )

    def _refused(self, obj: Any, expected: str, value: Any) -> ValidationError:
        message = f"expected {expected} (of seconds), got {value!r:.100}"
        return ValidationError(message, attr=self.name, obj=obj)


class Delay(Synapse):
    r"""
    A synapse that delays its input, exactly.

    .. math:: y[t] = u[t - k], \quad k = \mathrm{round}(d / \Delta t)

    for the input :math:`u`, the output :math:`y` (both in the unit of the signal; zero
    before the first step) and the delay :math:`d` in seconds, which may be another one
    for each dimension.

    On a connection or a probe, :math:`k` is all of the delay: what is connected sees
    the value of :math:`k` steps ago. (Other synapses of Nengo need one step themselves,
    which comes on top of their ``filt``. That step is the last of the :math:`k` here.)
    A delay of zero is like ``synapse=None``. Like that, it may not be the only synapse
    along a loop of the network, also if only some of the dimensions have it. ``filt``
    and nodes, too, delay by :math:`k`.

    In a step of simulation, delays are whole numbers of steps. Where the delay is a
    value of the program (`.SimParametricProcess`, parameter ``"delay"``, in steps), it
    may lie between two steps, so that it has a gradient [1]_ [2]_:

    .. math::

       y[t] = (1 - f) \, u[t - k] + f \, u[t - k - 1], \quad
       k = \lfloor d / \Delta t \rfloor, \quad f = d / \Delta t - k

    Parameters
    ----------
    seconds : float or (size,) array_like
        The delay, in seconds: one number, or one for each dimension of the signal.
        What is no multiple of the time step is rounded to the nearest one, with a
        warning (of two that are as near, to the even one).
    max_delay : float, optional
        The longest delay for which inputs are kept, in seconds: what a delay may become
        in training. None: the largest of ``seconds``. Delays of equal ``max_delay`` are
        computed together.
    **kwargs
        As of ``nengo.synapses.Synapse``: ``default_size_in``, ``default_dt``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a delay is negative, NaN, infinite or longer than ``max_delay``.

    References
    ----------
    .. [1] Shrestha, S. B., & Orchard, G. (2018). SLAYER: Spike layer error reassignment
       in time. NeurIPS 31.
    .. [2] Hammouamri, I., Khalfaoui-Hassani, I., & Masquelier, T. (2023). Learning
       delays in spiking neural networks using dilated convolutions with learnable
       spacings. arXiv:2306.17670.

    Examples
    --------
    >>> nengo_dl.Delay(0.002).filt([1.0, 2, 3, 4], dt=0.001)
    array([0., 0., 1., 2.])
    """

    seconds: Any = DelayParam("seconds", readonly=True)
    max_delay: Any = DelayParam("max_delay", default=None, optional=True, readonly=True)

    def __init__(
        self,
        seconds: Any,
        max_delay: float | None = None,
        **kwargs: Any,
    ) -> None:
        if (given := _as_array(seconds)).ndim == 1:
            kwargs.setdefault("default_size_in", len(given))
        super().__init__(**kwargs)
        self.seconds = seconds
        self.max_delay = max_delay
        self._check_max_delay()

    def _check_max_delay(self) -> None:
        if self.max_delay is None:
            return
        if np.ndim(self.max_delay):
            message = f"expected one number of seconds, got {self.max_delay!r:.100}"
            raise ValidationError(message, attr="max_delay", obj=self)
        longest = float(np.max(self.seconds))
        if longest > self.max_delay * (1 + _NOISE):
            message = (
                f"expected at least the longest delay, {longest:g} s, got "
                f"{self.max_delay:g} s"
            )
            raise ValidationError(message, attr="max_delay", obj=self)

    def steps(self, dt: float) -> np.ndarray:
        """
        Return the delays in time steps.

        Parameters
        ----------
        dt : float
            The length of a time step, in seconds.

        Returns
        -------
        steps : () or (size,) array of int
            Rounded to the nearest number.
        """
        return self._rounded(self.seconds, dt)

    def max_steps(self, dt: float) -> int:
        """
        Return the longest delay in time steps.

        Parameters
        ----------
        dt : float
            The length of a time step, in seconds.

        Returns
        -------
        steps : int
            As many inputs are kept, and the present one.
        """
        longest = np.max(self.seconds) if self.max_delay is None else self.max_delay
        return int(self._rounded(longest, dt))

    def _rounded(self, seconds: Any, dt: float) -> np.ndarray:
        steps = np.rint(np.asarray(seconds) / dt)
        if np.max(steps) >= np.iinfo(np.int32).max:
            message = f"expected fewer than 2**31 steps of {dt:g} s, got {seconds} s"
            raise ValidationError(message, attr="seconds", obj=self)
        return steps.astype(np.int64)

    def rounded(self, dt: float, n_less: int = 0) -> Delay:
        """Return delays that are multiples of the time step, by some steps shorter."""
        steps, longest = self.steps(dt) - n_less, self.max_steps(dt) - n_less
        return Delay(steps * dt, longest * dt, default_dt=self.default_dt)

    def warn_if_rounded(self, dt: float) -> None:
        """Say which delays a simulation has, if not those that were given."""
        exact, steps = np.asarray(self.seconds) / dt, self.steps(dt)
        if np.any(np.abs(exact - steps) > _NOISE * np.maximum(exact, 1)):
            shown = np.array2string(steps * dt, threshold=6, precision=12)
            warn_user(
                f"{self}: expected multiples of the time step, {dt:g} s; rounded to "
                f"{shown} s"
            )

    def make_state(
        self,
        shape_in: tuple[int, ...],
        shape_out: tuple[int, ...],
        dt: float,
        dtype: Any = None,
        y0: Any = 0,
    ) -> dict[str, np.ndarray]:
        """
        Return the inputs before the first step.

        Parameters
        ----------
        shape_in, shape_out : tuple of int
            The shape of input and output, which are the same.
        dt : float
            The length of a time step, in seconds.
        dtype : numpy.dtype, optional
            The type of the values.
        y0 : float or array_like, optional
            The inputs before the first step.

        Returns
        -------
        state : dict
            ``X``, ``(max_steps + 1, *shape_out)``: the last inputs, in a ring; ``Xi``,
            ``(1,)``: the place in the ring that was written last.

        Raises
        ------
        nengo.exceptions.ValidationError
            If there is not one delay, or one for each dimension.
        """
        self._check_shapes(shape_in, shape_out)
        self.warn_if_rounded(dt)
        dtype = rc.float_dtype if dtype is None else np.dtype(dtype)
        X = np.zeros((self.max_steps(dt) + 1, *shape_out), dtype=dtype)
        X[...] = y0
        return {"X": X, "Xi": np.zeros(1, np.int64)}

    def _check_shapes(
        self, shape_in: tuple[int, ...], shape_out: tuple[int, ...]
    ) -> None:
        if tuple(shape_in) != tuple(shape_out):
            message = (
                f"expected an input of the output's shape {shape_out}, got {shape_in}"
            )
            raise ValidationError(message, attr="shape_in", obj=self)
        size, sizes = np.shape(self.seconds), tuple(shape_out[-1:])
        if size not in ((), sizes):
            message = (
                f"expected one delay, or one for each of {sizes[0]} dimensions, got "
                f"{size[0]} delays"
            )
            raise ValidationError(message, attr="seconds", obj=self)

    def make_step(
        self,
        shape_in: tuple[int, ...],
        shape_out: tuple[int, ...],
        dt: float,
        rng: Any,
        state: dict[str, np.ndarray],
    ) -> Callable:
        """
        Return the function that computes a step.

        Parameters
        ----------
        shape_in, shape_out, dt
            As in `make_state`.
        rng : numpy.random.RandomState
            Not used.
        state : dict
            What `make_state` returned. Each step changes it.

        Returns
        -------
        step : callable
            From the time and the input to the output.
        """
        del shape_in, rng
        X, Xi = state["X"], state["Xi"]
        steps = np.broadcast_to(self.steps(dt), shape_out)[None]

        def step_delay(t: float, signal: np.ndarray) -> np.ndarray:
            del t
            Xi[:] = (Xi + 1) % len(X)
            X[Xi.item()] = signal
            return np.take_along_axis(X, (Xi.item() - steps) % len(X), axis=0)[0]

        return step_delay


@NengoBuilder.register(Delay)
def build_delay(
    model: Model,
    delay: Delay,
    sig_in: Signal | None = None,
    sig_out: Signal | None = None,
    mode: str = "set",
) -> Signal:
    """
    Build a delay into a model of Nengo.

    Whoever reads an update sees it one step later: that step is one of the delay. Where
    there is none to spare, the output is set.
    """
    if delay not in model.sig:  # else it was said already
        delay.warn_if_rounded(model.dt)
    updates = mode == "update" and np.min(delay.steps(model.dt)) > 0
    mode = "set" if mode == "update" and not updates else mode
    process = delay.rounded(model.dt, n_less=1 if updates else 0)
    try:
        sig_out = build_process(model, process, sig_in, sig_out, mode)
    except ValidationError as error:
        raise BuildError(f"{delay} of {sig_in}: {error}") from error
    model.sig[delay].update(model.sig[process])
    return sig_out
