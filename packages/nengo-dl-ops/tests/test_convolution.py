import itertools

import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.signal import Signal
from nengo.builder.transforms import ConvInc, ConvTransposeInc
from nengo.exceptions import BuildError

from nengo_dl_ops import Builder


def convolution(op_type=ConvInc, transform=nengo.Convolution, **options):
    conv = transform(**options)
    weights = conv.sample(rng=np.random.RandomState(0))
    return op_type(
        Signal(weights, readonly=True, name="W"),
        Signal(np.zeros(conv.size_in), name="X"),
        Signal(np.zeros(conv.size_out), name="Y"),
        conv,
    )


def line(kernel, stride, padding, channels_last):
    return {
        "n_filters": 3,
        "input_shape": (7, 2) if channels_last else (2, 7),
        "kernel_size": (kernel,),
        "strides": (stride,),
        "padding": padding,
        "channels_last": channels_last,
    }


def image(kernel, strides, padding, channels_last, groups=1):
    return {
        "n_filters": 4,
        "input_shape": (5, 6, 2) if channels_last else (2, 5, 6),
        "kernel_size": kernel,
        "strides": strides,
        "padding": padding,
        "channels_last": channels_last,
        "groups": groups,
    }


PADDINGS = ["same", "valid"]
LINES = [
    line(kernel, stride, padding, channels_last)
    for kernel, stride, padding, channels_last in itertools.product(
        [1, 2, 3, 4], [1, 2, 3], PADDINGS, [True, False]
    )
    if channels_last or kernel == 2
]
IMAGES = [
    image(kernel, strides, padding, channels_last)
    for kernel, strides, padding, channels_last in itertools.product(
        [(3, 3), (2, 3), (4, 1), (4, 4)], [(1, 1), (2, 3)], PADDINGS, [True, False]
    )
    if channels_last or kernel == (2, 3)
]
GROUPS = [
    image((2, 3), (1, 2), padding, channels_last, groups=2)
    for padding, channels_last in itertools.product(PADDINGS, [True, False])
]


cube = {"kernel_size": (2, 2, 2), "strides": (1, 1, 1)}


def describe(options):
    return "-".join(str(value).replace(" ", "") for value in options.values())


@pytest.mark.parametrize("options", LINES + IMAGES + GROUPS, ids=describe)
def test_as_nengo(options, compare_eagerly):
    compare_eagerly([convolution(**options)], n_steps=2, batch=3)


@pytest.mark.parametrize("options", [LINES[11], IMAGES[9], GROUPS[1]], ids=describe)
def test_in_both_modes_as_nengo(options, compare):
    compare([convolution(**options)], n_steps=2, batch=3)
    compare([convolution(**options)], n_steps=1, batch=1, dtype="float32", atol=1e-5)


def test_three_spatial_axes(build):
    """Nengo itself stops at two."""
    op = convolution(n_filters=2, input_shape=(3, 2, 4, 1), **cube)
    group = build([op], dtype="float64", minibatch_size=2)
    values = group.initial_values()
    values[op.X] = np.random.RandomState(1).normal(size=(24, 2))
    cubes = values[op.X].reshape(3, 2, 4, 2)
    windows = np.lib.stride_tricks.sliding_window_view(cubes, (2, 2, 2), (0, 1, 2))
    expected = np.einsum("xyzbijk,ijkcf->xyzfb", windows, op.W.initial_value)
    np.testing.assert_allclose(group(values)[op.Y], expected.reshape(-1, 2))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("options", [LINES[11], GROUPS[0], GROUPS[3]], ids=describe)
def test_gradients_as_finite_differences(options, compiled, build):
    """A convolution is linear in image and kernel: any step gives the gradient."""
    op = convolution(**options)
    group = build([op], dtype="float64", minibatch_size=2)
    rng = np.random.RandomState(0)
    weights = rng.normal(size=(op.Y.size, 2))
    images, kernel = tf.constant(rng.normal(size=(op.X.size, 2))), op.W.initial_value

    def loss(images, kernel):
        arrays = {op.X: images, op.W: kernel[..., None], op.Y: np.zeros((op.Y.size, 2))}
        outcome = group.build([tf.convert_to_tensor(arrays[b]) for b in group.bases])
        return tf.reduce_sum(weights * outcome[group.bases.index(op.Y)])

    @tf.function(jit_compile=compiled, autograph=False)
    def gradients(images, kernel):
        with tf.GradientTape() as tape:
            tape.watch([images, kernel])
            total = loss(images, kernel)
        return tape.gradient(total, [images, kernel])

    for position, gradient in enumerate(gradients(images, tf.constant(kernel))):
        arguments = [np.array(images), np.array(kernel)]
        before = loss(*arguments)
        for _ in range(3):
            place = tuple(rng.randint(length) for length in gradient.shape)
            arguments[position][place] += 1
            after = loss(*arguments)
            np.testing.assert_allclose(
                gradient.numpy()[place], after - before, rtol=1e-9
            )
            before = after


def test_convolutions_do_not_merge():
    merge_key = Builder.find(ConvInc).merge_key
    assert len({merge_key(convolution(**options)) for options in [LINES[0]] * 2}) == 2


def test_too_many_spatial_axes_are_refused(build):
    op = convolution(
        n_filters=1,
        input_shape=(2, 2, 2, 2, 1),
        kernel_size=(1, 1, 1, 1),
        strides=(1, 1, 1, 1),
    )
    with pytest.raises(BuildError, match="at most 3 spatial axes, got 4"):
        build([op])


def test_a_kernel_for_each_batch_item_is_refused(build):
    op = convolution(**LINES[0])
    group = build([op], dtype="float64", minibatch_size=2)
    values = group.initial_values()
    values[op.W] = np.repeat(values[op.W], 2, axis=-1)
    with pytest.raises(BuildError, match="one kernel for all batch items, got 2"):
        group(values)


def test_transposed_convolution_has_no_builder():
    op = convolution(
        ConvTransposeInc,
        nengo.ConvolutionTranspose,
        n_filters=2,
        input_shape=(3, 2),
        kernel_size=(2,),
        strides=(1,),
    )
    with pytest.raises(BuildError, match="ConvTransposeInc"):
        Builder.find(type(op))
