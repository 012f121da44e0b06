"""Networks to and from the Neuromorphic Intermediate Representation (NIR)."""

from nengo_dl_sim.nir import export as export
from nengo_dl_sim.nir import load as load
