"""Checkpoints in folders that others use, too: nothing of theirs is lost or trusted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from filelock import FileLock
from nengo.exceptions import ValidationError

from nengo_dl_sim.keras_api.backups import Backup
from nengo_dl_sim.saving import checkpoint_folder
from nengo_dl_sim.saving.checkpoint_files import read_checkpoint, write_checkpoint

ARRAYS = {"a": np.arange(3.0), "b": np.array(4)}


def assert_read(folder, number=4):
    found = read_checkpoint(folder)
    assert found.keys() == {"a", "b"}
    assert found["b"] == number


def contents(folder):
    """All files that are not of a checkpoint, with what is in them."""
    ours = "nengo_dl-1.", "nengo_dl-2.", "nengo_dl.lock"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(ours)
    }


def listed_outside(folder):
    """A text file says that checkpoints are somewhere else, to be removed."""
    outside = folder / "precious"
    outside.mkdir()
    names = [str(outside / "m"), "../run/precious/m", "precious/m", "a*", "ckpt-1"]
    for name in ("precious/m", "ckpt-1"):
        for ending in ("index", "data-00000-of-00001"):
            (folder / f"{name}.{ending}").write_text("mine")
    lines = [f'all_model_checkpoint_paths: "{name}"' for name in names]
    first = f'model_checkpoint_path: "{names[0]}"'
    (folder / "checkpoint").write_text("\n".join([first, *lines]))


def checkpoint_manager(folder):
    """Checkpoints of the user, with TensorFlow's names."""
    checkpoint = tf.train.Checkpoint(v=tf.Variable([1.0]))
    manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=3)
    for _ in range(3):
        manager.save()


def keras_files(folder):
    for name in ("model.keras", "w.weights.h5", "checkpoint"):
        (folder / name).write_text("mine")


def names_like_ours(folder):
    """Nearly."""
    for name in (
        "nengo_dl-x.index",
        "nengo_dl-3.index.bak",
        "my_nengo_dl-3.index",
        "nengo_dl-3",
        "nengo_dl-old.part",  # a file
        "nengo_dl.npz",
    ):
        (folder / name).write_text("mine")


def links(folder):
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    (folder / "nengo_dl-0.index").symlink_to(outside / "file")
    (folder / "nengo_dl-abc.part").symlink_to(outside)


@pytest.mark.parametrize(
    "prepare",
    [listed_outside, checkpoint_manager, keras_files, names_like_ours, links],
)
def test_files_of_others_stay(prepare, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    prepare(folder)
    before = contents(tmp_path)
    for number in (4, 5):
        write_checkpoint(folder, {**ARRAYS, "b": np.array(number)})
        assert_read(folder, number)
    assert contents(tmp_path) == before
    assert len(list(folder.glob("nengo_dl-[12].index"))) == 1


def test_a_manager_in_the_same_folder_leaves_ours(tmp_path):
    write_checkpoint(tmp_path, ARRAYS)
    checkpoint_manager(tmp_path)
    checkpoint_manager(tmp_path)
    assert_read(tmp_path)


def test_of_former_versions(tmp_path):
    """They had TensorFlow's names, and a text file that said which was the latest."""
    names = tf.Variable(list(ARRAYS), dtype=tf.string)
    values = [tf.Variable(array) for array in ARRAYS.values()]
    checkpoint = tf.train.Checkpoint(names=names, values=values)
    manager = tf.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=1)
    manager.save(checkpoint_number=7)
    assert_read(tmp_path)
    before = contents(tmp_path)
    write_checkpoint(tmp_path, {**ARRAYS, "b": np.array(5)})
    assert_read(tmp_path, 5)
    assert contents(tmp_path) == before


