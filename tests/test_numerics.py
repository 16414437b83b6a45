"""How exact the layer is far from zero, and that the tests would see less exact ways.

Training in float32 and float16 is in test_layers.py; here is what lies around it.
"""

from dataclasses import replace

import numpy as np
import pytest

from bnlib.conventions import PYTORCH
from bnlib.layers import batchnorm_backward, batchnorm_forward, batchnorm_inference
from bnlib.layout import mean_along
from bnlib.running import RunningStatistics
from bnlib.statistics import batch_statistics

OFFSETS = [0.0, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7]
AXES = (0, 2, 3)
EPS = 1e-5
BOUND = 1e-6  # |y| is up to 4: two spacings of float32
GAMMA, BETA = np.ones(3), np.zeros(3)
every_offset = pytest.mark.parametrize("offset", OFFSETS)


def batch(offset, dtype=np.float32):
    """Return feature maps with standard deviation 1 around the offset."""
    return (np.random.default_rng(0).standard_normal((16, 3, 16, 16)) + offset).astype(dtype)


def exact(x, eps=EPS):
    """Return xhat and statistics (C,) of the same numbers, centred twice in long double."""
    x = x.astype(np.longdouble)
    mean = x.mean(axis=AXES, keepdims=True)
    slip = (x - mean).mean(axis=AXES, keepdims=True)
    deviations = x - mean - slip
    var = (deviations**2).mean(axis=AXES, keepdims=True)
    results = (deviations / np.sqrt(var + eps), (mean + slip).ravel(), var.ravel())
    return tuple(a.astype(np.float64) for a in results)


# Other ways to the same xhat, in the dtype of x


def one_pass(x):
    mean, square = mean_along(x, AXES), mean_along(x * x, AXES)
    return (x - mean) / np.sqrt(np.maximum(square - mean * mean, 0) + x.dtype.type(EPS))


def centred_once(x):
    deviations = x - mean_along(x, AXES)
    return deviations / np.sqrt(mean_along(deviations * deviations, AXES) + x.dtype.type(EPS))


def welford(x):
    values = np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])
    mean, m2 = np.zeros_like(values[0]), np.zeros_like(values[0])
    for count, value in enumerate(values, start=1):
        delta = value - mean
        mean = mean + delta / x.dtype.type(count)
        m2 = m2 + delta * (value - mean)
    var = (m2 / x.dtype.type(len(values))).reshape(-1, 1, 1)
    return (x - mean.reshape(-1, 1, 1)) / np.sqrt(var + x.dtype.type(EPS))


@pytest.mark.parametrize(("other", "loss"), [(one_pass, 1), (centred_once, 1e-4), (welford, 1e-4)])
def test_other_ways_miss_the_bound_at_an_offset_of_10_000(other, loss):
    x = batch(1e4)
    xhat, _, _ = exact(x)
    y, _ = batchnorm_forward(x, GAMMA, BETA, eps=EPS)
    assert np.abs(y - xhat).max() < BOUND
    assert np.abs(other(x) - xhat).max() > loss
    assert np.abs(other(batch(0.0)) - exact(batch(0.0))[0]).max() < 3 * BOUND  # no mistake else


@every_offset
def test_gradients_in_float32_are_those_of_float64_at_any_offset(offset):
    x = batch(offset)
    dout = np.random.default_rng(1).standard_normal(x.shape).astype(np.float32)
    gamma = np.array([1.5, -0.5, 3.0])
    narrow, wide = (
        batchnorm_backward(dout, batchnorm_forward(v, gamma, BETA)[1])
        for v in (x, x.astype(np.float64))
    )
    # dx is up to 12, and rounded in three places. A sum has 4096 terms of up to 16, or 4, each
    # rounded once; of such errors about the square root adds up.
    for got, right, size in zip(narrow, wide, (3 * 12, 64 * 16, 64 * 4), strict=True):
        assert np.abs(got - right).max() < size * 2**-24


@every_offset
def test_inference_in_float32_uses_all_digits_of_a_float64_mean(offset):
    x = batch(offset)
    xhat, mean, var = exact(x)
    y = batchnorm_inference(x, GAMMA, BETA, mean, var, eps=EPS)
    assert y.dtype == np.float32
    assert np.abs(y - xhat).max() < BOUND


def test_inference_with_a_mean_in_float32_could_not_be_as_exact():
    x = batch(1e7)
    xhat, mean, var = exact(x)
    y = batchnorm_inference(x, GAMMA, BETA, mean.astype(np.float32), var, eps=EPS)
    assert np.abs(y - xhat).max() > 1e3 * BOUND  # by chance 0.007 here; 0.5 is possible


@every_offset
def test_evaluation_after_one_float32_batch_gives_what_training_gave(offset):
    x = batch(offset)
    convention = replace(PYTORCH, momentum=1.0, divisor="m")
    running = RunningStatistics.initial(3, convention).update(x, convention)
    y = batchnorm_inference(x, GAMMA, BETA, **running.for_inference(convention))
    trained, _ = batchnorm_forward(x, GAMMA, BETA, eps=convention.eps)
    assert np.abs(y - trained).max() < 2 * BOUND  # each is within the bound of the right answer


@pytest.mark.parametrize("offset", [0, 10, 1000])
def test_float16_inference_is_as_exact_as_its_rounding(offset):
    x = batch(offset, np.float16)
    xhat, mean, var = exact(x)
    gamma, beta = np.array([1.5, -0.5, 3.0]), np.array([0.25, 7.0, -2.0])
    y = batchnorm_inference(x, gamma, beta, mean, var, eps=EPS)
    right = gamma.reshape(-1, 1, 1) * xhat + beta.reshape(-1, 1, 1)
    spacing = np.spacing(np.abs(right).astype(np.float16)).astype(np.float64)
    assert y.dtype == np.float16
    # Half a spacing is the rounding at the end; 1e-6 is the float32 before it, seen where y is
    # nearly zero.
    assert (np.abs(y - right) <= 0.51 * spacing + 1e-6).all()


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_statistics_of_a_million_float32_rows_are_exact_to_float32(offset):
    x = (np.random.default_rng(0).standard_normal((1_000_000, 2)) + offset).astype(np.float32)
    mean, var, _ = batch_statistics(x)
    wide = x.astype(np.float64)
    right = wide.mean(axis=0)
    assert np.abs(mean - right).max() <= np.spacing(np.float32(max(offset, 1)))
    np.testing.assert_allclose(var, wide.var(axis=0), rtol=1.2e-7)  # one spacing of float32
    # NumPy adds up float32 row by row. At 10,000 the mean is then 130 off.
    assert offset == 0 or np.abs(x.mean(axis=0) - right).max() > 100
