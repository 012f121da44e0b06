"""What is optimised: objectives and regularisers for TensorFlow."""

from . import _supported  # isort: skip  # noqa: F401  (before TensorFlow is imported)

from . import losses as losses
from .mse import mse as mse
from .mse import squared_error as squared_error
from .norm import vector_norm as vector_norm
from .regularize import Regularize as Regularize
from .version import version as __version__

__all__ = [
    "Regularize",
    "__version__",
    "losses",
    "mse",
    "squared_error",
    "vector_norm",
]
