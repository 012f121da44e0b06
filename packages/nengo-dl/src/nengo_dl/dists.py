"""Distributions for the initial values of weights."""

from nengo_dl_sim.dists import FluctuationDriven as FluctuationDriven
from nengo_dl_sim.dists import Glorot as Glorot
from nengo_dl_sim.dists import He as He
from nengo_dl_sim.dists import TruncatedNormal as TruncatedNormal
from nengo_dl_sim.dists import VarianceScaling as VarianceScaling
