"""Batch norm against its judges: loops, numerical derivatives, and identities it must obey."""

from inspect import signature

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bnlib
from bnlib import reference
from bnlib.judges.gradcheck import complex_step_gradient, numerical_gradient
from tests.strategies import (
    MEMORY,
    SHAPE,
    Case,
    assert_gradients_close,
    assert_y_close,
    cases,
    random_case,
    rounding,
)

EPS = 1e-5
EPSILONS = st.sampled_from([1e-7, 1e-5, 1e-3, 0.5])


def layer(case, eps=EPS):
    """Return y and the three gradients."""
    y, cache = bnlib.batchnorm_forward(case.x, case.gamma, case.beta, eps=eps)
    return y, bnlib.batchnorm_backward(case.dout, cache)


# The loops


@settings(max_examples=120)
@given(cases(), EPSILONS)
def test_forward_agrees_with_the_loops(case, eps):
    y, _ = layer(case, eps)
    assert_y_close(y, reference.batchnorm_forward(*case[:3], eps), case, eps)


@settings(max_examples=120)
@given(cases(), EPSILONS)
def test_backward_agrees_with_the_loops(case, eps):
    _, gradients = layer(case, eps)
    judge = reference.batchnorm_backward(case.dout, case.x, case.gamma, eps)
    assert_gradients_close(gradients, judge, case, eps)


@settings(max_examples=80)
@given(cases(dtype=np.float32, offsets=(0.0, 100.0, 1e6)), EPSILONS)
def test_float32_agrees_with_the_loops(case, eps):
    y, gradients = layer(case, eps)
    assert_y_close(y, reference.batchnorm_forward(*case[:3], eps), case, eps)
    judge = reference.batchnorm_backward(case.dout, case.x, case.gamma, eps)
    assert_gradients_close(gradients, judge, case, eps)


@settings(max_examples=80)
@given(cases(), EPSILONS, st.integers(0, 99))
def test_inference_agrees_with_the_loops(case, eps, seed):
    rng = np.random.default_rng(seed)
    mean = case.x.mean(axis=case.axes) + rng.standard_normal(case.gamma.shape)
    var = rng.uniform(0, 50, case.gamma.shape)
    arguments = (*case[:3], mean, var)
    y = bnlib.batchnorm_inference(*arguments, eps=eps)
    judge = reference.batchnorm_inference(*arguments, eps)
    # x - mean is rounded alike in both; five further roundings of y and of what is added to it.
    tolerance = 5 * np.spacing(np.abs(judge) + np.abs(case.column(case.beta)))
    assert (np.abs(y - judge) <= tolerance).all()


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_loops_agree_where_all_axes_differ(ndim):
    case = random_case((7, 3, 2, 5, 4)[:ndim], seed=ndim)
    y, gradients = layer(case)
    assert_y_close(y, reference.batchnorm_forward(*case[:3], EPS), case, EPS)
    judge = reference.batchnorm_backward(case.dout, case.x, case.gamma, EPS)
    assert_gradients_close(gradients, judge, case, EPS)


def test_spatial_functions_give_what_the_general_ones_give():
    case = random_case()
    y, cache = bnlib.spatial_batchnorm_forward(*case[:3], eps=0.1)
    expected = layer(case, eps=0.1)
    assert (y == expected[0]).all()
    gradients = bnlib.spatial_batchnorm_backward(case.dout, cache)
    assert all((a == b).all() for a, b in zip(gradients, expected[1], strict=True))
    statistics = ([9.0, 10.0, 11.0], [1.0, 4.0, 0.0])
    spatial = bnlib.spatial_batchnorm_inference(*case[:3], *statistics, eps=0.1)
    assert (spatial == bnlib.batchnorm_inference(*case[:3], *statistics, eps=0.1)).all()


def test_the_cache_tells_the_batchs_statistics():
    case = random_case()
    _, cache = bnlib.batchnorm_forward(*case[:3])
    expected = bnlib.batch_statistics(case.x)
    assert (cache.statistics.mean == expected.mean).all()
    assert (cache.statistics.var == expected.var).all()
    assert cache.statistics.count == expected.count == 40


# Numerical derivatives


def gradients_by(judge, forward, case):
    """Return dx, dgamma and dbeta by a numerical judge of forward(x, gamma, beta)."""
    x, gamma, beta, dout = case
    return (
        judge(lambda x: forward(x, gamma, beta), x, dout),
        judge(lambda gamma: forward(x, gamma, beta), gamma, dout),
        judge(lambda beta: forward(x, gamma, beta), beta, dout),
    )


