"""What training minimises."""

from nengo_dl_objectives import Regularize as Regularize
from nengo_dl_objectives import mse as mse
from nengo_dl_objectives import squared_error as squared_error
