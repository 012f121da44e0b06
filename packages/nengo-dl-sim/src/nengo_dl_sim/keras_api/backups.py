"""What Keras's ``BackupAndRestore`` does for a model, done with checkpoints."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from nengo.exceptions import ValidationError

from ..saving.checkpoint_files import make_folder
from ..saving.checkpoint_folder import is_used, latest, remove_all

_NAME = re.compile(r"epoch_(\d+)")


class Backup(keras.callbacks.Callback):
    """
    Saves a checkpoint after each epoch, and removes it when training is done.

    There is a folder for each checkpoint, which says in its name which epoch comes
    next. Those before are removed when it is complete; what else is in the folder, or
    in one with such a name, is left alone.

    Parameters
    ----------
    settings : keras.callbacks.BackupAndRestore
        Says where to save, and how often.
    save : callable
        Takes the path of a folder, and saves a checkpoint there.
    is_chief : bool
        Whether this process is the one that writes. Others only read.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the settings ask for two checkpoints, or for none; if the path cannot be
        that of a folder of checkpoints.
    OSError
        If the folder cannot be made.
    """

    def __init__(
        self,
        settings: keras.callbacks.BackupAndRestore,
        save: Callable[[Path], None],
        is_chief: bool = True,
    ) -> None:
        super().__init__()
        if settings.double_checkpoint or not settings.save_freq:
            raise ValidationError(
                "expected BackupAndRestore with a save_freq, and without "
                "double_checkpoint (a checkpoint is removed only when the next one is "
                f"complete), got save_freq={settings.save_freq!r}, "
                f"double_checkpoint={settings.double_checkpoint!r}",
                attr="callbacks",
            )
        self._settings, self._save, self._is_chief = settings, save, is_chief
        self._folder = Path(make_folder(settings.backup_dir))
        self._epoch = self._n_batches = 0

    def latest(self) -> tuple[int, Path] | None:
        """
        Find what there is to go on from.

        Returns the epoch that comes next, counted from 0, and the folder of the
        checkpoint. None if there is none.
        """
        complete = (
            (epoch, path) for epoch, path in self._saved() if latest(path) is not None
        )
        return max(complete, default=None)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Take notice of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Save in the middle of an epoch, if that is asked for."""
        self._n_batches += 1
        every = self._settings.save_freq
        if every != "epoch" and self._n_batches % every == 0:
            self._save_before(self._epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save at the end of an epoch."""
        if self._settings.save_freq == "epoch":
            self._save_before(epoch + 1)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Remove what is not needed any more."""
        if self._settings.delete_checkpoint:
            self._remove_others(None)

    def _save_before(self, epoch: int) -> None:
        path = self._folder / f"epoch_{epoch}"
        self._save(path)
        self._remove_others(path)

    def _remove_others(self, kept: Path | None) -> None:
        for _, path in self._saved() if self._is_chief else []:
            if path != kept:
                remove_all(path)

    def _saved(self) -> list[tuple[int, Path]]:
        found = [(_NAME.fullmatch(path.name), path) for path in self._folder.iterdir()]
        return [
            (int(match[1]), path)
            for match, path in found
            if match and path.is_dir() and not path.is_symlink() and is_used(path)
        ]


def take_backups(
    callbacks: Any, save: Callable[[Path], None], is_chief: bool = True
) -> tuple[list[Any], Backup | None]:
    """
    Put a `Backup` in the place of Keras's callback.

    ``backup``: what took the place of the only one; None if there is none. Raises a
    ``ValidationError`` if there are several, or it has settings that mean nothing here.
    """
    listed = [] if callbacks is None else callbacks
    listed = list(listed) if isinstance(listed, (list, tuple)) else [listed]
    positions = [i for i, one in enumerate(listed) if _backs_up(one)]
    if not positions:
        return listed, None
    if len(positions) > 1:
        raise ValidationError(
            f"expected one BackupAndRestore, got {len(positions)}", attr="callbacks"
        )
    backup = Backup(listed[positions[0]], save, is_chief)
    listed[positions[0]] = backup
    return listed, backup


def _backs_up(callback: Any) -> bool:
    return isinstance(callback, keras.callbacks.BackupAndRestore)
