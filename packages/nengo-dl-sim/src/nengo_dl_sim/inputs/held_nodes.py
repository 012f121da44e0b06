"""Finds out which nodes keep the value that they are given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from nengo.node import Node

#: Of fewer steps, or fewer values, it gains little to know that they are the same.
_MIN_STEPS, _MIN_SIZE = 8, 16

#: So many items are looked at together.
_N_ITEMS = 64


def held_nodes(data: Mapping[Node, np.ndarray]) -> frozenset[Node]:
    """
    Find nodes that are given the same value in all steps: an image, say.

    ``data``: (n_items, n_steps, size) arrays.
    """
    return frozenset(node for node, array in data.items() if _is_held(array))


def _is_held(array: np.ndarray) -> bool:
    if array.shape[1] < _MIN_STEPS or array.shape[2] < _MIN_SIZE:
        return False
    parts = range(0, len(array), _N_ITEMS)
    return all(_same_in_all_steps(array[i : i + _N_ITEMS]) for i in parts)


def _same_in_all_steps(array: np.ndarray) -> bool:
    # Bit by bit: there are two zeros, and what is not a number is not equal to itself.
    size = array.dtype.itemsize
    bits = np.ascontiguousarray(array).view(f"u{size}" if size <= 8 else np.uint8)
    return bool(np.all(bits[:, 1:] == bits[:, :1]))