@settings(max_examples=40)
@given(cases(offsets=(0.0, 10.0)), EPSILONS)
def test_backward_is_the_complex_step_of_the_loops(case, eps):
    _, gradients = layer(case, eps)
    judge = gradients_by(
        complex_step_gradient, lambda *a: reference.batchnorm_forward(*a, eps), case
    )
    assert_gradients_close(gradients, judge, case, eps)


@pytest.mark.parametrize("shape", [(6, 3), (3, 2, 5), SHAPE, (2, 3, 1, 2, 4)], ids=str)
def test_backward_is_the_central_difference_of_forward(shape):
    case = random_case(shape)
    _, gradients = layer(case)
    forward = lambda *a: bnlib.batchnorm_forward(*a)[0]  # noqa: E731
    for a, b in zip(gradients, gradients_by(numerical_gradient, forward, case), strict=True):
        # Rounding: y, up to 5, moves by 1e-15; divided by h = 1e-5 and summed over dout.
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-8)


# The judges, judged: each wrong implementation must be rejected.


def forward_with(var=np.var, axes=(0, 2, 3), std=lambda var, eps: np.sqrt(var + eps)):
    """Return a plain forward pass, right by default."""

    def forward(x, gamma, beta):
        gamma, beta = gamma.reshape(1, 3, 1, 1), beta.reshape(1, 3, 1, 1)
        centred = x - x.mean(axis=axes, keepdims=True)
        return gamma * centred / std(var(x, axis=axes, keepdims=True), EPS) + beta

    return forward


WRONG_FORWARDS = {
    "averages over (N, H)": forward_with(axes=(0, 2)),
    "averages over (N, W)": forward_with(axes=(0, 3)),
    "averages over (H, W), as instance norm": forward_with(axes=(2, 3)),
    "averages over (C, H, W), as layer norm": forward_with(axes=(1, 2, 3)),
    "averages over everything": forward_with(axes=(0, 1, 2, 3)),
    "unbiased variance": forward_with(var=lambda x, **kw: np.var(x, ddof=1, **kw)),
    "eps outside the root": forward_with(std=lambda var, eps: np.sqrt(var) + eps),
    "eps is forgotten": forward_with(std=lambda var, eps: np.sqrt(var)),
    "eps of another framework": forward_with(std=lambda var, eps: np.sqrt(var + 1e-3)),
    "variance for standard deviation": forward_with(std=lambda var, eps: var + eps),
    "beta is forgotten": lambda x, gamma, beta: forward_with()(x, gamma, 0 * beta),
    "gamma is forgotten": lambda x, gamma, beta: forward_with()(x, gamma**0, beta),
    "gamma and beta exchanged": lambda x, gamma, beta: forward_with()(x, beta, gamma),
    "squares are averaged before the mean is taken away": forward_with(
        var=lambda x, **kw: np.mean(x * x, **kw)
    ),
}


def judge_forward(forward, case):
    assert_y_close(forward(*case[:3]), reference.batchnorm_forward(*case[:3], EPS), case, EPS)


def test_the_loops_accept_a_right_forward():
    judge_forward(forward_with(), random_case())


@pytest.mark.parametrize("fault", WRONG_FORWARDS)
def test_the_loops_reject_a_wrong_forward(fault):
    with pytest.raises(AssertionError, match="y is off"):
        judge_forward(WRONG_FORWARDS[fault], random_case())


