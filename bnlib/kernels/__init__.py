"""Batch norm compiled with Numba: the functions of `bnlib.layers`, quicker.

Same signatures, contract and results, and ``out=`` to write into memory that is already there.
Needs Numba: ``pip install "bnlib[speed]"``. The first call compiles, which takes up to half a
minute. So does the first with another dtype, with a table (N, C) instead of images, or with a batch
for several threads. The machine code is then kept beside this file, or in Numba's cache folder
where that cannot be written.

Strides. An array in C order is worked on where it lies. So are images in channels-last order, and
their result is channels-last too. Anything else is first copied to C order, which costs one more
walk over memory. The results are new arrays, or out.

Memory. A new result lies in the memory of an earlier one of its size that nothing refers to any
more, if there is one: new pages of memory cost more than the arithmetic. The last results, of up to
300 MB in all, are remembered for that; `release_memory` forgets them.

The cache of a forward pass holds x itself, not a copy as in the layers: that saves a walk.
Do not change x before the backward pass, or the gradient is wrong. Of a small x every number is
compared there, of a large one a thousand. So an activation in place, or the next batch in the same
memory, raises an error. One changed number among many goes unnoticed.

Range. As the layers, these functions normalize every finite x, forward and backward. Where squares
leave the range of x's dtype, which is rare, the layers do the work, in NumPy and in new memory. A
float32 dout should lie between 1e-22 and 1e22, or be 0, and gamma over the standard deviation must
be a float32.

Positions. ``where``, for the positions that count, is for the layers too.

Threads. As many as Numba's settings say (``NUMBA_NUM_THREADS``, ``numba.set_num_threads``); a small
batch takes one, and so does a forked process, where OpenMP cannot run. With the same number of
threads, the same input gives the same bits.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bnlib import contract, layers, normalize
from bnlib.layout import count, per_channel, reduced_axes
from bnlib.statistics import BatchStatistics, ordinary, unit_of

try:
    import numba  # noqa: F401
except ImportError as error:
    raise ImportError(
        'bnlib.kernels needs Numba, which is not installed: pip install "bnlib[speed]"'
    ) from error

from bnlib.kernels import arrays, threads
from bnlib.kernels.memory import release as release_memory  # noqa: F401

try:
    from bnlib.kernels import compiled
except RuntimeError as error:  # Numba finds no folder for its cache
    raise ImportError(
        f"bnlib.kernels cannot be compiled ({error}); "
        "set NUMBA_CACHE_DIR to a folder that can be written"
    ) from error


class CompiledCache(NamedTuple):
    """What a training forward pass keeps for its backward pass."""

    x: np.ndarray  # the caller's own, unless its dtype or strides had to be changed
    sample: bytes
    gamma: np.ndarray  # (C,), float64
    moments: np.ndarray  # (3, C), float64: mean, what it loses by rounding, biased variance
    eps: float
    dtype: np.dtype  # of the caller's x, and so of every result
    layer: layers.Cache | None = None  # where the layers did the work

    @property
    def statistics(self) -> BatchStatistics:
        """The batch's own mean (C,), biased variance (C,) and count m."""
        if self.layer is not None:
            return self.layer.statistics
        mean, _, var = self.moments.astype(self.x.dtype)
        return BatchStatistics(mean, var, count(self.x.shape, reduced_axes(self.x.ndim)))


def batchnorm_forward(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    *,
    eps: float = 1e-5,
    where: ArrayLike | None = None,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, CompiledCache]:
    """Do as `bnlib.layers.batchnorm_forward` does, in two walks over each block of channels.

    Parameters
    ----------
    x, gamma, beta, eps, where
        As there; x float16, float32 or float64, or integers.
    out : array, optional
        Where y is written, and what is returned as y. Shape and dtype of y, and no memory of x.

    Returns
    -------
    y : array
    cache : CompiledCache
        For `batchnorm_backward`; ``cache.statistics`` are the batch's statistics.

    Raises
    ------
    ValueError, TypeError
        As there, and where out does not fit.

    References
    ----------
    The sums are taken about a value of each channel: Chan, Golub and LeVeque (1983), Algorithms
    for computing the sample variance, The American Statistician 37, 242-247.

    Examples
    --------
    >>> x = np.array([[1, 10], [2, 20], [3, 60]], np.float32)
    >>> y, cache = batchnorm_forward(x, [1, 1], [0, 5], eps=0, out=np.empty_like(x))
    >>> y.round(3)
    array([[-1.225,  4.074],
           [ 0.   ,  4.537],
           [ 1.225,  6.389]], dtype=float32)
    """
    return _forward(contract.training_batch(x), gamma, beta, eps, where, out)


