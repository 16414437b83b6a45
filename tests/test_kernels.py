"""The compiled layer against the loops of bnlib.reference and against bnlib.layers.

That the contract for inputs holds is in test_contract.py, with the other layers.
"""

import itertools
import math
import os
import pickle
import subprocess
import sys

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.lib.stride_tricks import as_strided

from bnlib import gradcheck, kernels, layers, reference
from bnlib.kernels import arrays, compiled
from bnlib.kernels import threads as sharing
from tests.strategies import (
    MEMORY,
    assert_gradients_close,
    assert_y_close,
    cases,
    random_case,
)
from tests.test_numerics import OFFSETS, exact

EPS = 1e-5
# Small and large, few channels and many, tables and volumes; odd sizes leave rests everywhere.
SHAPES = [(2, 3, 4, 5), (7, 33), (1, 2, 9), (3, 2, 3, 2, 5)]
LARGE = [(40, 3, 17, 19), (9, 129, 5, 7), (301, 67), (5000, 5), (3, 300, 33), (257, 64, 1, 1)]
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(
    autouse=True,
    params=[1, pytest.param(2, marks=pytest.mark.slow)],
    ids=["one thread", "two threads"],
)
def threads(request, monkeypatch):
    """Let each test run in one thread; with two, let the smallest batch be shared by both."""
    if request.param == 2:
        monkeypatch.setattr(sharing, "SERIAL", 0)
    before = numba.get_num_threads()
    numba.set_num_threads(min(request.param, numba.config.NUMBA_NUM_THREADS))
    yield request.param
    numba.set_num_threads(before)


def runs(shapes, dtypes=(np.float32, np.float64)):
    """Return each shape with each number of threads and dtype.

    Numba takes seconds to compile a loop for several threads: make test-all.
    """
    return [
        pytest.param(*run, marks=[pytest.mark.slow] if run[1] == 2 else [])
        for run in itertools.product(shapes, (1, 2), dtypes)
    ]


def relative(got, right):
    """Return the largest difference, relative to the largest value."""
    return np.abs(got.astype(np.float64) - right).max() / np.abs(right).max()


def both_passes(module, case, **options):
    y, cache = module.batchnorm_forward(case.x, case.gamma, case.beta, eps=EPS, **options)
    return y, *module.batchnorm_backward(case.dout, cache, **options)


@settings(deadline=None)
@given(case=cases())
def test_both_passes_against_the_loops_in_float64(case):
    y, *gradients = both_passes(kernels, case)
    right = reference.batchnorm_forward(case.x, case.gamma, case.beta, EPS)
    assert_y_close(y, right, case, EPS)
    right = reference.batchnorm_backward(case.dout, case.x, case.gamma, EPS)
    assert_gradients_close(gradients, right, case, EPS)


@settings(deadline=None)
@given(case=cases(offsets=(0.0, -3.0, 1e3), dtype=np.float32))
def test_both_passes_against_the_loops_in_float32(case):
    y, *gradients = both_passes(kernels, case)
    assert {a.dtype.newbyteorder("=") for a in (y, *gradients)} == {np.dtype(np.float32)}
    right = reference.batchnorm_forward(case.x, case.gamma, case.beta, EPS)
    assert_y_close(y, right, case, EPS)
    right = reference.batchnorm_backward(case.dout, case.x, case.gamma, EPS)
    assert_gradients_close(gradients, right, case, EPS)


def test_backward_against_numerical_gradients():
    case = random_case()
    _, *gradients = both_passes(kernels, case)
    arguments = {"x": case.x, "gamma": case.gamma, "beta": case.beta}
    for (name, value), gradient in zip(arguments.items(), gradients, strict=True):

        def f(v, name=name):
            return kernels.batchnorm_forward(**arguments | {name: v}, eps=EPS)[0]

        right = gradcheck.numerical_gradient(f, value, case.dout)
        assert gradcheck.rel_error(gradient, right) < 1e-6, name


