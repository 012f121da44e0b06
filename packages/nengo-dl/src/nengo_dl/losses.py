"""What training minimises, in the form of Keras losses."""

from nengo_dl_objectives.losses import CountCrossentropy as CountCrossentropy
from nengo_dl_objectives.losses import CountMeanSquaredError as CountMeanSquaredError
from nengo_dl_objectives.losses import FiringRateBounds as FiringRateBounds
from nengo_dl_objectives.losses import (
    MaxMembraneCrossentropy as MaxMembraneCrossentropy,
)
from nengo_dl_objectives.losses import RateCrossentropy as RateCrossentropy
from nengo_dl_objectives.losses import Regularize as Regularize
from nengo_dl_objectives.losses import TemporalCrossentropy as TemporalCrossentropy
from nengo_dl_objectives.losses import (
    TemporalMeanSquaredError as TemporalMeanSquaredError,
)
from nengo_dl_objectives.losses import VanRossumDistance as VanRossumDistance
from nengo_dl_objectives.losses import nan_mse as nan_mse
