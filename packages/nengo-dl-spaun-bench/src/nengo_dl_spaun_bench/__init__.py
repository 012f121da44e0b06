"""Benchmark networks for NengoDL, with a command line."""

from nengo_dl_spaun_bench.version import version as __version__

__all__ = ["__version__"]
