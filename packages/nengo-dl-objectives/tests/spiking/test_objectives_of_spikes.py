"""Objectives of spikes against equations in NumPy, and their gradients."""

import numpy as np
import pytest
import tensorflow as tf

import nengo_dl_objectives as objectives
from nengo_dl_objectives import losses

DT = 0.002
BATCH, N_STEPS, N_CLASSES = 3, 7, 4
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}
MODES = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}
RUNS = [("eager", np.float64), ("graph", np.float32), ("xla", np.float64)]


def log_softmax(x):
    x = x - np.max(x, axis=-1, keepdims=True)
    return x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True))


def rate_crossentropy(outputs, p):
    steps = [-np.sum(p * log_softmax(step * DT), axis=-1) for step in swap(outputs)]
    return np.mean(steps)


def count_crossentropy(outputs, p):
    return -np.mean(np.sum(p * log_softmax(counts(outputs)), axis=-1))


def max_membrane_crossentropy(outputs, p):
    return -np.mean(np.sum(p * log_softmax(np.max(outputs, axis=1)), axis=-1))


def count_mse(outputs, p, correct=1 / DT, incorrect=0.0):
    wanted = N_STEPS * DT * np.where(p > 0.5, correct, incorrect)
    return np.mean((counts(outputs) - wanted) ** 2)


def rate_bounds(outputs, lower=-np.inf, upper=np.inf):
    rates = np.mean(outputs, axis=1)
    low, high = np.minimum(rates - lower, 0), np.maximum(rates - upper, 0)
    return np.mean(low**2 + high**2)


def van_rossum(outputs, targets, tau=0.01):
    """The integral, solved: a double sum over spikes (of both trains, with signs)."""
    signed = (outputs - np.nan_to_num(targets, nan=0.0)) * DT
    signed = np.where(np.isnan(targets), 0.0, signed)
    time = np.arange(N_STEPS) * DT
    kernel = np.exp(-np.abs(time - time[:, None]) / tau) / 2
    return np.mean(np.einsum("bsi,st,bti->bi", signed, kernel, signed))


def temporal_crossentropy(first, p):
    return -np.mean(np.sum(p * log_softmax(-first), axis=-1))


def reciprocal_crossentropy(first, p):
    return -np.mean(np.sum(p * log_softmax(1 / (1 + first)), axis=-1))


def temporal_mse(first, p, on=0, off=N_STEPS - 1, tolerance=0):
    error = first - np.where(p > 0.5, on, off)
    close = np.abs(np.round(error)) <= tolerance
    return np.mean(np.where(close, 0.0, error) ** 2)


def swap(outputs):
    return np.swapaxes(outputs, 0, 1)


def counts(outputs):
    return np.sum(outputs, axis=1) * DT


def first_spikes(outputs):
    """Steps of first spikes, the last step where there is none."""
    first = np.full((BATCH, N_CLASSES), N_STEPS - 1)
    for b, t, i in reversed(list(np.ndindex(outputs.shape))):
        if outputs[b, t, i] > 0:
            first[b, i] = t
    return first


def spikes(dtype=np.float64):
    """Spikes of Nengo: none, one or two in a step; one neuron never fires."""
    rng = np.random.RandomState(0)
    n = rng.randint(3, size=(BATCH, N_STEPS, N_CLASSES)) * rng.randint(
        2, size=(BATCH, N_STEPS, N_CLASSES)
    )
    n[1, :, 2] = 0
    return (n / DT).astype(dtype)


def rates(dtype=np.float64):
    shape = (BATCH, N_STEPS, N_CLASSES)
    return np.random.RandomState(1).uniform(0, 300, shape).astype(dtype)


LABELS = np.array([2, 0, 3])
ONE_HOT = np.eye(N_CLASSES)[LABELS]


def labels(dtype=np.float64):
    return LABELS[:, None, None].astype(dtype)


