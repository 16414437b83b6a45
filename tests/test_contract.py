"""DESIGN.md's table of what comes in, row by row, for every public function.

Each public function is called by a run(**arguments) that takes the same argument names, so that
one row of the table can be tried on every function that takes the argument.
"""

import warnings
from inspect import isfunction
from typing import NamedTuple

import numpy as np
import pytest

import bnlib
from bnlib import contract, cs231n, kernels, normalize
from tests.strategies import MEMORY, SHAPE, random_case

X, GAMMA, BETA, DOUT = random_case(SHAPE, seed=5)
GOOD = {
    "x": X,
    "gamma": GAMMA,
    "beta": BETA,
    "dout": DOUT,
    "eps": 1e-5,
    "running_mean": np.array([9.0, 10.0, 11.0]),
    "running_var": np.array([15.0, 0.0, 17.0]),
    "momentum": 0.9,
    "mode": "train",
}


def flat(a):
    """Return an (N, C, H, W) array as (N * H * W, C), anything else as it is."""
    return np.moveaxis(a, 1, -1).reshape(-1, a.shape[1]) if np.ndim(a) == 4 else a


class Public(NamedTuple):
    """The arguments of a public function, and run(**arguments) -> tuple of arrays."""

    takes: tuple
    run: object
    ndim: int = 4
    least: int = 2  # values per channel

    def __call__(self, **changed):
        return self.run(**{name: self.good(name) for name in self.takes} | changed)

    def good(self, name):
        return flat(GOOD[name]) if self.ndim == 2 else GOOD[name]


FORWARD = ("x", "gamma", "beta", "eps")
BACKWARD = (*FORWARD, "dout")
INFERENCE = (*FORWARD, "running_mean", "running_var")
FROZEN = ("dout", "x", "gamma", "running_mean", "running_var", "eps")
COURSE_TEST = (*INFERENCE, "momentum")
COURSE = (*COURSE_TEST, "mode")


def forward(function):
    return lambda x, gamma, beta, eps: function(x, gamma, beta, eps=eps)[:1]


def backward(forward, backward):
    def run(x, gamma, beta, eps, dout):
        return backward(dout, forward(x, gamma, beta, eps=eps)[1])

    return run


def inference(function):
    def run(x, gamma, beta, eps, running_mean, running_var):
        return (function(x, gamma, beta, running_mean, running_var, eps=eps),)

    return run


def frozen(function):
    def run(dout, x, gamma, running_mean, running_var, eps):
        return function(dout, x, gamma, running_mean, running_var, eps=eps)

    return run


def course(function):
    def run(x, gamma, beta, **bn_param):
        out, _ = function(x, gamma, beta, bn_param)
        return out, bn_param["running_mean"], bn_param["running_var"]

    return run


def course_test(function):
    return lambda **arguments: course(function)(**arguments, mode="test")


def course_backward(forward, backward):
    def run(x, gamma, beta, eps, dout):
        return backward(dout, forward(x, gamma, beta, {"mode": "train", "eps": eps})[1])

    return run


