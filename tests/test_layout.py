import numpy as np
import pytest

from bnlib import layout
from bnlib.layout import (
    MANY,
    _add_up,
    _innermost,
    count,
    counted,
    mean_along,
    per_channel,
    reduced_axes,
    sum_to,
)
from tests.strategies import MEMORY, SHAPE


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_every_axis_but_the_channels_is_reduced(ndim):
    assert sorted((*reduced_axes(ndim), 1)) == list(range(ndim))


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_per_channel_puts_each_value_on_its_own_channel(ndim):
    v = np.array([3.0, 4.0, 5.0])
    spread = np.broadcast_to(per_channel(v, ndim), (2, 3, 4, 5, 6)[:ndim])
    for c in range(3):
        assert (spread[:, c] == v[c]).all()


def test_per_channel_takes_no_channels():
    assert per_channel(np.zeros(0), ndim=4).shape == (1, 0, 1, 1)


@pytest.mark.parametrize(
    "shape", [(1, 3, 1, 1), (2, 1, 1, 1), (2, 1, 4, 1), (1, 1, 1, 1), (1, 3, 4, 5), SHAPE]
)
def test_sum_to_is_the_adjoint_of_broadcasting(shape):
    rng = np.random.default_rng(0)
    v, a = rng.integers(-9, 9, shape), rng.integers(-9, 9, SHAPE)  # whole numbers: exact sums
    assert sum_to(a, shape).shape == shape
    assert np.sum(np.broadcast_to(v, SHAPE) * a) == np.sum(v * sum_to(a, shape))


def test_sum_to_the_same_shape_is_a_copy():
    a = np.ones(SHAPE)
    assert not np.shares_memory(sum_to(a, SHAPE), a)


def test_count_multiplies_the_sizes_of_the_axes():
    assert count(SHAPE, (0, 2, 3)) == 40
    assert count((7, 3), (0,)) == 7
    assert count((0, 3, 4, 5), (0, 2, 3)) == 0


# (2, 3, 4): the middle channel counts once, at the last position of the second image.
WHERE = np.zeros((2, 3, 4), bool)
WHERE[0, 0], WHERE[1, 1, 3], WHERE[:, 2, 1:] = True, True, True
NUMBERS = np.arange(24.0).reshape(2, 3, 4)


def test_count_of_some_positions_is_of_each_channel_and_keeps_its_axes():
    assert count((2, 3, 4), (0, 2), WHERE).tolist() == [[[4], [1], [6]]]
    assert count((2, 3, 4), (1, 2), WHERE).tolist() == [[[7]], [[4]]]


def test_mean_along_some_positions_is_of_those_alone():
    zero_elsewhere = NUMBERS * WHERE
    assert mean_along(zero_elsewhere, (0, 2), WHERE).tolist() == [[[1.5], [19], [16]]]
    want = [np.mean(image[here]) for image, here in zip(NUMBERS, WHERE, strict=True)]
    assert mean_along(zero_elsewhere, (1, 2), WHERE).ravel().tolist() == want


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex64])
def test_mean_along_some_positions_stays_in_its_dtype(dtype):
    assert mean_along((NUMBERS * WHERE).astype(dtype), (0, 2), WHERE).dtype == dtype


@pytest.mark.parametrize("value", [7.0, np.nan, np.inf])
def test_counted_is_0_where_no_position_counts_whatever_stands_there(value):
    a = np.where(WHERE, NUMBERS, value)
    assert counted(a, WHERE).tolist() == (NUMBERS * WHERE).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex64, np.int64])
def test_counted_stays_in_its_dtype(dtype):
    assert counted(NUMBERS.astype(dtype), WHERE).dtype == dtype


def test_counted_is_the_array_itself_where_all_positions_count():
    assert counted(NUMBERS, None) is NUMBERS


