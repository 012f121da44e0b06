"""Files from anybody: an error that says what is wrong, before memory is taken."""

import sys
import tracemalloc

import h5py
import nir
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_sim.nir import load


def lif(n=3, **changes):
    values = {name: np.ones(n) for name in ("tau", "r", "v_threshold")}
    values |= {name: np.zeros(n) for name in ("v_leak", "v_reset")}
    return nir.LIF(**{**values, **changes})


def ends(n=3, n_out=3):
    return {
        "input": nir.Input({"input": np.array([n])}),
        "output": nir.Output({"output": np.array([n_out])}),
    }


def graph(nodes, edges):
    return nir.NIRGraph(nodes, edges, type_check=False)


def line(node, n=3, n_out=3):
    edges = [("input", "a"), ("a", "output")]
    return graph({**ends(n, n_out), "a": node}, edges)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "graph.nir"
    nir.write(path, line(lif()))
    return path


def refused(path, match, **kwargs):
    with pytest.raises(ValidationError, match=match):
        load(path, **kwargs)


def test_the_file_is_right_before_it_is_damaged(path):
    assert set(load(path).nodes.keys()) == {"input", "a", "output"}


def test_truncated_file(path):
    path.write_bytes(path.read_bytes()[:3000])
    refused(path, "NIR file.*truncated, damaged or of another kind")


def test_every_truncation_is_an_error_that_says_so(path):
    whole = path.read_bytes()
    for n in range(0, len(whole) - 1, 997):
        path.write_bytes(whole[:n])
        refused(path, "expected")


def test_damaged_bytes_never_end_in_another_error(path):
    whole, rng = path.read_bytes(), np.random.RandomState(0)
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.randint(len(whole), size=20):
            damaged[place] = rng.randint(256)
        path.write_bytes(damaged)
        try:
            load(path)
        except ValidationError:
            pass


def test_foreign_files(tmp_path):
    path = tmp_path / "text.nir"
    path.write_text("no HDF5")
    refused(path, "truncated, damaged or of another kind")
    with h5py.File(path, "w") as file:
        file["weights"] = np.zeros(3)
    refused(path, "group 'node'.*with \\['weights'\\]")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.nir")
    refused(3, "nir.NIRGraph or the path")


def edit(path, change):
    with h5py.File(path, "r+") as file:
        change(file["node"])


def replace(group, key, value):
    del group[key]
    group[key] = value


EDITS = {
    "unknown type": (
        lambda node: replace(node["nodes/a"], "type", "Evil"),
        "type that nir .* knows .*LIF.*got 'Evil' for the node 'node.a'",
    ),
    "no type": (lambda node: node["nodes/a"].pop("type"), "got None for the node"),
    "missing array": (lambda node: node["nodes/a"].pop("tau"), "LIF.*tau"),
    "another array": (
        lambda node: node["nodes/a"].create_dataset("volts", data=1),
        "LIF of NIR.*volts",
    ),
    "wrong shape": (
        lambda node: replace(node["nodes/a"], "tau", np.ones(4)),
        "same shape",
    ),
    "text for numbers": (
        lambda node: replace(node["nodes/a"], "tau", "long"),
        "expected",
    ),
    "not finite": (
        lambda node: replace(node["nodes/a"], "tau", np.full(3, np.nan)),
        "finite numbers as tau",
    ),
    "edges of one name": (
        lambda node: replace(node, "edges", ["input", "a"]),
        "n_edges, 2",
    ),
    "a node that is missing": (
        lambda node: replace(node, "edges", [["input", "b"]]),
        "edges between nodes of the graph .*got the edge .* with 'b'",
    ),
    "soft link": (
        lambda node: node["nodes"].__setitem__("b", h5py.SoftLink("/node")),
        "no links",
    ),
    "external link": (
        lambda node: node["nodes"].__setitem__("b", h5py.ExternalLink("x", "/")),
        "no links",
    ),
    "a group in itself": (
        lambda node: node["nodes"].__setitem__("b", node),
        "nested|at most",
    ),
    "negative size": (
        lambda node: replace(node["nodes/input"], "shape", [-3]),
        "whole numbers|positive",
    ),
}


@pytest.mark.parametrize("change, match", EDITS.values(), ids=EDITS)
def test_edited_files(path, change, match):
    edit(path, change)
    refused(path, match)


