"""What is optimised: objectives and regularisers for TensorFlow."""

from nengo_dl_objectives.version import version as __version__

__all__ = ["__version__"]