@pytest.mark.parametrize(
    ("shape", "threads", "dtype"), runs(SHAPES + LARGE), ids=str, indirect=["threads"]
)
def test_equal_to_the_layers(shape, threads, dtype):
    case = random_case(shape, dtype=dtype)
    bound = {np.float32: 1e-6, np.float64: 1e-12}[dtype]
    for got, right in zip(both_passes(kernels, case), both_passes(layers, case), strict=True):
        assert got.dtype == right.dtype
        assert relative(got, right) < bound


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("order", ["(N, C, H, W)", "(N * H * W, C)"])
def test_float32_is_exact_at_any_offset(offset, order):
    x = (np.random.default_rng(0).standard_normal((16, 3, 16, 16)) + offset).astype(np.float32)
    xhat, mean, var = exact(x)
    if order != "(N, C, H, W)":
        x, xhat = (np.moveaxis(a, 1, -1).reshape(-1, 3).copy() for a in (x, xhat))
    y, cache = kernels.batchnorm_forward(x, np.ones(3), np.zeros(3), eps=EPS)
    assert np.abs(y - xhat).max() < 1e-6
    assert np.abs(cache.moments[0] - mean).max() < 1e-7 * np.sqrt(var).min()  # a deviation's ulp
    np.testing.assert_allclose(cache.moments[2], var, rtol=1e-6)
    assert (
        np.abs(
            kernels.batchnorm_inference(x, np.ones(3), np.zeros(3), mean, var, eps=EPS) - xhat
        ).max()
        < 1e-6
    )


@pytest.mark.parametrize("offset", [1e4, 1e8, 1e12])
@pytest.mark.parametrize("shape", [(64, 3, 9, 9), (501, 7)], ids=str)
def test_float64_is_exact_at_any_offset(shape, offset):
    case = random_case(shape, offset=offset, scale=1.0)
    wide = case._replace(x=case.x.astype(np.longdouble), dout=case.dout.astype(np.longdouble))
    for got, right in zip(both_passes(kernels, case), both_passes(layers, wide), strict=True):
        assert relative(got, right) < 1e-12


@pytest.mark.parametrize("shape", [(64, 2, 9, 9), (5000, 3)], ids=str)
@every_dtype
def test_a_first_value_far_away_costs_no_digits(shape, dtype):
    x = random_case(shape, scale=1.0, dtype=dtype).x
    x[0] += dtype(1e4)  # one of those whose mean the sums are first taken about
    case = random_case(shape, dtype=dtype)._replace(x=x)
    wide = case._replace(x=x.astype(np.longdouble), dout=case.dout.astype(np.longdouble))
    for got, right in zip(both_passes(kernels, case), both_passes(layers, wide), strict=True):
        assert relative(got, right) < {np.float32: 2e-6, np.float64: 1e-12}[dtype]


@pytest.mark.parametrize("shape", [(64, 2, 40, 40), (5000, 64)], ids=str)
def test_an_upstream_gradient_with_an_offset_keeps_its_digits(shape):
    case = random_case(shape, dtype=np.float32)
    case = case._replace(dout=case.dout + np.float32(1e4))
    wide = case._replace(x=case.x.astype(np.float64), dout=case.dout.astype(np.float64))
    dx, right = both_passes(kernels, case)[1], both_passes(layers, wide)[1]
    assert relative(dx, right) < 1e-6


def gradients_by_longdouble(case):
    """Return dx, dgamma and dbeta of the layers, all computed in long double."""
    wide = case._replace(x=case.x.astype(np.longdouble), dout=case.dout.astype(np.longdouble))
    return both_passes(layers, wide)[1:]


def tasted(shape):
    """Return an array that is True where the first values of a channel are taken from."""
    images, channels, *positions = shape
    steps = np.arange(compiled.TASTED) / (compiled.TASTED - 1)
    n, i = (steps * (size - 1) + 1e-9 for size in (images, math.prod(positions)))
    mask = np.zeros((images, channels, math.prod(positions)), bool)
    mask[n.astype(int), :, i.astype(int)] = True
    return mask.reshape(shape)


@pytest.mark.parametrize("shape", [(4, 3, 20, 31), (64, 3, 24, 31), (30000, 7)], ids=str)
@pytest.mark.parametrize("size", [1e4, 1e6])
@every_dtype
def test_an_upstream_gradient_with_outliers_where_it_is_tasted_keeps_its_digits(shape, size, dtype):
    case = random_case(shape, dtype=dtype)
    case.dout[tasted(shape)] = size
    bound = {np.float32: 1e-6, np.float64: 1e-12}[dtype]  # as without outliers
    gradients = both_passes(kernels, case)[1:]
    for got, right in zip(gradients, gradients_by_longdouble(case), strict=True):
        assert relative(got, right) < bound


