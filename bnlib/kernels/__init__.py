"""Batch norm compiled with Numba: the functions of `bnlib.layers`, quicker.

Same signatures, contract and results, and ``out=`` to write into memory that is already there.
Needs Numba: ``pip install "bnlib[speed]"``. The first call compiles, which takes up to half a
minute. So does the first with another dtype, with a table (N, C) instead of images, or with a batch
for several threads. The machine code is then kept beside this file, or in Numba's cache folder
where that cannot be written.

Strides. An array in C order is worked on where it lies. So are images in channels-last order, and
their result is channels-last too. Anything else is first copied to C order, which costs one more
walk over memory. The results are new arrays, or out.

Memory. The cache of a forward pass holds x itself, not a copy as in the layers: that saves a walk.
Do not change x before the backward pass, or the gradient is wrong. A thousand numbers of x are
compared there, so that an activation in place, or the next batch in the same memory, is noticed
and raises an error; a change of a few numbers may pass.

Range. float32 is added up 256 numbers at a time before it becomes float64. So a standard deviation
must be below 1e18, where the layers allow 1e19 at best, and its product with dout between 1e-37 and
1e36; gamma over the standard deviation must be a float32 too.

Threads. As many as Numba's settings say (``NUMBA_NUM_THREADS``, ``numba.set_num_threads``); a small
batch takes one, and so does a forked process, where OpenMP cannot run. With the same number of
threads, the same input gives the same bits.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bnlib import contract, normalize
from bnlib.layout import count, reduced_axes
from bnlib.statistics import BatchStatistics

try:
    import numba  # noqa: F401
except ImportError as error:
    raise ImportError(
        'bnlib.kernels needs Numba, which is not installed: pip install "bnlib[speed]"'
    ) from error

from bnlib.kernels import arrays, threads

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

    @property
    def statistics(self) -> BatchStatistics:
        """The batch's own mean (C,), biased variance (C,) and count m."""
        mean, _, var = self.moments.astype(self.x.dtype)
        return BatchStatistics(mean, var, count(self.x.shape, reduced_axes(self.x.ndim)))


def batchnorm_forward(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    *,
    eps: float = 1e-5,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, CompiledCache]:
    """Do as `bnlib.layers.batchnorm_forward` does, in two walks over each block of channels.

    Parameters
    ----------
    x, gamma, beta, eps
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
    return _forward(contract.training_batch(x), gamma, beta, eps, out)


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
        As there, where out does not fit, and ValueError where x was changed after the forward pass.
    """
    if not isinstance(cache, CompiledCache):
        raise TypeError(
            f"cache must come from a training forward pass of bnlib.kernels; got {type(cache)}"
        )
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
        view, dout, dx_view = arrays.views(x, x, dout, written=dx)
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


def spatial_batchnorm_forward(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    *,
    eps: float = 1e-5,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, CompiledCache]:
    """Do as `batchnorm_forward` does, for (N, C, H, W) only."""
    return _forward(contract.training_batch(x, ndims=(4,)), gamma, beta, eps, out)


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


def _forward(x, gamma, beta, eps, out):
    working, eps = arrays.prepared(x, eps)
    gamma, beta = contract.channel_values(x, np.float64, gamma=gamma, beta=beta)
    if out is not None:
        arrays.check_out(out, x.shape, x.dtype, x=x)
    y, moments = arrays.memory(out, working), np.zeros((3, len(gamma)))
    if x.size:
        view, y_view = arrays.views(working, working, written=y)
        threads.run(compiled.forward, view, gamma, beta, eps, y_view, moments)
    cache = CompiledCache(working, arrays.sample(working), gamma, moments, eps, x.dtype)
    return arrays.delivered(y, out, x.dtype), cache


def _inference(x, gamma, beta, running_mean, running_var, eps, out):
    working, eps = arrays.prepared(x, eps)
    gamma, beta, mean, var = contract.channel_values(
        x,
        np.float64,
        gamma=gamma,
        beta=beta,
        running_mean=running_mean,
        running_var=running_var,
    )
    contract.variance(var, eps)
    if out is not None:
        needed = {} if arrays.same_place(out, x) else {"x": x}
        arrays.check_out(out, x.shape, x.dtype, **needed)
    y, moments = arrays.memory(out, working), np.stack([mean, np.zeros_like(mean), var])
    if x.size:
        view, y_view = arrays.views(working, working, written=y)
        threads.run(compiled.inference, view, gamma, beta, eps, y_view, moments)
    return arrays.delivered(y, out, x.dtype)