def test_mean_along_keeps_the_averaged_axes_with_size_1():
    a = np.arange(120.0).reshape(SHAPE)
    assert mean_along(a, (0, 2, 3)).tolist() == [[[[39.5]], [[59.5]], [[79.5]]]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex64, complex])
def test_sums_and_means_stay_in_their_dtype(dtype):
    a = np.ones(SHAPE, dtype)
    assert mean_along(a, (0,)).dtype == sum_to(a, (1, 3, 1, 1)).dtype == dtype


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_sums_and_means_of_integers_are_float64(dtype):
    a = np.ones((2, 3), dtype)
    a[0] = 0
    assert mean_along(a, (0,)).dtype == sum_to(a, (1, 3)).dtype == np.float64
    assert mean_along(a, (0,)).tolist() == [[0.5, 0.5, 0.5]]


def test_a_million_float32_numbers_keep_their_digits():
    a = 1000 + np.random.default_rng(0).standard_normal((1_000_000, 2)).astype(np.float32)
    exact = a.mean(axis=0, keepdims=True, dtype=np.longdouble)
    # One rounding to float32. Added up in float32, the mean is off by 9.
    assert (np.abs(mean_along(a, (0,)) - exact) <= np.spacing(np.float32(1000))).all()
    worst = a.sum(axis=0, dtype=np.longdouble)
    assert (np.abs(sum_to(a, (1, 2)) - worst) <= np.spacing(worst.astype(np.float32))).all()


def test_a_sum_that_float32_cannot_hold_has_a_mean_that_it_can():
    a = np.full((2, 3, 8, 8), 1e37, np.float32)  # 64 of them are more than 3.4e38
    assert (mean_along(a, (0, 2, 3)) == np.float32(1e37)).all()


@pytest.mark.parametrize("axes", [(0, 2, 3), (0, 1, 2, 3)])
def test_a_sum_too_large_for_float32_on_the_way_is_added_up_in_float64(axes):
    a = np.full((2, 3, 90, 90), 3e37, np.float32)
    with np.errstate(all="raise"):
        assert (mean_along(a, axes) == np.float32(3e37)).all()


@pytest.mark.parametrize("order", MEMORY)
def test_the_mean_does_not_depend_on_the_order_in_memory(order):
    a = 1000 + np.random.default_rng(0).standard_normal((64, 3, 40, 40)).astype(np.float32)
    exact = a.mean(axis=(0, 2, 3), keepdims=True, dtype=np.longdouble)
    error = np.abs(mean_along(MEMORY[order](a), (0, 2, 3)) - exact)
    assert (error <= np.spacing(np.float32(1000))).all()  # one after the other, it is off by 7


@pytest.mark.parametrize(
    ("shape", "dtype", "axes_added_up"),
    [
        ((2, 3, MANY), np.float32, [(2,), (0, 2)]),
        ((2, 3, MANY), np.float64, [(0, 2)]),
        ((1, 1, MANY), np.float32, [(0, 2)]),  # too few
    ],
)
def test_large_batches_of_float32_are_added_up_along_the_innermost_axes_first(
    shape, dtype, axes_added_up, monkeypatch
):
    seen, add_up = [], layout._sum

    def noticed(a, axes, *dtype):
        seen.append(axes)
        return add_up(a, axes, *dtype)

    monkeypatch.setattr(layout, "_sum", noticed)
    assert _add_up(np.ones(shape, dtype), (0, 2)).ravel()[0] == shape[0] * shape[2]
    assert seen == axes_added_up


@pytest.mark.parametrize(
    ("ndim", "axes", "inner"),
    [
        (4, (0, 2, 3), (2, 3)),
        (4, (1, 2, 3), (1, 2, 3)),
        (2, (0,), ()),
        (3, (0, 1), ()),
        (1, (), ()),
    ],
)
def test_innermost_axes_are_those_with_no_kept_axis_behind(ndim, axes, inner):
    assert _innermost(ndim, axes) == inner
