"""What is optimised: objectives and regularisers for TensorFlow."""

from . import _supported  # isort: skip  # noqa: F401  (before TensorFlow is imported)

from nengo_dl_objectives import losses as losses
from nengo_dl_objectives.mse import mse as mse
from nengo_dl_objectives.mse import squared_error as squared_error
from nengo_dl_objectives.norm import vector_norm as vector_norm
from nengo_dl_objectives.regularize import Regularize as Regularize
from nengo_dl_objectives.version import version as __version__

__all__ = [
    "Regularize",
    "__version__",
    "losses",
    "mse",
    "squared_error",
    "vector_norm",
]