def test_backups_leave_files_of_others(tmp_path):
    for name in ("epoch_7/results.csv", "epoch_1/mine", "other/x", "epoch_x/y"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("mine")
    (tmp_path / "epoch_9").mkdir()
    before = contents(tmp_path)
    settings = keras.callbacks.BackupAndRestore(tmp_path)
    backup = Backup(settings, lambda path: write_checkpoint(path, ARRAYS))
    assert backup.latest() is None
    for epoch in range(3):
        backup.on_epoch_begin(epoch)
        backup.on_epoch_end(epoch)
        assert backup.latest() == (epoch + 1, tmp_path / f"epoch_{epoch + 1}")
    backup.on_train_end()
    assert contents(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} == {
        *("epoch_1", "epoch_7", "epoch_9", "epoch_x", "other")
    }
    assert [path.name for path in (tmp_path / "epoch_1").iterdir()] == ["mine"]


@pytest.mark.parametrize("existed", ["nothing", "a folder", "a checkpoint"])
def test_a_failed_write_leaves_nothing(existed, tmp_path, monkeypatch):
    """As if the disk were full."""
    folder = tmp_path / "run"
    if existed == "a folder":
        folder.mkdir()
    if existed == "a checkpoint":
        write_checkpoint(folder, ARRAYS)
    before = contents(tmp_path), sorted(folder.glob("nengo_dl-*"))

    def fail(checkpoint, prefix):
        Path(f"{prefix}.data-00000-of-00001").write_text("begun")
        message = "{{function x}} /a/b.part/file; No space left on device [Op:SaveV2]"
        raise tf.errors.ResourceExhaustedError(None, None, message)

    with monkeypatch.context() as patch:
        patch.setattr(tf.train.Checkpoint, "write", fail)
        with pytest.raises(
            OSError, match="run: .* be written: No space left on device$"
        ):
            write_checkpoint(folder, {**ARRAYS, "b": np.array(5)})
    assert (contents(tmp_path), sorted(folder.glob("nengo_dl-*"))) == before
    assert folder.exists() == (existed != "nothing")
    if existed == "a checkpoint":
        assert_read(folder)


@pytest.mark.parametrize("name", ["file", "file/folder"])
def test_a_file_in_the_way(name, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="file"):
        write_checkpoint(tmp_path / name, ARRAYS)
    assert contents(tmp_path) == {"file": b"mine"}


def test_a_second_writer_waits_and_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint_folder, "PATIENCE", 0.1)
    write_checkpoint(tmp_path, ARRAYS)
    with FileLock(tmp_path / "nengo_dl.lock"):
        assert_read(tmp_path)
        with pytest.raises(TimeoutError, match="another process has been at it"):
            write_checkpoint(tmp_path, ARRAYS)
    write_checkpoint(tmp_path, {**ARRAYS, "b": np.array(6)})
    assert_read(tmp_path, 6)


def test_damaged(tmp_path):
    write_checkpoint(tmp_path, ARRAYS)
    for file in tmp_path.glob("*.index"):
        file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(ValidationError, match="expected an undamaged checkpoint"):
        read_checkpoint(tmp_path)


WRITER = """
import sys
import numpy as np
from nengo_dl_sim.saving.checkpoint_files import write_checkpoint
number = 0
while True:
    number += 1
    write_checkpoint(sys.argv[1], {"a": np.full(1000, number), "b": np.array(number)})
"""


def start_writer(folder):
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WRITER, str(folder)],
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="processes are killed as on POSIX")
def test_readers_find_a_checkpoint_while_processes_write_and_are_killed(tmp_path):
    writers = [start_writer(tmp_path) for _ in range(2)]
    try:
        while checkpoint_folder.latest(tmp_path) is None:
            assert all(writer.poll() is None for writer in writers)
            time.sleep(0.1)
        numbers = set()
        while len(numbers) < 20:
            found = read_checkpoint(tmp_path)
            assert np.all(found["a"] == found["b"])
            numbers.add(int(found["b"]))
            assert all(writer.poll() is None for writer in writers)
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            writer.stderr.close()
    found = read_checkpoint(tmp_path)
    assert np.all(found["a"] == found["b"])
    write_checkpoint(tmp_path, ARRAYS)  # the lock has gone with its owner
    assert_read(tmp_path)
    assert not list(tmp_path.glob("*.part"))
