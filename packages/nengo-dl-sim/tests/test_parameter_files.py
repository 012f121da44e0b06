import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_dl_sim.files import parameter_files
from nengo_dl_sim.files.parameter_files import load_arrays, save_arrays
from nengo_dl_sim.version import version

ARRAYS = {
    "ensembles/0 (é)/encoders": np.arange(6.0).reshape(3, 2),
    "connections/2/weights": np.array(0.5, dtype=np.float32),
    "file": np.zeros((0, 4), dtype=np.int32),
    "flags": np.array([True, False]),
}
SHAPES = {name: array.shape for name, array in ARRAYS.items()}


def load(path, expected=None, kind="parameters", **kwargs):
    return load_arrays(path, SHAPES if expected is None else expected, kind, **kwargs)


def write(path, arrays=ARRAYS):
    save_arrays(path, arrays, "parameters")


def assert_equal(found, expected=ARRAYS):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize("name", ["a.npz", "a", "a.b"])
@pytest.mark.parametrize("convert", [str, Path, os.fsencode])
def test_round_trip(name, convert, tmp_path):
    path = convert(str(tmp_path / name))
    write(path)
    assert_equal(load(path))
    assert os.listdir(tmp_path) == [name if name == "a.npz" else f"{name}.npz"]


def test_large_and_empty(tmp_path):
    big = {"big": np.random.RandomState(0).randn(1000, 50)}
    write(tmp_path / "a", big)
    assert_equal(load(tmp_path / "a", {"big": (1000, 50)}), big)
    write(tmp_path / "a", {})
    assert load(tmp_path / "a", {}) == {}


def test_anyone_can_read_the_file(tmp_path):
    write(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        header = json.loads(str(file["nengo_dl"]))
        arrays = {name: file[name] for name in file.files if name != "nengo_dl"}
    assert_equal(arrays)
    assert header["format"] == 1
    assert header["kind"] == "parameters"
    assert header["versions"]["nengo-dl-sim"] == version
    assert set(header["versions"]) == {
        *("nengo-dl-sim", "nengo", "numpy", "tensorflow", "keras")
    }
    assert header["arrays"]["connections/2/weights"] == {
        "shape": [],
        "dtype": "float32",
    }


def test_the_mode_is_that_of_other_new_files(tmp_path):
    (tmp_path / "other").touch()
    write(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("broken", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "disk full"), KeyboardInterrupt()])
def test_failure_while_writing(error, broken, existing, tmp_path, monkeypatch):
    if existing:
        write(tmp_path / "a.npz")

    def fail(*args, **kwargs):
        raise error

    with monkeypatch.context() as patch:
        if broken == "write":
            patch.setattr(parameter_files.npy, "write_array", fail)
        else:
            patch.setattr(os, broken, fail)
        with pytest.raises(type(error)) as info:
            write(tmp_path / "a.npz", {"other": np.zeros(3)})
    if isinstance(error, OSError):
        assert info.value.errno == 28
        assert info.value.filename == str(tmp_path / "a.npz")
        assert "disk full" in str(info.value)
    assert os.listdir(tmp_path) == (["a.npz"] if existing else [])
    if existing:
        assert_equal(load(tmp_path / "a.npz"))