def backward_with(mean_term=True, xhat_term=True, m=40, root=0.5, dout_of_gamma=True):
    """Return a plain backward pass, right by default."""

    def backward(case):
        x, gamma, _, dout = case
        axes, gamma = case.axes, case.column(gamma)
        var = x.var(axis=axes, keepdims=True) + EPS
        xhat = (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(var)
        dxhat = gamma * dout
        dx = dxhat - mean_term * dxhat.sum(axis=axes, keepdims=True) / m
        dx = dx - xhat_term * xhat * (dxhat * xhat).sum(axis=axes, keepdims=True) / m
        upstream = dout if dout_of_gamma else dxhat
        return dx / var**root, (upstream * xhat).sum(axis=axes), dout.sum(axis=axes)

    return backward


WRONG_BACKWARDS = {
    "no xhat term": (backward_with(xhat_term=False), "dx"),
    "no mean term": (backward_with(mean_term=False), "dx"),
    "statistics taken as constants": (backward_with(xhat_term=False, mean_term=False), "dx"),
    "m counts images only": (backward_with(m=2), "dx"),
    "m is one less": (backward_with(m=39), "dx"),
    "divided by the variance": (backward_with(root=1), "dx"),
    "dgamma from dxhat": (backward_with(dout_of_gamma=False), "dgamma"),
    "dgamma and dbeta exchanged": (
        lambda case: (lambda dx, dgamma, dbeta: (dx, dbeta, dgamma))(*backward_with()(case)),
        "dgamma",
    ),
    "dbeta averaged": (
        lambda case: (*backward_with()(case)[:2], case.dout.mean(axis=case.axes)),
        "dbeta",
    ),
}


def by_loops(case):
    return reference.batchnorm_backward(case.dout, case.x, case.gamma, EPS)


def by_complex_step(case):
    forward = lambda *a: reference.batchnorm_forward(*a, EPS)  # noqa: E731
    return gradients_by(complex_step_gradient, forward, case)


@pytest.mark.parametrize("judge", [by_loops, by_complex_step])
def test_the_judges_accept_a_right_backward(judge):
    case = random_case()
    assert_gradients_close(backward_with()(case), judge(case), case, EPS)


@pytest.mark.parametrize("judge", [by_loops, by_complex_step])
@pytest.mark.parametrize("fault", WRONG_BACKWARDS)
def test_the_judges_reject_a_wrong_backward(fault, judge):
    case = random_case()
    wrong, where = WRONG_BACKWARDS[fault]
    with pytest.raises(AssertionError, match=f"{where} is off"):
        assert_gradients_close(wrong(case), judge(case), case, EPS)


def test_a_gradient_of_ones_would_not_have_noticed_the_xhat_term():
    case = random_case()._replace(dout=np.ones(SHAPE))  # why dout is random everywhere else
    for backward in (backward_with(), backward_with(xhat_term=False)):
        assert np.abs(backward(case)[0]).max() < 1e-14  # rounding of zero


# Identities


def channel_sums(case, a):
    return a.sum(axis=case.axes)


def dx_rounding(case, eps):
    """Return (C,) how far rounding may move a sum over dx * O(1)."""
    xhat, inv_std = rounding(case, eps)
    m = case.x.size // case.x.shape[1]
    return m * m * xhat * inv_std * np.abs(case.gamma) * np.abs(case.dout).max(axis=case.axes)


@settings(max_examples=80)
@given(cases(), EPSILONS)
def test_dx_sums_to_zero_in_every_channel(case, eps):
    _, (dx, _, _) = layer(case, eps)
    assert (np.abs(channel_sums(case, dx)) <= dx_rounding(case, eps)).all()


@settings(max_examples=80)
@given(cases(offsets=(0.0, 10.0)), EPSILONS)
def test_dx_along_x_is_what_eps_leaves(case, eps):
    # sum(dx (x - mu)) = sum(dxhat (x - mu) / sigma) * eps / (var + eps), sigma^2 = var + eps
    _, (dx, _, _) = layer(case, eps)
    centred = case.x - case.column(case.x.mean(axis=case.axes))
    var = case.x.var(axis=case.axes)
    along = channel_sums(case, case.column(case.gamma) * case.dout * centred)
    expected = along / np.sqrt(var + eps) * eps / (var + eps)
    # dx's own rounding, times the size of x - mu that it is multiplied with
    tolerance = dx_rounding(case, eps) * (1 + np.abs(centred).max(axis=case.axes))
    assert (np.abs(channel_sums(case, dx * centred) - expected) <= tolerance).all()


@pytest.mark.parametrize("shape", [(7, 3), SHAPE], ids=str)
def test_dx_is_a_projection_of_dout_where_eps_is_zero(shape):
    case = random_case(shape)
    y, cache = bnlib.batchnorm_forward(case.x, np.ones(3), np.zeros(3), eps=0)
    std = case.column(case.x.std(axis=case.axes))
    projected = bnlib.batchnorm_backward(case.dout, cache)[0] * std
    # Projecting twice is projecting once; 1 and xhat are what it removes. Rounding of O(1).
    twice = bnlib.batchnorm_backward(projected, cache)[0] * std
    np.testing.assert_allclose(twice, projected, rtol=0, atol=1e-14)
    for removed in (np.ones(shape), y):
        np.testing.assert_allclose(
            bnlib.batchnorm_backward(removed, cache)[0] * std, 0, rtol=0, atol=1e-14
        )


@settings(max_examples=80)
@given(cases(offsets=(0.0, 10.0)), st.sampled_from([0.25, 3.0, 1e3]), st.sampled_from([0.0, 7.0]))
def test_y_does_not_see_a_shift_or_a_positive_factor(case, a, b):
    moved = case._replace(x=a * case.x + b)
    # var(a x + b) + a^2 eps = a^2 (var(x) + eps): exact in eps too, if eps is scaled as well
    y, _ = layer(case)
    y_moved, _ = layer(moved, eps=a * a * EPS)
    both = rounding(case, EPS)[0] + rounding(moved, a * a * EPS)[0]  # a * x + b is rounded too
    tolerance = both * np.abs(case.gamma) + 4 * np.spacing(np.abs(case.beta) + 1)
    assert (np.abs(y - y_moved) <= case.column(tolerance)).all()


def test_y_does_not_see_a_shift_or_a_positive_factor_where_eps_is_zero():
    case = random_case()
    y, _ = layer(case, eps=0)
    y_moved, _ = layer(case._replace(x=1000 * case.x - 5), eps=0)
    y_turned, _ = layer(case._replace(x=-case.x), eps=0)
    np.testing.assert_allclose(y_moved, y, rtol=0, atol=1e-13)  # rounding of 1000 x - 5
    beta = case.column(case.beta)
    np.testing.assert_allclose(y_turned - beta, -(y - beta), rtol=0, atol=1e-14)


def test_y_has_mean_beta_and_a_standard_deviation_just_below_gamma():
    case = random_case()
    y, _ = layer(case)
    var = case.x.var(axis=case.axes)
    np.testing.assert_allclose(y.mean(axis=case.axes), case.beta, rtol=0, atol=1e-14)
    std = np.abs(case.gamma) * np.sqrt(var / (var + EPS))
    np.testing.assert_allclose(y.std(axis=case.axes), std, rtol=0, atol=1e-14)


def test_a_channels_results_depend_on_no_other_channel():
    case = random_case()
    y, (dx, dgamma, dbeta) = layer(case)
    one = Case(case.x[:, 1:2], case.gamma[1:2], case.beta[1:2], case.dout[:, 1:2])
    y_one, (dx_one, dgamma_one, dbeta_one) = layer(one)
    np.testing.assert_allclose(y[:, 1:2], y_one, rtol=1e-14)
    np.testing.assert_allclose(dx[:, 1:2], dx_one, rtol=1e-13)
    np.testing.assert_allclose((dgamma[1], dbeta[1]), (dgamma_one[0], dbeta_one[0]), rtol=1e-14)


def test_positions_are_further_images():
    case = random_case()
    rows = Case(*(np.moveaxis(a, 1, -1).reshape(-1, 3) if a.ndim == 4 else a for a in case))
    y, gradients = layer(case)
    y_rows, gradients_rows = layer(rows)
    for a, b in ((y, y_rows), (gradients[0], gradients_rows[0])):
        np.testing.assert_allclose(np.moveaxis(a, 1, -1).reshape(-1, 3), b, rtol=0, atol=1e-14)
    for a, b in zip(gradients[1:], gradients_rows[1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_inference_of_an_image_does_not_depend_on_the_others():
    case = random_case()
    statistics = bnlib.batch_statistics(case.x)[:2]
    together = bnlib.batchnorm_inference(*case[:3], *statistics)
    alone = bnlib.batchnorm_inference(case.x[:1], case.gamma, case.beta, *statistics)
    assert (together[:1] == alone).all()
    np.testing.assert_allclose(together, layer(case)[0], rtol=0, atol=1e-14)  # same statistics


# Precision


@pytest.mark.parametrize("offset", [0, 1, 1e2, 1e4, 1e5, 1e6, 1e7])
@pytest.mark.parametrize("order", ["Fortran order", "channels last", "read-only"])
def test_float32_is_within_1e_6_of_float64_at_any_offset(offset, order):
    case = random_case((16, 3, 16, 16), offset=offset, scale=1.0, dtype=np.float32)
    case = case._replace(x=MEMORY[order](case.x), gamma=np.ones(3), beta=np.zeros(3))
    y, _ = layer(case)
    exact, _ = layer(case._replace(x=case.x.astype(np.float64)))
    assert y.dtype == np.float32
    assert np.abs(y - exact).max() < 1e-6  # |y| is up to 4: two float32 spacings


@pytest.mark.parametrize("offset", [0, 1e2, 1e4, 1e6])
def test_float32_inference_is_within_1e_6_of_float64_at_any_offset(offset):
    case = random_case((16, 3, 16, 16), offset=offset, scale=1.0, dtype=np.float32)
    statistics = bnlib.batch_statistics(case.x.astype(np.float64))[:2]
    arguments = np.ones(3), np.zeros(3), *statistics
    y = bnlib.batchnorm_inference(case.x, *arguments)
    exact = bnlib.batchnorm_inference(case.x.astype(np.float64), *arguments)
    assert y.dtype == np.float32
    assert np.abs(y - exact).max() < 1e-6  # a mean rounded to float32 would be off by 0.03 at 1e6


def test_float32_is_within_1e_6_of_float64_for_a_million_images():
    x = (100 + np.random.default_rng(0).standard_normal((1_000_000, 1))).astype(np.float32)
    y, _ = bnlib.batchnorm_forward(x, [1], [0])
    exact, _ = bnlib.batchnorm_forward(x.astype(np.float64), [1], [0])
    assert np.abs(y - exact).max() < 1e-6  # added up in float32, the mean is off by 1


def test_longdouble_keeps_all_its_digits():
    last = np.finfo(np.longdouble).eps  # where longdouble is float64, these are float64's digits
    x = np.array([[1], [1 + 2 * last]])  # in float64 both would be 1, without a variance
    gamma, beta = np.array([1 + last]), np.array([2 * last])
    y, cache = bnlib.batchnorm_forward(x, gamma, beta, eps=0)
    assert y.tolist() == [[-1 + last], [1 + 3 * last]]
    gradients = bnlib.batchnorm_backward(np.array([[0], [1 + last]]), cache)
    assert gradients[1:] == (1 + last, 1 + last)
    statistics = np.array([1 + last]), np.array([last**2])
    assert cache.statistics[:2] == statistics
    assert bnlib.batchnorm_inference(x, gamma, beta, *statistics, eps=0).tolist() == y.tolist()
    assert {a.dtype for a in (y, *gradients)} == {np.dtype(np.longdouble)}


@pytest.mark.parametrize("offset", [0, 10, 1000])
def test_float16_is_as_exact_as_its_rounding(offset):
    case = random_case((4, 3, 8, 8), offset=offset, dtype=np.float16)
    y, gradients = layer(case)
    wide = layer(Case(*(a.astype(np.float64) for a in case)))
    for got, exact in zip((y, *gradients), (wide[0], *wide[1]), strict=True):
        assert got.dtype == np.float16
        spacing = np.spacing(np.abs(exact).astype(np.float16)).astype(np.float64)
        assert (np.abs(got - exact) <= 0.51 * spacing + 1e-6).all()  # 1e-6: float32's rounding


def test_float16_of_the_largest_size_does_not_overflow():
    x = np.array([[-65504.0], [65504.0], [0.0]], np.float16)
    y, _ = bnlib.batchnorm_forward(x, [2], [1])
    expected = 1 + 2 * np.array([[-1], [1], [0]]) * np.sqrt(1.5)
    np.testing.assert_allclose(y, expected, rtol=5e-4)  # half a spacing of float16


@pytest.mark.parametrize("spatial", ["", "spatial_"])
def test_eps_is_1e_5_by_default(spatial):
    case = random_case(scale=0.01)  # so small a variance that eps matters
    forward = getattr(bnlib, f"{spatial}batchnorm_forward")
    inference = getattr(bnlib, f"{spatial}batchnorm_inference")
    statistics = bnlib.batch_statistics(case.x)[:2]
    assert (forward(*case[:3])[0] == forward(*case[:3], eps=1e-5)[0]).all()
    default = inference(*case[:3], *statistics)
    assert (default == inference(*case[:3], *statistics, eps=1e-5)).all()


# Errors begin with the argument's name; test_contract.py has what else they say.


@pytest.mark.parametrize("spatial", ["", "spatial_"])
@pytest.mark.parametrize(
    ("function", "name"),
    [
        *(("forward", name) for name in ("gamma", "beta")),
        *(("inference", name) for name in ("gamma", "beta", "running_mean", "running_var")),
    ],
)
def test_a_parameter_of_a_wrong_shape_is_named_first(function, name, spatial):
    layer = getattr(bnlib, f"{spatial}batchnorm_{function}")
    given = dict.fromkeys(signature(layer).parameters, np.ones(3)) | {"x": random_case().x}
    given |= {name: np.ones(4), "eps": EPS}
    with pytest.raises(ValueError, match=rf"^{name} must have shape \(3,\), .*got shape \(4,\)"):
        layer(**given)


def test_a_cache_of_no_forward_pass_is_named_first():
    with pytest.raises(
        TypeError, match=r"^cache must come from a forward pass of batch norm; got <class 'tuple'"
    ):
        bnlib.batchnorm_backward(random_case().dout, (1, 2))


def test_a_dout_of_other_axes_is_named_first():
    case = random_case()
    _, cache = bnlib.spatial_batchnorm_forward(*case[:3])
    with pytest.raises(ValueError, match=r"^dout must be \(N, C, H, W\); got 3 axes"):
        bnlib.spatial_batchnorm_backward(case.dout[0], cache)
