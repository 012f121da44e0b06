"""What Keras callbacks see of a simulator."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import keras
import numpy as np
from nengo.exceptions import ValidationError

from ..engine.engine import Engine
from ..engine.named_parameters import assign_parameters, parameter_arrays, trained_names
from ..legacy import MODEL_REPLACEMENTS, RemovedError
from .named_weights import NamedWeight, NamedWeights, WeightEntries, summary_lines


class CallbackModel:
    """
    Takes the place of a Keras model in callbacks.

    Parameters
    ----------
    engine : Engine
        The engine of the simulator.

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

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.optimizer: Any = None
        self.stop_training = False
        self.stop_evaluating = False
        self.stop_predicting = False
        self.history: Any = None

    if not TYPE_CHECKING:  # so that type checkers go on finding misspelled names

        def __getattr__(self, name: str) -> Any:
            if name in MODEL_REPLACEMENTS:
                raise RemovedError(name, self)
            return super().__getattribute__(name)

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes, of several workers."""
        return self._engine.replicas.is_chief

    def stop_together(self) -> None:
        """Stop training if a callback of some worker has stopped it."""
        self.stop_training = self._engine.replicas.any(self.stop_training)

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables that training changes."""
        return self._engine.parameters.trainable

    @property
    def weights(self) -> list[NamedWeight]:
        """The values of all parameters, with their names."""
        return self.layers[0].weights

    @property
    def trainable_weights(self) -> list[NamedWeight]:
        """The values of those parameters that training changes."""
        trained = trained_names(self._engine)
        return [weight for weight in self.weights if weight.name in trained]

    @property
    def non_trainable_weights(self) -> list[NamedWeight]:
        """The values of the other parameters."""
        trained = trained_names(self._engine)
        return [weight for weight in self.weights if weight.name not in trained]

    def count_params(self) -> int:
        """Count all parameters."""
        return sum(weight.size for weight in self.weights)

    def summary(
        self,
        line_length: int | None = None,
        print_fn: Callable[[str], Any] = print,
        **kwargs: Any,
    ) -> None:
        """Print the parameters: names, shapes, and whether they are trained."""
        unknown = kwargs.keys() - {
            *("positions", "expand_nested", "show_trainable", "layer_range")
        }
        if unknown:
            raise ValidationError(
                "expected line_length, print_fn and arguments of Keras's summary, got "
                f"{sorted(unknown)}",
                attr="summary",
            )
        for line in summary_lines(self.trainable_weights, self.non_trainable_weights):
            print_fn(line[:line_length])

    @property
    def layers(self) -> list[NamedWeights]:
        """All parameters, as those of one layer."""
        return [NamedWeights(parameter_arrays(self._engine))]

    def get_weights(self) -> list[np.ndarray]:
        """Copy all parameters."""
        return list(parameter_arrays(self._engine).values())

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """
        Set all parameters.

        Raises a ``ValidationError`` if their number or a shape is another, or the
        simulator relies on a value that would change. Nothing is changed then.
        """
        expected = parameter_arrays(self._engine)
        found = [np.asarray(weight) for weight in weights]
        shapes = [array.shape for array in expected.values()]
        if [array.shape for array in found] != shapes:
            raise ValidationError(
                f"expected arrays of shapes {shapes} (as get_weights returns them), "
                f"got {[array.shape for array in found]}",
                attr="weights",
            )
        assign_parameters(self._engine, dict(zip(expected, found, strict=True)))

    def save_weights(self, filepath: str | os.PathLike, overwrite: bool = True) -> None:
        """
        Write all parameters to a file of Keras's format.

        ``filepath``: the file; its name ends in ``.weights.h5``.
        """
        arrays = parameter_arrays(self._engine)
        entries = WeightEntries({_key(name): array for name, array in arrays.items()})
        keras.saving.save_weights(entries, filepath, overwrite=overwrite)

    def load_weights(self, filepath: str | os.PathLike) -> None:
        """Read all parameters from a file that `save_weights` wrote."""
        expected, entries = parameter_arrays(self._engine), WeightEntries({})
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
        assign_parameters(self._engine, found)

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: a network is not a Keras model."""
        del args, kwargs
        raise ValidationError(
            "expected save_weights_only=True: a network cannot be written as a Keras "
            "model",
            attr="callbacks",
        )


def _key(name: str) -> str:
    """Return a name that is no path: a store would make groups of those."""
    return name.replace("/", ":")
