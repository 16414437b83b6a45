"""Layer, instance and group norm against loops, derivatives, identities, and their contract."""

from inspect import isfunction, signature

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import bnlib
from bnlib import cs231n, reference
from bnlib.judges.gradcheck import check_gradients, norm_error
from tests.strategies import MEMORY, random_case
from tests.test_contract import ROWS, Foreign, arrays_in, inside

EPS = 1e-5
SHAPES = [(5, 12), (2, 6, 7), (2, 6, 4, 5), (2, 6, 1, 3, 4)]  # group norm's groups are 2 or 3 of 6
KINDS = {
    "layer": (bnlib.layernorm_forward, bnlib.layernorm_backward, ()),
    "instance": (bnlib.instancenorm_forward, bnlib.instancenorm_backward, ()),
    "group, 2": (bnlib.groupnorm_forward, bnlib.groupnorm_backward, (2,)),
    "group, 3": (bnlib.groupnorm_forward, bnlib.groupnorm_backward, (3,)),
}
CASES = [
    pytest.param(kind, shape, id=f"{kind}, {shape}")
    for kind in KINDS
    for shape in SHAPES
    if not (kind == "instance" and len(shape) == 2)
]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
EVERY_CASE = pytest.mark.parametrize(("kind", "shape"), CASES)


def loops(kind, way):
    name = kind.split(",")[0]
    return getattr(reference, f"{name}norm_{way}"), KINDS[kind][2]


def results(kind, case, eps=EPS):
    """Return y, dx, dgamma, dbeta."""
    forward, backward, groups = KINDS[kind]
    y, cache = forward(case.x, case.gamma, case.beta, *groups, eps=eps)
    return y, *backward(case.dout, cache)


def expected(kind, case, eps=EPS):
    (forward, groups), (backward, _) = loops(kind, "forward"), loops(kind, "backward")
    y = forward(case.x, case.gamma, case.beta, *groups, eps)
    return y, *backward(case.dout, case.x, case.gamma, *groups, eps)


def assert_close(got, want, rtol):
    for name, a, b in zip(("y", "dx", "dgamma", "dbeta"), got, want, strict=False):
        scale = np.abs(b).max() if b.size else 0
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * scale, err_msg=name)


# The judges


@EVERY_CASE
@pytest.mark.parametrize("eps", [1e-7, 0.5])
def test_forward_and_backward_agree_with_the_loops(kind, shape, eps):
    case = random_case(shape, seed=1)
    # Exact to rounding: the mean to one spacing of |x| up to 25, sums of up to 40 terms.
    assert_close(results(kind, case, eps), expected(kind, case, eps), rtol=2e-13)


@EVERY_CASE
def test_backward_is_the_complex_step_of_the_loops(kind, shape):
    case = random_case(shape, seed=2)
    forward, groups = loops(kind, "forward")
    check_gradients(
        lambda x, gamma, beta: forward(x, gamma, beta, *groups, EPS),
        {"x": case.x, "gamma": case.gamma, "beta": case.beta},
        case.dout,
        results(kind, case)[1:],
        method="complex",
        tolerance=1e-12,  # both are exact to rounding, in sums of up to 40 terms
    )