def batchnorm_backward(
    dout: ArrayLike, cache: CompiledCache, *, out: np.ndarray | None = None
) -> normalize.Triple:
    """Do as `bnlib.layers.batchnorm_backward` does, with xhat computed anew from x.

    Parameters
    ----------
    dout : array
        Upstream gradient, y's shape.
    cache : CompiledCache
        From this module's forward pass.
    out : array, optional
        Where dx is written. Shape and dtype of dx, and no memory of dout or x.

    Returns
    -------
    dx, dgamma, dbeta
        As there.

    Raises
    ------
    ValueError, TypeError
        As there, where out does not fit, and ValueError where x was seen to be changed after the
        forward pass: at most a thousand numbers of it are compared.
    """
    if not isinstance(cache, CompiledCache):
        raise TypeError(
            f"cache must come from a training forward pass of bnlib.kernels; got {type(cache)}"
        )
    if cache.layer is not None:
        return _by_layers(dout, cache, out)
    x, gamma, dtype = cache.x, cache.gamma, cache.dtype
    dout = contract.upstream_gradient(dout, x.shape, x.dtype)
    if arrays.sample(x) != cache.sample:
        raise ValueError(
            "x was changed between the forward and the backward pass; its gradient is lost"
        )
    if out is not None:
        arrays.check_out(out, x.shape, dtype, dout=dout, x=x)
    dx, dgamma, dbeta = arrays.memory(out, x), np.zeros(gamma.shape), np.zeros(gamma.shape)
    if x.size:
        view, dout, dx_view = arrays.views(x, x, dout, dx)
        given = view, dout, cache.moments, gamma, cache.eps
        threads.run(compiled.backward, *given, dx_view, dgamma, dbeta)
    return arrays.delivered(dx, out, dtype), dgamma.astype(dtype), dbeta.astype(dtype)


