"""Which losses of Keras are known to be means over items."""

import keras
import numpy as np
import pytest

from nengo_dl_sim.measures.keras_losses import loss_form

RNG = np.random.RandomState(0)
OUTPUTS = RNG.uniform(0.1, 0.9, (6, 3, 4))
TARGETS = RNG.uniform(0.1, 0.9, (6, 3, 4))
CLASSES = RNG.randint(4, size=(6, 3, 1)).astype(float)
WEIGHTS = RNG.uniform(size=6)
OUTPUTS[:3] *= 0.2  # so that halves differ
CLASSES[:2] = 1.0

losses = keras.losses
SPARSE = losses.SparseCategoricalCrossentropy

#: Losses that are means over items, each of which may have a weight.
MEANS = {
    "mse": "mse",
    "mae": losses.MeanAbsoluteError(),
    "huber": losses.Huber(0.1),
    "function": losses.log_cosh,
    "sparse": SPARSE(),
    "binary": losses.BinaryCrossentropy(label_smoothing=0.1),
    "categorical": losses.CategoricalCrossentropy(),
}

#: Losses that are not, and whether items may have weights.
OTHERS = {
    "over items": (losses.CategoricalCrossentropy(axis=0), False),
    "classes left out": (SPARSE(ignore_class=1), False),
    "sum": (losses.MeanSquaredError(reduction="sum"), True),
    "by weights": (losses.MeanSquaredError(reduction="mean_with_sample_weight"), True),
    "overlap": (losses.Tversky(), False),
}


def of_halves(source, weighted):
    """Compute a loss of all items, and the mean of those of two halves."""
    form = loss_form("probe", source)
    targets = CLASSES if isinstance(source, SPARSE) else TARGETS

    def value(items):
        options = {"weights": WEIGHTS[items]} if weighted else {}
        return float(form.function(OUTPUTS[items], targets[items], **options))

    halves = [value(slice(3)), value(slice(3, 6))]
    return form.is_mean, value(slice(6)), np.mean(halves)


@pytest.mark.parametrize("source", MEANS.values(), ids=MEANS)
@pytest.mark.parametrize("weighted", [False, True])
def test_means_are_those_of_equal_parts(source, weighted):
    is_mean, whole, halves = of_halves(source, weighted)
    assert is_mean
    np.testing.assert_allclose(halves, whole, rtol=1e-6)


@pytest.mark.parametrize("source, weighted", OTHERS.values(), ids=OTHERS)
def test_others_are_computed_of_all_items(source, weighted):
    is_mean, whole, halves = of_halves(source, weighted)
    assert not is_mean
    assert abs(halves - whole) > 1e-3 * abs(whole)
