"""How one simulation step is computed: operator builders and neuron types in TensorFlow."""

from nengo_dl_ops.version import version as __version__

__all__ = ["__version__"]
