"""Normalization over any axes. The layers' tests judge batch norm's own axes in more detail."""

import numpy as np
import pytest

from bnlib import normalize, reference
from bnlib.judges.gradcheck import complex_step_gradient, numerical_gradient, rel_error
from tests.strategies import SHAPE, random_case

AXES = [(0,), (0, 2, 3), (1, 2, 3), (2, 3), (1,), (0, 1, 2, 3)]
GAMMA_SHAPES = [(1, 3, 1, 1), (1, 3, 4, 5), (2, 1, 1, 1), (1, 1, 1, 1), SHAPE]
EPS = 1e-5


def arguments(gamma_shape, seed=0):
    x, _, _, dout = random_case(seed=seed)
    rng = np.random.default_rng(seed + 1)
    return x, rng.standard_normal(gamma_shape), rng.standard_normal(gamma_shape), dout


@pytest.mark.parametrize("gamma_shape", GAMMA_SHAPES, ids=str)
@pytest.mark.parametrize("axes", AXES, ids=str)
def test_backward_is_the_complex_step_of_forward(axes, gamma_shape):
    x, gamma, beta, dout = arguments(gamma_shape)
    _, cache = normalize.forward(x, gamma, beta, axes, EPS)
    gradients = normalize.backward(dout, cache)
    for gradient, f, at in (
        (gradients[0], lambda x: normalize.forward(x, gamma, beta, axes, EPS)[0], x),
        (gradients[1], lambda gamma: normalize.forward(x, gamma, beta, axes, EPS)[0], gamma),
        (gradients[2], lambda beta: normalize.forward(x, gamma, beta, axes, EPS)[0], beta),
    ):
        judge = complex_step_gradient(f, at, dout)
        # Both are exact to rounding; the sums have up to 120 terms, no gradient exceeds 30.
        np.testing.assert_allclose(gradient, judge, rtol=1e-12, atol=2e-14)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_any_one_kept_axis_agrees_with_the_loops(axis):
    x, _, _, dout = arguments((1, 1, 1, 1))
    gamma, beta, _ = np.random.default_rng(2).standard_normal((3, x.shape[axis]))
    axes = tuple(a for a in range(4) if a != axis)
    y, cache = normalize.forward(
        x, np.expand_dims(gamma, axes), np.expand_dims(beta, axes), axes, EPS
    )
    gradients = normalize.backward(dout, cache)
    moved, dmoved = np.moveaxis(x, axis, 1), np.moveaxis(dout, axis, 1)  # it acts as the channels
    judge = reference.batchnorm_backward(dmoved, moved, gamma, EPS)
    y_judge = reference.batchnorm_forward(moved, gamma, beta, EPS)
    # Each is exact to rounding, the loops' mean to one spacing of x, about 4e-15.
    np.testing.assert_allclose(np.moveaxis(y, axis, 1), y_judge, rtol=0, atol=1e-14)
    np.testing.assert_allclose(np.moveaxis(gradients[0], axis, 1), judge[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(gradients[1].ravel(), judge[1], rtol=0, atol=1e-13)
    np.testing.assert_allclose(gradients[2].ravel(), judge[2], rtol=0, atol=1e-13)


def test_the_complex_step_runs_through_backward_too():
    x, gamma, beta, dout = arguments((1, 3, 1, 1))

    def dx(x):
        return normalize.backward(dout, normalize.forward(x, gamma, beta, (0, 2, 3), EPS)[1])[0]

    weights = np.random.default_rng(3).standard_normal(SHAPE)
    second = complex_step_gradient(dx, x, weights)  # a Hessian times the weights
    # Central differences: truncation h^2 = 1e-10 times a third derivative, rounding 1e-16 / h.
    np.testing.assert_allclose(second, numerical_gradient(dx, x, weights), rtol=0, atol=1e-9)


def test_the_cache_holds_the_statistics_that_were_used():
    x, gamma, beta, _ = arguments((1, 3, 1, 1))
    _, cache = normalize.forward(x, gamma, beta, (0, 2, 3), EPS)
    np.testing.assert_allclose(cache.mean.ravel(), x.mean(axis=(0, 2, 3)), rtol=1e-15)
    np.testing.assert_allclose(cache.var.ravel(), x.var(axis=(0, 2, 3)), rtol=1e-14)
    np.testing.assert_allclose(cache.inv_std, (cache.var + EPS) ** -0.5, rtol=1e-15)
    np.testing.assert_allclose(cache.xhat, (x - cache.mean) * cache.inv_std, rtol=0, atol=1e-14)


def test_integers_are_computed_as_float64():
    x = np.arange(24).reshape(2, 3, 4) ** 2
    gamma, beta = np.array([[[2], [-1], [0]]]), np.array([[[1], [2], [3]]])
    y, cache = normalize.forward(x, gamma, beta, (0, 2), EPS)
    floats = normalize.forward(x.astype(float), gamma, beta, (0, 2), EPS)
    assert (y == floats[0]).all()
    for got, want in zip(
        normalize.backward(x, cache), normalize.backward(x * 1.0, floats[1]), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=1e-14)


def test_nothing_is_written_into_an_argument():
    x, gamma, beta, dout = arguments((1, 3, 1, 1))
    for a in (x, gamma, beta, dout):
        a.flags.writeable = False
    _, cache = normalize.forward(x, gamma, beta, (0, 2, 3), EPS)
    saved = [np.copy(a) for a in cache]
    normalize.backward(dout, cache)
    assert all((a == b).all() for a, b in zip(cache, saved, strict=True))


# Only some positions count, no mean, and numbers whose squares overflow

WHERE = np.random.default_rng(4).random(SHAPE) < 0.6
WHERE[:, :, 0], WHERE[..., 0] = True, True  # every mean has several


@pytest.mark.parametrize("centred", [True, False], ids=["with mean", "without"])
@pytest.mark.parametrize("where", [None, WHERE], ids=["all count", "some count"])
@pytest.mark.parametrize("gamma_shape", GAMMA_SHAPES, ids=str)
@pytest.mark.parametrize("axes", [(0, 2, 3), (1, 2, 3), (3,)], ids=str)
def test_every_variant_of_backward_is_the_complex_step_of_forward(
    axes, gamma_shape, where, centred
):
    x, gamma, beta, dout = arguments(gamma_shape)
    beta = beta if centred else None

    def f(x=x, gamma=gamma, beta=beta):
        return normalize.forward(x, gamma, beta, axes, EPS, where)[0]

    dx, dgamma, dbeta = normalize.backward(
        dout, normalize.forward(x, gamma, beta, axes, EPS, where)[1]
    )
    close = {"rtol": 1e-12, "atol": 2e-14}  # as above
    np.testing.assert_allclose(dx, complex_step_gradient(f, x, dout), **close)
    by_gamma = complex_step_gradient(lambda gamma: f(gamma=gamma), gamma, dout)
    np.testing.assert_allclose(dgamma, by_gamma, **close)
    if centred:
        by_beta = complex_step_gradient(lambda beta: f(beta=beta), beta, dout)
        np.testing.assert_allclose(dbeta, by_beta, **close)


def test_without_beta_x_is_divided_by_its_root_mean_square():
    x, gamma, _, _ = arguments((1, 3, 4, 5))
    y, cache = normalize.forward(x, gamma, None, (1, 2, 3), EPS)
    rms = np.sqrt((x**2).mean(axis=(1, 2, 3), keepdims=True) + EPS)
    np.testing.assert_allclose(y, gamma * x / rms, rtol=1e-14)
    assert (cache.mean, cache.centred, cache.unit, cache.where) == (None, False, None, None)


@pytest.mark.parametrize("elsewhere", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("gamma_shape", [(1, 3, 1, 1), (1, 3, 4, 5)], ids=str)
def test_nothing_is_seen_of_positions_that_do_not_count(gamma_shape, elsewhere):
    x, gamma, beta, dout = arguments(gamma_shape)
    clean = normalize.forward(x, gamma, beta, (0, 2, 3), EPS, WHERE)
    dirty = normalize.forward(np.where(WHERE, x, elsewhere), gamma, beta, (0, 2, 3), EPS, WHERE)
    assert (clean[0] == dirty[0]).all()
    assert (clean[0][~WHERE] == 0).all()
    gradients = normalize.backward(dout, clean[1])
    assert (gradients[0][~WHERE] == 0).all()
    others = normalize.backward(np.where(WHERE, dout, elsewhere), dirty[1])
    assert all((a == b).all() for a, b in zip(gradients, others, strict=True))


@pytest.mark.parametrize("exponent", [500, -500])
@pytest.mark.parametrize("centred", [True, False], ids=["with mean", "without"])
@pytest.mark.parametrize("gamma_shape", [(1, 3, 1, 1), (1, 3, 4, 5)], ids=str)
def test_a_power_of_two_before_x_changes_no_digit_of_y(gamma_shape, centred, exponent):
    x, gamma, beta, dout = arguments(gamma_shape)
    beta = beta if centred else None
    factor, eps = 2.0**exponent, 0.1
    y, cache = normalize.forward(x, gamma, beta, (0, 2, 3), eps)
    scaled, far = normalize.forward(x * factor, gamma, beta, (0, 2, 3), eps * factor * factor)
    assert cache.unit is None
    assert (far.unit > 1).all() == (exponent > 0)
    assert (y == scaled).all()
    right, got = normalize.backward(dout, cache), normalize.backward(dout, far)
    assert (got[0] == right[0] / factor).all()
    assert all((a == b).all() for a, b in zip(got[1:], right[1:], strict=True))


def test_a_dx_that_no_float64_holds_is_infinite_without_a_warning():
    x, gamma, beta, dout = arguments((1, 3, 1, 1))
    with np.errstate(over="raise"):
        _, cache = normalize.forward(x * 2.0**-900, gamma, beta, (0, 2, 3), 0)
        dx, *_ = normalize.backward(dout * 2.0**200, cache)
    assert np.isinf(dx).any()


def without_xhat_term(dout, cache):
    dxhat = cache.gamma * dout
    return (dxhat - dxhat.mean(axis=cache.axes, keepdims=True)) * cache.inv_std


def without_mean_term(dout, cache):
    dxhat = cache.gamma * dout
    through_var = (dxhat * cache.xhat).mean(axis=cache.axes, keepdims=True)
    return (dxhat - cache.xhat * through_var) * cache.inv_std


@pytest.mark.parametrize("wrong", [without_xhat_term, without_mean_term])
@pytest.mark.parametrize("judge", [complex_step_gradient, numerical_gradient])
def test_the_numerical_judges_reject_a_backward_that_lacks_a_term(judge, wrong):
    x, gamma, beta, dout = arguments((1, 3, 1, 1))

    def f(x):
        return normalize.forward(x, gamma, beta, (0, 2, 3), EPS)[0]

    cache = normalize.forward(x, gamma, beta, (0, 2, 3), EPS)[1]
    numerical = judge(f, x, dout)
    # Central differences are good to about 1e-6 here, a lost term shows in the first digit.
    assert rel_error(normalize.backward(dout, cache)[0], numerical) < 1e-5
    assert rel_error(wrong(dout, cache), numerical) > 0.1
