"""Names of NengoDL 2 and 3 are there, or say what to use."""

import importlib

import pytest

import nengo_dl
from nengo_dl.removed_names import REMOVED

PRESENT = {
    "nengo_dl.builder": ["Builder", "OpBuilder", "BuildConfig"],
    "nengo_dl.neuron_builders": [
        *("SimNeuronsBuilder", "TFNeuronBuilder", "RectifiedLinearBuilder"),
        *("SpikingRectifiedLinearBuilder", "SigmoidBuilder", "TanhBuilder"),
        *("LIFRateBuilder", "SoftLIFRateBuilder", "LIFBuilder", "LeakyReLUBuilder"),
        *("SpikingLeakyReLUBuilder", "RegularSpikingBuilder"),
    ],
    "nengo_dl.simulator": ["Simulator", "SimulationData"],
    "nengo_dl.tensor_node": [
        *("TensorNode", "Layer", "tensor_layer", "reshaped", "validate_output"),
        *("TensorFuncParam", "SimTensorNode", "SimTensorNodeBuilder"),
    ],
}
GONE = [(module, name) for module, names in REMOVED.items() for name in names]


@pytest.mark.parametrize("module", PRESENT)
def test_modules_that_programs_use(module):
    found = importlib.import_module(module)
    assert getattr(nengo_dl, module.partition(".")[2]) is found
    assert [name for name in PRESENT[module] if not hasattr(found, name)] == []


@pytest.mark.parametrize(("module", "name"), GONE)
def test_what_is_gone_says_what_to_use(module, name):
    found = importlib.import_module(module)
    assert not hasattr(found, name)
    with pytest.raises(AttributeError) as caught:
        getattr(found, name)
    start = f"module {module!r} has no attribute {name!r}, which NengoDL 2 or 3 had: "
    assert str(caught.value) == start + REMOVED[module][name]


@pytest.mark.parametrize("name", REMOVED["nengo_dl"])
@pytest.mark.parametrize("form", ["import nengo_dl.{}", "from nengo_dl import {}"])
def test_imports_say_so_too(form, name):
    with pytest.raises(ModuleNotFoundError, match="NengoDL 2 or 3 had it: ") as caught:
        exec(form.format(name), {})
    assert str(caught.value).endswith(REMOVED["nengo_dl"][name])


@pytest.mark.parametrize(("module", "name"), GONE)
def test_imports_from_modules_say_so_too(module, name):
    with pytest.raises(ImportError) as caught:
        exec(f"from {module} import {name}", {})
    start = f"cannot import {name!r} from {module!r}, where NengoDL 2 or 3 had it: "
    assert str(caught.value) == start + REMOVED[module][name]


@pytest.mark.parametrize("module", ["nengo_dl", *REMOVED])
def test_other_names_are_missing_as_usual(module):
    found = importlib.import_module(module)
    with pytest.raises(
        AttributeError, match=f"module '{module}' has no attribute 'x'$"
    ):
        getattr(found, "x")  # noqa: B009


def test_other_modules_are_missing_as_usual():
    with pytest.raises(ModuleNotFoundError, match="No module named 'nengo_dl.nothing'"):
        importlib.import_module("nengo_dl.nothing")
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec("from nengo_dl import nothing", {})
    with pytest.raises(ImportError, match="cannot import name 'nothing' from"):
        exec("from nengo_dl.utils import nothing", {})
