"""Numbers of other people's notebooks and issue threads, reproduced and explained.

np.random.RandomState(231) is NumPy's legacy generator, np.random.seed(231) in the originals.
"""

import numpy as np
import pytest

import bnlib
from bnlib import cs231n
from bnlib.cs231n import eval_numerical_gradient_array, rel_error

AXES = (0, 2, 3)
DIGITS = 5e-9  # half a unit of the last printed digit


def forward(x, gamma=(1, 1, 1), beta=(0, 0, 0), eps=1e-5):
    return bnlib.spatial_batchnorm_forward(x, gamma, beta, eps=eps)[0]


def stds(x):
    return x.std(axis=AXES)


@pytest.fixture
def course_batch():
    return 4 * np.random.RandomState(231).randn(2, 3, 4, 5) + 10


def test_the_courses_spatial_forward_before(course_batch):
    mean, var, _ = bnlib.batch_statistics(course_batch)
    np.testing.assert_allclose(mean, [9.33463814, 8.90909116, 9.11056338], rtol=0, atol=DIGITS)
    np.testing.assert_allclose(
        np.sqrt(var), [3.61447857, 3.19347686, 3.5168142], rtol=0, atol=DIGITS
    )


def test_the_courses_spatial_forward_after(course_batch):
    y = forward(course_batch)
    np.testing.assert_allclose(y.mean(axis=AXES), 0, atol=1e-14)
    np.testing.assert_allclose(stds(y), [0.99999962, 0.99999951, 0.9999996], rtol=0, atol=DIGITS)
    y = forward(course_batch, gamma=[3, 4, 5], beta=[6, 7, 8])
    np.testing.assert_allclose(y.mean(axis=AXES), [6, 7, 8], rtol=1e-14)
    expected = [2.99999885, 3.99999804, 4.99999798]
    np.testing.assert_allclose(stds(y), expected, rtol=0, atol=DIGITS)


@pytest.mark.parametrize(
    ("h", "sizes"), [(1e-5, (2.8e-7, 7e-12, 3e-12)), (1e-3, (2.5e-9, 7e-12, 3e-12))]
)
def test_the_courses_spatial_gradient(h, sizes):
    rng = np.random.RandomState(231)
    x = 5 * rng.randn(2, 3, 4, 5) + 12
    gamma, beta, dout = rng.randn(3), rng.randn(3), rng.randn(2, 3, 4, 5)

    def out(x, gamma, beta):
        return cs231n.spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})[0]

    _, cache = cs231n.spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})
    gradients = cs231n.spatial_batchnorm_backward(dout, cache)
    numerical = (
        eval_numerical_gradient_array(lambda x: out(x, gamma, beta), x, dout, h),
        eval_numerical_gradient_array(lambda g: out(x, g, beta), gamma, dout, h),
        eval_numerical_gradient_array(lambda b: out(x, gamma, b), beta, dout, h),
    )
    for analytic, judge, size in zip(gradients, numerical, sizes, strict=True):
        assert rel_error(analytic, judge) < 3 * size  # rounding over h: its size, not its digits


def test_the_originals_2e_07_is_an_eps_mismatch(course_batch):
    # rel_error halves the relative difference, and 1 / sqrt(var + eps) halves that of var + eps.
    predicted = (1e-5 - 1e-7) / (4 * course_batch.var(axis=AXES).min())
    found = rel_error(forward(course_batch, eps=1e-5), forward(course_batch, eps=1e-7))
    assert found == pytest.approx(predicted, rel=2e-6)  # the next term is eps / var, 1e-6
    # Its own data are lost. They were drawn alike, and 2.16160744521e-07 needs a channel with a
    # standard deviation of 3.38 where 4 was drawn from: 1.4 standard errors of 4 / sqrt(2 * 40).
    needed = np.sqrt((1e-5 - 1e-7) / (4 * 2.16160744521e-07))
    assert 3.38 < needed < 3.39
    assert abs(needed - 4) < 2 * 4 / np.sqrt(2 * 40)


def test_rounding_alone_is_a_million_times_smaller(course_batch):
    plain = (course_batch - course_batch.mean(axis=AXES, keepdims=True)) / np.sqrt(
        course_batch.var(axis=AXES, keepdims=True) + 1e-5
    )
    # Some spacings of x, 1e-15, over the smallest |y|, which is about 0.01.
    assert rel_error(forward(course_batch), plain) < 2e-13


@pytest.mark.parametrize(
    ("eps", "expected"),
    [
        (1e-7, ["2.99999999", "3.99999999", "4.99999999"]),  # what the original shows
        (1e-5, ["2.99999941", "3.99999856", "4.99999869"]),  # what eps = 1e-5 would have shown
    ],
)
def test_the_originals_stds_come_from_eps_1e_7(course_batch, eps, expected):
    # A batch with the standard deviations that the original prints before normalization.
    before = np.array([5.02652078, 3.73102912, 4.3636944]).reshape(1, 3, 1, 1)
    x = 9 + before * forward(course_batch, eps=0)
    found = stds(forward(x, gamma=[3, 4, 5], beta=[6, 7, 8], eps=eps))
    assert [f"{std:.8f}" for std in found] == expected


def test_pytorch_issue_60528():
    n, l = np.indices((4, 4))  # noqa: E741
    x = np.random.RandomState(0).randn(4, 3, 4)
    x[:, 0] = n + l + 1
    y, cache = bnlib.batchnorm_forward(x, np.ones(3), np.zeros(3))
    # Four printed digits; eps moves the first by 4e-6.
    np.testing.assert_allclose(y[0, 0], [-1.8974, -1.2649, -0.6325, 0], rtol=0, atol=5e-5)
    mean, var, m = cache.statistics
    assert (mean[0], var[0], m) == (4, 2.5, 16)
    assert 0.9 * 1 + 0.1 * var[0] == pytest.approx(1.15)
    assert 0.9 * 1 + 0.1 * var[0] * m / (m - 1) == pytest.approx(1.16667, abs=5e-6)


def test_the_one_pass_variance_that_is_not_used_here_fails_in_float32():
    x = (1e4 + np.random.default_rng(0).standard_normal((16, 3, 16, 16))).astype(np.float32)
    one_pass = (x * x).mean(axis=AXES) - x.mean(axis=AXES) ** 2
    assert np.abs(one_pass - 1).max() > 1
    exact = x.astype(np.float64).var(axis=AXES)
    np.testing.assert_allclose(bnlib.batch_statistics(x).var, exact, rtol=1e-6)  # float32


def test_sums_of_y_and_of_its_square_judge_nothing(course_batch):
    y, cache = bnlib.spatial_batchnorm_forward(course_batch, np.ones(3), np.zeros(3))
    of_sum, _, _ = bnlib.spatial_batchnorm_backward(np.ones_like(y), cache)
    of_squares, _, _ = bnlib.spatial_batchnorm_backward(2 * y, cache)
    assert np.abs(of_sum).max() < 1e-15  # rounding of zero
    assert np.abs(of_squares).max() < 1e-5  # of order eps
