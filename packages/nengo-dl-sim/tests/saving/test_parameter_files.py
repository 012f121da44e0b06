import io
import json
import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nengo.exceptions import ValidationError

from nengo_dl_sim.saving import parameter_files
from nengo_dl_sim.saving.npz_members import Wanted
from nengo_dl_sim.saving.parameter_files import load_arrays, save_arrays
from nengo_dl_sim.version import version

ARRAYS = {
    "ensembles/0 (é)/encoders": np.arange(6.0).reshape(3, 2),
    "connections/2/weights": np.array(0.5, dtype=np.float32),
    "file": np.zeros((0, 4), dtype=np.int32),
    "flags": np.array([True, False]),
}


def wanted(arrays):
    return {name: Wanted(array.shape, array.dtype) for name, array in arrays.items()}


def load(path, arrays=ARRAYS, kind="parameters", **kwargs):
    return load_arrays(path, wanted(arrays), kind, **kwargs)


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
    assert_equal(load(tmp_path / "a", big), big)
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


@pytest.mark.parametrize("name", ["folder", "folder.npz"])
def test_folders_are_refused(name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(ValidationError, match=f"path: .*{name}: .*file.*got a folder"):
        load(tmp_path / "folder")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(ValidationError, match="path: .*pipe.npz: .*a file, got"):
        load(tmp_path / "pipe")


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    def refuse(path, *arguments, **kwargs):
        raise PermissionError(13, "Permission denied", path)

    write(tmp_path / "a")
    # Permissions as such mean nothing to a test that is run by root.
    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    with pytest.raises(ValidationError, match="path: .*a.npz: .*read.*denied"):
        load(tmp_path / "a")


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
    np.save(path, np.array([print, print]), allow_pickle=True)
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
    "object": (object_file, "'flags' of type bool, got object"),
    "another npz": (named_numpy_file, "sim.save_params, got another .npz file"),
    "NengoDL 3": (numpy_file, "NengoDL 3 .* convert it, .*get_nengo_params"),
    "no header": (header_file("hello"), "expected a header, got 'hello'"),
    "list as header": (header_file("[1]"), "expected a header, got '.1.'"),
    "numbers as header": (
        lambda path: np.savez(path, nengo_dl=np.zeros(3)),
        "'nengo_dl' to be readable, got: an array of shape .3,. and type float64",
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
    with pytest.raises(ValidationError, match="'big' to be readable, got: damaged"):
        load(path, {"big": np.ones(2000)})


def npy_bytes(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array))
    return file.getvalue()


def write_members(path, members, compression=zipfile.ZIP_STORED):
    """Write a file with valid checksums, whatever is in it."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def rewritten(path, compression=zipfile.ZIP_STORED, **changes):
    """Write the arrays, some of them replaced by other bytes."""
    write(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    names = {name.rpartition("/")[2]: name for name in members}
    for name, content in changes.items():
        members[names[f"{name}.npy"]] = content
    write_members(path, members, compression)


TYPES = {
    "weights": {  # () float32
        "complex": (np.array(1j), "of type float32, got complex128"),
        "complex without imaginary part": (np.array(1 + 0j), "got complex128"),
        "bool": (np.array(True), "of type float32, got bool"),
        "text": (np.array("abc"), "of type float32, got <U3"),
        "text of a number": (np.array("1.5"), "got <U3"),
        "bytes": (np.array(b"1.5"), r"got \|S3"),
        "no text": (np.array("").astype("U0"), "got <U"),
        "date": (np.array("2026-01-01", "M8[D]"), "got datetime64"),
        "duration": (np.array(3, "m8[s]"), "got timedelta64"),
        "structured": (np.array((1.0,), [("x", "f4")]), r"got \[\('x'"),
        "void": (np.array(b"abcd", "V4"), r"got \|V4"),
        "NaN": (np.array(np.nan), r"hold finite numbers .* got nan at \(\)"),
        "inf": (np.array(-np.inf), "hold finite numbers .* got -inf"),
        "large": (np.array(1e300), r"that float32 can represent, got 1e\+300"),
        "larger": (np.array(np.longdouble("1e4000")), "got 1e"),
        "shape": (np.zeros(1), r"of shape \(\), got \(1,\)"),
    },
    "encoders": {  # (3, 2) float64
        "one NaN": (
            np.array([[0, 1], [2, np.nan], [4, 5]]),
            r"hold finite numbers .* got nan at \(1, 1\)",
        ),
        "shape": (np.zeros((2, 3)), r"of shape \(3, 2\), got \(2, 3\)"),
        "more": (np.zeros((3000, 200)), "of at most 192 bytes, got 4800128"),
        "text": (np.full((3, 2), "1"), "got <U1"),
    },
    "file": {  # (0, 4) int32, of which nothing can be out of range
        "float": (np.zeros((0, 4)), "of type int32, got float64"),
        "text": (np.zeros((0, 4), "U"), "got <U"),
    },
    "numbers": {  # (2,) uint8
        "NaN": (np.array([0, np.nan]), "of type uint8, got float64"),
        "whole floats": (np.array([0.0, 2.0]), "of type uint8, got float64"),
        "negative": (np.array([0, -2]), r"that uint8 can represent, got -2 at \(1,\)"),
        "large": (np.array([256, 0]), "got 256"),
        "too large for any": (np.array([2**64 - 1, 0], np.uint64), "got 1844674407"),
        "bool": (np.array([True, False]), "got bool"),
        "complex": (np.zeros(2, complex), "got complex128"),
    },
    "flags": {  # (2,) bool
        "numbers": (np.array([0, 1]), "of type bool, got int64"),
        "floats": (np.array([0.0, 1.0]), "of type bool, got float64"),
    },
}


@pytest.mark.parametrize(
    "name, array, message",
    [(name, *row) for name, rows in TYPES.items() for row in rows.values()],
    ids=[f"{name}, {kind}" for name, rows in TYPES.items() for kind in rows],
)
def test_other_types_and_ranges(name, array, message, tmp_path):
    """Whatever the header says, what is in the file counts."""
    arrays = {**ARRAYS, "numbers": np.array([3, 4], np.uint8)}
    write(tmp_path / "a.npz", arrays)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    (full,) = (member for member in members if member.endswith(f"{name}.npy"))
    members[full] = npy_bytes(array)
    write_members(tmp_path / "a.npz", members)
    full = full.removesuffix(".npy").replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValidationError, match=f"/a.npz: expected '{full}' .*{message}"):
        load(tmp_path / "a", arrays)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1, 2], [3, 4]], np.uint8),
        np.array([[1, 2], [3, 4]], ">f8"),
        np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]),
        np.array([[1, 2], [3, 4]], np.longdouble),
        np.array([[1, 2], [3, 4]], np.float16),
    ],
    ids=["integers", "byte order", "order", "long", "short"],
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_other_numbers_that_fit(array, dtype, tmp_path):
    write(tmp_path / "a", {"x": array})
    expected = {"x": np.array([[1, 2], [3, 4]], dtype)}
    assert_equal(load(tmp_path / "a", expected), expected)


def test_state_may_be_infinite(tmp_path):
    arrays = {"x": np.array([np.inf, np.nan, 1e300])}
    write(tmp_path / "a", arrays)
    found = load_arrays(
        tmp_path / "a", {"x": Wanted((3,), np.dtype("f8"), finite=False)}, "parameters"
    )
    np.testing.assert_array_equal(found["x"], arrays["x"])
    with pytest.raises(ValidationError, match=r"'x' to hold numbers .* got 1e\+300"):
        load_arrays(
            tmp_path / "a",
            {"x": Wanted((3,), np.dtype("f4"), finite=False)},
            "parameters",
        )


def test_what_is_not_required(tmp_path):
    """It is read if it is there."""
    expected = {"x": Wanted((), np.dtype("f8"), required=False)}
    write(tmp_path / "a", {})
    assert load_arrays(tmp_path / "a", expected, "parameters") == {}
    write(tmp_path / "a", {"x": 3.0})
    assert load_arrays(tmp_path / "a", expected, "parameters") == {"x": 3}
    write(tmp_path / "a", {"x": np.zeros(2)})
    with pytest.raises(ValidationError, match="'x' of shape"):
        load_arrays(tmp_path / "a", expected, "parameters")


def declaring(shape, descr="<f8"):
    """Make an array that declares another shape than it has."""
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).ljust(117)
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + f"{header}\n".encode()


def bomb():
    """Make 600 MB of zeros that take 0.6 MB in the file."""
    return declaring((75_000_000,)) + bytes(600_000_000)


BOMBS = {
    "3.5 PiB": ("encoders", lambda: declaring((2**49, 1)), r"\(3, 2\), got \(56294"),
    "negative": ("encoders", lambda: declaring((-3, -2)), r"\(3, 2\), got \(-3, -2"),
    "no numbers": ("encoders", lambda: declaring(("a", 2)), "to be readable, got: "),
    "huge items": ("encoders", lambda: declaring((3, 2), "<U500000000"), "got <U5000"),
    "subarrays": ("encoders", lambda: declaring((3, 2), "(9,9)<f8"), "got .*9"),
    "bad type": ("encoders", lambda: declaring((3, 2), "<f7"), "to be readable, got: "),
    "nothing behind": ("encoders", lambda: declaring((3, 2)), "got: damaged data"),
    "more behind": ("weights", lambda: declaring(()) + bytes(99), "got: damaged data"),
    "600 MB": ("encoders", bomb, "of at most 192 bytes, got 6000001"),
    "600 MB of header": ("nengo_dl", bomb, "of at most 67108864 bytes, got 600000"),
    "long header": (
        "encoders",
        lambda: b"\x93NUMPY\x02\x00" + b"\xff\xff\xff\x7f" + bytes(30_000),
        "to be readable, got: ",
    ),
    "version": ("encoders", lambda: b"\x93NUMPY\x03\x00" + bytes(99), "version .3, 0."),
    "deep header": ("nengo_dl", lambda: npy_bytes("[" * 99_999), "a header, got"),
    "empty header": ("nengo_dl", lambda: npy_bytes(np.array("")), "a header, got ''"),
    "number as header": ("nengo_dl", lambda: npy_bytes("9" * 9999), "a header, got"),
}


@pytest.mark.parametrize("name, make, message", BOMBS.values(), ids=list(BOMBS))
def test_memory_is_not_taken(name, make, message, tmp_path):
    path = tmp_path / "a.npz"
    rewritten(path, zipfile.ZIP_DEFLATED, **{name: make()})
    assert path.stat().st_size < 1_000_000
    tracemalloc.start()
    with pytest.raises(ValidationError, match=f"/a.npz: expected .*{message}"):
        load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_size_that_is_not_true(tmp_path):
    """A member that unpacks to more than the archive says is cut and refused."""
    path = tmp_path / "a.npz"
    rewritten(path, zipfile.ZIP_DEFLATED, encoders=declaring((3, 2)) + bytes(6_000_000))
    true = (128 + 6_000_000).to_bytes(4, "little")
    assert path.read_bytes().count(true) == 2
    path.write_bytes(path.read_bytes().replace(true, (128 + 48).to_bytes(4, "little")))
    with pytest.raises(ValidationError, match="encoders' to be readable, got: Bad CRC"):
        load(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name(tmp_path):
    write(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("flags.npy", npy_bytes(np.array([False, False])))
    with pytest.raises(ValidationError, match="names that differ"):
        load(tmp_path / "a")


EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True), st.integers(0, 40), st.binary(max_size=8)
    ),
    min_size=1,
    max_size=4,
)


def edited(content, edits):
    """Replace some bytes, here and there, by others."""
    for place, length, new in edits:
        start = int(place * len(content))
        content = content[:start] + new + content[start + length :]
    return content


@settings(max_examples=100, deadline=None)
@given(edits=EDITS)
def test_any_edit_of_a_file(edits, tmp_path_factory):
    """It loads as it was, or is refused."""
    path = tmp_path_factory.mktemp("edited") / "a.npz"
    write(path)
    path.write_bytes(edited(path.read_bytes(), edits))
    try:
        assert_equal(load(path))
    except ValidationError as error:
        assert str(path) in str(error)


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(["encoders", "weights", "file", "flags"]), edits=EDITS)
def test_any_edit_of_an_array(name, edits, tmp_path_factory):
    """What is loaded has the right types and shapes, with whatever finite numbers."""
    path = tmp_path_factory.mktemp("edited") / "a.npz"
    (array,) = (v for k, v in ARRAYS.items() if k.endswith(name))
    rewritten(path, **{name: edited(npy_bytes(array), edits)})
    try:
        found = load(path)
    except ValidationError as error:
        assert str(path) in str(error)
    else:
        for key, expected in ARRAYS.items():
            assert (found[key].shape, found[key].dtype) == (
                expected.shape,
                expected.dtype,
            )
            assert np.isfinite(found[key]).all()