@pytest.mark.parametrize("shape", [(1, 2, 400, 300), (64, 3, 24, 31), (30000, 7)], ids=str)
@pytest.mark.parametrize("offset", [0.5, 3, 7])
def test_dgamma_keeps_its_digits_where_dout_is_a_few_deviations_off_zero(shape, offset):
    case = random_case(shape, offset=0, scale=1, dtype=np.float32)
    case = case._replace(dout=case.dout + np.float32(offset))
    _, dgamma, _ = both_passes(kernels, case)[1:]
    # Rounding m products to either side gives about 1e-7 of their norm; to one side, 5e-6.
    norm = np.linalg.norm(case.dout) / np.sqrt(shape[1])
    assert np.abs(dgamma - gradients_by_longdouble(case)[1]).max() < 1e-6 * norm


@pytest.mark.parametrize("shape", [(70, 3, 33, 33), (301, 3)], ids=str)
@pytest.mark.parametrize("value", [1e-170, 0.1, 1e300])  # the square of two is no float64
def test_a_constant_channel_of_any_size_gives_zero_where_beta_is_zero(shape, value):
    y, cache = kernels.batchnorm_forward(np.full(shape, value), np.ones(3), np.zeros(3))
    assert (y == 0).all()
    assert (cache.statistics.var == 0).all()


@pytest.mark.parametrize("size", [16, 32, 64, 224])
def test_the_first_values_do_not_all_lie_in_one_column(size):
    x, origin = np.zeros((4, 1, size, size)), np.zeros(1)
    x[..., 0] = 1
    compiled._taste(x.reshape(4, 1, -1), 0, 1, compiled.FINE, origin)
    assert origin < 0.5


@pytest.mark.parametrize("order", MEMORY)
@pytest.mark.parametrize("order_of_dout", ["as x", "C order"])
def test_any_strides_give_the_same_result(order, order_of_dout):
    case = random_case((5, 4, 3, 6))
    right = both_passes(layers, case)
    x = MEMORY[order](case.x)
    dout = MEMORY[order](case.dout) if order_of_dout == "as x" else case.dout
    for got, expected in zip(
        both_passes(kernels, case._replace(x=x, dout=dout)), right, strict=True
    ):
        assert relative(got, expected) < 1e-12


def test_channels_last_stays_channels_last_and_is_not_copied():
    case = random_case((5, 4, 3, 6))
    x = MEMORY["channels last"](case.x)
    y, cache = kernels.batchnorm_forward(x, case.gamma, case.beta)
    assert cache.x is x
    assert y.strides == x.strides
    assert kernels.batchnorm_backward(case.dout, cache)[0].strides == x.strides


def test_x_in_c_order_is_not_copied():
    case = random_case()
    _, cache = kernels.batchnorm_forward(case.x, case.gamma, case.beta)
    assert cache.x is case.x


@pytest.mark.parametrize("spoil", [np.negative, lambda x: np.maximum(x, 0), lambda x: x + 1])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (40, 3, 17, 19)], ids=str)
def test_x_changed_before_backward_is_noticed(spoil, shape):
    case = random_case(shape, offset=0)
    _, cache = kernels.batchnorm_forward(case.x, case.gamma, case.beta)
    kernels.batchnorm_backward(case.dout, cache)
    case.x[...] = spoil(case.x)
    with pytest.raises(ValueError, match="x was changed between the forward and the backward"):
        kernels.batchnorm_backward(case.dout, cache)


def test_every_change_of_a_small_x_is_noticed_and_one_in_a_large_one_may_pass():
    small, large = random_case((2, 3, 4, 5)), random_case((40, 3, 17, 19))
    for place in range(small.x.size):
        _, cache = kernels.batchnorm_forward(small.x, small.gamma, small.beta)
        small.x.flat[place] += 1e-3
        with pytest.raises(ValueError, match="x was changed"):
            kernels.batchnorm_backward(small.dout, cache)
    _, cache = kernels.batchnorm_forward(large.x, large.gamma, large.beta)
    large.x.flat[1] += 1  # not among the thousand: the docstrings promise no more
    kernels.batchnorm_backward(large.dout, cache)
    for promise in (kernels.__doc__, kernels.batchnorm_backward.__doc__):
        assert "thousand" in promise