PUBLIC = {
    "batch_statistics": Public(("x",), lambda x: bnlib.batch_statistics(x)[:2], least=1),
    "batchnorm_forward": Public(FORWARD, forward(bnlib.batchnorm_forward)),
    "batchnorm_backward": Public(
        BACKWARD, backward(bnlib.batchnorm_forward, bnlib.batchnorm_backward)
    ),
    "batchnorm_inference": Public(INFERENCE, inference(bnlib.batchnorm_inference), least=0),
    "batchnorm_inference_backward": Public(
        FROZEN, frozen(bnlib.batchnorm_inference_backward), least=0
    ),
    "spatial_batchnorm_inference_backward": Public(
        FROZEN, frozen(bnlib.spatial_batchnorm_inference_backward), least=0
    ),
    "spatial_batchnorm_forward": Public(FORWARD, forward(bnlib.spatial_batchnorm_forward)),
    "spatial_batchnorm_backward": Public(
        BACKWARD, backward(bnlib.spatial_batchnorm_forward, bnlib.spatial_batchnorm_backward)
    ),
    "spatial_batchnorm_inference": Public(
        INFERENCE, inference(bnlib.spatial_batchnorm_inference), least=0
    ),
    "cs231n.batchnorm_forward": Public(COURSE, course(cs231n.batchnorm_forward), ndim=2),
    "cs231n.batchnorm_forward in test": Public(
        COURSE_TEST, course_test(cs231n.batchnorm_forward), ndim=2, least=0
    ),
    "cs231n.batchnorm_backward": Public(
        BACKWARD, course_backward(cs231n.batchnorm_forward, cs231n.batchnorm_backward), ndim=2
    ),
    "cs231n.batchnorm_backward_alt": Public(
        BACKWARD, course_backward(cs231n.batchnorm_forward, cs231n.batchnorm_backward_alt), ndim=2
    ),
    "cs231n.spatial_batchnorm_forward": Public(COURSE, course(cs231n.spatial_batchnorm_forward)),
    "cs231n.spatial_batchnorm_forward in test": Public(
        COURSE_TEST, course_test(cs231n.spatial_batchnorm_forward), least=0
    ),
    "cs231n.spatial_batchnorm_backward": Public(
        BACKWARD,
        course_backward(cs231n.spatial_batchnorm_forward, cs231n.spatial_batchnorm_backward),
    ),
}
KERNELS = {
    "kernels.batchnorm_forward": Public(FORWARD, forward(kernels.batchnorm_forward)),
    "kernels.batchnorm_backward": Public(
        BACKWARD, backward(kernels.batchnorm_forward, kernels.batchnorm_backward)
    ),
    "kernels.batchnorm_inference": Public(
        INFERENCE, inference(kernels.batchnorm_inference), least=0
    ),
    "kernels.batchnorm_inference_backward": Public(
        FROZEN, frozen(kernels.batchnorm_inference_backward), least=0
    ),
    "kernels.spatial_batchnorm_inference_backward": Public(
        FROZEN, frozen(kernels.spatial_batchnorm_inference_backward), least=0
    ),
    "kernels.spatial_batchnorm_forward": Public(
        FORWARD, forward(kernels.spatial_batchnorm_forward)
    ),
    "kernels.spatial_batchnorm_backward": Public(
        BACKWARD, backward(kernels.spatial_batchnorm_forward, kernels.spatial_batchnorm_backward)
    ),
    "kernels.spatial_batchnorm_inference": Public(
        INFERENCE, inference(kernels.spatial_batchnorm_inference), least=0
    ),
}
PUBLIC |= KERNELS
ALL = pytest.mark.parametrize("function", PUBLIC.values(), ids=PUBLIC)


def test_every_public_function_of_batch_norm_is_in_the_table():
    names = {name for name in bnlib.__all__ if isfunction(getattr(bnlib, name))}
    for module in (cs231n, kernels):
        prefix = module.__name__.removeprefix("bnlib.")
        functions = [name for name, f in vars(module).items() if isfunction(f)]
        names |= {f"{prefix}.{name}" for name in functions if not name.startswith("_")}
    batch_norm = {name for name in names if "batch" in name}
    assert batch_norm == {name.removesuffix(" in test") for name in PUBLIC}


class Row(NamedTuple):
    """One kind of bad input: which argument, how it is made from a good one, what must happen."""

    what: str
    argument: str
    bad: object
    error: type
    says: tuple
    values: int = -1  # per channel; bad for the functions that need more

    def applies_to(self, function):
        return self.argument in function.takes and self.values < function.least


def other(value):
    return lambda good: value


def as_type(dtype):
    return lambda good: np.asarray(good).astype(dtype)


def one_each(x):
    return x[(slice(1), slice(None), *(slice(1),) * (x.ndim - 2))]


