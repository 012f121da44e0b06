"""Networks to and from the Neuromorphic Intermediate Representation (NIR)."""

from .export import export as export
from .load import load as load