def test_a_mask_is_for_the_layers_and_gives_what_they_give():
    case = random_case((4, 3, 5, 6), dtype=np.float32)
    where = np.arange(120).reshape(4, 1, 5, 6) % 3 > 0
    out, dx = np.empty_like(case.x), np.empty_like(case.x)
    y, cache = kernels.batchnorm_forward(*case[:3], where=where, out=out)
    right, layer = layers.batchnorm_forward(*case[:3], where=where)
    assert y is out
    assert (y == right).all()
    found = kernels.batchnorm_backward(case.dout, cache, out=dx)
    assert found[0] is dx
    for a, b in zip(found, layers.batchnorm_backward(case.dout, layer), strict=True):
        assert (a == b).all()
    assert (cache.statistics.count == layer.statistics.count).all()


@pytest.mark.parametrize("order", ["C order", "channels last"])
def test_out_is_filled_where_the_layers_do_the_work(order):
    case = random_case((4, 3, 5, 6), scale=1e30, dtype=np.float32)
    x = case.x if order == "C order" else MEMORY[order](case.x)
    out, dx = np.empty_like(x), np.empty_like(x)
    y, cache = kernels.batchnorm_forward(x, case.gamma, case.beta, out=out)
    assert y is out
    assert relative(y, layers.batchnorm_forward(*case[:3])[0]) < 1e-6
    assert kernels.batchnorm_backward(case.dout, cache, out=dx)[0] is dx
    with pytest.raises(ValueError, match="out must have shape"):
        kernels.batchnorm_backward(case.dout, cache, out=dx[1:])


@pytest.mark.parametrize("shape", [(5000, 5), (15000, 9), (1000, 25), (8, 256, 28, 28)], ids=str)
@pytest.mark.parametrize("order", ["C order", "channels last"])
def test_the_sample_of_x_meets_every_channel(shape, order):
    x = np.zeros(shape)
    x += np.arange(shape[1]).reshape(-1, *[1] * (len(shape) - 2))
    x = x if order == "C order" else MEMORY[order](x)
    sample = np.frombuffer(arrays.sample(x))
    assert 300 < len(sample) <= 1000
    assert set(sample) == set(range(shape[1]))


def test_a_cache_may_be_pickled():
    case = random_case((40, 3, 17, 19))
    for x in (case.x, MEMORY["channels last"](case.x)):
        _, cache = kernels.batchnorm_forward(x, case.gamma, case.beta)
        dx, _, _ = kernels.batchnorm_backward(case.dout, cache)
        again, _, _ = kernels.batchnorm_backward(case.dout, pickle.loads(pickle.dumps(cache)))
        assert relative(again, dx) < 1e-12


@pytest.mark.parametrize("name", ["x", "gamma", "beta"])
def test_y_and_gradients_are_new_memory(name):
    case = random_case()
    for result in both_passes(kernels, case):
        assert not np.shares_memory(result, getattr(case, name))


@pytest.mark.parametrize("shape", SHAPES + LARGE[:3], ids=str)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_out_holds_the_result_and_is_returned(shape, dtype):
    case = random_case(shape, dtype=dtype)
    right = both_passes(kernels, case)
    y, dx = np.full((2, *shape), np.nan, dtype)
    got, cache = kernels.batchnorm_forward(case.x, case.gamma, case.beta, out=y)
    assert got is y
    assert (y == right[0]).all()
    gradients = kernels.batchnorm_backward(case.dout, cache, out=dx)
    assert gradients[0] is dx
    for a, b in zip(gradients, right[1:], strict=True):
        assert (a == b).all()


def test_out_may_have_any_strides():
    case = random_case()
    out = np.zeros((5, 4, 3, 2)).T
    y, _ = kernels.batchnorm_forward(case.x, case.gamma, case.beta, out=out)
    assert y is out
    assert (out == kernels.batchnorm_forward(case.x, case.gamma, case.beta)[0]).all()


@pytest.mark.parametrize(
    "out", [np.zeros((3, 4, 5))[None], np.zeros(7)[:, None]], ids=["images", "table"]
)
def test_out_may_have_a_new_axis(out):  # NumPy gives it a stride of 0
    case = random_case(out.shape)
    y, _ = kernels.batchnorm_forward(case.x, case.gamma, case.beta, out=out)
    assert y is out
    assert (out == kernels.batchnorm_forward(case.x, case.gamma, case.beta)[0]).all()


