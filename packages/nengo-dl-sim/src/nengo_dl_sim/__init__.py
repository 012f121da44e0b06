"""The simulator: plan, compile, run, train and save Nengo networks in TensorFlow."""

from nengo_dl_sim.version import version as __version__

__all__ = ["__version__"]
