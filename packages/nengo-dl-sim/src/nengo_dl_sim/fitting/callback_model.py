"""What Keras callbacks see of a simulator."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NoReturn

import keras
import numpy as np
from nengo.exceptions import ValidationError

from ..construction import Parts
from ..files.saving import assign_parameters, parameter_arrays


class CallbackModel:
    """
    Takes the place of a Keras model in callbacks.

    Parameters
    ----------
    parts : Parts
        The parts of the simulator.

    Attributes
    ----------
    optimizer : keras.optimizers.Optimizer or None
        The one that the simulator was compiled with.
    stop_training, stop_evaluating, stop_predicting : bool
        A callback that sets it stops ``fit``, ``evaluate`` or ``predict`` before the
        next minibatch.
    history : keras.callbacks.History or None
        What was logged in the last ``fit``.
    """

    name = "nengo_dl"
    built = True
    train_function = None  # there is not just one, whose graph could be drawn

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.optimizer: Any = None
        self.stop_training = False
        self.stop_evaluating = False
        self.stop_predicting = False
        self.history: Any = None

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables that training changes."""
        return self._parts.parameters.trainable

    @property
    def layers(self) -> list[NamedWeights]:
        """All parameters, as those of one layer."""
        return [NamedWeights(parameter_arrays(self._parts))]

    def get_weights(self) -> list[np.ndarray]:
        """
        Copy all parameters.

        Returns
        -------
        weights : list of array
            For `set_weights`.
        """
        return list(parameter_arrays(self._parts).values())

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """
        Set all parameters.

        Parameters
        ----------
        weights : list of array
            From `get_weights`.
        """
        names = parameter_arrays(self._parts)
        assign_parameters(self._parts, dict(zip(names, weights, strict=True)))

    def save_weights(self, filepath: str | os.PathLike, overwrite: bool = True) -> None:
        """
        Write all parameters to a file of Keras's format.

        Parameters
        ----------
        filepath : str or path-like
            The file; its name ends in ``.weights.h5``.
        overwrite : bool
            Whether to write over a file that is there, or ask.
        """
        arrays = parameter_arrays(self._parts)
        entries = WeightEntries({_key(name): array for name, array in arrays.items()})
        keras.saving.save_weights(entries, filepath, overwrite=overwrite)

    def load_weights(self, filepath: str | os.PathLike) -> None:
        """
        Read all parameters from a file that `save_weights` wrote.

        Parameters
        ----------
        filepath : str or path-like
            The file.

        Raises
        ------
        nengo.exceptions.ValidationError
            If it is a file of another network. Nothing is changed then.
        """
        expected, entries = parameter_arrays(self._parts), WeightEntries({})
        keras.saving.load_weights(entries, filepath)
        keys = {_key(name): name for name in expected}
        if entries.arrays.keys() != keys.keys():
            raise ValidationError(
                f"expected the parameters {sorted(keys)}, got {sorted(entries.arrays)}",
                attr="filepath",
            )
        for key, name in keys.items():
            if entries.arrays[key].shape != expected[name].shape:
                raise ValidationError(
                    f"expected {name} of shape {expected[name].shape}, got "
                    f"{entries.arrays[key].shape}",
                    attr="filepath",
                )
        found = {name: entries.arrays[key] for key, name in keys.items()}
        assign_parameters(self._parts, found)

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: a network is not a Keras model."""
        del args, kwargs
        raise ValidationError(
            "expected save_weights_only=True: a network cannot be written as a Keras "
            "model",
            attr="callbacks",
        )


class WeightEntries(keras.Layer):
    """
    Named arrays, in the way that Keras stores those of a layer.

    Parameters
    ----------
    arrays : dict from str to array
        The arrays.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        super().__init__(name="parameters")
        self.built = True
        self.arrays = arrays

    def save_own_variables(self, store: Any) -> None:
        """Put the arrays into a store."""
        for key, array in self.arrays.items():
            store[key] = array

    def load_own_variables(self, store: Any) -> None:
        """Take all arrays that are in a store."""
        self.arrays = {key: np.asarray(store[key]) for key in store.keys()}


class NamedWeights:
    """
    Parameters, in the way that Keras shows those of a layer.

    Parameters
    ----------
    arrays : dict from str to array
        Their values.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.name = "parameters"
        self.weights = [NamedWeight(name, array) for name, array in arrays.items()]


class NamedWeight:
    """
    The value of a parameter.

    Parameters
    ----------
    path : str
        Its name.
    value : array
        Its value.
    """

    def __init__(self, path: str, value: np.ndarray) -> None:
        self.path = path
        self.name = path  # what older versions of Keras ask for
        self._value = value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._value, dtype=dtype, copy=copy)


def _key(name: str) -> str:
    """Return a name that is no path: a store would make groups of those."""
    return name.replace("/", ":")