def test_inference_may_write_into_x():
    case = random_case()
    statistics = case.gamma + 5, case.gamma**2
    right = layers.batchnorm_inference(case.x, case.gamma, case.beta, *statistics)
    y = kernels.batchnorm_inference(case.x, case.gamma, case.beta, *statistics, out=case.x)
    assert y is case.x
    assert relative(y, right) < 1e-12


X, GAMMA, BETA, DOUT = random_case()
READ_ONLY = MEMORY["read-only"](X)


@pytest.mark.parametrize(
    ("out", "error", "says"),
    [
        (np.empty((2, 3, 5, 4)), ValueError, r"shape \(2, 3, 4, 5\).*got \(2, 3, 5, 4\)"),
        (np.empty(X.shape, np.float32), ValueError, "float64; got .* float32"),
        (READ_ONLY, ValueError, "out must be writeable"),
        (np.ma.zeros(X.shape), TypeError, "out must be a NumPy array; got MaskedArray"),
        (as_strided(np.zeros(60), X.shape, (0, 160, 40, 8)), ValueError, "place for each number"),
        (X.tolist(), TypeError, "out must be a NumPy array; got list"),
        (X, ValueError, "share memory with x"),
        (X[::-1], ValueError, "share memory with x"),
    ],
    ids=["shape", "dtype", "read-only", "masked", "zero strides", "list", "x", "a view of x"],
)
def test_an_out_that_does_not_fit_is_refused(out, error, says):
    with pytest.raises(error, match=says):
        kernels.batchnorm_forward(X, GAMMA, BETA, out=out)
    _, cache = kernels.batchnorm_forward(X, GAMMA, BETA)
    with pytest.raises(error, match=says):
        kernels.batchnorm_backward(DOUT, cache, out=out)


def test_out_may_lie_between_the_numbers_of_x():
    both = np.zeros((2, 6, 4, 5))
    both[:, :3] = X
    kernels.batchnorm_forward(both[:, :3], GAMMA, BETA, out=both[:, 3:])
    assert (both[:, :3] == X).all()
    assert (both[:, 3:] == kernels.batchnorm_forward(X, GAMMA, BETA)[0]).all()


@pytest.mark.parametrize("out", [READ_ONLY, READ_ONLY[:]], ids=["x", "a view of x"])
def test_inference_refuses_to_write_into_a_read_only_x(out):
    with pytest.raises(ValueError, match="out must be writeable"):
        kernels.batchnorm_inference(READ_ONLY, GAMMA, BETA, BETA, BETA**2, out=out)


def test_dx_may_not_be_written_over_dout():
    _, cache = kernels.batchnorm_forward(X, GAMMA, BETA)
    dout = DOUT.copy()
    with pytest.raises(ValueError, match="share memory with dout"):
        kernels.batchnorm_backward(dout, cache, out=dout)
    assert (dout == DOUT).all()


@pytest.mark.parametrize(("shape", "threads", "dtype"), runs(LARGE), ids=str, indirect=["threads"])
def test_the_same_threads_give_the_same_bits(shape, threads, dtype):
    case = random_case(shape, dtype=dtype)
    first, *others = (both_passes(kernels, case) for _ in range(5))
    for other in others:
        assert [a.tobytes() for a in first] == [b.tobytes() for b in other]


@pytest.mark.parametrize("name", ["batchnorm_forward", "spatial_batchnorm_forward"])
def test_longdouble_is_refused(name):
    with pytest.raises(TypeError, match="x must be float64 or narrower"):
        getattr(kernels, name)(X.astype(np.longdouble), GAMMA, BETA)


def test_the_cache_of_the_layers_is_refused():
    _, cache = layers.batchnorm_forward(X, GAMMA, BETA)
    with pytest.raises(TypeError, match=r"forward pass of bnlib\.kernels"):
        kernels.batchnorm_backward(DOUT, cache)


def test_statistics_are_those_of_the_layers():
    _, cache = kernels.batchnorm_forward(X, GAMMA, BETA)
    _, other = layers.batchnorm_forward(X, GAMMA, BETA)
    for got, right in zip(cache.statistics, other.statistics, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-13)


