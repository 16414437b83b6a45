"""The loops judge everything else, so they are judged by exact fractions and by hand."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from bnlib import gradcheck, reference
from tests.strategies import random_case

CASE = random_case(offset=2.0, scale=4.0)
EPS = 1e-5


def exact_xhat(x, c, eps=EPS):
    """Return the normalized numbers of channel c with 50 digits, as decimals."""
    values = [Fraction(float(v)) for v in x[:, c].ravel()]
    mean = sum(values) / len(values)
    var = sum((v - mean) ** 2 for v in values) / len(values) + Fraction(eps)
    with localcontext(prec=50):
        std = (Decimal(var.numerator) / Decimal(var.denominator)).sqrt()
        return [Decimal((v - mean).numerator) / (v - mean).denominator / std for v in values]


def test_forward_is_exact_to_rounding():
    x, gamma, beta, _ = CASE
    y = reference.batchnorm_forward(x, gamma, beta, EPS)
    for c in range(3):
        exact = [float(gamma[c]) * float(v) + float(beta[c]) for v in exact_xhat(x, c)]
        np.testing.assert_allclose(y[:, c].ravel(), exact, rtol=0, atol=2e-15)  # |y| up to 8


def test_forward_of_three_numbers_by_hand():
    # mean 3, variance (4 + 1 + 9) / 3 = 14/3
    y = reference.batchnorm_forward([[1], [2], [6]], [3], [10], eps=14 / 3)
    np.testing.assert_allclose(y, 10 + 3 * np.array([[-2], [-1], [3]]) / np.sqrt(28 / 3))


def test_backward_is_the_complex_step_of_the_forward():
    x, gamma, beta, dout = CASE
    gradients = reference.batchnorm_backward(dout, x, gamma, EPS)
    judges = (
        lambda x: reference.batchnorm_forward(x, gamma, beta, EPS),
        lambda gamma: reference.batchnorm_forward(x, gamma, beta, EPS),
        lambda beta: reference.batchnorm_forward(x, gamma, beta, EPS),
    )
    for gradient, f, at in zip(gradients, judges, (x, gamma, beta), strict=True):
        judge = gradcheck.complex_step_gradient(f, at, dout)
        # The complex step is exact to about 4e-14 (EVIDENCE.md); gradients here are up to 10.
        np.testing.assert_allclose(gradient, judge, rtol=1e-13, atol=1e-14)


def test_inference_uses_the_given_statistics_alone():
    y = reference.batchnorm_inference([[[7.0, 1.0]], [[3.0, 3.0]]], [2], [10], [3], [3], eps=1)
    assert y.tolist() == [[[14, 8]], [[10, 10]]]


def test_inference_takes_an_empty_batch():
    assert reference.batchnorm_inference(np.ones((0, 3)), *np.ones((4, 3))).shape == (0, 3)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float16, np.float32, np.float64])
def test_real_numbers_give_float64(dtype):
    x = np.array([[0, 1], [1, 0], [1, 1]], dtype)
    y = reference.batchnorm_forward(x, [1, 1], [0, 0])
    assert y.dtype == np.float64
    assert (y == reference.batchnorm_forward(x.astype(float), [1, 1], [0, 0])).all()


def test_complex_numbers_give_complex128():
    x = np.array([[1 + 1j], [-1 - 1j], [0]])  # mean 0, var 4j/3
    y = reference.batchnorm_forward(x, [1], [0], eps=0)
    assert y.dtype == np.complex128
    np.testing.assert_allclose(y, x / np.sqrt(4j / 3), rtol=1e-15)


def test_arguments_are_not_changed():
    copies = [a.copy() for a in CASE]
    reference.batchnorm_forward(CASE.x, CASE.gamma, CASE.beta)
    reference.batchnorm_backward(CASE.dout, CASE.x, CASE.gamma)
    reference.batchnorm_inference(CASE.x, CASE.gamma, CASE.beta, CASE.beta, CASE.gamma**2)
    for a, copy in zip(CASE, copies, strict=True):
        assert (a == copy).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, v: reference.batchnorm_forward(x[0, :, 0, 0], v, v), r"x .*\(3,\)"),
        (lambda x, v: reference.batchnorm_forward(x, v[:2], v), r"gamma .*\(3,\); got \(2,\)"),
        (lambda x, v: reference.batchnorm_forward(x, v[None], v), r"gamma .*\(3,\); got \(1, 3\)"),
        (lambda x, v: reference.batchnorm_forward(x, v, 1.0), r"beta .*\(3,\); got \(\)"),
        (lambda x, v: reference.batchnorm_backward(x[:1], x, v), r"dout .*\(2, 3.*\(1, 3"),
        (lambda x, v: reference.batchnorm_inference(x, v, v, 0.0, v), r"running_mean .*got \(\)"),
        (lambda x, v: reference.batchnorm_forward(x[:0], v, v), "empty"),
        (lambda x, v: reference.batchnorm_backward(x[:0], x[:0], v), "empty"),
    ],
)
def test_arguments_that_do_not_fit_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(CASE.x, np.ones(3))


@pytest.mark.parametrize("dtype", [object, "U3"])
def test_numbers_that_floats_cannot_hold_are_refused(dtype):
    with pytest.raises(TypeError, match="real or complex"):
        reference.batchnorm_forward(np.ones((2, 1)).astype(dtype), [1], [0])