VECTORS = ("gamma", "beta", "running_mean", "running_var")
ROWS = [
    *(
        row
        for name in VECTORS
        for row in (
            Row("too long", name, other(np.ones(4)), ValueError, (name, "(3,)", "(4,)")),
            Row("too short", name, other(np.ones(1)), ValueError, (name, "(3,)", "(1,)")),
            Row("a row", name, other(np.ones((1, 3))), ValueError, (name, "(3,)", "(1, 3)")),
            Row("a scalar", name, other(1.0), ValueError, (name, "(3,)", "()")),
        )
    ),
    Row("one image", "dout", lambda d: d[:1], ValueError, ("dout", "shape of y", "(1, 3")),
    Row("transposed", "dout", np.transpose, ValueError, ("dout", "shape of y")),
    Row("would broadcast", "dout", one_each, ValueError, ("dout", "(1, 3")),
    Row("a scalar", "dout", other(1.0), ValueError, ("dout", "()")),
    Row("no axes", "x", other(3.0), ValueError, ("x", "(N, C", "0 axes", "()")),
    Row("one axis", "x", other(np.ones(3)), ValueError, ("x", "(N, C", "1 axes", "(3,)")),
    Row("six axes", "x", other(np.ones((2,) * 6)), ValueError, ("x", "(N, C", "6 axes")),
    Row("gamma in x's place", "x", other(GAMMA), ValueError, ("x", "(N, C", "(3,)")),
    Row("x in gamma's place", "gamma", other(X), ValueError, ("gamma", "(3,)", "(2, 3, 4, 5)")),
    Row("one value each", "x", one_each, ValueError, ("x", "one value per channel", "(1, 3"), 1),
    Row("empty batch", "x", lambda x: x[:0], ValueError, ("x", "empty", "(0, 3"), 0),
    *(
        row
        for name in ("x", "dout", *VECTORS)
        for row in (
            Row("complex", name, as_type(complex), TypeError, (name, "real", "complex128")),
            Row("objects", name, as_type(object), TypeError, (name, "real", "object")),
            Row("strings", name, as_type("U9"), TypeError, (name, "real", "U9")),
            Row("dates", name, as_type("m8[s]"), TypeError, (name, "real", "timedelta64")),
            Row("None", name, other(None), TypeError, (name, "real", "object")),
            Row("masked", name, np.ma.masked_array, TypeError, (name, "masked", "where")),
            Row("ragged", name, other([[1.0], [2.0, 3.0]]), (ValueError, TypeError), (name,)),
        )
    ),
    *(
        Row(str(value), "eps", other(value), ValueError, ("eps", "finite and", str(value)))
        for value in (-1e-5, np.nan, np.inf, -np.inf)
    ),
    *(
        Row(type(value).__name__, "eps", other(value), TypeError, ("eps", type(value).__name__))
        for value in (None, "1e-5", 1e-5j, np.ones(3))
    ),
    Row("negative", "running_var", other([1, -2, 3]), ValueError, ("running_var", "channel 1")),
    Row("-eps", "running_var", other([1, 1, -1e-5]), ValueError, ("running_var", "channel 2")),
    Row("unknown", "mode", other("eval"), ValueError, ("mode", "'train' or 'test'", "'eval'")),
    Row("None", "mode", other(None), ValueError, ("mode", "'train' or 'test'", "None")),
    Row("negative", "momentum", other(-0.1), ValueError, ("momentum", "0 and 1", "-0.1")),
    Row("above 1", "momentum", other(1.5), ValueError, ("momentum", "0 and 1", "1.5")),
    Row("nan", "momentum", other(np.nan), ValueError, ("momentum", "0 and 1", "nan")),
    Row("a string", "momentum", other("0.9"), TypeError, ("momentum", "number", "str")),
]


@pytest.mark.parametrize(
    ("row", "function"),
    [
        pytest.param(row, function, id=f"{name}: {row.argument} {row.what}")
        for row in ROWS
        for name, function in PUBLIC.items()
        if row.applies_to(function)
        and not ("cs231n" in name and row.what == "a row" and row.argument in ("gamma", "beta"))
    ],
)
def test_bad_input_is_refused_by_name(row, function):
    with pytest.raises(row.error) as caught:
        function(**{row.argument: row.bad(function.good(row.argument))})
    message = str(caught.value)
    assert all(part in message for part in row.says), message


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 20), (2, 3, 4, 5, 1)], ids=str)
@pytest.mark.parametrize("name", [name for name in PUBLIC if "spatial" in name])
def test_spatial_functions_take_four_axes_only(name, shape):
    with pytest.raises(ValueError, match=rf"x must be \(N, C, H, W\); got {len(shape)} axes"):
        PUBLIC[name](x=np.ones(shape))


