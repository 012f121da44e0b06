"""The table of layers in the reference is complete."""

import inspect
import re
from pathlib import Path

import keras
import pytest

from nengo_dl_sim.converter.layer_converter import REGISTRY

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "converter.rst"


def table():
    """Read the table: for each layer its kind."""
    if not PAGE.exists():
        pytest.skip("the documentation is not here")
    kinds = {}
    for row in PAGE.read_text().split("   * - ")[2:]:
        kind, _, layers = row.split("\n     - ")
        for name in re.findall(r"\w+", layers.split("\n\n")[0]):
            kinds[name] = kind
    return kinds


def classes():
    """Return all layers of Keras by name."""
    found = (getattr(keras.layers, name) for name in dir(keras.layers))
    layers = {c for c in found if inspect.isclass(c) and issubclass(c, keras.Layer)}
    return {cls.__name__: cls for cls in layers}


def test_every_layer_of_keras_is_in_the_table():
    # Other versions of Keras have fewer layers.
    assert set(classes()) <= set(table())


def test_the_table_says_what_is_registered():
    kinds, layers = table(), classes()
    found = {
        name: REGISTRY[layer].kind
        for name, layer in layers.items()
        if layer in REGISTRY
    }
    listed = {name: kind for name, kind in kinds.items() if name in layers}
    found["InputLayer"] = "native"
    others = {"TensorNode", "not converted"}
    assert {n: k for n, k in listed.items() if k not in others} == found
