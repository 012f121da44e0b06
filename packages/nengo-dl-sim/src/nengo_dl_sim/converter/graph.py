"""Reads a Keras model: which layers are called on what, through public API only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
from nengo.exceptions import ValidationError


class Call:
    """
    One call of a layer in a model.

    Parameters
    ----------
    layer : keras.Layer or keras.Operation
        What is called.
    args, kwargs : tuple, dict
        The arguments; Keras tensors among them are the inputs.
    outputs : list of keras.KerasTensor
        What it returned.
    """

    def __init__(self, layer: Any, args: tuple, kwargs: dict, outputs: list) -> None:
        self.layer = layer
        self.args = args
        self.kwargs = kwargs
        self.inputs = list(tensors_in((args, kwargs)))
        self.outputs = outputs


class Graph:
    """
    All calls of layers in a model, in an order that works; nested models are opened.

    Parameters
    ----------
    model : keras.Model
        A built model.

    Attributes
    ----------
    model : keras.Model
        The model, as inputs and outputs: a subclassed one was called on symbols.
    calls : list of Call
        The calls, without those of input layers.
    opened : dict
        For each nested model the outputs of its calls.
    plain : keras.Model
        The same as lists of inputs and outputs, which is not compiled.
    structure : list or keras.KerasTensor
        Its input.
    inputs, outputs : list of keras.KerasTensor
        Of the model.
    """

    def __init__(self, model: Any) -> None:
        self.calls: list[Call] = []
        self.opened: dict[Any, list[list[Any]]] = {}
        self._same: dict[int, Any] = {}
        self._kept: list[Any] = []  # or other tensors could get their ids
        self.model = as_functional(model)
        plain = keras.Model(self.model.inputs, self.model.outputs, name=self.model.name)
        self.inputs = list(self.model.inputs)
        self.plain, self.structure = plain, plain.input
        self.outputs = self._run(plain, plain.input)

    def _run(self, functional: Any, inputs: Any) -> list:
        """Go through a functional model on given symbolic inputs."""
        clone = keras.models.clone_model(
            functional,
            input_tensors=inputs,
            clone_function=lambda layer: layer,
            call_function=lambda layer, *args, **kwargs: self._call(
                layer, args, kwargs
            ),
        )
        return list(clone.outputs)

    def _call(self, layer: Any, args: tuple, kwargs: dict) -> Any:
        if isinstance(layer, keras.Model):
            return self._open(layer, args, kwargs)
        result = _result(layer, args, kwargs)
        outputs = list(tensors_in(result))
        self.calls.append(Call(layer, args, kwargs, outputs))
        return result

    def _open(self, model: Any, args: tuple, kwargs: dict) -> Any:
        """Go through a nested model, on symbols that stand for its inputs."""
        inner = as_functional(model, args)
        plain = keras.Model(inner.inputs, inner.outputs)
        given = list(tensors_in((args, kwargs)))
        symbols = [_symbol(tensor) for tensor in given]
        self._same.update(zip(map(id, symbols), given, strict=True))
        structure = keras.tree.pack_sequence_as(plain.input, symbols)
        outputs = self._run(plain, structure)
        result = _result(model, args, kwargs)
        for tensor, output in zip(tensors_in(result), outputs, strict=True):
            self._same[id(tensor)] = output
        self._kept += symbols
        self.opened.setdefault(model, []).append(outputs)
        return result

    def origin(self, tensor: Any) -> Any:
        """Return the output of a layer, or the input, that a tensor stands for."""
        while id(tensor) in self._same:
            tensor = self._same[id(tensor)]
        return tensor

    def layers(self) -> dict[Any, list[Call]]:
        """Return the calls of each layer, in order."""
        found: dict[Any, list[Call]] = {}
        for call in self.calls:
            found.setdefault(call.layer, []).append(call)
        return found

    def without_time(self) -> set[int]:
        """Return the ``id`` of tensors that no longer have the time axis of inputs."""
        found: set[int] = set()
        for call in self.calls:
            ends = getattr(call.layer, "return_sequences", True) is False
            inputs = [id(self.origin(tensor)) for tensor in call.inputs]
            if ends or (inputs and all(i in found for i in inputs)):
                found.update(id(tensor) for tensor in call.outputs)
        return found

    def signatures(self, table: dict[Any, int]) -> dict[int, int]:
        """
        Number the tensors, so that what is computed equally has equal numbers.

        Parameters
        ----------
        table : dict
            The numbers that were given so far.

        Returns
        -------
        numbers : dict from int to int
            From the ``id`` of a tensor.
        """
        numbers = {
            id(tensor): table.setdefault(("input", i), len(table))
            for i, tensor in enumerate(self.inputs)
        }
        for call in self.calls:
            before = (id(call.layer), *self._numbers(numbers, call))
            for i, tensor in enumerate(call.outputs):
                numbers[id(tensor)] = table.setdefault((before, i), len(table))
        return numbers

    def _numbers(self, numbers: dict[int, int], call: Call) -> list[int | None]:
        return [numbers.get(id(self.origin(tensor))) for tensor in call.inputs]


def _result(layer: Any, args: tuple, kwargs: dict) -> Any:
    """Return the tensors of the model itself where they are known, else call anew."""
    try:
        before, result = layer.input, layer.output
    except (AttributeError, ValueError):
        return layer(*args, **kwargs)
    before = [id(tensor) for tensor in tensors_in(before)]
    if before == [id(tensor) for tensor in tensors_in((args, kwargs))]:
        return result
    return layer(*args, **kwargs)


def tensors_in(structure: Any) -> Iterator[Any]:
    """Yield the Keras tensors of nested lists and dictionaries."""
    for leaf in keras.tree.flatten(structure):
        if isinstance(leaf, keras.KerasTensor):
            yield leaf


def as_functional(model: Any, args: tuple = ()) -> Any:
    """
    Return a model with symbolic inputs and outputs.

    Parameters
    ----------
    model : keras.Model
        A built model; a subclassed one is called on symbols.
    args : tuple
        What a nested one is called on.

    Returns
    -------
    model : keras.Model
        The same model, if it is functional or sequential.
    """
    if not isinstance(model, keras.Model):
        raise ValidationError(
            f"expected a Keras model, got {model!r:.100}", attr="model"
        )
    if isinstance(model, keras.Sequential) and not model.built:
        raise _unbuilt(model)
    if getattr(model, "inputs", None) and getattr(model, "outputs", None):
        return model
    symbols = keras.tree.map_structure(_symbol, args) if args else (_symbols(model),)
    try:
        outputs = model.call(*symbols)
    except Exception as error:  # code of the user: anything may happen in it
        raise ValidationError(
            f"{model.name!r} is a subclassed model whose `call` does not work on "
            f"symbolic inputs: {error}. Write it with the functional API of Keras",
            attr="model",
        ) from error
    return keras.Model(*(_single(list(tensors_in(x))) for x in (symbols, outputs)))


def _single(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors


def _symbol(x: Any) -> Any:
    if isinstance(x, keras.KerasTensor):
        return keras.Input(batch_shape=x.shape, dtype=x.dtype)
    return x


def _symbols(model: Any) -> Any:
    """Make symbolic inputs of the shapes that a subclassed model was built with."""
    config = model.get_build_config() if model.built else None
    shape = (config or {}).get("input_shape")
    if shape is None and config and len(config.get("shapes_dict") or ()) == 1:
        (shape,) = config["shapes_dict"].values()
    if shape is None:
        raise _unbuilt(model)
    if isinstance(shape, dict):
        return {name: _input(s) for name, s in shape.items()}
    if any(isinstance(s, (tuple, list)) for s in shape):
        return [_input(s) for s in shape]
    return _input(shape)


def _input(shape: Any) -> Any:
    return keras.Input(batch_shape=(None, *shape[1:]))


def _unbuilt(model: Any) -> ValidationError:
    return ValidationError(
        f"expected a built model, got {model.name!r}, whose input shape is not known: "
        "call it on data, or give it a keras.Input",
        attr="model",
    )