def test_spatial_backward_takes_four_axes_only():
    x = np.ones((2, 3, 20))
    _, cache = bnlib.batchnorm_forward(x, GAMMA, BETA)
    with pytest.raises(ValueError, match=r"dout must be \(N, C, H, W\); got 3 axes"):
        bnlib.spatial_batchnorm_backward(x, cache)


@pytest.mark.parametrize("shape", [(2, 3, 20), (2, 3, 4, 5)], ids=str)
@pytest.mark.parametrize("name", [name for name, f in PUBLIC.items() if f.ndim == 2])
def test_the_courses_plain_functions_take_two_axes_only(name, shape):
    with pytest.raises(ValueError, match=rf"x must be \(N, C\); got {len(shape)} axes"):
        PUBLIC[name](x=np.ones(shape))


def course_cache(forward):
    return lambda x: forward(x, GAMMA, BETA, {"mode": "train"})[1]


def cache(forward):
    return lambda x: forward(x, GAMMA, BETA)[1]


# Backward functions, each with the forward pass that makes its cache.
BACKWARDS = {
    "batchnorm_backward": (bnlib.batchnorm_backward, cache(bnlib.batchnorm_forward)),
    "spatial_batchnorm_backward": (
        bnlib.spatial_batchnorm_backward,
        cache(bnlib.spatial_batchnorm_forward),
    ),
    "cs231n.batchnorm_backward": (
        cs231n.batchnorm_backward,
        course_cache(cs231n.batchnorm_forward),
    ),
    "cs231n.batchnorm_backward_alt": (
        cs231n.batchnorm_backward_alt,
        course_cache(cs231n.batchnorm_forward),
    ),
    "cs231n.spatial_batchnorm_backward": (
        cs231n.spatial_batchnorm_backward,
        course_cache(cs231n.spatial_batchnorm_forward),
    ),
}


@pytest.mark.parametrize("name", BACKWARDS)
def test_a_cache_that_no_forward_made_is_refused(name):
    backward, _ = BACKWARDS[name]
    dout = PUBLIC[name].good("dout")
    inner = normalize.forward(X, GAMMA[0], BETA[0], (0, 2, 3), 1e-5)[1]
    for wrong in (None, (), {}, dout, inner):
        with pytest.raises(TypeError, match=f"cache must .* got {type(wrong)}"):
            backward(dout, wrong)


@pytest.mark.parametrize("name", BACKWARDS)
def test_a_cache_of_another_shape_is_refused(name):
    backward, cache_of = BACKWARDS[name]
    dout = PUBLIC[name].good("dout")
    with pytest.raises(ValueError, match="dout must have the shape of y"):
        backward(dout, cache_of(np.concatenate([dout, dout])))


@pytest.mark.parametrize("name", BACKWARDS)
def test_dout_and_cache_in_each_others_place_are_refused(name):
    backward, cache_of = BACKWARDS[name]
    dout = PUBLIC[name].good("dout")
    with pytest.raises((TypeError, ValueError), match=r"^(cache|dout) must"):
        backward(cache_of(dout), dout)


@pytest.mark.parametrize("eps", [1e-50, 1e39])
def test_eps_that_float32_cannot_hold_is_refused(eps):
    for name in ("batchnorm_forward", "batchnorm_inference"):
        with pytest.raises(ValueError, match=f"eps must .*float32; got {eps}".replace("+", r"\+")):
            PUBLIC[name](x=X.astype(np.float32), eps=eps)
        assert np.isfinite(PUBLIC[name](eps=eps)[0]).all()  # float64 can


# What is accepted, and with which result.


def channel(a, c):
    return a[c] if a.ndim == 1 else a[:, c]


def arguments_as(function, make, names=("x", "dout", *VECTORS)):
    return {name: make(function.good(name)) for name in names if name in function.takes}


def assert_same(results, expected, rtol=0.0):
    for a, b in zip(results, expected, strict=True):
        atol = rtol * (np.abs(b).max() if b.size else 0)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


