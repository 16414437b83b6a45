"""In which unit a batch is measured, when it is measured in one, and what is said of it then."""

import numpy as np
import pytest

from bnlib.statistics import _range, centred_moments, moments, ordinary, true_variance, unit_of
from tests.strategies import SHAPE, random_case

X = random_case().x
AXES = (0, 2, 3)
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


class NoArray:
    """Refuses every question: an array that is not computed yet would begin to work."""

    def __getattr__(self, name):
        raise AssertionError(f"asked for {name}")


# The range in which variances are ordinary


@pytest.mark.parametrize(
    ("dtype", "least", "most"),
    [
        (np.float16, 2.0**-14 * 2**10, 65504 / 2**10),
        (np.float32, 2.0**-126 * 2**23, (2 - 2.0**-23) * 2.0 ** (127 - 23)),
        (np.float64, 2.0**-1022 * 2**52, (2 - 2.0**-52) * 2.0 ** (1023 - 52)),
    ],
)
def test_the_range_keeps_all_digits_of_the_dtype_from_both_of_its_ends(dtype, least, most):
    assert _range(np.dtype(dtype)) == (least, most)


def test_the_range_of_complex_numbers_is_that_of_their_parts():
    assert _range(np.dtype(np.complex64)) == _range(FLOAT32)


def test_longdouble_has_float64s_range_whose_ends_are_python_floats():
    assert _range(np.dtype(np.longdouble)) == _range(FLOAT64)
    assert {type(end) for end in _range(np.dtype(np.longdouble))} == {float}


BEYOND = {
    "nan": np.nan,
    "infinity": np.inf,
    "negative": -1e-30,
    "too small": np.nextafter(_range(FLOAT32)[0], 0),
    "too large": np.nextafter(_range(FLOAT32)[1], np.inf),
}