def batchnorm_inference(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    eps: float = 1e-5,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Do as `bnlib.layers.batchnorm_inference` does, in one walk.

    Parameters, returns and errors as there; out as in `batchnorm_forward`, and it may be x.
    """
    return _inference(contract.batch(x), gamma, beta, running_mean, running_var, eps, out)


def batchnorm_inference_backward(
    dout: ArrayLike,
    x: ArrayLike,
    gamma: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    eps: float = 1e-5,
    out: np.ndarray | None = None,
) -> normalize.Triple:
    """Do as `bnlib.layers.batchnorm_inference_backward` does, in one walk.

    Parameters, returns and errors as there; out as in `batchnorm_backward`.
    """
    given = {"gamma": gamma, "running_mean": running_mean, "running_var": running_var}
    return _inference_backward(dout, contract.batch(x), eps, out, **given)


def spatial_batchnorm_forward(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    *,
    eps: float = 1e-5,
    where: ArrayLike | None = None,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, CompiledCache]:
    """Do as `batchnorm_forward` does, for (N, C, H, W) only."""
    return _forward(contract.training_batch(x, ndims=(4,)), gamma, beta, eps, where, out)


def spatial_batchnorm_backward(
    dout: ArrayLike, cache: CompiledCache, *, out: np.ndarray | None = None
) -> normalize.Triple:
    """Do as `batchnorm_backward` does, for (N, C, H, W) only."""
    contract.batch(dout, "dout", ndims=(4,))
    return batchnorm_backward(dout, cache, out=out)


def spatial_batchnorm_inference(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    eps: float = 1e-5,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Do as `batchnorm_inference` does, for (N, C, H, W) only."""
    x = contract.batch(x, ndims=(4,))
    return _inference(x, gamma, beta, running_mean, running_var, eps, out)


def spatial_batchnorm_inference_backward(
    dout: ArrayLike,
    x: ArrayLike,
    gamma: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    eps: float = 1e-5,
    out: np.ndarray | None = None,
) -> normalize.Triple:
    """Do as `batchnorm_inference_backward` does, for (N, C, H, W) only."""
    given = {"gamma": gamma, "running_mean": running_mean, "running_var": running_var}
    return _inference_backward(dout, contract.batch(x, ndims=(4,)), eps, out, **given)


def _forward(x, gamma, beta, eps, where, out):
    working, eps = arrays.prepared(x, eps)
    gamma, beta = contract.channel_values(x, np.float64, gamma=gamma, beta=beta)
    if out is not None:
        arrays.check_out(out, x.shape, x.dtype, x=x)
    y, moments = arrays.memory(out, working), np.zeros((3, len(gamma)))
    if x.size and where is None:
        view, y_view = arrays.views(working, working, y)
        threads.run(compiled.forward, view, gamma, beta, eps, y_view, moments)
    cache = CompiledCache(working, arrays.sample(working), gamma, moments, eps, x.dtype)
    if where is not None or not _keeps_its_range(working, moments[2], eps):
        y, layer = layers.batchnorm_forward(x, gamma, beta, eps=eps, where=where)
        cache = cache._replace(layer=layer)
    return arrays.delivered(y, out, x.dtype), cache


def _keeps_its_range(x, var, eps):
    """Say if the loops could take x in its dtype, by the variances that came out."""
    if ordinary(var, eps, x.dtype):
        return True
    return unit_of(x, reduced_axes(x.ndim), per_channel(var, x.ndim), eps) is None


def _by_layers(dout, cache, out):
    dx, dgamma, dbeta = layers.batchnorm_backward(dout, cache.layer)
    if out is not None:
        arrays.check_out(out, dx.shape, dx.dtype, dout=dout)
    return arrays.delivered(dx, out, cache.dtype), dgamma, dbeta


def _inference(x, gamma, beta, running_mean, running_var, eps, out):
    given = {"gamma": gamma, "running_mean": running_mean, "running_var": running_var}
    working, eps, moments, gamma, beta = _frozen(x, eps, **given, beta=beta)
    if out is not None:
        needed = {} if arrays.same_place(out, x) else {"x": x}
        arrays.check_out(out, x.shape, x.dtype, **needed)
    y = arrays.memory(out, working)
    if x.size:
        view, y_view = arrays.views(working, working, y)
        threads.run(compiled.inference, view, gamma, beta, eps, y_view, moments)
    return arrays.delivered(y, out, x.dtype)


def _inference_backward(dout, x, eps, out, **given):
    working, eps, moments, gamma = _frozen(x, eps, **given)
    dout = contract.upstream_gradient(dout, x.shape, working.dtype)
    if out is not None:
        arrays.check_out(out, x.shape, x.dtype, dout=dout, x=x)
    dx, dgamma, dbeta = arrays.memory(out, working), np.zeros(gamma.shape), np.zeros(gamma.shape)
    if x.size:
        view, dout, dx_view = arrays.views(working, working, dout, dx)
        results = dx_view, dgamma, dbeta, moments
        threads.run(compiled.inference_backward, view, dout, gamma, eps, *results)
    return arrays.delivered(dx, out, x.dtype), dgamma.astype(x.dtype), dbeta.astype(x.dtype)


def _frozen(x, eps, **given):
    """Return x for the loops, float64 where float32 will not do, eps, moments and parameters."""
    working, eps = arrays.prepared(x, eps)
    gamma, mean, var, *beta = contract.channel_values(x, np.float64, **given)
    if not (ordinary(var, eps, working.dtype) and ordinary(np.abs(mean), 1.0, working.dtype)):
        contract.variance(var, eps)
        working = working.astype(contract.running_mean(mean).dtype, copy=False)
    moments = np.zeros((3, len(mean)))
    moments[0], moments[2] = mean, var
    return working, eps, moments, gamma, *beta