# Names, arguments, the equation, and what its targets are.
OF_OUTPUTS = {
    "rate": ("RateCrossentropy", {"dt": DT}, rate_crossentropy),
    "count": ("CountCrossentropy", {"dt": DT}, count_crossentropy),
    "membrane": ("MaxMembraneCrossentropy", {}, max_membrane_crossentropy),
    "mse": ("CountMeanSquaredError", {"dt": DT}, count_mse),
    "mse of rates": (
        "CountMeanSquaredError",
        {"correct_rate": 200, "incorrect_rate": 30.0, "dt": DT},
        lambda outputs, p: count_mse(outputs, p, 200, 30),
    ),
}
OF_FIRST_SPIKES = {
    "crossentropy": ("TemporalCrossentropy", {"dt": DT}, temporal_crossentropy),
    "reciprocal": (
        "TemporalCrossentropy",
        {"inverse": "reciprocal", "dt": DT},
        reciprocal_crossentropy,
    ),
    "mse": ("TemporalMeanSquaredError", {"dt": DT}, temporal_mse),
    "mse of steps": (
        "TemporalMeanSquaredError",
        {"on_target": 1, "off_target": -3, "tolerance": 1, "dt": DT},
        lambda first, p: temporal_mse(first, p, 1, N_STEPS - 3, 1),
    ),
}
BOUNDS = {
    "lower": {"lower": 150},
    "upper": {"upper": 150},
    "both": {"lower": 140.0, "upper": 160},
    "one rate": {"lower": 150, "upper": 150},
}


def both_forms(name, arguments):
    """The objective, and the Keras loss with its arguments swapped."""
    objective = getattr(objectives, name)(**arguments)
    loss = getattr(losses, name)(**arguments, dtype="float64")
    return objective, lambda outputs, targets: loss(targets, outputs)


@pytest.mark.parametrize("mode, dtype", RUNS)
@pytest.mark.parametrize(
    "name, arguments, equation", OF_OUTPUTS.values(), ids=OF_OUTPUTS
)
def test_value_of_outputs(name, arguments, equation, mode, dtype):
    objective, loss = both_forms(name, arguments)
    for outputs in (spikes(dtype), rates(dtype)):
        expected = equation(outputs.astype(float), ONE_HOT)
        found = MODES[mode](objective)(tf.constant(outputs), labels(dtype))
        assert (found.dtype, found.shape) == (dtype, ())
        np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype])
        np.testing.assert_allclose(loss(outputs, labels()), expected, rtol=1e-6)


@pytest.mark.parametrize("mode, dtype", RUNS)
@pytest.mark.parametrize(
    "name, arguments, equation", OF_FIRST_SPIKES.values(), ids=OF_FIRST_SPIKES
)
def test_value_of_first_spikes(name, arguments, equation, mode, dtype):
    objective, loss = both_forms(name, arguments)
    outputs = spikes(dtype)
    expected = equation(first_spikes(outputs), ONE_HOT)
    found = MODES[mode](objective)(tf.constant(outputs), labels(dtype))
    assert (found.dtype, found.shape) == (dtype, ())
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(loss(outputs, labels()), expected, rtol=1e-6)


@pytest.mark.parametrize("mode, dtype", RUNS)
@pytest.mark.parametrize("bounds", BOUNDS.values(), ids=BOUNDS)
def test_value_of_rate_bounds(bounds, mode, dtype):
    outputs = rates(dtype)
    expected = rate_bounds(outputs.astype(float), **bounds)
    found = MODES[mode](objectives.FiringRateBounds(**bounds))(tf.constant(outputs))
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype])
    weighted = objectives.FiringRateBounds(**bounds, weight=-0.5)(outputs)
    np.testing.assert_allclose(weighted, -0.5 * expected, rtol=TOLERANCE[dtype])
    loss = losses.FiringRateBounds(**bounds, dtype="float64")
    for anything in (np.zeros_like(outputs), np.full_like(outputs, np.nan)):
        np.testing.assert_allclose(loss(anything, outputs), expected, rtol=1e-6)