PLANNED = [(64, 64, 56, 56), (8, 3, 224, 224), (64, 3, 224, 224), (50000, 5), (1, 999, 170)]
PLANNED += [(32, 256, 14, 14), (128, 512, 7, 7), (256, 64, 14, 14), (7, 129, 33, 19)]


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
@pytest.mark.parametrize("shape", PLANNED, ids=str)
def test_a_plan_covers_every_channel_and_gives_work_to_each_thread(threads, shape, monkeypatch):
    monkeypatch.setattr(numba, "get_num_threads", lambda: threads)
    view = np.broadcast_to(np.float32(0), (*shape[:2], math.prod(shape[2:])))
    planned, block, shards = sharing.plan(view)
    blocks = -(-shape[1] // block)
    assert planned == threads
    assert 1 <= block <= shape[1]
    assert 1 <= shards <= shape[0]
    assert blocks * shards >= min(threads, shape[1] * shape[0])


@pytest.mark.parametrize("shape", [(40, 4, 17, 19), (9, 129, 5, 7), (3, 300, 33)], ids=str)
def test_blocks_of_channels_give_what_all_at_once_give(shape, monkeypatch):
    case = random_case(shape, dtype=np.float32)
    for name, value in {"SERIAL": 0, "OWN_CACHE": 0, "BLOCK": 4, "SHORT_RUN": 4}.items():
        monkeypatch.setattr(sharing, name, value)
    [view] = arrays.views(case.x, case.x)
    assert sharing.plan(view)[1] < shape[1]
    results = zip(both_passes(kernels, case), both_passes(layers, case), strict=True)
    for got, right in results:
        assert relative(got, right) < 1e-6


SMALL_THEN_LARGE = """
import numpy as np
from bnlib import kernels
for shape in [(4, 8, 4, 4), (64, 16, 28, 28)]:
    x = np.random.default_rng(0).standard_normal(shape)
    _, cache = kernels.batchnorm_forward(x, np.ones(shape[1]), np.ones(shape[1]))
    kernels.batchnorm_backward(x, cache)
for loops in (kernels.compiled.forward, kernels.compiled.backward):
    print(*(sum(f.stats.cache_misses.values()) for f in loops))
"""


@pytest.mark.slow  # compiles six functions afresh
def test_one_thread_and_several_do_not_share_compiled_code(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", SMALL_THEN_LARGE],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["1", "1", "1", "1"]


FORK = """
import multiprocessing, sys
import numpy as np
from bnlib import kernels
x = np.random.default_rng(0).standard_normal((64, 16, 28, 28)).astype(np.float32)
def forward(_):
    return kernels.batchnorm_forward(x, np.ones(16), np.ones(16))[0].sum()
right = forward(0)
with multiprocessing.get_context("fork").Pool(1) as pool:
    # another number of threads rounds otherwise: to 1e-7 each, in a sum of 800,000 near 1
    print(np.isclose(pool.map_async(forward, [0]).get(60)[0], right, rtol=1e-4))
"""


@pytest.mark.slow  # compiles a loop for several threads
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_works_in_one_thread():
    run = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=120)
    assert run.stdout.split() == ["True"], run.stderr


def test_without_numba_the_error_says_what_to_install():
    program = "import sys; sys.modules['numba'] = None; import bnlib.kernels"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode != 0
    assert "ImportError: bnlib.kernels needs Numba" in run.stderr
    assert 'pip install "bnlib[speed]"' in run.stderr


# Planted faults: what the tests above must notice.


def test_sums_about_zero_would_be_noticed():
    x = (np.random.default_rng(0).standard_normal((16, 3, 16, 16)) + 1e4).astype(np.float32)
    xhat, _, _ = exact(x)
    mean, square = x.mean(axis=(0, 2, 3)), (x * x).mean(axis=(0, 2, 3))
    var = np.maximum(square - mean * mean, 0).reshape(-1, 1, 1)
    y = (x - mean.reshape(-1, 1, 1)) / np.sqrt(var + np.float32(EPS))
    assert np.abs(y - xhat).max() > 1e-3


@pytest.mark.parametrize("fault", range(3), ids=["y", "dx", "dgamma"])
def test_a_channel_that_no_task_computes_would_be_noticed(fault):
    case = random_case((9, 129, 5, 7))
    results, right = both_passes(kernels, case), both_passes(layers, case)
    results[fault][(slice(None), -2) if fault < 2 else -2] = 0
    assert relative(results[fault], right[fault]) > 1e-6