def by_autograd(x, gamma, beta, groups):
    """Write group norm for (N, C, H, W) in HIPS autograd's NumPy."""
    n, c, h, w = x.shape
    split = anp.reshape(x, (n, groups, c // groups * h * w))
    centred = split - anp.mean(split, axis=2, keepdims=True)
    xhat = centred / anp.sqrt(anp.mean(centred**2, axis=2, keepdims=True) + EPS)
    gamma, beta = (anp.reshape(v, (1, c, 1, 1)) for v in (gamma, beta))
    return gamma * anp.reshape(xhat, x.shape) + beta


@pytest.mark.parametrize(("kind", "groups"), [*zip(KINDS, (1, 6, 2, 3), strict=True)])
def test_backward_is_what_autograd_gives(kind, groups):
    case = random_case((2, 6, 4, 5), seed=3)
    gradient = autograd.grad(
        lambda *a: anp.sum(by_autograd(*a, groups) * case.dout), argnum=(0, 1, 2)
    )
    want = [by_autograd(*case[:3], groups), *gradient(*case[:3])]
    assert_close(results(kind, case), want, rtol=1e-13)  # rounding, as above


# Identities


def test_one_group_is_layer_norm_and_as_many_as_channels_is_instance_norm():
    case = random_case((2, 6, 4, 5))
    for groups, kind in ((1, "layer"), (6, "instance")):
        forward, backward, _ = KINDS[kind]
        y, cache = bnlib.groupnorm_forward(*case[:3], groups)
        np.testing.assert_allclose(y, forward(*case[:3])[0], rtol=0, atol=1e-14)  # sums' order
        other = backward(case.dout, forward(*case[:3])[1])
        assert_close((y, *bnlib.groupnorm_backward(case.dout, cache)), (y, *other), rtol=1e-14)


def test_layer_norm_of_a_table_is_batch_norm_of_its_transpose():
    x = random_case((5, 6)).x
    y, _ = bnlib.layernorm_forward(x, np.ones(6), np.zeros(6))
    turned, _ = bnlib.batchnorm_forward(x.T, np.ones(5), np.zeros(5))
    np.testing.assert_allclose(y, turned.T, rtol=0, atol=1e-14)  # sums run in another order


def test_instance_norm_of_one_image_is_batch_norm():
    case = random_case((1, 6, 4, 5))
    y, _ = bnlib.spatial_batchnorm_forward(*case[:3])
    np.testing.assert_allclose(results("instance", case)[0], y, rtol=0, atol=1e-14)


@EVERY_CASE
def test_an_image_gets_the_same_result_alone(kind, shape):
    case = random_case(shape)
    y, dx, *_ = results(kind, case)
    alone = results(kind, case._replace(x=case.x[:1], dout=case.dout[:1]))
    np.testing.assert_allclose(y[:1], alone[0], rtol=0, atol=1e-14)  # sums run in another order
    np.testing.assert_allclose(dx[:1], alone[1], rtol=0, atol=1e-14)


@EVERY_KIND
def test_dx_sums_to_zero_over_what_shares_a_mean(kind):
    dx = results(kind, random_case((2, 6, 4, 5)))[1]
    groups = {"layer": 1, "instance": 6}.get(kind) or KINDS[kind][2][0]
    assert np.abs(dx.reshape(2, groups, -1).sum(axis=2)).max() < 1e-13  # up to 120 terms of 1


# The judges, judged


def norm_over(split, axes, ddof=0, spread=1):
    def forward(x, gamma, beta):
        shaped = x.reshape(split)
        centred = shaped - shaped.mean(axis=axes, keepdims=True)
        xhat = centred / np.sqrt(shaped.var(axis=axes, ddof=ddof, keepdims=True) + EPS)
        gamma, beta = (
            np.reshape(np.repeat(v[::spread], spread), (1, 6, 1, 1)) for v in (gamma, beta)
        )
        return gamma * xhat.reshape(x.shape) + beta

    return forward


WRONG_GROUP_NORMS = {
    "only the first axis of the group": norm_over((2, 3, 2, 4, 5), (2,)),
    "only the positions": norm_over((2, 3, 2, 4, 5), (3, 4)),
    "the batch too": norm_over((2, 3, 2, 4, 5), (0, 2, 3, 4)),
    "channels of a group far apart": norm_over((2, 2, 3, 4, 5), (1, 3, 4)),
    "groups and group size exchanged": norm_over((2, 2, 3, 4, 5), (2, 3, 4)),
    "unbiased variance": norm_over((2, 3, 2, 4, 5), (2, 3, 4), ddof=1),
    "gamma of a group instead of a channel": norm_over((2, 3, 2, 4, 5), (2, 3, 4), spread=2),
}


def test_the_loops_accept_a_right_group_norm():
    case = random_case((2, 6, 4, 5))
    right = norm_over((2, 3, 2, 4, 5), (2, 3, 4))
    assert_close([right(*case[:3])], expected("group, 3", case), rtol=1e-13)


@pytest.mark.parametrize("fault", WRONG_GROUP_NORMS)
def test_the_loops_reject_a_wrong_group_norm(fault):
    case = random_case((2, 6, 4, 5))
    with pytest.raises(AssertionError, match="y"):
        assert_close([WRONG_GROUP_NORMS[fault](*case[:3])], expected("group, 3", case), rtol=1e-3)


@EVERY_KIND
def test_the_loops_and_autograd_reject_batch_norms_backward(kind):
    case = random_case((2, 6, 4, 5))
    _, cache = bnlib.batchnorm_forward(*case[:3])
    dx, dgamma, _ = bnlib.batchnorm_backward(case.dout, cache)
    _, dx_judge, dgamma_judge, _ = expected(kind, case)
    assert norm_error(dx, dx_judge) > 0.1
    assert norm_error(dgamma, dgamma_judge) > 0.01


# The contract for what comes in


GOOD = random_case((2, 3, 4, 5), seed=5)._asdict() | {"eps": EPS}  # as the rows expect it
FLAT = {"x": (5, 3), "dout": (5, 3)}


def public(kind, way):
    """Return run(**changed) for one function, with good arguments for all others."""

    def run(**changed):
        given = GOOD | changed
        forward, backward, groups = KINDS[kind]
        groups = [min(g, 1) for g in groups]  # three channels
        y, cache = forward(given["x"], given["gamma"], given["beta"], *groups, eps=given["eps"])
        return (y,) if way == "forward" else backward(given["dout"], cache)

    return run


def course_layernorm(way):
    def run(**changed):
        flat = {name: GOOD[name][:, :, 0, 0] for name in ("x", "dout")}
        given = GOOD | flat | changed
        out, cache = cs231n.layernorm_forward(
            given["x"], given["gamma"], given["beta"], {"eps": given["eps"]}
        )
        return (out,) if way == "forward" else cs231n.layernorm_backward(given["dout"], cache)

    return run


PUBLIC = {
    f"{kind.split(',')[0]}norm_{way}": public(kind, way)
    for kind in ("layer", "instance", "group, 3")
    for way in ("forward", "backward")
} | {f"cs231n.layernorm_{way}": course_layernorm(way) for way in ("forward", "backward")}
EVERY_FUNCTION = pytest.mark.parametrize("name", PUBLIC)


def test_every_public_relative_is_tried():
    exported = {
        name
        for name in bnlib.__all__
        if isfunction(getattr(bnlib, name)) and "norm" in name and "batch" not in name
    }
    exported -= {"rmsnorm_forward", "rmsnorm_backward"}  # in test_layers_norms.py
    assert {name for name in PUBLIC if "." not in name} == exported


@pytest.mark.parametrize(
    ("name", "row"),
    [
        pytest.param(name, row, id=f"{name}: {row.argument} {row.what}")
        for name in PUBLIC
        for row in ROWS
        if row.argument in ("x", "gamma", "beta", "eps", "dout")
        and not (row.argument == "dout" and "forward" in name)
        and row.values < 0
        and not ("cs231n" in name and row.what in ("gamma in x's place", "x in gamma's place"))
        and not ("cs231n" in name and row.what == "a row")  # taken as (C,)
    ],
)
def test_bad_input_is_refused_by_name(name, row):
    good = GOOD[row.argument]
    if "cs231n" in name and row.argument in ("x", "dout"):
        good = good[:, :, 0, 0]
    with pytest.raises(row.error) as caught:
        PUBLIC[name](**{row.argument: row.bad(good)})
    says = row.says[:1] if "cs231n" in name or "instance" in name else row.says
    message = str(caught.value)
    assert all(part in message for part in says), message
    assert message.startswith(f"{row.argument} "), message


@pytest.mark.parametrize(
    ("groups", "error", "says"),
    [
        (4, ValueError, "groups must divide the 6 channels of x .2, 6, 4, 5.; got groups = 4"),
        (0, ValueError, "groups must divide .* groups = 0"),
        (-2, ValueError, "groups must divide .* groups = -2"),
        (12, ValueError, "groups must divide .* groups = 12"),
        (2.0, TypeError, "groups must be an integer; got float"),
        (None, TypeError, "groups must be an integer; got NoneType"),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, error, says):
    case = random_case((2, 6, 4, 5))
    with pytest.raises(error, match=says):
        bnlib.groupnorm_forward(*case[:3], groups)
    column = (case.gamma.reshape(1, 6, 1, 1), case.beta.reshape(1, 6, 1, 1))
    with pytest.raises(error, match=says):
        cs231n.spatial_groupnorm_forward(case.x, *column, groups, {})


@pytest.mark.parametrize(
    ("forward", "shape", "groups"),
    [
        (bnlib.layernorm_forward, (5, 1), ()),
        (bnlib.instancenorm_forward, (5, 3, 1, 1), ()),
        (bnlib.groupnorm_forward, (5, 3, 1, 1), (3,)),
        (bnlib.groupnorm_forward, (5, 3), (3,)),
    ],
)
def test_one_value_per_group_is_refused(forward, shape, groups):
    v = np.ones(shape[1])
    with pytest.raises(ValueError, match=r"x has one value per group, shape \(5, .* variance is"):
        forward(np.ones(shape), v, v, *groups)


def test_images_without_positions_are_refused():
    with pytest.raises(ValueError, match=r"x is an empty batch, shape \(2, 3, 0, 5\)"):
        bnlib.instancenorm_forward(np.ones((2, 3, 0, 5)), np.ones(3), np.ones(3))


def test_instance_norm_refuses_a_table():
    with pytest.raises(ValueError, match=r"x must be \(N, C, L\) or .*; got 2 axes"):
        bnlib.instancenorm_forward(np.ones((5, 3)), np.ones(3), np.ones(3))


@EVERY_KIND
def test_an_empty_batch_gives_an_empty_result_and_zero_gradients(kind):
    case = random_case((2, 6, 4, 5))
    y, dx, dgamma, dbeta = results(kind, case._replace(x=case.x[:0], dout=case.dout[:0]))
    assert y.shape == dx.shape == (0, 6, 4, 5)
    assert not dgamma.any()
    assert not dbeta.any()


@EVERY_KIND
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_stay_in_their_image(kind, value):
    case = random_case((2, 6, 4, 5))
    spoiled = case.x.copy()
    spoiled[0, 1, 2, 3] = value
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        y, dx, *_ = results(kind, case._replace(x=spoiled))
    clean = results(kind, case)
    assert (y[1] == clean[0][1]).all()
    assert (dx[1] == clean[1][1]).all()
    assert not np.isfinite(y[0, 1]).all()
    if kind == "instance":
        assert (y[0, 2:] == clean[0][0, 2:]).all()


@EVERY_KIND
def test_a_constant_image_gives_beta_and_finite_gradients(kind):
    case = random_case((2, 6, 4, 5))
    x = case.x.copy()
    x[0] = -1e6 / 3
    y, *gradients = results(kind, case._replace(x=x))
    assert (y[0] == np.broadcast_to(case.beta[:, None, None], (6, 4, 5))).all()
    assert all(np.isfinite(g).all() for g in gradients)


@EVERY_FUNCTION
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, bool])
def test_dtypes_follow_x(name, dtype):
    given = {key: np.rint(GOOD[key] - 8 * (key == "x")) for key in ("x", "gamma", "beta", "dout")}
    given = {k: v[:, :, 0, 0] if "cs" in name and v.ndim > 1 else v for k, v in given.items()}
    given = {key: value.astype(dtype) for key, value in given.items()}
    wide = PUBLIC[name](**{key: value.astype(float) for key, value in given.items()})
    narrow = PUBLIC[name](**given)
    kept = dtype if np.dtype(dtype).kind == "f" else np.float64
    assert all(a.dtype == kept for a in narrow)
    tolerance = {np.float16: 1e-3, np.float32: 2e-6}.get(dtype, 0)  # rounding
    for a, b in zip(narrow, wide, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())


@pytest.mark.parametrize("kind", ["layer", "instance"])
def test_longdouble_keeps_all_its_digits(kind):
    forward, backward, _ = KINDS[kind]
    last = np.finfo(np.longdouble).eps  # where longdouble is float64, these are float64's digits
    x = np.array([[[1, 1 + 2 * last]]])  # in float64 both would be 1, without a variance
    gamma, beta = np.array([1 + last]), np.array([2 * last])
    y, cache = forward(x, gamma, beta, eps=0)
    assert y.tolist() == [[[-1 + last, 1 + 3 * last]]]
    dx, dgamma, dbeta = backward(np.array([[[0, 1 + last]]]), cache)
    assert (dgamma, dbeta) == (1 + last, 1 + last)
    assert {a.dtype for a in (y, dx, dgamma, dbeta)} == {np.dtype(np.longdouble)}


def test_float16_is_computed_in_float32():
    x = (100 * random_case((2, 6, 4, 5)).x).astype(np.float16)  # squares pass 65504
    y, _ = bnlib.groupnorm_forward(x, np.ones(6), np.zeros(6), 3)
    wide, _ = bnlib.groupnorm_forward(x.astype(float), np.ones(6), np.zeros(6), 3)
    assert (np.abs(y - wide) <= 0.51 * np.spacing(np.abs(wide).astype(np.float16))).all()


@EVERY_KIND
@pytest.mark.parametrize("order", MEMORY)
def test_the_order_in_memory_does_not_matter(kind, order):
    case = random_case((2, 6, 4, 5))
    other = type(case)(*(MEMORY[order](a) for a in case))
    assert_close(results(kind, other), results(kind, case), rtol=1e-13)  # sums' order


@EVERY_KIND
def test_lists_are_taken_as_arrays(kind):
    case = random_case((2, 6, 4, 5))
    other = type(case)(*(a.tolist() for a in case))
    assert_close(results(kind, other), results(kind, case), rtol=0)


@EVERY_KIND
def test_nothing_is_changed_and_no_memory_is_shared(kind):
    case = random_case((2, 6, 4, 5))
    given = type(case)(*(a.copy() for a in case))
    forward, backward, groups = KINDS[kind]
    y, cache = forward(*given[:3], *groups)
    arrays = [*given, y, *backward(given.dout, cache)]
    assert all((a == b).all() for a, b in zip(given, case, strict=True))
    for k, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:k])
        assert not any(np.shares_memory(a, b) for b in arrays_in(cache))
    again = backward(given.dout, cache)
    assert all((a == b).all() for a, b in zip(arrays[5:], again, strict=True))