def test_large_arrays_are_not_read(path):
    """A compressed file of some kilobytes may hold a terabyte of zeros."""

    def grow(node):
        group = node["nodes/a"]
        del group["tau"]
        group.create_dataset("tau", shape=(10**12,), chunks=(2**20,), dtype="f8")

    edit(path, grow)
    tracemalloc.start()
    refused(path, "at most 1,073,741,824 bytes.*'/node/nodes/a/tau' alone needs 8,000")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


@pytest.mark.parametrize("shape", [[10**12], [10**6, 10**6], [2**62, 4]])
def test_large_declared_sizes_take_no_memory(path, shape):
    edit(path, lambda node: replace(node["nodes/input"], "shape", shape))
    refused(path, "at most 1,073,741,824 bytes.*'input' alone needs")


def test_a_larger_limit_may_be_given(path):
    refused(path, "at most 10 bytes", max_bytes=10)
    assert load(path, max_bytes=10**5)
    refused(path, "positive number", max_bytes=-1)


#: Graphs that are not complete, in memory.
GRAPHS = {
    "no input": (
        lambda: graph({"a": lif(), "output": ends()["output"]}, [("a", "output")]),
        "node of type Input, got none among 'a', 'output'",
    ),
    "no output": (
        lambda: graph({"a": lif(), "input": ends()["input"]}, [("input", "a")]),
        "node of type Output",
    ),
    "no nodes": (lambda: graph({}, []), "Input, got none among no nodes"),
    "duplicate edge": (
        lambda: graph(
            {**ends(), "a": lif()}, [("input", "a"), ("input", "a"), ("a", "output")]
        ),
        "each edge once, got several from and to 'input', 'a'",
    ),
    "duplicate name": (
        lambda: graph(
            {**ends(), "a": line(lif()), "a.a": lif()},
            [("input", "a"), ("a", "a.a"), ("a.a", "output")],
        ),
        "names that differ, got several named 'a.a'",
    ),
    "sizes": (
        lambda: line(lif(4)),
        r"nodes of one size, got \(3,\) from 'input' to 'a'",
    ),
    "bias": (
        lambda: line(nir.Affine(np.ones((3, 3)), np.ones(2))),
        r"bias of shape \(3,\) for the node 'a', got \(2,\)",
    ),
    "groups": (
        lambda: line(
            nir.Conv1d(5, np.ones((2, 3, 2)), 1, 0, 1, 2, np.zeros(2)), 30, 30
        ),
        "2D|axes|channels|size",
    ),
    "kernel": (
        lambda: line(nir.Conv1d(3, np.ones((2, 1, 7)), 1, 0, 1, 1, np.zeros(2)), 3, 2),
        "window that fits",
    ),
    "padding": (
        lambda: line(
            nir.Conv1d(4, np.ones((1, 1, 2)), 1, "same", 1, 1, np.zeros(1)), 4, 4
        ),
        "same on both sides",
    ),
    "time constant": (
        lambda: line(lif(tau=np.array([0.1, 0, 0.2]))),
        "positive time constants for the node 'a'",
    ),
    "threshold": (
        lambda: line(lif(v_reset=np.ones(3))),
        "v_threshold above v_reset",
    ),
    "unknown shape": (
        lambda: graph(
            {**ends(), "a": nir.SumPool2d(np.array([2]), np.array([2]), np.array([0]))},
            [("a", "output")],
        ),
        "nothing says the shape: 'a'",
    ),
    "convention": (
        lambda: nir.NIRGraph(
            {**ends(), "a": lif()},
            [("input", "a"), ("a", "output")],
            {"spike_height": "two"},
        ),
        "spike_height: expected one of 'one', 'amplitude_over_dt', got 'two'",
    ),
}


@pytest.mark.parametrize("make, match", GRAPHS.values(), ids=GRAPHS)
def test_graphs_that_are_not_complete(make, match):
    refused(make(), match)


def test_filters_that_are_plugins_are_refused(path, monkeypatch):
    """HDF5 would load code from a folder to decode them."""
    monkeypatch.setattr("nengo_dl_sim.nir.read._FILTERS", set())
    refused(path, "arrays that are in the file, in plain HDF5")


def test_without_nir_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ImportError, match=r"^nengo_dl.nir needs .*nengo-dl\[nir\]'$"):
        load("any.nir")
