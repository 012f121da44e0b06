import numpy as np
import pytest
from nengo.builder.operator import Copy
from nengo.builder.signal import Signal
from nengo.exceptions import BuildError

from nengo_dl_ops import CopyBuilder


def vector(n, name="v"):
    return Signal(np.zeros(n), name=name)


def copy(n_src, n_dst, **options):
    return Copy(vector(n_src, "src"), vector(n_dst, "dst"), **options)


def matrices(**options):
    return Copy(vector((3, 2), "src"), vector((3, 2), "dst"), **options)


def same_target():
    """Add two signals to one target."""
    dst = vector(4)
    return [Copy(vector(4), dst, inc=True) for _ in range(2)]


def views():
    src, dst = vector(6), vector((4, 2))
    return [Copy(src[1:5][...], dst[:, 1]), Copy(src[2:], dst[:, 0])]


CASES = {
    "copy": lambda: [copy(3, 3)],
    "merged": lambda: [copy(3, 3), copy(1, 1), copy(4, 4)],
    "increments": lambda: [copy(3, 3, inc=True), copy(2, 2, inc=True)],
    "one target": same_target,
    "views": views,
    "from slice": lambda: [copy(5, 3, src_slice=slice(1, 4))],
    "to slice": lambda: [copy(3, 5, dst_slice=slice(None, None, 2))],
    "backwards": lambda: [copy(4, 4, src_slice=slice(None, None, -1))],
    "from list": lambda: [copy(3, 4, src_slice=[2, 2, 0, 1])],
    "to list": lambda: [copy(2, 4, dst_slice=[3, 1])],
    "both": lambda: [
        copy(4, 4, src_slice=[0, 2], dst_slice=slice(2, 4)),
        copy(3, 5, src_slice=slice(1, None), dst_slice=[4, 0]),
    ],
    "add to slice": lambda: [copy(2, 5, dst_slice=slice(1, 3), inc=True)],
    "add views": lambda: [Copy(vector(6)[::3], vector(5)[-2:], inc=True)],
    "broadcast": lambda: [copy(1, 3), copy(1, 3, inc=False)],
    "matrices": lambda: [matrices(), matrices()],
    "add matrices": lambda: [matrices(inc=True)],
    "other shapes": lambda: [
        matrices(),
        copy(3, 3),
        Copy(vector((1, 4)), vector((1, 4))),
    ],
}


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_as_nengo(make, compare):
    compare(make())


def test_repeated_targets_of_an_increment_add_up(build):
    group = build([copy(3, 2, dst_slice=[0, 1, 0], inc=True)], dtype="float64")
    src, dst = group.ops[0].src, group.ops[0].dst
    values = group({src: np.array([[1.0], [2], [3]]), dst: np.array([[10.0], [20]])})
    np.testing.assert_array_equal(values[dst], [[14], [22]])


def test_repeated_targets_of_a_copy_are_refused(build):
    with pytest.raises(BuildError, match="dst_slice"):
        build([copy(2, 3, dst_slice=[1, 1])])


def test_shapes_that_do_not_fit_are_refused(build):
    with pytest.raises(BuildError, match=r"shape \(2,\) .* target of shape \(3,\)"):
        build([copy(2, 3)])


def test_vectors_do_not_join_matrices():
    """They would be moved along with them whenever something is added."""
    ops = [matrices(inc=True), copy(3, 3, inc=True)]
    assert len({CopyBuilder.merge_key(op) for op in ops}) == 2
    ops = [matrices(), copy(3, 3)]
    assert len({CopyBuilder.merge_key(op) for op in ops}) == 1
