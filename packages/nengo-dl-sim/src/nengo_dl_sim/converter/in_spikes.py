"""The methods of a converter about what a network does in spikes."""

from __future__ import annotations

from typing import Any

from ..progress import ProgressBarLike
from .diagnose import diagnose
from .diagnosis import Diagnosis


class InSpikesMixin:
    """What a converter offers for networks that spike."""

    def diagnose(
        self,
        data: Any,
        n_steps: int,
        *,
        minibatch_size: int = 32,
        progress_bar: ProgressBarLike = True,
    ) -> Diagnosis:
        """
        Say which layer loses accuracy in spikes, and what to change.

        Each layer that has neurons, and each output, is compared with the same layer
        of the Keras model: its mean output over all steps (of 1 ms) with the
        activation.

        Parameters
        ----------
        data : array_like or list of array_like
            ``(n_items, ...)``, as for the Keras model.
        n_steps : int
            For how many steps each item is shown.
        minibatch_size : int
            How many items are computed at once.
        progress_bar : bool or nengo.utils.progress.ProgressBar or None
            Whether to show one, as in `Simulator`.

        Returns
        -------
        diagnosis : Diagnosis
            A table; ``print(diagnosis)`` shows it, with advice. Its ``rows`` have the
            figures.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not what is described here, or is not finite.
        """
        return diagnose(self, data, n_steps, minibatch_size, progress_bar)
