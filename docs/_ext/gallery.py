"""How sphinx-gallery runs the examples."""

import nengo


def quick_argv(gallery_conf: dict, script_vars: dict) -> list[str]:
    """Return the arguments of every example."""
    return ["--quick"]


def without_bars(gallery_conf: dict, fname: str) -> None:
    """Turn progress bars off: each of their updates would be a line of output."""
    nengo.rc["progress"]["progress_bar"] = "False"
