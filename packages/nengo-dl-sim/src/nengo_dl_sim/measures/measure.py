"""What is computed from a network's outputs: to be minimised, or to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any, NamedTuple

import tensorflow as tf
from nengo.exceptions import ValidationError


class Measure(NamedTuple):
    """
    Something that is computed from outputs and targets.

    Parameters
    ----------
    name : str
        What it is called in messages.
    outputs : tuple of hashable
        The outputs of the program that it is computed from, by their keys (probes).
    targets : tuple of int
        The targets it is computed from, by number, in the order of the probes that
        they belong to; empty if it needs none.
    function : callable
        Takes a list of outputs and a list of targets, each
        ``(batch, n_steps, *shape) tf.Tensor``.
    source : callable or keras.losses.Loss or str or None
        What the user gave; measures made from the same one are the same.
    is_loss : bool
        Whether it was `summed` up.
    weight : float
        What it is multiplied by in the sum that is minimised.
    of_items : bool
        Whether it is computed for each item by itself, along the first axis.
    attr : str
        The argument that it was given as, for messages.
    is_mean : bool
        Whether it is known to be the mean over items of something that is computed of
        each by itself: then it is the mean of those of equal parts of a minibatch.
    """

    name: str
    outputs: tuple[Any, ...]
    targets: tuple[int, ...]
    function: Callable[[list[tf.Tensor], list[tf.Tensor]], Any]
    source: Any
    is_loss: bool = False
    weight: float = 1.0
    of_items: bool = False
    attr: str = "objective"
    is_mean: bool = False

    @property
    def identity(self) -> tuple:
        """What makes two measures the same, so that one compilation serves both."""
        numbers = self.outputs, self.targets, self.is_loss, self.weight
        return *numbers, identity(self.source)

    def value(
        self, outputs: Mapping[Any, tf.Tensor], targets: Sequence[tf.Tensor]
    ) -> Any:
        """
        Compute it.

        Raises a ``ValidationError`` if the function is one of NumPy or of plain Python.
        What else it raises itself comes as it is.
        """
        mine = [outputs[key] for key in self.outputs]
        with tensors_explained(self.name, self.attr):
            return self.function(mine, [targets[i] for i in self.targets])

    def summed(self) -> Measure:
        """
        Turn it into something to minimise.

        The value of the returned measure is a () tf.Tensor, the sum of what the
        function returns. If that is neither a number nor numbers for each item, it
        raises a `nengo.exceptions.ValidationError`.
        """
        if self.is_loss:
            return self

        def loss(outputs: list[tf.Tensor], targets: list[tf.Tensor]) -> tf.Tensor:
            value = self._numbers(self.function(outputs, targets))
            batch, rank = int(outputs[0].shape[0]), value.shape.rank
            if rank is None or (rank > 0 and value.shape[0] != batch):
                raise ValidationError(
                    f"expected the objective of {self.name} to return a scalar or "
                    f"values for each of {batch} items, got shape {value.shape}",
                    attr="objective",
                )
            return tf.reduce_sum(tf.cast(value, outputs[0].dtype))

        return self._replace(function=loss, is_loss=True)

    def _numbers(self, value: Any) -> tf.Tensor:
        try:
            tensor = tf.convert_to_tensor(value)
        except (TypeError, ValueError) as error:
            raise self._no_numbers(value) from error
        if not (tensor.dtype.is_floating or tensor.dtype.is_integer):
            raise self._no_numbers(value)
        return tensor

    def _no_numbers(self, value: Any) -> ValidationError:
        return ValidationError(
            f"expected the objective of {self.name} to return a tensor of numbers, "
            f"got {value!r}",
            attr="objective",
        )


@contextmanager
def tensors_explained(name: str, attr: str) -> Iterator[None]:
    """
    Explain what tensors without values raise in a function of a user.

    Parameters
    ----------
    name : str
        What the function is for.
    attr : str
        The argument that it was given as.

    Raises
    ------
    nengo.exceptions.ValidationError
        In place of an error that only tensors raise; others come as they are.
    """
    try:
        yield
    except (NotImplementedError, AttributeError, TypeError) as error:
        if not _wants_values(error):
            raise
        raise ValidationError(
            f"expected a function of TensorFlow's operations for {name}, got "
            "one that asks for the values of tensors, which are not known while it "
            "is compiled: use tf or keras.ops in place of NumPy (tf.reduce_mean "
            "for np.mean), tf.where in place of if, and tf.cast in place of float",
            attr=attr,
        ) from error


def _wants_values(error: Exception) -> bool:
    """Tell what tensors without values raise from what else a function may raise."""
    if isinstance(error, tf.errors.OperatorNotAllowedInGraphError):
        return True
    if isinstance(error, AttributeError):
        return error.name == "numpy" and tf.is_tensor(error.obj)
    return "symbolic" in str(error).lower()


def identity(function: Any) -> Any:
    """
    Return what tells a function from others.

    Returns the same for functions that one line of code made of the same values.
    """
    if isinstance(function, FunctionType):
        cells = function.__closure__ or ()
        values = [
            *(cell.cell_contents for cell in cells),
            *(function.__defaults__ or ()),
            *(function.__kwdefaults__ or {}).values(),
        ]
        return function.__code__, tuple(map(id, values))
    return function if isinstance(function, Hashable) else id(function)
