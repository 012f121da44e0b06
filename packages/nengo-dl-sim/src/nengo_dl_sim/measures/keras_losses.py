"""Losses and metrics in the manner of Keras, as functions of outputs and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from nengo.exceptions import ValidationError

from ..checks import described
from .objective_forms import Form, required_arguments

_losses = keras.losses

#: Losses of Keras that are computed of each item by itself, and the same as functions.
_OF_ITEMS = {
    _losses.BinaryCrossentropy: _losses.binary_crossentropy,
    _losses.CategoricalCrossentropy: _losses.categorical_crossentropy,
    _losses.CategoricalHinge: _losses.categorical_hinge,
    _losses.Hinge: _losses.hinge,
    _losses.Huber: _losses.huber,
    _losses.KLDivergence: _losses.kl_divergence,
    _losses.LogCosh: _losses.log_cosh,
    _losses.MeanAbsoluteError: _losses.mean_absolute_error,
    _losses.MeanSquaredError: _losses.mean_squared_error,
    _losses.Poisson: _losses.poisson,
    _losses.SparseCategoricalCrossentropy: _losses.sparse_categorical_crossentropy,
    _losses.SquaredHinge: _losses.squared_hinge,
}


def loss_form(key: Any, source: Any) -> Form:
    """
    Turn a loss that was given to ``compile`` into a function.

    ``source``: a Keras loss, its class or its name (``"crossentropy"`` is the one that
    suits the sizes of outputs and targets); or a function of targets and outputs, of
    which the mean is taken. A function of one argument takes the outputs; one whose
    arguments are called ``outputs`` and ``targets`` takes them in this order. Returns
    the same as a function of outputs, or of outputs and targets. If a loss of Keras
    cannot compare them, it raises a `nengo.exceptions.ValidationError` that names both
    shapes.
    """
    if callable(source) and not isinstance(source, (keras.losses.Loss, type)):
        names = required_arguments(source)
        if names is not None and len(names) == 1:
            return Form(_mean_of_outputs(source), 1)
        if names == ["outputs", "targets"]:
            return Form(_mean_outputs_first(source), 2)
        if names is not None and len(names) != 2:
            raise _no_loss(key, source)
    if _is_other_class(source, keras.losses.Loss):
        raise _no_loss(key, source)
    if isinstance(source, str) and source.lower() in ("crossentropy", "ce"):
        return Form(_mean_crossentropy(key), 2, is_mean=True)
    try:
        loss = keras.losses.get(source)
    except (TypeError, ValueError) as error:
        raise _no_loss(key, source) from error
    if isinstance(loss, keras.losses.Loss):
        return Form(_targets_first(key, loss), 2, _is_mean(loss))
    return Form(_mean_targets_first(key, loss), 2, loss in _OF_ITEMS.values())


def _is_mean(loss: keras.losses.Loss) -> bool:
    """Tell whether a loss of Keras is the mean of those of items, by its kind."""
    averages = loss.reduction == "sum_over_batch_size"
    config = loss.get_config()
    # Where a class is left out, the mean is that of the others.
    leaves_out = config.get("ignore_class") is not None
    by_size = config.get("axis", -1) == -1  # of others, the first one is that of items
    return type(loss) in _OF_ITEMS and averages and by_size and not leaves_out


def make_metric(
    key: Any, source: Any, size: int, target_size: int
) -> tuple[str, keras.metrics.Metric]:
    """
    Make a metric.

    ``source``: a Keras metric, its class or its name; or a function of targets and
    outputs, of which the mean is taken. ``"accuracy"`` is the one that suits the sizes.
    """
    if isinstance(source, str) and source in ("accuracy", "acc"):
        return source, _accuracy(size, target_size)
    if _is_other_class(source, keras.metrics.Metric):
        raise _no_metric(key, source)
    try:
        metric = keras.metrics.get(source)
    except (TypeError, ValueError) as error:
        raise _no_metric(key, source) from error
    if not isinstance(metric, keras.metrics.Metric):
        name = getattr(metric, "__name__", type(metric).__name__)
        metric = keras.metrics.MeanMetricWrapper(metric, name=name)
    return source if isinstance(source, str) else metric.name, metric


def _accuracy(size: int, target_size: int) -> keras.metrics.Metric:
    if size == 1:
        return keras.metrics.BinaryAccuracy()
    if target_size == 1:
        return keras.metrics.SparseCategoricalAccuracy()
    return keras.metrics.CategoricalAccuracy()


def _no_loss(key: Any, source: Any) -> ValidationError:
    return ValidationError(
        "expected a Keras loss, its name or a function of (y_true, y_pred) for "
        f"{key}, got {described(source)}",
        attr="loss",
    )


def _no_metric(key: Any, source: Any) -> ValidationError:
    return ValidationError(
        "expected a Keras metric, its name or a function of (y_true, y_pred) for "
        f"{key}, got {described(source)}",
        attr="metrics",
    )


def _is_other_class(source: Any, kind: type) -> bool:
    """Tell classes that Keras would call without arguments, whatever they make."""
    return isinstance(source, type) and not issubclass(source, kind)


def _mean_of_outputs(loss: Callable) -> Callable:
    return lambda outputs, weights=None: _mean(loss(outputs), weights)


def _mean_outputs_first(loss: Callable) -> Callable:
    return lambda outputs, targets, weights=None: _mean(loss(outputs, targets), weights)


def _mean_targets_first(key: Any, loss: Callable) -> Callable:
    def evaluate(
        outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tf.Tensor:
        with _comparing(key, loss, outputs, targets):
            values = loss(targets, outputs)
        return _mean(values, weights)

    return evaluate


def _mean_crossentropy(key: Any) -> Callable:
    def evaluate(
        outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tf.Tensor:
        if outputs.shape[-1] == 1:
            loss = keras.losses.binary_crossentropy
        elif targets.shape[-1] == 1:
            loss = keras.losses.sparse_categorical_crossentropy
        else:
            loss = keras.losses.categorical_crossentropy
        return _mean_targets_first(key, loss)(outputs, targets, weights)

    return evaluate


def _targets_first(key: Any, loss: keras.losses.Loss) -> Callable:
    def evaluate(
        outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tf.Tensor:
        with _comparing(key, loss, outputs, targets):
            if weights is not None:  # Keras would not spread those of items over steps
                weights = _spread(weights, loss.call(targets, outputs))
            return loss(targets, outputs, sample_weight=weights)

    return evaluate


@contextmanager
def _comparing(
    key: Any, loss: Any, outputs: tf.Tensor, targets: tf.Tensor
) -> Iterator[None]:
    """Say whose target does not fit; what a user's own loss raises is left alone."""
    try:
        yield
    except ValueError as error:
        of_keras = str(loss.__module__).partition(".")[0] == "keras"
        if isinstance(error, ValidationError) or not of_keras:
            raise
        raise ValidationError(
            f"expected a target for {key} that the loss "
            f"{getattr(loss, '__name__', None) or loss.name} can compare with the "
            f"output of shape {tuple(outputs.shape)}, got one of shape "
            f"{tuple(targets.shape)}: {error}",
            attr="y",
        ) from error


def _mean(values: Any, weights: tf.Tensor | None) -> tf.Tensor:
    """Average values, weighed as by Keras: by the number of values, not of weights."""
    if weights is None:
        return tf.reduce_mean(values)
    return tf.reduce_mean(values * _spread(weights, values))


def _spread(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Give each value the weight of its item or step."""
    rank, shape = len(weights.shape), tuple(values.shape)
    pairs = list(zip(weights.shape, shape, strict=False))
    if len(pairs) < rank or not all(one in (1, other) for one, other in pairs):
        raise ValidationError(
            f"expected a loss with values to weigh, of shape {tuple(weights.shape)} or "
            f"with more axes, got one of shape {shape}",
            attr="sample_weight",
        )
    weights = tf.reshape(weights, (*weights.shape, *[1] * (len(shape) - rank)))
    return tf.cast(tf.broadcast_to(weights, shape), values.dtype)
