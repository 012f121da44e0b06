"""A TensorFlow backend for Nengo: simulate and train spiking networks."""

from nengo_dl.version import version as __version__

__all__ = ["__version__"]