@ALL
@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64])
def test_integers_are_promoted_to_float64(function, dtype):
    whole = arguments_as(function, lambda a: np.rint(a - 8 * (a.ndim > 1)).astype(dtype))
    results = function(**whole)
    assert all(a.dtype == np.float64 for a in results)
    assert_same(results, function(**{name: a.astype(float) for name, a in whole.items()}))


@ALL
@pytest.mark.parametrize("eps", [1e-5, np.float32(1e-5), np.float64(1e-5), np.longdouble(1e-5)])
@pytest.mark.parametrize("narrow", [("x",), ("x", "dout", *VECTORS)], ids=["x", "all"])
def test_float32_stays_float32(function, narrow, eps):
    given = arguments_as(function, lambda a: a.astype(np.float32), narrow)
    eps = {"eps": eps} if "eps" in function.takes else {}
    results = function(**given, **eps)
    assert all(a.dtype == np.float32 for a in results)
    wide = function(**{name: a.astype(float) for name, a in given.items()})
    assert_same(results, wide, rtol=1e-6)  # some ten roundings of 6e-8


@pytest.mark.parametrize("name", [name for name in PUBLIC if "backward" not in name])
@pytest.mark.parametrize("byteorder", "<>")
def test_float16_is_computed_in_float32_and_rounded_once(name, byteorder):
    function = PUBLIC[name]
    x = (100 * function.good("x")).astype(byteorder + "f2")  # squares pass 65504
    var = {"running_var": np.array([1e5, 2e5, 3e5])} if "running_var" in function.takes else {}
    results, wide = function(x=x, **var), function(x=x.astype(float), **var)
    if name == "batch_statistics":
        assert_same(results, wide, rtol=1e-6)  # rounding
        return
    y, *running = results
    assert y.dtype == x.dtype
    # Half a spacing of float16 for the rounding, and a little for those of float32.
    spacing = np.spacing(np.abs(wide[0]).astype(np.float16)).astype(float)
    assert (np.abs(y - wide[0]) <= 0.51 * spacing).all()
    assert all(a.dtype == np.float32 for a in running)
    assert_same(running, wide[1:], rtol=1e-6)  # rounding


@pytest.mark.parametrize("name", BACKWARDS)
@pytest.mark.parametrize("byteorder", "<>")
def test_gradients_of_float16_are_rounded_once(name, byteorder):
    x = PUBLIC[name].good("x").astype(byteorder + "f2")
    results, wide = PUBLIC[name](x=x), PUBLIC[name](x=x.astype(float))
    assert all(a.dtype == x.dtype for a in results)
    for a, b in zip(results, wide, strict=True):
        spacing = np.spacing(np.abs(b).astype(np.float16)).astype(float)
        assert (np.abs(a - b) <= 0.51 * spacing + 1e-6).all()  # 1e-6: float32, where terms cancel


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in KERNELS])
def test_longdouble_stays_longdouble(name):
    function = PUBLIC[name]
    results = function(**arguments_as(function, lambda a: a.astype(np.longdouble)))
    assert all(a.dtype == np.longdouble for a in results)
    assert_same(results, function(), rtol=1e-13)


@ALL
def test_eps_may_be_zero(function):
    if "eps" in function.takes:
        var = {"running_var": np.ones(3)} if "running_var" in function.takes else {}
        # The smallest variance here is 1: eps = 1e-14 moves a result by 1e-14 of itself.
        assert_same(function(eps=0, **var), function(eps=1e-14, **var), rtol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("function", "argument"),
    [
        pytest.param(function, argument, id=f"{name}: {argument}")
        for name, function in PUBLIC.items()
        for argument in ("x", "dout", *VECTORS)
        if argument in function.takes and (argument != "running_var")
    ],
)
def test_nan_and_infinity_stay_in_their_channel(function, argument, value):
    spoiled = function.good(argument).copy()
    spoiled[(..., 1) if spoiled.ndim == 1 else (0, 1)] = value
    with np.errstate(invalid="ignore"), warnings.catch_warnings():  # infinity minus infinity
        warnings.filterwarnings("ignore", "batch statistics of channels .1. are not finite")
        results = function(**{argument: spoiled})
    clean = function()
    for a, b in zip(results, clean, strict=True):
        assert (channel(a, 0) == channel(b, 0)).all()
        assert (channel(a, 2) == channel(b, 2)).all()
    reaches = argument != "beta" or "dout" not in function.takes  # no gradient depends on beta
    assert reaches == (not all(np.isfinite(channel(a, 1)).all() for a in results))


