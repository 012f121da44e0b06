"""How a TensorNode is computed in a step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from copy import copy

import keras
import numpy as np
import tensorflow as tf
from nengo.builder.operator import Operator
from nengo.exceptions import ValidationError

from nengo_dl_signals import SignalDict, SignalLayout, TensorSignal, repeat_batch

from ..builder import Builder
from ..config import BuildConfig
from ..op_builder import OpBuilder
from ..random_numbers import step_seed
from ..user_warnings import warn_user
from .checks import adds_losses, check_output, trace
from .functions import Result, TensorFunction, tensor_function
from .gradients import checked_gradients
from .operator import SimTensorNode
from .random_ops import call_seeded, random_ops
from .seeds import check_generators, reseed, seed_generators
from .variables import innermost

_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


@Builder.register(SimTensorNode)
class SimTensorNodeBuilder(OpBuilder):
    """
    Compute a `.TensorNode`: ``output = func(t, input)``, never merged.

    The batch axis is the first of what the user's function sees. A Keras layer is
    told whether it is trained.

    Notes
    -----
    1. sets ``[output]``
    2. incs ``[]``
    3. reads ``[time] if input is None else [time, input]``
    4. updates ``[]``
    """

    mixes_items = True

    _checks_gradients = False

    def __init__(
        self, ops: Sequence[Operator], layout: SignalLayout, config: BuildConfig
    ) -> None:
        super().__init__(ops, layout, config)
        (self.op,) = ops
        self.time, self.output = layout[self.op.time], layout[self.op.output]
        self.input = None if self.op.input is None else layout[self.op.input]
        self.stream = int(self.output.rows.min())
        self._pre_build()
        try:
            self.function = self._tried_function()
        except ValidationError as error:
            raise ValidationError(
                f"{self.op.tag}: {error.args[0]}", attr="tensor_func"
            ) from error

    @property
    def variables(self) -> list[keras.Variable | tf.Variable]:
        """The variables of the user's function or layer."""
        return self.function.variables

    @property
    def checked(self) -> dict[str, TensorSignal]:
        """The output, as Nengo checks those of other nodes."""
        return {str(self.op.tag): self.output}

    def with_config(self, layout: SignalLayout, config: BuildConfig) -> OpBuilder:
        """Return the same function: hooks and layers keep what they have made."""
        del layout
        other = copy(self)
        other.config = config
        return other

    def with_checked_gradients(self) -> OpBuilder:
        """Return the same, but that the gradients it makes have to be finite."""
        checked = copy(self)
        checked._checks_gradients = True
        return checked

    def adds_losses(self) -> bool:
        """Tell whether it is a Keras layer that adds losses."""
        op, dtype = self.op, self.config.dtype
        is_layer = isinstance(op.func, keras.Layer)
        return is_layer and adds_losses(op.func, op.shape_in, op.pass_time, dtype)

    def compiler_error(self) -> str | None:
        """Ask XLA for its own code of the function, without compiling that."""

        def call(key: tf.Tensor, t: tf.Tensor, *given: tf.Tensor) -> tf.Tensor:
            values, x = list(given[:n]), given[n] if len(given) > n else None
            return self._call(values, t, x, False, key)[0]

        n, config = len(self.variables), self.config
        specs = [tf.TensorSpec((2,), tf.int32), tf.TensorSpec((), config.dtype)]
        specs += [tf.TensorSpec(v.shape, v.dtype) for v in self.variables]
        if self.input is not None:
            shape = (config.minibatch_size, *self.op.shape_in)
            specs.append(tf.TensorSpec(shape, config.dtype))
        compiled = tf.function(call, jit_compile=True, autograph=False)
        try:
            compiled.experimental_get_compiler_ir(*specs)(stage="hlo")
        except (ValueError, tf.errors.OpError) as error:
            return str(error)
        return None

    def build_step(self, signals: SignalDict) -> None:
        """Call the function."""
        self._build(signals, training=False)

    def build_training_step(self, signals: SignalDict) -> None:
        """Call the function, as one that is trained."""
        self._build(signals, training=True)

    def _build(self, signals: SignalDict, training: bool) -> None:
        values = [signals.variables[id(variable)] for variable in self.variables]
        t, x = self._gather_time(signals), self._gather_input(signals)
        if self._checks_gradients:
            y, values = self._call_checked(values, t, x, training, signals.key)
        else:
            y, values = self._call_share(values, t, x, training, signals.key)
        signals.variables.update(zip(map(id, self.variables), values, strict=True))
        batch, dtype = self.config.minibatch_size, self.config.dtype
        check_output(y, x, batch, self.op.shape_out, dtype)
        y = tf.transpose(tf.reshape(y, (-1, self.output.size)))
        signals.scatter(self.output, repeat_batch(y, batch))

    def _call_share(
        self,
        values: list[tf.Tensor],
        t: tf.Tensor,
        x: tf.Tensor | None,
        training: bool,
        key: tf.Tensor,
    ) -> Result:
        """
        Call the function for the items that there are.

        What draws random numbers, or was told the size of the minibatch, is called for
        all of its items (copies of those that there are), so that each gets what it
        would get among the others.
        """
        share = self.config.share
        if share is None:
            return self._call(values, t, x, training, key)
        if x is not None and self._sees_whole:
            n_copies = share.whole // share.size
            x = tf.tile(x, [n_copies, *[1] * (x.shape.rank - 1)])
        y, values = self._call(values, t, x, training, key)
        if tf.is_tensor(y) and y.shape.rank and y.shape[0] == share.whole:
            y = y[share.items]
        return y, values

    @property
    def _sees_whole(self) -> bool:
        """Whether it depends on how many items a minibatch has."""
        func = self.op.func
        has_hook = getattr(innermost(func), "pre_build", None) is not None
        return self.draws or has_hook or bool(seed_generators(func))

    def _call(
        self,
        values: list[tf.Tensor],
        t: tf.Tensor,
        x: tf.Tensor | None,
        training: bool,
        key: tf.Tensor,
    ) -> Result:
        """Call the function; what it draws follows from the key."""
        if not self.draws:
            return self.function(values, t, x, training)

        def call(values: list[tf.Tensor], t: tf.Tensor, *x: tf.Tensor) -> Result:
            return self.function(values, t, x[0] if x else None, training)

        arguments = [values, t] if x is None else [values, t, x]
        return call_seeded(call, arguments, step_seed(key, self.stream))

    def _call_checked(
        self,
        values: list[tf.Tensor],
        t: tf.Tensor,
        x: tf.Tensor | None,
        training: bool,
        key: tf.Tensor,
    ) -> Result:
        """Call the function; gradients are checked when they enter, then on leaving."""
        values = checked_gradients(values, str(self.op.tag))
        if x is not None:
            (x,) = checked_gradients([x], str(self.op.tag))
        y, values = self._call_share(values, t, x, training, key)
        return checked_gradients([y], "")[0], values

    def _gather_time(self, signals: SignalDict) -> tf.Tensor:
        time = tf.reshape(signals.gather(self.time), ())
        return tf.cast(time, self.config.dtype)  # which may be kept in more detail

    def _gather_input(self, signals: SignalDict) -> tf.Tensor | None:
        if self.input is None:
            return None
        batch = self.config.minibatch_size
        x = tf.transpose(repeat_batch(signals.gather(self.input), batch))
        return tf.reshape(x, (batch, *self.op.shape_in))

    def _tried_function(self) -> TensorFunction:
        """Find out, before anything is computed, whether the function does its job."""
        config, shape_in = self.config, self.op.shape_in
        function = tensor_function(self.op.func, shape_in, self.op.pass_time)
        batch, shape_out = config.minibatch_size, self.op.shape_out
        traced = trace(function, shape_in, batch, config.dtype, shape_out)
        check_generators(function.variables, traced)
        found = random_ops(traced)
        self.draws = bool(found.seeded)
        if found.others:
            warn_user(
                f"{self.op.tag}: what {', '.join(found.others)} draws inside of a "
                "tf.function, tf.cond or loop, or by shuffling, does not follow from "
                "the simulator's seed: a reset does not repeat it. Draw outside of "
                "these, or with tf.random.stateless_uniform and the like"
            )
        return function

    def _pre_build(self) -> None:
        """Let the user's function make what it needs."""
        hook = getattr(innermost(self.op.func), "pre_build", None)
        if hook is not None:
            batch, shape_in = self.config.minibatch_size, self.op.shape_in
            hook(
                None if shape_in is None else (batch, *shape_in),
                (batch, *self.op.shape_out),
            )

    def post_build(self, rng: np.random.RandomState) -> None:
        """Let random numbers follow from a seed, and the function set its variables."""
        own = np.random.RandomState()
        own.set_state(rng.get_state())  # a hook finds its own as it ever was
        own = np.random.RandomState([own.randint(2**31 - 1), self.stream])
        reseed(self.op.func, self.variables, self.op.shape_in, own)
        hook = getattr(innermost(self.op.func), "post_build", None)
        if hook is None:
            return
        if _takes_session(hook):
            warn_user(
                "post_build(sess, rng) is deprecated (there are no sessions, it gets "
                "None): use post_build(rng)",
                DeprecationWarning,
            )
            hook(None, rng)
        else:
            hook(rng)


def _takes_session(hook: Callable) -> bool:
    parameters = inspect.signature(hook).parameters.values()
    positional = [
        p for p in parameters if p.kind in _POSITIONAL and p.default is p.empty
    ]
    return len(positional) > 1