def test_unwritable_places(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.npz").mkdir()
    for name, kind in (
        ("missing/a.npz", FileNotFoundError),
        ("file/a.npz", NotADirectoryError),
        ("folder.npz", IsADirectoryError),
    ):
        with pytest.raises(kind, match="cannot write the parameter file") as info:
            write(tmp_path / name)
        assert info.value.filename == str(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.npz"]


@pytest.mark.parametrize("array", [np.array([None]), np.array(["a"]), {"a": 1}])
def test_only_numbers_are_saved(array, tmp_path):
    with pytest.raises(ValidationError, match="'x' to be an array of numbers, got"):
        write(tmp_path / "a", {"y": np.zeros(1), "x": array})
    assert os.listdir(tmp_path) == []


def changed(**changes):
    arrays = {**ARRAYS, **changes}
    return {name: array for name, array in arrays.items() if array is not None}


OTHER_NETWORKS = {
    "missing": (
        changed(flags=None),
        r"expected 'flags' of shape \(2,\), which is missing",
    ),
    "unexpected": (
        changed(more=np.zeros(7)),
        r"expected only parameters of this network, got 'more' of shape \(7,\)",
    ),
    "shape": (
        changed(flags=np.zeros((2, 1))),
        r"expected 'flags' of shape \(2,\), got shape \(2, 1\)",
    ),
    "rank": (
        changed(**{"connections/2/weights": np.zeros(1)}),
        r"expected 'connections/2/weights' of shape \(\), got shape \(1,\)",
    ),
    "order does not matter": (dict(reversed(ARRAYS.items())), None),
    "type does not matter": (changed(flags=np.ones(2)), None),
}


@pytest.mark.parametrize(
    "arrays, message", OTHER_NETWORKS.values(), ids=list(OTHER_NETWORKS)
)
def test_other_network(arrays, message, tmp_path):
    write(tmp_path / "a", arrays)
    if message is None:
        assert_equal(load(tmp_path / "a"), {name: arrays[name] for name in ARRAYS})
    else:
        with pytest.raises(ValidationError, match=rf"^path: .*/a\.npz: {message}"):
            load(tmp_path / "a")


def test_other_arrays_may_be_in_the_file(tmp_path):
    write(tmp_path / "a", changed(**{"state/0": np.zeros(3)}))
    assert_equal(load(tmp_path / "a", others=["state/"]))
    with pytest.raises(ValidationError, match="'state/0'"):
        load(tmp_path / "a", others=["stat/"])


def test_kind(tmp_path):
    write(tmp_path / "a")
    with pytest.raises(ValidationError, match="a file of state, got one of parameters"):
        load(tmp_path / "a", kind="state")


def test_missing_file(tmp_path):
    for name in ("a", "a.npz", "missing/a"):
        with pytest.raises(FileNotFoundError, match="no such parameter file") as info:
            load(tmp_path / name)
        assert info.value.filename.endswith("a.npz")


def numpy_file(path):
    np.savez(path, np.zeros(3), np.ones(2))


def named_numpy_file(path):
    np.savez(path, weights=np.zeros(3))


def object_file(path):
    """A file whose header is right, but one of whose members is a pickle."""
    write(path)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    np.save(path, np.array([print]), allow_pickle=True)
    contents["flags.npy"] = path.with_name("a.npz.npy").read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def newer_file(path):
    header = {"format": 9, "versions": {"nengo-dl-sim": "7.1"}}
    np.savez(path, nengo_dl=np.array(json.dumps(header)))


def header_file(text):
    return lambda path: np.savez(path, nengo_dl=np.array(text))


def content(value):
    return lambda path: path.write_bytes(value)


FILES = {
    "empty": (content(b""), "a complete .npz file, got something else"),
    "text": (content(b"hello"), "a complete .npz file, got something else"),
    "npy": (content(b"\x93NUMPY\x01\x00"), "a complete .npz file, got something else"),
    "pickle": (content(pickle.dumps(ARRAYS)), "a complete .npz file, got a pickle"),
    "object": (object_file, "'flags' to be readable, got: .*allow_pickle"),
    "another npz": (named_numpy_file, "sim.save_params, got another .npz file"),
    "NengoDL 3": (numpy_file, "NengoDL 3 .* convert it, .*get_nengo_params"),
    "no header": (header_file("hello"), "expected a header, got 'hello'"),
    "list as header": (header_file("[1]"), "expected a header, got '.1.'"),
    "numbers as header": (
        lambda path: np.savez(path, nengo_dl=np.zeros(3)),
        "'nengo_dl' of shape .., got damaged data",
    ),
    "half a header": (header_file('{"format": 1}'), "expected a header, got "),
    "newer": (newer_file, "format 1, got format 9, written by nengo-dl-sim 7.1"),
}


@pytest.mark.parametrize("make, message", FILES.values(), ids=list(FILES))
def test_foreign_files(make, message, tmp_path):
    make(tmp_path / "a.npz")
    with pytest.raises(ValidationError, match=rf"(?s)^path: .*/a\.npz: .*{message}"):
        load(tmp_path / "a")


def test_checkpoint_of_nengo_dl_2(tmp_path):
    (tmp_path / "a.index").touch()
    (tmp_path / "a.data-00000-of-00001").touch()
    for name in ("a", "a.npz"):
        with pytest.raises(ValidationError, match="/a: .*checkpoint.* To convert it"):
            load(tmp_path / name)
    write(tmp_path / "a")
    assert_equal(load(tmp_path / "a"))


def test_truncated_anywhere(tmp_path):
    path = tmp_path / "a.npz"
    write(path)
    whole = path.read_bytes()
    for size in range(4, len(whole), 13):
        path.write_bytes(whole[:size])
        with pytest.raises(ValidationError, match="/a.npz: .* got one that is trunc"):
            load(path)


def test_damaged_anywhere(tmp_path):
    path = tmp_path / "a.npz"
    write(path)
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 5):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert_equal(load(path))
        except ValidationError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > len(whole) / 5 / 2


def test_a_type_that_fits_by_chance(tmp_path):
    path = tmp_path / "a.npz"
    write(path, {"big": np.ones(2000)})
    whole = path.read_bytes()
    assert whole.count(b"'<f8'") == 1
    path.write_bytes(whole.replace(b"'<f8'", b"'<f4'"))
    with pytest.raises(ValidationError, match="'big' of shape .2000,., got damaged"):
        load(path, {"big": (2000,)})