@ALL
@pytest.mark.parametrize("value", [0.1, -1e6 / 3, 12345678.9, 3e37])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_channel_gives_beta_and_finite_gradients(function, value, dtype):
    x = function.good("x").astype(dtype)
    x[:, 0] = value
    results = function(x=x)
    assert all(np.isfinite(a).all() for a in results)
    if function.least == 2 and "dout" not in function.takes:
        assert (results[0][:, 0] == BETA[0].astype(dtype)).all()
    if "dout" in function.takes and function.least == 2:
        dout = function.good("dout")[:, 0]
        expected = GAMMA[0] / np.sqrt(1e-5) * (dout - dout.mean())  # xhat is 0, std is sqrt(eps)
        np.testing.assert_allclose(results[0][:, 0], expected, rtol=2e-5, atol=1e-4)
        assert results[1][0] == 0


@ALL
@pytest.mark.parametrize("order", MEMORY)
def test_the_order_in_memory_does_not_matter(function, order):
    results = function(**arguments_as(function, MEMORY[order]))
    assert_same(results, function(), rtol=1e-14)  # sums run in another order


@ALL
def test_zero_strides_do_not_matter(function):
    def make(a):
        return np.broadcast_to(a[:1] if a.ndim < 4 else a[..., :1], a.shape)

    views = arguments_as(function, make)
    assert_same(
        function(**views), function(**{name: a.copy() for name, a in views.items()}), rtol=1e-14
    )


@ALL
def test_lists_are_taken_as_arrays(function):
    assert_same(function(**arguments_as(function, np.ndarray.tolist)), function())


@ALL
def test_tuples_of_arrays_are_taken_as_arrays(function):
    assert_same(function(**arguments_as(function, tuple)), function())


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("name", [name for name in PUBLIC if "spatial" not in name])
def test_a_matrix_is_taken_as_an_array(name):
    function = PUBLIC[name]
    arrays = arguments_as(function, flat, ("x", "dout"))
    results = function(**{n: np.matrix(a) for n, a in arrays.items()})
    assert all(type(a) is np.ndarray for a in results)
    assert_same(results, function(**arrays))


@pytest.mark.parametrize(
    "name", [n for n, f in PUBLIC.items() if f.least == 0 and "dout" not in f.takes]
)
@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.float32, np.float64])
def test_inference_of_an_empty_batch_is_empty(name, dtype):
    x = PUBLIC[name].good("x")[:0].astype(dtype)
    y = PUBLIC[name](x=x)[0]
    assert y.shape == x.shape
    assert y.dtype == (np.float64 if dtype == np.int64 else dtype)


@ALL
def test_no_channels_give_empty_results(function):
    def without_channels(a):
        return a[:0] if a.ndim == 1 else a[:, :0]

    results = function(**arguments_as(function, without_channels))
    assert [a.shape for a in results] == [without_channels(a).shape for a in function()]


