"""Spaun: a network of spiking neurons that sees digits, and draws its answers."""

from .network import Lesions as Lesions
from .network import spaun as spaun

__all__ = ["Lesions", "spaun"]