@pytest.mark.parametrize("number", [1, 2, 63, 64, 65, 200])
@pytest.mark.parametrize("beyond", BEYOND)
def test_one_variance_beyond_the_range_is_not_ordinary_wherever_it_stands(number, beyond):
    for place in {0, number // 2, number - 1}:
        var = np.full(number, 4.0)
        assert ordinary(var, 0.0, FLOAT32)
        var[place] = BEYOND[beyond]
        assert not ordinary(var, 0.0, FLOAT32)


@pytest.mark.parametrize("number", [1, 64])
def test_the_ends_of_the_range_are_ordinary(number):
    least, most = _range(FLOAT64)
    assert ordinary(np.full(number, least), 0.0, FLOAT64)
    assert ordinary(np.array([most]), 0.0, FLOAT64)
    assert ordinary(np.r_[most, np.zeros(70)], least, FLOAT64)


def test_eps_makes_small_variances_ordinary():
    least, _ = _range(FLOAT32)
    for var in (np.array([0.0, 4.0]), np.array([least / 2])):
        assert not ordinary(var, 0.0, FLOAT32)
        assert ordinary(var, least, FLOAT32)


def test_variances_of_any_shape_are_looked_at():
    assert ordinary(np.full((2, 3, 1, 1), 4.0), 0.0, FLOAT32)
    assert not ordinary(np.array([[[4.0]], [[np.inf]]]), 0.0, FLOAT32)


def test_no_variances_at_all_are_ordinary():
    assert ordinary(np.ones((1, 0, 1)), 0.0, FLOAT32) is True


def test_arrays_of_other_libraries_are_ordinary_without_a_look():
    assert ordinary(NoArray(), 0.0, FLOAT32) is True


# The unit of each channel


def unit(columns, var, eps=0.0, dtype=FLOAT64, **options):
    """Return the units of these channels, of so many numbers each, as a list or None."""
    x = np.array(columns, dtype).T
    found = unit_of(x, (0,), np.array([var], dtype), eps, **options)
    if found is None:
        return None
    assert found.shape == (1, x.shape[1])
    assert found.dtype == dtype
    return found[0].tolist()


INF, NAN = np.inf, np.nan
LEAST, MOST = _range(FLOAT64)


@pytest.mark.parametrize(
    ("channel", "var", "want"),
    [
        ([2.0**600, 0], INF, 2.0**601),
        ([-(2.0**600), 2.0**400], INF, 2.0**601),  # its largest number is negative
        ([2.0**600, 2.0**599], INF, 2.0**601),
        ([-(2.0**-600), 0], 0, 2.0**-599),
        ([1.7e308, -1.7e308], NAN, 2.0**996),  # 2^1024 is no number, and 2^-1024 has few digits
        ([5e-324, 0], 0, 2.0**-996),
    ],
)
def test_a_unit_is_the_power_of_two_above_the_channels_largest_number(channel, var, want):
    ordinary_channel = [1.0, 2.0]
    assert unit([ordinary_channel, channel], [0.25, var]) == [1, want]


@pytest.mark.parametrize(("size", "var"), [(3e38, INF), (1e-45, 0)])
def test_the_inverse_of_a_unit_is_a_number_in_float32_too(size, var):
    (found,) = unit([[size, 0]], [var], dtype=FLOAT32)
    assert found == 2.0 ** (100 if size > 1 else -100)


def test_float32_is_measured_in_its_own_range():
    assert unit([[1e20, 0]], [INF], dtype=FLOAT32) == [2.0**67]
    assert unit([[1e20, 0]], [2.5e39]) is None


def test_a_channel_is_measured_in_a_unit_only_beyond_the_range():
    below, above = np.nextafter(LEAST, 0), np.nextafter(MOST, INF)
    channels = [[2.0**300, 0]] * 4
    assert unit(channels, [LEAST, MOST, below, above]) == [1, 1, 2.0**301, 2.0**301]


def test_eps_is_part_of_what_must_be_within_the_range():
    tiny, huge = [2.0**-600, 0], [2.0**600, 0]
    assert unit([tiny, huge], [0, INF], eps=1e-5) == [1, 2.0**601]
    of_eps = 2.0 ** np.frexp(MOST**0.5)[1]
    assert unit([tiny, huge], [MOST / 2, INF], eps=MOST) == [of_eps, 2.0**601]


def test_the_root_of_eps_may_be_the_unit():
    assert unit([[2.0**-600, 0]], [0], eps=2.0**-1010) == [2.0**-504]
    assert unit([[2.0**-400, 0]], [0], eps=2.0**-1010) == [2.0**-399]


def test_constant_channels_keep_eps_in_their_unit():
    varied = [2.0**600, 0]
    assert unit([[2.0**-600] * 2, varied], [0, INF]) == [1, 2.0**601]  # it has lost nothing
    assert unit([[2.0**1023] * 2, varied], [INF, INF]) == [2.0**64, 2.0**601]  # but its sum
    assert unit([[2.0**-600] * 2], [NAN]) == [2.0**-64]


def test_without_centring_constant_channels_are_as_any_other():
    assert unit([[2.0**-600] * 2], [0], centred=False) == [2.0**-599]
    assert unit([[2.0**600] * 2], [INF], centred=False) == [2.0**601]


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_channels_with_nan_or_infinity_are_measured_in_units_of_one(value):
    assert unit([[value, 0], [2.0**600, 0]], [NAN, INF]) == [1, 2.0**601]
    assert unit([[value, 0], [1.0, 0]], [NAN, 0.25]) is None


def test_positions_that_do_not_count_choose_no_unit():
    where = np.array([[True, True], [True, True], [False, False], [False, False]])
    channels = [[2.0**600, 0, INF, 2.0**900], [-(2.0**700), 0, -INF, NAN]]
    assert unit(channels, [INF, INF], where=where) == [2.0**601, 2.0**701]


def test_ordinary_batches_and_complex_numbers_have_no_unit():
    assert unit([[2.0**600, 0]], [4]) is None
    assert unit_of(np.array([[1e200 + 0j], [0]]), (0,), np.array([[INF + 0j]]), 0.0) is None


# Moments in a unit


@pytest.mark.parametrize("exponent", [600, 900, -600, -900])
@pytest.mark.parametrize("axes", [AXES, (1, 2, 3)])
def test_moments_are_the_same_digits_in_every_unit(exponent, axes):
    mean, deviations, var = centred_moments(X, axes)
    with np.errstate(all="raise", under="ignore"):
        got = moments(X * 2.0**exponent, axes)
    factor = 2.0**exponent / got[3]
    assert (got[0] == mean * 2.0**exponent).all()
    assert (got[1] == deviations * factor).all()
    assert (got[2] == var * factor * factor).all()


def test_moments_of_an_ordinary_batch_are_the_centred_ones_in_no_unit():
    got = moments(X, AXES)
    assert got[3] is None
    assert all((a == b).all() for a, b in zip(got[:3], centred_moments(X, AXES), strict=True))


@pytest.mark.parametrize("exponent", [0, 600, -600])
def test_without_centring_there_is_no_mean_and_the_variance_is_the_mean_square(exponent):
    mean, numbers, var, found = moments(X * 2.0**exponent, AXES, centred=False)
    factor = 1 if exponent == 0 else 2.0**exponent / found
    assert mean is None
    assert (found is None) == (exponent == 0)
    assert (numbers == X * factor).all()
    np.testing.assert_allclose(var / factor**2, (X * X).mean(AXES, keepdims=True), rtol=1e-14)


@pytest.mark.parametrize("exponent", [600, -600])
def test_without_centring_constant_numbers_are_measured_in_their_own_unit(exponent):
    _, numbers, var, found = moments(np.full((4, 1), 2.0**exponent), (0,), centred=False)
    assert found == 2.0 ** (exponent + 1)
    assert (numbers == 0.5).all()
    assert var == 0.25


def test_without_centring_the_numbers_are_a_copy():
    _, numbers, _, _ = moments(X, AXES, centred=False)
    assert not np.shares_memory(numbers, X)


def test_without_centring_only_the_positions_that_count_are_seen():
    where = X > 8
    mean, numbers, var, _ = moments(np.where(where, X, NAN), AXES, 0.0, where, centred=False)
    assert mean is None
    assert (numbers == np.where(where, X, 0)).all()
    want = [np.mean(X[:, c][where[:, c]] ** 2) for c in range(SHAPE[1])]
    np.testing.assert_allclose(var.ravel(), want, rtol=1e-14)


def test_eps_chooses_the_unit_of_moments():
    small = X * 2.0**-600
    assert moments(small, AXES, eps=1.0)[3] is None
    assert (moments(small, AXES, eps=2.0**-1010)[3] == 2.0**-504).all()


@pytest.mark.parametrize("size", [1, 2.0**600])
def test_moments_of_some_positions_see_no_others(size):
    where = X > 8
    mean, deviations, var, _ = moments(np.where(where, X * size, NAN), AXES, where=where)
    for c in range(SHAPE[1]):
        right = centred_moments(X[:, c][where[:, c]][:, None], (0,))
        np.testing.assert_allclose(mean[0, c] / size, right[0][0, 0], rtol=1e-15)
    assert (deviations[~where] == 0).all()
    assert np.isfinite(var).all()


# The variance as a number


def test_a_true_variance_is_in_units_of_one_and_at_least_float64():
    var, unit = np.array([0.25, 3, 0], np.float32), np.array([2.0**90, 1, 2.0**-100], np.float32)
    true = true_variance(var, unit)
    assert true.tolist() == [2.0**178, 3, 0]
    assert true.dtype == np.float64
    assert true_variance(var.astype(np.longdouble), unit).dtype == np.longdouble


def test_a_variance_in_no_unit_is_itself():
    var = np.array([0.25], np.float32)
    assert true_variance(var, None) is var


@pytest.mark.parametrize(
    ("var", "unit"),
    [(0.5, 2.0**512), (1.0, 2.0**-511), (4.0, 2.0**-512), (0.0, 2.0**-900), (NAN, 2.0**900)],
)
def test_variances_within_float64_and_what_never_was_a_number_are_kept(var, unit):
    true = true_variance(np.array([var]), np.array([unit]))
    np.testing.assert_array_equal(true, [var * unit * unit])


@pytest.mark.parametrize(("var", "unit"), [(1.0, 2.0**512), (0.5, 2.0**-511), (4.0, 2.0**-900)])
def test_a_variance_beyond_float64_is_refused_without_a_warning(var, unit):
    variances, units = np.array([1.0, INF, var]), np.array([1.0, 1.0, unit])
    with (
        np.errstate(over="raise"),
        pytest.raises(ValueError, match="variance, number 2, that float64 cannot hold"),
    ):
        true_variance(variances, units)