def arrays_in(value):
    """Yield every array in nested tuples, such as a cache."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from arrays_in(item)


@ALL
def test_no_argument_is_changed_and_a_second_call_gives_the_same(function):
    given = arguments_as(function, np.copy)
    first, second = function(**given), function(**given)
    for name, a in given.items():
        assert (a == function.good(name)).all(), name
    assert_same(first, second)


@ALL
@pytest.mark.parametrize("m", [2, 40])
def test_no_result_shares_memory_with_an_argument_or_another_result(function, m):
    def make(a):
        return a.copy() if m == 40 or a.ndim != 4 else a[:, :, :1, :1].copy()

    given = arguments_as(function, make)
    arrays = [*given.values(), *function(**given)]
    for k, a in enumerate(arrays):
        for b in arrays[:k]:
            assert not np.shares_memory(a, b)


@pytest.mark.parametrize(
    "forward", [bnlib.batchnorm_forward, bnlib.spatial_batchnorm_forward], ids=lambda f: f.__name__
)
def test_the_cache_shares_no_memory_with_arguments_or_results(forward):
    y, cache = forward(X, GAMMA, BETA)
    gradients = bnlib.batchnorm_backward(DOUT, cache)
    for a in arrays_in(cache):
        for b in (X, GAMMA, BETA, DOUT, y, *gradients):
            assert not np.shares_memory(a, b)


@pytest.mark.parametrize("eps", [1e-5, np.float64(1e-5)])
def test_the_cache_of_float32_is_float32(eps):
    _, cache = bnlib.batchnorm_forward(X.astype(np.float32), GAMMA, BETA, eps=eps)
    assert {a.dtype for a in arrays_in(cache)} == {np.dtype(np.float32)}


def test_backward_leaves_the_cache_as_it_was():
    _, cache = bnlib.batchnorm_forward(X, GAMMA, BETA)
    saved = [a.copy() for a in arrays_in(cache)]
    first = bnlib.batchnorm_backward(DOUT, cache)
    assert_same(arrays_in(cache), saved)
    assert_same(first, bnlib.batchnorm_backward(DOUT, cache))


class Foreign:
    """An array of another library: it dispatches NumPy's functions, and never becomes NumPy's.

    Like Dask's arrays it has no writing in place: no out=, no element assignment, and ``a += b``
    rebinds a.
    """

    def __init__(self, values):
        self._values = values

    shape = property(lambda self: self._values.shape)
    ndim = property(lambda self: self._values.ndim)
    dtype = property(lambda self: self._values.dtype)

    def astype(self, dtype, copy=True):
        return Foreign(self._values.astype(dtype))

    def __array__(self, *args, **kwargs):
        raise AssertionError("converted to a NumPy array")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        assert method == "__call__"
        assert "out" not in kwargs, f"{ufunc.__name__} writes into an array"
        return Foreign(ufunc(*map(inside, inputs), **kwargs))

    def __array_function__(self, function, types, args, kwargs):
        assert "out" not in kwargs, f"{function.__name__} writes into an array"
        return Foreign(function(*map(inside, args), **kwargs))

    def __add__(self, other):
        return np.add(self, other)

    def __sub__(self, other):
        return np.subtract(self, other)

    def __mul__(self, other):
        return np.multiply(self, other)

    def __truediv__(self, other):
        return np.true_divide(self, other)

    def __radd__(self, other):
        return np.add(other, self)

    def __rmul__(self, other):
        return np.multiply(other, self)

    def __rtruediv__(self, other):
        return np.true_divide(other, self)


def inside(a):
    return a._values if isinstance(a, Foreign) else a


@pytest.mark.parametrize("names", [("x", "dout"), ("x", "dout", *VECTORS)], ids=["x", "all"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64])
@pytest.mark.parametrize(
    "name", [n for n in PUBLIC if n != "cs231n.batchnorm_backward" and n not in KERNELS]
)
def test_arrays_of_another_library_pass_through(name, names, dtype):
    function = PUBLIC[name]  # the one left out runs the graph, whose nodes hold NumPy arrays
    numpy = arguments_as(function, lambda a: a.astype(dtype))
    results = function(**{n: Foreign(a) if n in names else a for n, a in numpy.items()})
    lazy = [type(a) is Foreign for a in results]
    assert all(lazy[:1] if function.least == 0 else lazy)  # given statistics are not x's
    # computed in float32, of whose sums NumPy's own arrays take a part in pairs
    rounding = 1e-6 if dtype in (np.float32, np.float16) else 0
    assert_same(map(inside, results), function(**numpy), rtol=rounding)


def test_a_foreign_array_that_is_converted_would_be_noticed():
    with pytest.raises(AssertionError, match="converted"):
        np.asarray(Foreign(X))
    with pytest.raises(AssertionError, match="writes into"):
        np.add(Foreign(X), 1, out=X)


@pytest.mark.parametrize(
    ("dtype", "working"),
    [("f2", "f4"), (">f2", "f4"), ("f4", "f4"), (">f4", "f4"), ("f8", "f8"), (">f8", "f8")],
)
def test_the_working_dtype_is_native_and_at_least_float32(dtype, working):
    assert contract.working_dtype(np.dtype(dtype)) == np.dtype(working)
