"""Random transforms."""

import nengo
import numpy as np
from nengo.transforms import ChannelShape


def repeats(view):
    """Say whether a part of an object holds an element twice."""
    if not isinstance(view, nengo.base.ObjView) or not isinstance(view.slice, list):
        return False
    obj = view.obj
    places = np.arange(max(obj.size_out, obj.size_in))[view.slice]
    return len(np.unique(places)) < len(places)


def transform(dice, size_in, size_out, scale, decoded, matrices):
    """
    Choose a transform between vectors of two sizes.

    ``decoded``: of an ensemble's decoded output, for which Nengo has no sparse ones;
    ``matrices``: whether Nengo allows them (not between parts that hold an element
    twice). None if nothing fits.
    """
    kinds = []
    if size_in == size_out:
        kinds += [_none, _scalar, _vector]
    if matrices:
        kinds += [_matrix, _matrix, _distribution]
    if not decoded:
        kinds += [_sparse]
    return dice.one_of(kinds)(dice, size_in, size_out, scale) if kinds else None


def _none(dice, size_in, size_out, scale):
    return nengo.transforms.NoTransform(size_in)


def _scalar(dice, size_in, size_out, scale):
    return dice.number(-scale, scale)


def _vector(dice, size_in, size_out, scale):
    return dice.numbers(size_in, scale=scale)


def _matrix(dice, size_in, size_out, scale):
    return dice.numbers(size_out, size_in, scale=scale)


def _distribution(dice, size_in, size_out, scale):
    return nengo.dists.Uniform(-scale, scale)


def _sparse(dice, size_in, size_out, scale):
    n = dice.integer(1, size_in * size_out)
    # No place twice: of two entries there Nengo without SciPy keeps one.
    places = dice.rng.permutation(size_in * size_out)[:n]
    indices = np.stack(np.unravel_index(places, (size_out, size_in)), axis=1)
    return nengo.Sparse(
        (size_out, size_in), indices=indices, init=dice.numbers(n, scale=scale)
    )


def convolution(dice, size_in, scale):
    """Choose a convolution of a vector, with one or two spatial axes."""
    divisors = [n for n in range(1, size_in + 1) if size_in % n == 0]
    channels = dice.one_of(divisors)
    spatial = [size_in // channels]
    if dice.chance(50):
        height = dice.one_of([n for n in divisors if spatial[0] % n == 0])
        spatial = [height, spatial[0] // height]
    transposed, last = dice.chance(30), dice.chance(50)
    padding = dice.one_of(["same", "valid"])
    most = 3 if padding == "same" or transposed else 2
    groups = channels if dice.chance(30) and not transposed else 1
    options = {} if transposed else {"groups": groups}
    kind = nengo.ConvolutionTranspose if transposed else nengo.Convolution
    return kind(
        n_filters=groups * dice.integer(1, 2),
        input_shape=ChannelShape.from_space_and_channels(spatial, channels, last),
        kernel_size=tuple(dice.integer(1, min(n, most)) for n in spatial),
        strides=tuple(dice.integer(1, 2) for _ in spatial),
        padding=padding,
        channels_last=last,
        init=nengo.dists.Uniform(-scale, scale),
        **options,
    )
