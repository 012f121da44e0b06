"""What training minimises, in the form of Keras losses."""

from nengo_dl_objectives.losses import Regularize as Regularize
from nengo_dl_objectives.losses import nan_mse as nan_mse
