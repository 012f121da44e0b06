"""Inputs of the last steps, in a ring of which a step changes one row in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from nengo_dl_signals import repeat_batch


def write_and_read(
    ring: tf.Tensor, new: tf.Tensor, place: tf.Tensor, rows: Sequence[tf.Tensor]
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """
    Write one row of a ring, then read others.

    Forward as well as backward nothing but these rows is touched, as long as who reads
    the ring reads what is returned here: XLA then keeps it where it is.

    Shapes: ``ring`` and what is returned of it (length, n_elements, batch), ``new`` and
    the rows read (n_elements, batch), ``place`` (), each of ``rows`` (n_elements,), or
    () if it is the same for all.
    """
    batch = max(ring.shape[-1], new.shape[-1])
    ring, new = repeat_batch(ring, batch), repeat_batch(new, batch)

    @tf.custom_gradient
    def compute(ring: tf.Tensor, new: tf.Tensor) -> tuple[list[tf.Tensor], Callable]:
        written = tf.tensor_scatter_nd_update(ring, place[None, None], new[None])
        read = [_read(written, row) for row in rows]

        def gradient(d_ring: tf.Tensor, *d_read: tf.Tensor) -> list[tf.Tensor]:
            for row, change in zip(rows, d_read, strict=True):
                d_ring = _add(d_ring, row, change)
            d_new = d_ring[place]
            zero = tf.zeros_like(d_new)[None]
            d_ring = tf.tensor_scatter_nd_update(d_ring, place[None, None], zero)
            return [d_ring, d_new]

        return [written, *read], gradient

    written, *read = compute(ring, new)
    return written, read


def _read(ring: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
    return ring[row] if row.shape.rank == 0 else tf.gather_nd(ring, _places(row))


def _add(ring: tf.Tensor, row: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    if row.shape.rank == 0:
        return tf.tensor_scatter_nd_add(ring, row[None, None], change[None])
    return tf.tensor_scatter_nd_add(ring, _places(row), change)


def _places(row: tf.Tensor) -> tf.Tensor:
    """Return the row of each element, and which element that is: (n_elements, 2)."""
    return tf.stack([row, tf.range(row.shape[0], dtype=row.dtype)], axis=-1)
