"""Numbers whose squares overflow or vanish: normalized rightly, or refused, against Decimal."""

import numpy as np
import pytest

import bnlib
from bnlib import kernels, layers
from bnlib.conventions import CS231N, PYTORCH
from bnlib.running import RunningStatistics
from bnlib.statistics import Moments, batch_statistics, merge
from tests import exact_arithmetic
from tests.exact_arithmetic import error

BOUND = {np.float32: 1e-6, np.float64: 1e-13}
MODULES = pytest.mark.parametrize("module", [layers, kernels], ids=["layers", "kernels"])
# Of ordinary size, and where squares leave the range of the dtype.
SIZES = [(np.float32, size) for size in (6e37, 1e30, 1e20, 1e-20, 1e-25, 1e-30, 1e-37)]
SIZES += [(np.float64, size) for size in (3e307, 1e200, 1e155, 1e-155, 1e-160, 1e-200, 1e-305)]
every_size = pytest.mark.parametrize(("dtype", "size"), SIZES)


def drawn(dtype, size, offset=0.0, rows=9):
    """Return a table with a channel of this size between ordinary ones, and the other arguments."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((rows, 4))
    x[:, 0] = (x[:, 0] + offset) / (2 + offset) * size
    x[:, 2] = 3 * x[:, 2] + 5
    x[:, 3] *= size / 8
    gamma, beta = np.array([1.5, -2, 0.5, 3]), np.array([0.5, 1, -1, 2])
    return [a.astype(dtype) for a in (x, gamma, beta, rng.standard_normal((rows, 4)))]


def is_refused(call, *arguments):
    """Say if a call raises an error that names x."""
    try:
        call(*arguments)
    except ValueError as error:
        return str(error).startswith("x ")
    return False


@MODULES
@every_size
@pytest.mark.parametrize("eps", [0, 1e-5])
@pytest.mark.parametrize("offset", [0, 1, 100])
def test_every_finite_x_is_normalized_rightly_beside_ordinary_channels(
    module, dtype, size, eps, offset
):
    x, gamma, beta, dout = drawn(dtype, size, offset)
    want = exact_arithmetic.batchnorm(x, gamma, beta, dout, eps)
    y, cache = module.batchnorm_forward(x, gamma, beta, eps=eps)
    assert y.dtype == dtype
    assert error(y, want[0]) < BOUND[dtype]
    if float(abs(want[1]).max()) > float(np.finfo(dtype).max):
        assert is_refused(module.batchnorm_backward, dout, cache)
        return
    for got, exact in zip(module.batchnorm_backward(dout, cache), want[1:4], strict=True):
        assert got.dtype == dtype
        assert error(got, exact) < BOUND[dtype]


@MODULES
@every_size
def test_the_caches_variance_is_true_or_refused(module, dtype, size):
    x, gamma, beta, dout = drawn(dtype, size)
    *_, var = exact_arithmetic.batchnorm(x, gamma, beta, dout, 0)
    _, cache = module.batchnorm_forward(x, gamma, beta, eps=0)
    for statistics in (lambda: cache.statistics, lambda: batch_statistics(x)):
        if not is_refused(statistics):
            assert error(statistics().var, var) < BOUND[dtype]
    held = np.finfo(float).tiny < float(var[3]) and float(var[0]) < np.inf
    assert held == (not is_refused(lambda: cache.statistics))
    if dtype == np.float32:
        assert held  # float64 holds the square of every float32


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_a_variance_beyond_float32_is_float64(size):
    x, gamma, beta, _ = drawn(np.float32, size)
    _, cache = layers.batchnorm_forward(x, gamma, beta, eps=0)
    assert cache.statistics.var.dtype == np.float64
    assert cache.statistics.mean.dtype == np.float32
    after = RunningStatistics.initial(4, PYTORCH).update(cache.statistics, PYTORCH)
    assert np.isfinite(after.var).all()


@MODULES
def test_images_and_tables_and_every_thread_do_it(module):
    x, gamma, beta, dout = drawn(np.float32, 1e30, rows=4 * 17 * 19 * 3)
    images = [a.reshape(12, 17, 19, 4).transpose(0, 3, 1, 2) for a in (x, dout)]
    y, cache = module.spatial_batchnorm_forward(images[0], gamma, beta, eps=0)
    right, cache64 = layers.batchnorm_forward(x.astype(np.float64), gamma, beta, eps=0)
    assert np.abs(y.transpose(0, 2, 3, 1).reshape(-1, 4) - right).max() < 1e-6 * np.abs(right).max()
    dx, *_ = module.spatial_batchnorm_backward(images[1], cache)
    want, *_ = layers.batchnorm_backward(dout.astype(np.float64), cache64)
    got = dx.transpose(0, 2, 3, 1).reshape(-1, 4)
    assert (np.abs(got - want).max(axis=0) < 1e-6 * np.abs(want).max(axis=0)).all()


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (bnlib.layernorm_forward, bnlib.layernorm_backward),
        (lambda *a, **k: bnlib.groupnorm_forward(*a, 1, **k), bnlib.groupnorm_backward),
        (
            lambda x, g, b, **k: bnlib.layernorm_forward(x, g, b, axes=(1,), **k),
            bnlib.layernorm_backward,
        ),
    ],
)
@every_size
def test_the_other_norms_do_it_too(forward, backward, dtype, size):
    x, _, _, dout = (np.ascontiguousarray(a.T) if a.ndim == 2 else a for a in drawn(dtype, size))
    ones, zeros = np.ones(9, dtype), np.zeros(9, dtype)
    want = exact_arithmetic.batchnorm(x.T, ones[:4], zeros[:4], dout.T, 0)
    y, cache = forward(x, ones, zeros, eps=0)
    assert error(y.T, want[0]) < BOUND[dtype]
    assert error(backward(dout, cache)[0].T, want[1]) < BOUND[dtype]


@every_size
def test_rms_norm_does_it_too(dtype, size):
    x, _, _, dout = drawn(dtype, size)
    x, dout = x.T.copy(), dout.T.copy()
    y, cache = bnlib.rmsnorm_forward(x, np.ones(9, dtype), eps=0)
    dx, _ = bnlib.rmsnorm_backward(dout, cache)
    unit = 2.0 ** np.floor(np.log2(np.abs(x.astype(np.longdouble)).max(axis=1, keepdims=True)))
    right, cache = bnlib.rmsnorm_forward(x / unit, np.ones(9, np.longdouble), eps=0)
    assert np.abs(y - right).max() < BOUND[dtype] * 3
    want = bnlib.rmsnorm_backward(dout.astype(np.longdouble), cache)[0] / unit
    assert (np.abs(dx - want).max(axis=1) < BOUND[dtype] * np.abs(want).max(axis=1)).all()


def test_masked_numbers_do_not_choose_the_unit():
    x, gamma, beta, dout = drawn(np.float32, 1e30)
    where = np.ones(x.shape, bool)
    where[0] = False
    x[0] = [3e38, np.inf, np.nan, -np.inf]
    y, cache = layers.batchnorm_forward(x, gamma, beta, eps=0, where=where)
    want = exact_arithmetic.batchnorm(x[1:], gamma, beta, dout[1:], 0)
    assert error(y[1:], want[0]) < 1e-6
    assert error(layers.batchnorm_backward(dout, cache)[0][1:], want[1]) < 1e-6


@MODULES
def test_a_masked_gradient_beyond_float32_is_refused(module):
    x = np.array([[1e-38], [0], [7], [0], [0]], np.float32)
    dout = np.array([[-0.65], [-0.8], [-0.4], [0.1], [-1.3]], np.float32)
    where = np.arange(5)[:, None] != 2
    _, cache = module.batchnorm_forward(x, [-2], [0], eps=0, where=where)
    with pytest.raises(ValueError, match="dx is too large for float32"):
        module.batchnorm_backward(dout, cache)


@MODULES
@pytest.mark.parametrize("value", [1e308, -1.7e308, 1e-320, 5e-324])
def test_a_constant_channel_of_any_size_gives_beta(module, value):
    x = np.random.default_rng(0).standard_normal((200, 2))
    x[:, 1] = value
    gamma, beta = np.array([2.0, 3.0]), np.array([0.25, 0.5])
    y, cache = module.batchnorm_forward(x, gamma, beta)
    assert (y[:, 1] == 0.5).all()
    dout = np.random.default_rng(1).standard_normal((200, 2))
    dx, dgamma, _ = module.batchnorm_backward(dout, cache)
    want = 3 / np.sqrt(1e-5) * (dout[:, 1] - dout[:, 1].mean())
    np.testing.assert_allclose(dx[:, 1], want, rtol=1e-12)
    assert dgamma[1] == 0
    assert cache.statistics.var[1] == 0


@MODULES
def test_dx_beyond_the_dtype_is_refused_by_name(module):
    x = np.array([[1e-42], [3e-42], [9e-42]], np.float32)
    y, cache = module.batchnorm_forward(x, [1], [0], eps=0)
    assert abs(y.std() - 1) < 1e-6
    assert is_refused(module.batchnorm_backward, np.array([[1.0], [2], [0]], np.float32), cache)
    small = np.array([[1e-6], [2e-6], [0]], np.float32)  # beside so small a dout, dx is a number
    assert np.isfinite(module.batchnorm_backward(small, cache)[0]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@MODULES
def test_nan_and_infinity_stay_in_their_channel_beside_large_numbers(module, value):
    x, gamma, beta, dout = drawn(np.float32, 1e30)
    clean, _ = module.batchnorm_forward(x, gamma, beta)
    x[0, 1] = value
    with np.errstate(invalid="ignore"):
        y, cache = module.batchnorm_forward(x, gamma, beta)
        dx, *_ = module.batchnorm_backward(dout, cache)
    others = [0, 2, 3]
    assert np.abs(y - clean)[:, others].max() < 1e-6
    assert np.isnan(y[:, 1]).any()
    assert np.isfinite(dx[:, others]).all()


def test_eps_is_measured_in_the_same_unit():
    x = np.array([[1e20], [3e20], [8e20]], np.float32)
    eps = 1e38  # a hundredth of the variance
    y, _ = layers.batchnorm_forward(x, np.ones(1), np.zeros(1), eps=eps)
    want = exact_arithmetic.batchnorm(x, [1], [0], x, eps)[0]
    assert error(y, want) < 1e-6
    without = exact_arithmetic.batchnorm(x, [1], [0], x, 0)[0]
    assert error(y, without) > 1e-4


@MODULES
@pytest.mark.parametrize(("mean", "var"), [(1e30, 1e60), (-3e38, 1e76), (1e-30, 1e-60), (0, 1e-90)])
def test_inference_and_its_backward_hold_for_every_float32(module, mean, var):
    rng, std = np.random.default_rng(0), np.sqrt(var)
    x = (mean + std * rng.uniform(0, 0.9, (6, 2))).astype(np.float32)
    dout = rng.standard_normal((6, 2)).astype(np.float32)
    x[:, 1] = rng.standard_normal(6)
    given = [1.5, -2.0], [mean, 0.25], [var, 4.0]
    gamma, mean, var = (np.array(v) for v in given)
    y = module.batchnorm_inference(x, gamma, [1, 2], mean, var, eps=0)
    xhat = (x.astype(np.float64) - mean) / np.sqrt(var)
    assert np.abs(y - (gamma * xhat + [1, 2])).max() < 3e-6
    dout *= np.float32(min(std, 1))  # so that dx is a float32
    dx, dgamma, _ = module.batchnorm_inference_backward(dout, x, gamma, mean, var, eps=0)
    want = (gamma / np.sqrt(var)) * dout.astype(np.float64)
    np.testing.assert_allclose(dx, want, rtol=1e-6, atol=1e-45)
    np.testing.assert_allclose(dgamma, (dout * xhat).sum(axis=0), rtol=3e-6, atol=1e-5)


@MODULES
def test_a_running_mean_from_which_x_may_overflow_is_refused(module):
    with pytest.raises(ValueError, match="running_mean must be below"):
        module.batchnorm_inference(np.full((2, 1), 1.7e308), [1], [0], [-1.7e308], [1e300])


def test_moments_of_shards_refuse_what_float64_cannot_hold():
    for x in ([[1e200], [-1e200]], [[1.7e308], [1.6e308]]):
        with pytest.raises(ValueError, match="x has a variance, number 0, that float64 cannot"):
            Moments.of(x)
        with pytest.raises(ValueError, match="x has a variance"):
            RunningStatistics.initial(1, CS231N).update(np.array(x), CS231N)
    joined = merge(Moments.of([[1e150], [2e150]]), Moments.of([[4e150]]))
    np.testing.assert_allclose(joined.statistics().var, 14 / 9 * 1e300, rtol=1e-14)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_moments_keep_nan_and_infinity_in_their_channel(value):
    found = Moments.of([[1.0, value], [3.0, 1.0]]).statistics()
    assert found.var[0] == 1
    assert not np.isfinite(found.var[1])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_in_one_channel_hides_no_lost_variance_in_another(value):
    shard = np.array([[value, 1e200, 1.0], [1.0, -1e200, 2.0]])
    for x in (shard, shard[:, :, None, None]):
        with pytest.raises(ValueError, match="x has a variance, number 1, that float64 cannot"):
            Moments.of(x)
        assert Moments.of(x[:, ::2]).statistics().var[1] == 0.25


def test_an_ordinary_batch_is_measured_in_no_unit():
    x, gamma, beta, _ = drawn(np.float32, 1e3)
    x[:, 1] = 0  # a dead channel
    _, cache = layers.batchnorm_forward(x, gamma, beta)
    assert cache.normalized.unit is None