@pytest.mark.parametrize("mode, dtype", RUNS)
@pytest.mark.parametrize("tau", [0.0001, 0.01, 10.0])
def test_value_of_van_rossum_distance(tau, mode, dtype):
    outputs, targets = spikes(dtype), spikes(dtype)[::-1].copy()
    targets[0, 2] = np.nan
    objective, loss = both_forms("VanRossumDistance", {"tau": tau, "dt": DT})
    expected = van_rossum(outputs.astype(float), targets, tau)
    found = MODES[mode](objective)(tf.constant(outputs), targets)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(loss(outputs, targets), expected, rtol=1e-6)


def test_van_rossum_distance_of_pairs_of_spikes():
    """One spike too many is 1/2, wherever; a pair of them is 1 if far apart, else 0."""
    distance = objectives.VanRossumDistance(tau=0.01)
    for step in (0, 3, 99):
        train = np.zeros((1, 100, 1))
        train[0, step] = 1000
        np.testing.assert_allclose(distance(train, 0 * train), 0.5, rtol=1e-12)
    early, late = np.zeros((2, 1, 100, 1))
    early[0, 10] = late[0, 90] = 1000
    assert distance(early, early) == 0
    np.testing.assert_allclose(distance(early, late), 1 - np.exp(-8), rtol=1e-12)


def gradient(function, outputs, mode="eager"):
    @MODES[mode]
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = function(x)
        return tape.gradient(loss, x)

    return run(tf.constant(outputs)).numpy()


def differences(equation, x, step=1e-3):
    numeric = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.astype(float), x.astype(float)
        up[index] += step
        down[index] -= step
        numeric[index] = (equation(up) - equation(down)) / (2 * step)
    return numeric


@pytest.mark.parametrize("mode", ["eager", "xla"])
@pytest.mark.parametrize(
    "name, arguments, equation", OF_OUTPUTS.values(), ids=OF_OUTPUTS
)
def test_gradient_of_outputs(name, arguments, equation, mode):
    objective, x = getattr(objectives, name)(**arguments), rates()
    x = x / 100 if name == "MaxMembraneCrossentropy" else x
    found = gradient(lambda outputs: objective(outputs, labels()), x, mode)
    expected = differences(lambda outputs: equation(outputs, ONE_HOT), x)
    assert np.any(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("bounds", BOUNDS.values(), ids=BOUNDS)
def test_gradient_of_rate_bounds(bounds):
    found = gradient(objectives.FiringRateBounds(**bounds), rates())
    expected = differences(lambda outputs: rate_bounds(outputs, **bounds), rates())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("mode", ["eager", "xla"])
def test_gradient_of_van_rossum_distance(mode):
    targets = spikes()
    targets[2, 4] = np.nan
    objective = objectives.VanRossumDistance(tau=0.01, dt=DT)
    found = gradient(lambda outputs: objective(outputs, targets), rates(), mode)
    expected = differences(lambda outputs: van_rossum(outputs, targets), rates())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-10)
    same = gradient(lambda outputs: objective(outputs, spikes()), spikes())
    np.testing.assert_array_equal(same, 0)  # where the distance itself has none


