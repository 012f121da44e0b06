"""From activations of Keras to neuron types, with exchanges that users ask for."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import nengo
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType

from nengo_dl_ops import LeakyReLU, SpikingLeakyReLU

from ..checks import described

_NAMES = (
    *("relu", "leaky_relu", "elu", "softmax", "sigmoid", "tanh", "softplus"),
    *("selu", "gelu", "silu", "relu6", "softsign", "log_softmax"),
)

#: TensorFlow's functions, and those of Keras that compute the same.
_OF_KERAS = {getattr(tf.nn, name): getattr(keras.activations, name) for name in _NAMES}
_OF_KERAS[tf.identity] = keras.activations.linear

#: Neuron types that compute an activation exactly.
NEURON_TYPES: dict[Any, NeuronType | None] = {
    None: None,
    keras.activations.linear: None,
    keras.activations.relu: nengo.RectifiedLinear(),
    keras.activations.sigmoid: nengo.Sigmoid(tau_ref=1),
    keras.activations.tanh: nengo.Tanh(tau_ref=1),
    keras.activations.leaky_relu: LeakyReLU(negative_slope=0.2),
}

#: Neuron types whose rate is proportional to a factor of their positive input.
_HOMOGENEOUS = (
    nengo.RectifiedLinear,
    nengo.SpikingRectifiedLinear,
    LeakyReLU,
    SpikingLeakyReLU,
)


class Exchanges:
    """
    What to use in place of which activation.

    Parameters
    ----------
    swap : dict or None
        Keys are functions of Keras or TensorFlow, their names, or neuron types; values
        are neuron types or functions.
    """

    def __init__(self, swap: Mapping[Any, Any] | None) -> None:
        if swap is not None and not isinstance(swap, Mapping):
            raise ValidationError(
                f"expected a dictionary, got {swap!r:.100}", attr="swap_activations"
            )
        self._swap = {
            _checked(key, "key"): _checked(value, "value")
            for key, value in (swap or {}).items()
        }
        self._given = dict(zip(self._swap, swap or {}, strict=False))
        self._used: set[Any] = set()

    def resolve(self, activation: Any, exact: NeuronType | None = None) -> Any:
        """
        Find what takes the place of an activation.

        Parameters
        ----------
        activation : callable or None
            A function of Keras or TensorFlow, or a layer.
        exact : nengo.neurons.NeuronType, optional
            What computes the activation exactly, if that depends on the layer.

        Returns
        -------
        result : nengo.neurons.NeuronType, callable or None
            None for no activation; a function if there is no neuron type for it.
        """
        key = canonical(activation)
        found = self._exchange(key)
        if exact is not None and found is key:
            found = exact
        elif not isinstance(found, NeuronType):
            found = NEURON_TYPES.get(found, found)
        return self._exchange(found)

    def _exchange(self, key: Any) -> Any:
        for candidate in (key, type(key)):
            if candidate is not None and candidate in self._swap:
                self._used.add(candidate)
                return self._swap[candidate]
        return key

    def unused(self) -> list[Any]:
        """Return the keys, as given, that no layer had."""
        return [self._given[key] for key in self._swap if key not in self._used]


def canonical(activation: Any) -> Any:
    """Return the function of Keras that computes the same, where there is one."""
    try:
        return _OF_KERAS.get(activation, activation)
    except TypeError:  # not hashable
        return activation


def _checked(value: Any, what: str) -> Any:
    if isinstance(value, str):
        try:
            return keras.activations.get(value)
        except ValueError as error:
            raise _unknown(value, what) from error
    if inspect.isclass(value) and issubclass(value, NeuronType):
        return value if what == "key" else value()
    if isinstance(value, NeuronType) or (
        callable(value) and not inspect.isclass(value)
    ):
        return canonical(value)
    raise _unknown(value, what)


def _unknown(value: Any, what: str) -> ValidationError:
    return ValidationError(
        f"expected each {what} to be an activation of Keras or TensorFlow "
        f"(keras.activations.relu), its name, or a neuron type, got {value!r:.100}",
        attr="swap_activations",
    )


def scaled(neuron_type: NeuronType, scale: float) -> NeuronType | None:
    """
    Divide the amplitude of a neuron type.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        Any type.
    scale : float
        The divisor.

    Returns
    -------
    neuron_type : nengo.neurons.NeuronType or None
        None if the type has no amplitude.
    """
    if "amplitude" not in _arguments(neuron_type):
        return None
    return changed(neuron_type, amplitude=neuron_type.amplitude / scale)


def changed(neuron_type: NeuronType, **changes: Any) -> NeuronType:
    """Return neurons of the same type, with some other arguments."""
    return type(neuron_type)(**{**_arguments(neuron_type), **changes})


def _arguments(neuron_type: NeuronType) -> dict[str, Any]:
    names = [*inspect.signature(type(neuron_type).__init__).parameters][1:]
    return {name: getattr(neuron_type, name) for name in names}


def is_homogeneous(neuron_type: NeuronType) -> bool:
    """Whether scaling input and amplitude leaves the rates as they are."""
    base = getattr(neuron_type, "base_type", neuron_type)
    return type(base) in _HOMOGENEOUS


def label(activation: Any) -> str:
    """Return what an activation is called in messages."""
    if isinstance(activation, keras.Layer):
        return activation.name
    return getattr(activation, "__name__", None) or described(activation)
