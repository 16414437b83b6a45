import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from bnlib.statistics import batch_statistics, centred_moments
from tests.strategies import SHAPE, cases, random_case

X = random_case().x


def channel_lists(x):
    """Return each channel's numbers as exact fractions."""
    return [[Fraction(float(v)) for v in x[:, c].ravel()] for c in range(x.shape[1])]


@settings(max_examples=50)
@given(cases())
def test_mean_and_variance_are_those_of_pythons_own_statistics(case):
    mean, var, m = batch_statistics(case.x)
    for c, values in enumerate(channel_lists(case.x)):
        exact_mean, exact_var = statistics.mean(values), statistics.pvariance(values)
        assert m == len(values)
        assert abs(mean[c] - exact_mean) <= np.spacing(np.abs(case.x).max())
        # Rounding x - mean moves a deviation by up to half a spacing, but only where it is large.
        assert abs(var[c] - exact_var) <= 1e-14 * exact_var


def test_the_variance_is_the_biased_one():
    assert batch_statistics([[1.0], [2.0], [6.0]]) == (3, pytest.approx(14 / 3, rel=1e-15), 3)


@pytest.mark.parametrize("offset", [0, 1e4, 1e8, 1e12])
def test_the_variance_survives_an_offset(offset):
    x = offset + np.random.default_rng(0).standard_normal((50, 2))
    for var, values in zip(batch_statistics(x).var, channel_lists(x), strict=True):
        exact = statistics.pvariance(values)
        assert abs(var - exact) <= 1e-14 * exact  # rounding; E[x^2] - E[x]^2 has no digit left


def test_one_value_per_channel_has_variance_zero():
    mean, var, m = batch_statistics([[3.0, 4.0]])
    assert (mean.tolist(), var.tolist(), m) == ([3, 4], [0, 0], 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_statistics_are_in_the_batchs_dtype(dtype):
    mean, var, m = batch_statistics(X.astype(dtype))
    assert mean.dtype == var.dtype == dtype
    assert type(m) is int


@pytest.mark.parametrize("byteorder", "<>")
def test_statistics_of_float16_are_float32_and_do_not_overflow(byteorder):
    x = np.array([[-60000.0], [60000.0]], byteorder + "f2")
    mean, var, _ = batch_statistics(x)
    assert var.dtype == np.float32
    # 60000 is not a float16; the nearest one is 59968 or 60000, squared beyond 65504 either way.
    assert (mean, var) == (0, np.float32(x[1, 0]) ** 2)


def test_nan_and_infinity_stay_in_their_channel():
    x = X.copy()
    x[0, 1, 0, 0], x[1, 2, 0, 0] = np.nan, np.inf
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        mean, var, _ = batch_statistics(x)
    assert np.isnan(mean).tolist() == np.isnan(var).tolist() == [False, True, True]
    assert (mean[0], var[0]) == (batch_statistics(X).mean[0], batch_statistics(X).var[0])


def test_statistics_share_no_memory_with_the_batch_or_each_other():
    x = X[:1, :, :1, :1]  # one value per channel: a mean without a sum would be a view
    mean, var, _ = batch_statistics(x)
    assert not any(np.shares_memory(*pair) for pair in ((mean, x), (var, x), (mean, var)))


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2, 3), (1, 2, 3), (2, 3), (0, 1, 2, 3)])
def test_deviations_sum_to_zero_and_their_mean_square_is_the_variance(axes):
    mean, deviations, var = centred_moments(X + 1e6, axes)
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(SHAPE))
    assert mean.shape == var.shape == kept
    # A spacing of the deviations, not of the million: the second centring has removed that.
    assert np.abs(deviations.mean(axis=axes)).max() < 1e-14
    np.testing.assert_allclose((deviations**2).mean(axis=axes, keepdims=True), var, rtol=1e-14)
    np.testing.assert_allclose(mean + deviations, X + 1e6, rtol=1e-15)


def test_the_variance_is_analytic():
    # (u + iv)^2 has mean 2uv i where u and v correlate; abs() would have made it real.
    x = np.array([[1 + 1j], [-1 - 1j]])
    assert centred_moments(x, (0,))[2] == 2j


def test_a_constant_channel_has_variance_zero_exactly():
    for value in (0.1, 1e6 / 3, 1e-300, -7e15):
        mean, var, _ = batch_statistics(np.full((7, 1, 11, 13), value))
        assert (mean, var) == (value, 0)
    x = np.full((100_000, 3), 10_000.1, np.float32)  # added up in float32: mean 9997
    assert batch_statistics(x).var.tolist() == [0, 0, 0]


# Only some positions count

WHERE = np.random.default_rng(1).random(SHAPE) < 0.6


def counting(x, where):
    """Return each channel's numbers that count, as exact fractions."""
    return [[Fraction(float(v)) for v in x[:, c][where[:, c]]] for c in range(x.shape[1])]


@pytest.mark.parametrize("offset", [0, 1e4, 1e8, 1e12])
@pytest.mark.parametrize("elsewhere", [0.0, -1e3, np.nan, np.inf])
def test_masked_statistics_are_those_of_the_positions_that_count(offset, elsewhere):
    x = np.where(WHERE, X + offset, elsewhere)
    mean, var, m = batch_statistics(x, where=WHERE)
    for c, values in enumerate(counting(x, WHERE)):
        exact = statistics.pvariance(values)
        assert m[c] == len(values)
        assert abs(mean[c] - statistics.mean(values)) <= np.spacing(offset + 30)
        assert abs(var[c] - exact) <= 1e-14 * exact


def test_masked_deviations_are_0_where_a_position_does_not_count():
    x = np.where(WHERE, X + 1e6, np.nan)
    mean, deviations, var = centred_moments(x, (0, 2, 3), WHERE)
    assert (deviations[~WHERE] == 0).all()
    np.testing.assert_allclose((mean + deviations)[WHERE], x[WHERE], rtol=1e-15)
    m = WHERE.sum(axis=(0, 2, 3))
    assert np.abs(deviations.sum(axis=(0, 2, 3)) / m).max() < 1e-14
    np.testing.assert_allclose(var.ravel(), (deviations**2).sum(axis=(0, 2, 3)) / m, rtol=1e-14)


def test_a_mask_of_size_1_along_an_axis_is_the_same_along_it():
    where = np.array([True, False, True, True])[:, None]  # rows that count, for all positions
    got = batch_statistics(X, where=np.broadcast_to(where, (1, 1, 4, 1)))
    want = batch_statistics(X[:, :, [0, 2, 3]])
    assert got.count.tolist() == [want.count] * 3 == [30] * 3
    np.testing.assert_allclose(got.mean, want.mean, rtol=1e-15)
    np.testing.assert_allclose(got.var, want.var, rtol=1e-14)


def test_one_position_that_counts_is_enough_for_statistics():
    where = np.zeros(SHAPE, bool)
    where[1, :, 2, 3] = True
    mean, var, m = batch_statistics(X, where=where)
    assert (mean == X[1, :, 2, 3]).all()
    assert (var.tolist(), m.tolist()) == ([0, 0, 0], [1, 1, 1])
    where[1, 2] = False
    with pytest.raises(ValueError, match="where must leave 1 values or more of x in channel 2"):
        batch_statistics(X, where=where)


def test_an_empty_batch_has_no_statistics():
    with pytest.raises(ValueError, match="x is an empty batch"):
        batch_statistics(np.ones((0, 3)))
