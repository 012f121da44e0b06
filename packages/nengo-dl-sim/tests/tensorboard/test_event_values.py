"""Histograms of any values."""

import numpy as np
import pytest
import tensorflow as tf

from nengo_dl_sim.tensorboard.summaries import N_BUCKETS, write_histogram


@pytest.mark.parametrize(
    "values", [[1.0, 2.0, np.nan], [np.inf, 0.0], [3.0, 3.0], [np.nan], []]
)
def test_histograms_of_anything(values, tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default(step=1):
        write_histogram("tag", np.array(values))
    writer.close()
    (path,) = tmp_path.iterdir()
    *_, last = (record.numpy() for record in tf.data.TFRecordDataset(str(path)))
    (value,) = tf.compat.v1.Event.FromString(last).summary.value
    buckets = tf.make_ndarray(value.tensor)
    assert buckets.shape == (N_BUCKETS, 3)
    finite = np.isfinite(values)
    assert buckets[:, 2].sum() == finite.sum()
    for number in np.array(values)[finite]:
        assert buckets[0, 0] <= number <= buckets[-1, 1]