@EVERY_KIND
def test_arrays_of_another_library_pass_through(kind):
    case = random_case((2, 6, 4, 5))
    other = type(case)(*map(Foreign, case))
    got = results(kind, other)
    assert all(type(a) is Foreign for a in got)
    assert_close(map(inside, got), results(kind, case), rtol=0)


@EVERY_KIND
def test_a_cache_of_another_layer_is_refused(kind):
    case = random_case((2, 6, 4, 5))
    _, batch_cache = bnlib.batchnorm_forward(*case[:3])
    for wrong in (None, (), batch_cache):
        got = "batch norm" if wrong is batch_cache else type(wrong)
        name = kind.split(",")[0]
        expected = f"^cache must come from a forward pass of {name} norm; got {got}"
        with pytest.raises(TypeError, match=expected):
            KINDS[kind][1](case.dout, wrong)


# The course's signatures


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("layernorm_forward", "x gamma beta ln_param"),
        ("layernorm_backward", "dout cache"),
        ("spatial_groupnorm_forward", "x gamma beta G gn_param"),
        ("spatial_groupnorm_backward", "dout cache"),
    ],
)
def test_signatures_are_the_courses(name, arguments):
    assert " ".join(signature(getattr(cs231n, name)).parameters) == arguments


def test_the_courses_group_norm_has_parameters_1_c_1_1():
    case = random_case((2, 6, 4, 5))
    gamma, beta = case.gamma.reshape(1, 6, 1, 1), case.beta.reshape(1, 6, 1, 1)
    out, cache = cs231n.spatial_groupnorm_forward(case.x, gamma, beta, 3, {"eps": 0.1})
    dx, dgamma, dbeta = cs231n.spatial_groupnorm_backward(case.dout, cache)
    assert dgamma.shape == dbeta.shape == (1, 6, 1, 1)
    assert_close(
        (out, dx, dgamma.ravel(), dbeta.ravel()), expected("group, 3", case, 0.1), rtol=1e-13
    )
    flat, cache = cs231n.spatial_groupnorm_forward(case.x, case.gamma, beta, 3, {"eps": 0.1})
    assert (flat == out).all()
    _, dgamma, dbeta = cs231n.spatial_groupnorm_backward(case.dout, cache)
    assert (dgamma.shape, dbeta.shape) == ((6,), (1, 6, 1, 1))
    with pytest.raises(ValueError, match=r"gamma must have shape \(6,\).*got shape \(1, 6\)"):
        cs231n.spatial_groupnorm_forward(case.x, case.gamma[None], beta, 3, {})


def test_the_courses_eps_is_1e_5_and_its_parameters_are_a_dict():
    case = random_case((5, 6))
    default, _ = cs231n.layernorm_forward(*case[:3], {})
    assert (default == bnlib.layernorm_forward(*case[:3], eps=1e-5)[0]).all()
    with pytest.raises(TypeError, match="ln_param must be a dict; got float"):
        cs231n.layernorm_forward(*case[:3], 1e-5)
    with pytest.raises(TypeError, match="gn_param must be a dict"):
        cs231n.spatial_groupnorm_forward(np.ones((2, 2, 2, 2)), 1, 1, 1, None)
