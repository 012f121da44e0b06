"""
The values that TensorBoard shows, in the form in which it reads them.

``tf.summary.scalar`` and ``tf.summary.histogram`` need the package ``tensorboard``,
which a machine that trains may well not have.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

#: The number of buckets of a histogram.
N_BUCKETS = 30

# SummaryMetadata.DataClass
_SCALAR, _TENSOR = 1, 2


def write_scalar(tag: str, value: float) -> None:
    """
    Write a number to the default writer.

    Parameters
    ----------
    tag : str
        Its name.
    value : float
        The number.
    """
    metadata = _metadata("scalars", _SCALAR)
    tf.summary.write(tag, tf.constant(value, tf.float32), metadata=metadata)


def write_histogram(tag: str, values: np.ndarray) -> None:
    """
    Write the distribution of some numbers to the default writer.

    Parameters
    ----------
    tag : str
        Its name.
    values : array
        The numbers; what is not finite is left out.
    """
    counts, edges = np.histogram(values[np.isfinite(values)], bins=N_BUCKETS)
    buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)
    metadata = _metadata("histograms", _TENSOR)
    tf.summary.write(tag, tf.constant(buckets, tf.float64), metadata=metadata)


def _metadata(plugin: str, data_class: int) -> tf.compat.v1.SummaryMetadata:
    metadata = tf.compat.v1.SummaryMetadata(data_class=data_class)
    metadata.plugin_data.plugin_name = plugin
    return metadata
