"""Transforms and slices, between two nodes."""

from functools import partial

import nengo
import numpy as np
from nengo.transforms import ChannelShape, NoTransform
from scipy.sparse import csr_matrix

MATRIX = np.array([[0.5, -1, 0], [0.3, 0, 2]])
PLACES = [[0, 2], [1, 0], [3, 1], [3, 2]]
EVERYTHING = slice(None)


def convolution(shape, kernel, *, transposed=False, last=True, **options):
    kind = nengo.ConvolutionTranspose if transposed else nengo.Convolution
    return kind(
        **{"n_filters": 2, "strides": (1,) * len(kernel)} | options,
        input_shape=ChannelShape(shape, channels_last=last),
        kernel_size=kernel,
        channels_last=last,
    )


spread = partial(convolution, transposed=True)

#: The part of the input, the transform, the part of the output (None: all of it).
TRANSFORMS = [
    (slice(3), None, None),
    (slice(3), NoTransform(3), None),
    (slice(3), 0.5, None),
    (slice(3), [0.5, -1, 2], None),
    (slice(3), MATRIX, None),
    (slice(3), nengo.Dense((2, 3), nengo.dists.Uniform(-1, 1)), None),
    (slice(3), nengo.Sparse((4, 3), indices=PLACES, init=[1, -2, 0.5, 3]), None),
    (slice(3), nengo.Sparse((4, 3), PLACES, nengo.dists.Uniform(-1, 1)), None),
    (slice(3), nengo.Sparse((2, 3), init=csr_matrix(MATRIX)), None),
    # Convolutions over one and two axes.
    (slice(12), convolution((6, 2), (3,)), None),
    (slice(12), convolution((2, 6), (3,), last=False, padding="same"), None),
    (slice(12), convolution((6, 2), (2,), strides=(2,), padding="same"), None),
    (slice(12), convolution((6, 2), (3,), groups=2, n_filters=4), None),
    (slice(12), convolution((2, 6), (3,), groups=2, last=False), None),
    (slice(12), convolution((3, 4, 1), (2, 3)), None),
    (slice(12), convolution((1, 3, 4), (2, 2), last=False, strides=(1, 2)), None),
    (slice(18), convolution((3, 3, 2), (3, 2), padding="same", groups=2), None),
    # Transposed ones.
    (slice(6), spread((3, 2), (3,)), None),
    (slice(6), spread((2, 3), (2,), last=False, strides=(2,)), None),
    (slice(6), spread((3, 2), (3,), padding="same", strides=(2,)), None),
    (slice(8), spread((2, 2, 2), (2, 3)), None),
    (slice(8), spread((2, 2, 2), (2, 2), last=False, strides=(2, 1)), None),
    # Slices.
    (2, 0.5, None),
    (slice(2, 5), None, slice(1, 4)),
    (slice(None, None, -6), None, None),
    (slice(10, 2, -3), 2, slice(None, None, 2)),
    ([1, 1, 0], None, None),
    (slice(3), None, [2, 0, 3]),
    (slice(3), 0.5, [1, 1, 0]),
    ([4, -1, 0], MATRIX, [3, 0]),
]


def add_transform(bench, number, row):
    selected, transform, part = row
    source = bench.input[selected]
    size = getattr(transform, "size_out", None)
    if isinstance(transform, np.ndarray):
        size = len(transform)
    node = nengo.Node(size_in=int(size or source.size_out) if part is None else 5)
    target = node if part is None else node[part]
    nengo.Connection(source, target, transform=transform, synapse=None)
    bench.record(f"{number} {transform} from {selected} to {part}", node)
