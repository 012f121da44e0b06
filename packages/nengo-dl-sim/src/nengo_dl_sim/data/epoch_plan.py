"""How to go through data, and how far one has got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from nengo.exceptions import ValidationError

from .batches import step_blocks
from .data_adapter import DataAdapter


@dataclass(frozen=True)
class EpochPlan:
    """
    How to go through data.

    Parameters
    ----------
    n_epochs : int
        How often.
    shuffle : bool
        Whether each epoch has its own order of items.
    truncation : int or None
        The number of steps that are computed at once. None: all.
    """

    n_epochs: int = 1
    shuffle: bool = False
    truncation: int | None = None

    def n_blocks(self, data: DataAdapter) -> int | None:
        """Return the number of blocks of steps in all minibatches of all epochs."""
        if data.n_batches is None:
            return None
        blocks = step_blocks(data.n_steps, self.truncation)
        return self.n_epochs * data.n_batches * len(blocks)


@dataclass
class TrainingProgress:
    """
    How far training has got: with the seed, what everything random follows from.

    Parameters
    ----------
    n_epochs, n_minibatches : int
        How many of them were begun.
    in_call : int
        How many epochs were begun in the current call; 0 if it has come to its end.
    in_epoch : int
        How many minibatches were begun in the current epoch.
    resumes : bool
        Whether the next call finishes the one in which this position was saved.
    """

    n_epochs: int = 0
    n_minibatches: int = 0
    in_call: int = 0
    in_epoch: int = 0
    resumes: bool = False

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the counts, by name."""
        counts = vars(self).items()
        return {
            f"training/{name}": np.array(count, np.int64)
            for name, count in counts
            if name != "resumes"
        }

    @classmethod
    def resumed(cls, arrays: Mapping[str, np.ndarray]) -> TrainingProgress:
        """Make a position to resume from, of what `arrays` returned."""
        names = cls().arrays()
        counts = {name.rpartition("/")[2]: int(arrays[name]) for name in names}
        return cls(**counts, resumes=True)

    def check_resumed(self, n_epochs: int, n_batches: int | None) -> None:
        """
        Check that a call can be the one that was interrupted here, if one was.

        ``n_batches``: how many minibatches an epoch has; None if that is not known
        beforehand.
        """
        beyond = n_batches is not None and self.in_epoch > n_batches
        if self.resumes and (self.in_call > n_epochs or beyond):
            raise ValidationError(
                "expected those of the call that was interrupted in minibatch "
                f"{self.in_epoch} of epoch {self.in_call}, got {n_epochs} epochs of "
                f"{n_batches or 'some'} minibatches. (To begin with other data, take "
                "over the parameters only, with save_params and load_params.)",
                attr="data and n_epochs",
            )
