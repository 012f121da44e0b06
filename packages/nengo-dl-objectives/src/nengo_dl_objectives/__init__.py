"""What is optimised: objectives and regularisers for TensorFlow."""

from . import _supported  # isort: skip  # noqa: F401  (before TensorFlow is imported)

from . import losses as losses
from .mse import mse as mse
from .mse import squared_error as squared_error
from .norm import vector_norm as vector_norm
from .regularize import Regularize as Regularize
from .spiking import CountCrossentropy as CountCrossentropy
from .spiking import CountMeanSquaredError as CountMeanSquaredError
from .spiking import FiringRateBounds as FiringRateBounds
from .spiking import MaxMembraneCrossentropy as MaxMembraneCrossentropy
from .spiking import RateCrossentropy as RateCrossentropy
from .spiking import TemporalCrossentropy as TemporalCrossentropy
from .spiking import TemporalMeanSquaredError as TemporalMeanSquaredError
from .spiking import VanRossumDistance as VanRossumDistance
from .version import version as __version__

__all__ = [
    "CountCrossentropy",
    "CountMeanSquaredError",
    "FiringRateBounds",
    "MaxMembraneCrossentropy",
    "RateCrossentropy",
    "Regularize",
    "TemporalCrossentropy",
    "TemporalMeanSquaredError",
    "VanRossumDistance",
    "__version__",
    "losses",
    "mse",
    "squared_error",
    "vector_norm",
]
