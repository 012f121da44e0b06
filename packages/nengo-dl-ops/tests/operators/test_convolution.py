import itertools

import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.builder.signal import Signal
from nengo.builder.transforms import ConvInc, ConvTransposeInc
from nengo.exceptions import BuildError

from nengo_dl_ops import Builder


def convolution(transposed=False, **options):
    op_type = ConvTransposeInc if transposed else ConvInc
    transform = nengo.ConvolutionTranspose if transposed else nengo.Convolution
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
DEPTHWISE = [
    {
        **image((2, 3), (1, 2), padding, channels_last),
        "input_shape": (3, 4, 128) if channels_last else (128, 3, 4),
        "n_filters": filters,
        "groups": 128,
    }
    for padding, channels_last, filters in [
        *itertools.product(PADDINGS, [True, False], [128]),
        ("same", True, 256),
    ]
]
DEPTHWISE_LINE = {
    **line(3, 2, "same", True),
    "input_shape": (6, 128),
    "n_filters": 128,
    "groups": 128,
}
# Each channel multiplied by a number, or by two.
PRODUCTS = [
    {**line(1, stride, padding, True), "groups": 2, "n_filters": filters}
    for stride, padding, filters in [(1, "valid", 2), (2, "same", 2), (1, "same", 4)]
]


def spread_line(kernel, stride, padding, channels_last, longer=0):
    """Make a transposed convolution, to one of several lengths that it may have."""
    options = line(kernel, stride, padding, channels_last)
    length = 1 + 6 * stride + (kernel - 1 if padding == "valid" else 0) + longer
    shape = (length, 3) if channels_last else (3, length)
    return {**options, "output_shape": shape, "transposed": True}


def spread_image(kernel, strides, padding, channels_last):
    options = image(kernel, strides, padding, channels_last)
    del options["groups"]
    return {**options, "transposed": True}


SPREAD_LINES = [
    spread_line(kernel, stride, padding, channels_last)
    for kernel, stride, padding, channels_last in itertools.product(
        [1, 2, 3, 4], [1, 2, 3], PADDINGS, [True, False]
    )
    if channels_last or kernel == 2
] + [
    spread_line(kernel, stride, padding, True, longer=longer)
    for kernel, stride, longer, padding in itertools.product(
        [1, 2, 3, 4], [2, 3], [1, 2], PADDINGS
    )
    if longer < stride
]
SPREAD_IMAGES = [
    spread_image(kernel, strides, padding, channels_last)
    for kernel, strides, padding, channels_last in itertools.product(
        [(3, 3), (2, 3), (4, 1)], [(1, 1), (2, 3)], PADDINGS, [True, False]
    )
    if channels_last or kernel == (2, 3)
]


cube = {"kernel_size": (2, 2, 2), "strides": (1, 1, 1)}


def describe(options):
    return "-".join(str(value).replace(" ", "") for value in options.values())


@pytest.mark.parametrize(
    "options",
    [
        *(LINES + IMAGES + GROUPS + SPREAD_LINES + SPREAD_IMAGES),
        *(DEPTHWISE + [DEPTHWISE_LINE] + PRODUCTS),
    ],
    ids=describe,
)
def test_as_nengo(options, compare_eagerly):
    compare_eagerly([convolution(**options)], n_steps=2, batch=3)


@pytest.mark.parametrize(
    "options",
    [LINES[11], IMAGES[9], GROUPS[1], DEPTHWISE[0], SPREAD_LINES[11], SPREAD_IMAGES[9]],
    ids=describe,
)
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
@pytest.mark.parametrize(
    "options",
    [
        *(LINES[11], GROUPS[0], GROUPS[3], DEPTHWISE[0], DEPTHWISE[4], PRODUCTS[2]),
        *(SPREAD_LINES[11], SPREAD_IMAGES[9]),
    ],
    ids=describe,
)
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


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("compiled", [False, True])
def test_transposed_convolution_over_three_spatial_axes(padding, compiled, build):
    """It is the transpose of the convolution, which Nengo has no more than 2-d."""
    options = {"kernel_size": (2, 1, 3), "strides": (2, 1, 1), "padding": padding}
    forward = convolution(n_filters=3, input_shape=(4, 2, 4, 2), **options)
    shape = forward.conv.output_shape
    op = convolution(
        transposed=True,
        n_filters=2,
        input_shape=shape,
        output_shape=forward.conv.input_shape,
        **options,
    )
    rng = np.random.RandomState(0)
    kernel = rng.normal(size=(2, 1, 3, 2, 3))
    images = {forward: rng.normal(size=(64, 2)), op: rng.normal(size=(shape.size, 2))}
    kernels = {forward: kernel, op: np.swapaxes(kernel, -1, -2)}
    outcomes = {}
    for each, pixels in images.items():
        group = build([each], compiled, dtype="float64", minibatch_size=2)
        values = group.initial_values()
        values |= {each.X: pixels, each.W: kernels[each][..., None]}
        outcomes[each] = group(values)[each.Y]
    np.testing.assert_allclose(
        np.sum(outcomes[forward] * images[op], axis=0),
        np.sum(outcomes[op] * images[forward], axis=0),
    )


def test_many_channels_by_themselves_need_no_dense_kernel(build):
    op = convolution(**DEPTHWISE[0])
    group = build([op], dtype="float32", minibatch_size=1)

    @tf.function(autograph=False)
    def step(*bases):
        return group.build(list(bases))

    values = [tf.constant(group.initial_values()[b], tf.float32) for b in group.bases]
    graph = step.get_concrete_function(*values).graph
    shapes = [
        tensor.shape for node in graph.get_operations() for tensor in node.outputs
    ]
    assert max(shape.num_elements() for shape in shapes) < 128 * 128


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