@pytest.mark.parametrize("mode", ["eager", "xla"])
@pytest.mark.parametrize(
    "name, arguments, equation", OF_FIRST_SPIKES.values(), ids=OF_FIRST_SPIKES
)
def test_gradient_of_first_spikes(name, arguments, equation, mode):
    """More drive in the step of the first spike makes it as much earlier."""
    objective, outputs = getattr(objectives, name)(**arguments), spikes()
    found = gradient(lambda x: objective(x, labels()), outputs, mode)
    first = first_spikes(outputs)
    slope = differences(lambda steps: equation(steps, ONE_HOT), first, 1e-5)
    expected = np.zeros_like(outputs)
    for b, i in np.ndindex(first.shape):
        expected[b, first[b, i], i] = -DT * slope[b, i]
    assert np.any(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


# -- targets

OF_CLASSES = {
    **OF_OUTPUTS,
    **{f"first spike, {k}": v for k, v in OF_FIRST_SPIKES.items()},
}


def objective_of(name):
    kind, arguments, _ = OF_CLASSES[name]
    return getattr(objectives, kind)(**arguments)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_labels_and_probabilities_are_the_same(name):
    objective, outputs = objective_of(name), spikes()
    expected = objective(outputs, labels())
    of_steps = np.repeat(ONE_HOT[:, None], N_STEPS, axis=1)
    for targets in (ONE_HOT[:, None], of_steps, np.argmax(of_steps, -1)[..., None]):
        np.testing.assert_allclose(objective(outputs, targets), expected, rtol=1e-12)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_items_without_target_have_no_error(name):
    objective, outputs = objective_of(name), rates()
    targets = labels()
    targets[1] = np.nan
    alone = [objective(outputs[k : k + 1], targets[k : k + 1]) for k in range(BATCH)]
    assert alone[1] == 0
    np.testing.assert_allclose(objective(outputs, targets), np.mean(alone), rtol=1e-12)
    found = gradient(lambda x: objective(x, targets), outputs)
    assert np.all(np.isfinite(found))
    np.testing.assert_array_equal(found[1], 0)


def test_steps_without_target():
    targets = np.repeat(labels(), N_STEPS, axis=1)
    targets[:, 2:] = np.nan
    first = objectives.RateCrossentropy(DT)(rates()[:, :2], labels())
    found = objectives.RateCrossentropy(DT)(rates(), targets)
    np.testing.assert_allclose(found, first * 2 / N_STEPS, rtol=1e-12)
    of_counts = objectives.CountCrossentropy(DT)
    expected = of_counts(rates(), labels())
    np.testing.assert_allclose(of_counts(rates(), targets), expected, rtol=1e-12)


@pytest.mark.parametrize("name", OF_CLASSES)
@pytest.mark.parametrize("wrong", [-1, N_CLASSES, 0.5])
def test_what_is_no_class_is_not_passed_over(name, wrong):
    targets = labels()
    targets[0] = wrong
    assert not np.isfinite(objective_of(name)(spikes(), targets))


def test_probabilities_between_classes():
    p = np.full((BATCH, 1, N_CLASSES), 0.25)
    found = objectives.CountMeanSquaredError(400, 0, DT)(rates(), p)
    expected = np.mean((counts(rates()) - N_STEPS * DT * 100) ** 2)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    found = objectives.TemporalMeanSquaredError(0, 4, dt=DT)(spikes(), p)
    np.testing.assert_allclose(found, np.mean((first_spikes(spikes()) - 3) ** 2))


@pytest.mark.parametrize("name", OF_CLASSES)
def test_batch_and_steps_may_be_unknown_while_tracing(name):
    spec = tf.TensorSpec((None, None, N_CLASSES), tf.float64)
    objective = objective_of(name)
    traced = tf.function(objective, input_signature=[spec, spec])
    for n in (2, N_STEPS):
        outputs, p = spikes()[:, :n], np.repeat(ONE_HOT[:, None], n, axis=1)
        if "off_target" not in OF_CLASSES[name][1] or n > 2:
            np.testing.assert_allclose(
                traced(outputs, p), objective(outputs, p), rtol=1e-12
            )


def test_van_rossum_distance_of_an_unknown_number_of_steps():
    spec = tf.TensorSpec((None, None, N_CLASSES), tf.float64)
    objective = objectives.VanRossumDistance(0.01, DT)
    traced = tf.function(objective, input_signature=[spec, spec])
    expected = van_rossum(spikes(), spikes()[::-1])
    np.testing.assert_allclose(traced(spikes(), spikes()[::-1]), expected, rtol=1e-12)


# -- what is refused

BAD_OPTIONS = [
    ("RateCrossentropy", {"dt": 0}, "dt: expected a finite number above 0, received 0"),
    ("CountCrossentropy", {"dt": np.nan}, "dt: .*received nan"),
    ("CountMeanSquaredError", {"correct_rate": -1}, "correct_rate: .*of at least 0"),
    ("CountMeanSquaredError", {"incorrect_rate": "x"}, "incorrect_rate: .*'x'"),
    ("CountMeanSquaredError", {"incorrect_rate": None}, "incorrect_rate: .*None"),
    ("CountMeanSquaredError", {"dt": True}, "dt: .*received True"),
    (
        "TemporalCrossentropy",
        {"inverse": "no"},
        'inverse: .*"negate" or "recip.*\'no\'',
    ),
    ("TemporalCrossentropy", {"inverse": None}, "inverse: .*received None"),
    ("TemporalCrossentropy", {"dt": -1}, "dt: .*received -1"),
    ("TemporalMeanSquaredError", {"on_target": 0.5}, "on_target: .*integer.*0.5"),
    ("TemporalMeanSquaredError", {"off_target": None}, "off_target: .*None"),
    ("TemporalMeanSquaredError", {"tolerance": -1}, "tolerance: .*at least 0.*-1"),
    ("TemporalMeanSquaredError", {"tolerance": True}, "tolerance: .*True"),
    ("VanRossumDistance", {"tau": 0}, "tau: .*above 0, received 0"),
    ("VanRossumDistance", {"tau": 1, "dt": np.inf}, "dt: .*received inf"),
    ("FiringRateBounds", {}, "lower: expected a lower or an upper bound"),
    ("FiringRateBounds", {"lower": -1}, "lower: .*received -1"),
    ("FiringRateBounds", {"upper": np.inf}, "upper: .*received inf"),
    ("FiringRateBounds", {"lower": 2, "upper": 1}, "upper: .*lower=2, received 1"),
]


@pytest.mark.parametrize("name, arguments, message", BAD_OPTIONS)
@pytest.mark.parametrize("module", [objectives, losses])
def test_bad_options(module, name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(module, name)(**arguments)


def test_bad_weight():
    with pytest.raises(ValueError, match="weight: .*received nan"):
        objectives.FiringRateBounds(1, weight=np.nan)


BAD_ARRAYS = [
    (rates()[0], labels(), r"outputs: expected a shape \(batch, n_steps, size\)"),
    (rates().astype(int), labels(), "outputs: .*received int64"),
    (rates()[..., :1], labels(), r"outputs: expected two classes.*\(3, 7, 1\)"),
    (rates(), LABELS, r"targets: .*labels .*\(batch, 1 or n_steps, 4\).*\(3,\)"),
    (rates(), labels()[:2], r"targets: .*received \(2, 1, 1\)"),
    (rates(), rates()[..., :3], r"targets: .*received \(3, 7, 3\)"),
    (rates(), rates()[:, :2], r"targets: .*received \(3, 2, 4\)"),
    (rates(), "a class", "targets: .*received string"),
]


@pytest.mark.parametrize("outputs, targets, message", BAD_ARRAYS)
@pytest.mark.parametrize("name", OF_CLASSES)
def test_bad_arrays(name, outputs, targets, message):
    with pytest.raises(ValueError, match=message):
        objective_of(name)(outputs, targets)


def test_bad_arrays_of_the_others():
    with pytest.raises(ValueError, match=r"targets: expected the shape of outputs"):
        objectives.VanRossumDistance(0.01)(rates(), rates()[:, 1:])
    with pytest.raises(ValueError, match="outputs: expected a shape"):
        objectives.FiringRateBounds(1)(rates()[0])
    late = objectives.TemporalMeanSquaredError(on_target=N_STEPS)
    with pytest.raises(
        ValueError, match="on_target: expected one of 7 steps, received 7"
    ):
        late(rates(), labels())
