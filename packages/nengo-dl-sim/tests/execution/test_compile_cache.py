"""Programs that one process compiled are loaded by the next, if they are whole."""

import os
import subprocess
import sys

import pytest
import tensorflow as tf
from filelock import FileLock
from nengo.exceptions import ValidationError

from nengo_dl_sim.execution import compile_cache
from nengo_dl_sim.utils import cache_compilations

COMPUTE = """
import sys
import tensorflow as tf
from nengo_dl_sim.utils import cache_compilations
path = cache_compilations(sys.argv[1])
assert cache_compilations(sys.argv[1]) == path
function = tf.function(lambda x: tf.sin(x) * 2 + 1, jit_compile=True)
assert abs(function(tf.constant(0.5)).numpy() - 1.9588511) < 1e-6
"""


def compute(folder, code=COMPUTE, check=True):
    return subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code, str(folder)],
        capture_output=True,
        text=True,
        check=check,
    )


def programs(path):
    return {
        file.name: file.stat().st_mtime_ns for file in compile_cache._programs(path)
    }


#: Computes the same, then something else, and does not end as it should.
CRASH = f"""
{COMPUTE}
tf.function(lambda x: tf.cos(x) * 2, jit_compile=True)(tf.constant(0.5))
import os; os._exit(3)
"""


@pytest.mark.slow
def test_loads_what_is_whole_and_deletes_and_compiles_what_is_not(tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    compute(folder)
    (used,) = folder.iterdir()
    before = programs(used)
    (name,) = before
    assert compute(folder, CRASH, check=False).returncode == 3
    after = programs(used)
    assert after.pop(name) == before[name]  # loaded, so not written anew
    (left,) = after
    content = (used / name).read_bytes()
    (used / name).write_bytes(content[: len(content) // 2])
    compute(folder)
    assert programs(used).keys() == before.keys()  # what was left is gone
    assert programs(used) != before  # what was damaged is written anew


@pytest.mark.slow
def test_the_folder_may_be_deleted(tmp_path):
    result = compute(tmp_path, COMPUTE + "import shutil; shutil.rmtree(path)")
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_refuses_to_come_too_late(tmp_path):
    tf.constant(0.0)
    with pytest.raises(RuntimeError, match="cache_compilations: expected to be called"):
        cache_compilations(tmp_path)


def test_leaves_a_folder_alone_that_is_in_use(tmp_path):
    path = compile_cache._folder_of_machine(tmp_path)
    with (
        FileLock(path / "in_use.lock"),
        pytest.warns(UserWarning, match="Another process uses"),
    ):
        assert cache_compilations(tmp_path) == path
    assert not programs(path)


@pytest.fixture
def kept(tmp_path):
    """A folder with two complete programs, written for a group."""
    for number in range(2):
        (tmp_path / f"{number}.pb").write_bytes(bytes(10))
        (tmp_path / f"{number}.pb").chmod(0o664)
    compile_cache._note_complete(tmp_path)
    return tmp_path


def open_program(folder):
    (folder / "0.pb").chmod(0o622)


def open_list(folder):
    (folder / "complete.json").chmod(0o660)


def program_of_another_user(folder):
    os.chown(folder / "1.pb", 65534, -1)


def linked_program(folder):
    (folder / "1.pb").rename(folder.parent / "elsewhere.pb")
    (folder / "1.pb").symlink_to(folder.parent / "elsewhere.pb")


SPOIL = {
    open_program: r"0.pb, which others can write to \(-rw--w--w-\)",
    open_list: "complete.json, which others can write to",
    program_of_another_user: r"1.pb, of another user \(number 65534\)",
    linked_program: "1.pb, which is no file",
}


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("spoil", SPOIL)
def test_does_not_use_files_that_others_can_change(spoil, kept):
    if spoil is program_of_another_user and os.getuid() != 0:
        pytest.skip("only root can give files to another user")
    spoil(kept)
    with pytest.warns(UserWarning, match=SPOIL[spoil]) as caught:
        compile_cache._delete_unsafe(kept)
    assert len(caught) == 1
    assert not list(kept.iterdir())


def test_uses_files_that_only_this_user_can_change(kept):
    compile_cache._delete_unsafe(kept)
    compile_cache._delete_damaged(kept)
    assert programs(kept).keys() == {"0.pb", "1.pb"}
    # What did not end well goes without a word, whoever can change it.
    (kept / "new.pb").write_bytes(b"")
    (kept / "new.pb").chmod(0o666)
    compile_cache._delete_unsafe(kept)
    compile_cache._delete_damaged(kept)
    assert programs(kept).keys() == {"0.pb", "1.pb"}


def test_max_bytes(tmp_path):
    for number in range(3):
        file = tmp_path / f"{number}.pb"
        file.write_bytes(bytes(10))
        os.utime(file, (number, number))
    compile_cache._delete_oldest(tmp_path, 20)
    assert programs(tmp_path).keys() == {"1.pb", "2.pb"}
    with pytest.raises(ValidationError, match="max_bytes"):
        cache_compilations(tmp_path, 0)


def test_is_in_the_folder_for_caches_by_default(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert compile_cache._default().as_posix() == "/somewhere/nengo_dl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert compile_cache._default().as_posix() == "~/.cache/nengo_dl"
