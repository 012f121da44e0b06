"""The settings of a network, read once: by these its simulator is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import nengo
from nengo.exceptions import BuildError

from .config import get_setting
from .table import dtype_of_nengo


@dataclass(frozen=True)
class Settings:
    """
    What `.configure_settings` says of a whole network.

    What can be set for single objects is looked up for each: see `keeps_history`,
    `.trainable_signals` and `.settings_of_parameters`.

    Parameters
    ----------
    dtype, inference_only, learning_phase, lif_smoothing, pure_functions, \
reduction_dtype, remat_steps, session_config, stateful, use_loop, worker_timeout
        As in `.configure_settings`.
    planner, simplifications, sorter
        The same; None: the default.
    """

    dtype: str
    inference_only: bool
    learning_phase: bool | None
    lif_smoothing: float | None
    planner: Callable | None
    pure_functions: bool | None
    reduction_dtype: str | None
    remat_steps: int | None
    session_config: Mapping[str, Any]
    simplifications: tuple[Callable, ...] | None
    sorter: Callable | None
    stateful: bool
    use_loop: bool
    worker_timeout: float | None


def read_settings(
    network: nengo.Network | None, dtype: str | None = None, optimize: bool = True
) -> Settings:
    """
    Read the settings of a network.

    ``network``: the top-level network. None: all settings have their defaults.
    """

    def get(name: str, default: Any = None) -> Any:
        return get_setting(network, name, default)

    settings = Settings(
        dtype=dtype or get("dtype", dtype_of_nengo()),
        inference_only=get("inference_only"),
        learning_phase=get("learning_phase"),
        lif_smoothing=get("lif_smoothing"),
        planner=get("planner"),
        pure_functions=get("pure_functions"),
        reduction_dtype=get("reduction_dtype"),
        remat_steps=get("remat_steps"),
        session_config=get("session_config"),
        simplifications=get("simplifications") if optimize else (),
        sorter=get("sorter"),
        stateful=get("stateful"),
        use_loop=get("use_loop"),
        worker_timeout=get("worker_timeout"),
    )
    _check_learning_phase(settings)
    return settings


def keeps_history(network: nengo.Network, probe: nengo.Probe) -> bool:
    """Tell whether all values of a probe are kept, or those of the last step only."""
    return bool(get_setting(network, "keep_history", obj=probe))


def _check_learning_phase(settings: Settings) -> None:
    if settings.learning_phase and settings.inference_only:
        raise BuildError(
            "learning_phase: expected None or False for a network with "
            "configure_settings(inference_only=True), got True"
        )
