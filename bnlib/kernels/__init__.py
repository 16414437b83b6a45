"""Batch norm compiled with Numba: the functions of `bnlib.layers`, quicker.

Same signatures, contract and results, and ``out=`` to write into memory that is already there.
Needs Numba: ``pip install "bnlib[speed]"``. The first call with a dtype and a number of axes
compiles for a few seconds; the machine code is then kept beside this file, or in Numba's cache
folder where that cannot be written.

Strides. An array in C order is worked on where it lies. So are images in channels-last order, and
their result is channels-last too. Anything else is first copied to C order, which costs one more
walk over memory. The results are new arrays, or out.

Memory. The cache of a forward pass holds x itself, not a copy: that saves a walk. If x is changed
before the backward pass, the gradient would be wrong; a sample of x is compared, and an error
raised instead.

Threads. As many as Numba's settings say (``NUMBA_NUM_THREADS``, ``numba.set_num_threads``); a small
batch takes one. With the same number of threads, the same input gives the same bits.
"""

from typing import NamedTuple

import numpy as np

from bnlib import contract
from bnlib.statistics import BatchStatistics

try:
    import numba
except ImportError as error:
    raise ImportError(
        'bnlib.kernels needs Numba, which is not installed: pip install "bnlib[speed]"'
    ) from error

from bnlib.kernels import compiled

SERIAL = 2**14  # numbers; for fewer, starting threads costs more than it saves
WORKING_SET = 2**19  # bytes that a block of channels should fill: about a core's L2 cache
RUN = 2**10  # bytes that a block should cover in one piece
SAMPLES = 1000  # of x, compared to notice that x was changed


class Cache(NamedTuple):
    """What a training forward pass keeps for its backward pass."""

    x: np.ndarray  # the caller's own, unless its dtype or strides had to be changed
    sample: bytes
    gamma: np.ndarray  # (C,), float64, as mean and var
    mean: np.ndarray
    var: np.ndarray
    eps: float
    dtype: np.dtype  # of the caller's x, and so of every result

    @property
    def statistics(self):
        """The batch's own mean (C,), biased variance (C,) and count m."""
        mean, var = (v.astype(self.x.dtype) for v in (self.mean, self.var))
        return BatchStatistics(mean, var, self.x.size // max(self.x.shape[1], 1))


def batchnorm_forward(x, gamma, beta, *, eps=1e-5, out=None):
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
    cache : Cache
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


def batchnorm_backward(dout, cache, *, out=None):
    """Do as `bnlib.layers.batchnorm_backward` does, with xhat computed anew from x.

    Parameters
    ----------
    dout : array
        Upstream gradient, y's shape.
    cache : Cache
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
    if not isinstance(cache, Cache):
        raise TypeError(
            f"cache must come from a training forward pass of bnlib.kernels; got {type(cache)}"
        )
    x, sample, gamma, mean, var, eps, dtype = cache
    dout = contract.upstream_gradient(dout, x.shape, x.dtype)
    view = _view(x)
    if _sample(view) != sample:
        raise ValueError(
            "x was changed between the forward and the backward pass; its gradient is lost"
        )
    _check_out(out, x.shape, dtype, dout=dout, x=x)
    dx, dgamma, dbeta = _memory(out, x), np.zeros(gamma.shape), np.zeros(gamma.shape)
    if view.size:
        threads, block, shards = _plan(view)
        dout, dx_view = _view(dout, like=x), _view(dx, like=x)
        loops = compiled.backward[threads > 1]
        loops(dout, view, mean, var, gamma, eps, block, shards, dx_view, dgamma, dbeta)
    return _delivered(dx, out, dtype), dgamma.astype(dtype), dbeta.astype(dtype)


def batchnorm_inference(x, gamma, beta, running_mean, running_var, *, eps=1e-5, out=None):
    """Do as `bnlib.layers.batchnorm_inference` does, in one walk.

    Parameters, returns and errors as there; out as in `batchnorm_forward`, and it may be x.
    """
    return _inference(contract.batch(x), gamma, beta, running_mean, running_var, eps, out)


def spatial_batchnorm_forward(x, gamma, beta, *, eps=1e-5, out=None):
    """Do as `batchnorm_forward` does, for (N, C, H, W) only."""
    return _forward(contract.training_batch(x, ndims=(4,)), gamma, beta, eps, out)


def spatial_batchnorm_backward(dout, cache, *, out=None):
    """Do as `batchnorm_backward` does, for (N, C, H, W) only."""
    contract.batch(dout, "dout", ndims=(4,))
    return batchnorm_backward(dout, cache, out=out)


def spatial_batchnorm_inference(x, gamma, beta, running_mean, running_var, *, eps=1e-5, out=None):
    """Do as `batchnorm_inference` does, for (N, C, H, W) only."""
    x = contract.batch(x, ndims=(4,))
    return _inference(x, gamma, beta, running_mean, running_var, eps, out)


def _forward(x, gamma, beta, eps, out):
    working, eps, gamma, beta = _prepared(x, eps, gamma=gamma, beta=beta)
    _check_out(out, x.shape, x.dtype, x=x)
    y, mean, var = _memory(out, working), np.zeros(gamma.shape), np.zeros(gamma.shape)
    view = _view(working)
    if view.size:
        threads, block, shards = _plan(view)
        loops = compiled.forward[threads > 1]
        loops(view, gamma, beta, eps, block, shards, _view(y, like=working), mean, var)
    cache = Cache(working, _sample(view), gamma, mean, var, eps, x.dtype)
    return _delivered(y, out, x.dtype), cache


def _inference(x, gamma, beta, running_mean, running_var, eps, out):
    working, eps, gamma, beta, mean, var = _prepared(
        x, eps, gamma=gamma, beta=beta, running_mean=running_mean, running_var=running_var
    )
    contract.variance(var)
    if out is not x:
        _check_out(out, x.shape, x.dtype, x=x)
    y = _memory(out, working)
    view = _view(working)
    if view.size:
        threads, block, shards = _plan(view)
        loops = compiled.inference[threads > 1]
        loops(view, gamma, beta, mean, var, eps, block, shards, _view(y, like=working))
    return _delivered(y, out, x.dtype)


def _prepared(x, eps, **channel_values):
    """Return x in a dtype and an order that the loops take, eps, and each (C,) in float64."""
    dtype = contract.working_dtype(x.dtype)
    if dtype.itemsize > 8:
        raise TypeError(f"x must be float64 or narrower for a compiled kernel; got {x.dtype}")
    eps = contract.epsilon(eps, dtype)
    values = (
        contract.channel_values(value, name, x, np.float64)
        for name, value in channel_values.items()
    )
    x = np.asarray(x).astype(dtype, copy=False)
    in_order = x.flags.c_contiguous or np.moveaxis(x, 1, -1).flags.c_contiguous
    return (x if in_order and x.flags.aligned else x.copy()), eps, *values


def _view(a, like=None):
    """Return a as (N, C, S), or as a table (N, C) where channels lie side by side in memory.

    With `like`, in the order of that array, copied where a has another order.
    """
    images, channels = a.shape[:2]
    if a.size == 0:
        return a
    if not (a if like is None else like).flags.c_contiguous:
        a = np.moveaxis(a, 1, -1)
    elif a.size > images * channels:
        return np.ascontiguousarray(a).reshape(images, channels, -1)
    return np.ascontiguousarray(a).reshape(-1, channels)


def _sample(view):
    """Return about a thousand numbers of a batch, spread over it."""
    flat = view.reshape(-1)
    return flat[:: flat.size // SAMPLES | 1].tobytes()  # odd steps fall on every column in turn


def _check_out(out, shape, dtype, **taken):
    """Check that out can hold the result, and that it is not memory that is still needed."""
    if out is None:
        return
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array; got {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(
            f"out must have shape {shape} and dtype {dtype}; got {out.shape} and {out.dtype}"
        )
    if not out.flags.writeable:
        raise ValueError("out must be writeable; got a read-only array")
    for name, array in taken.items():
        if np.may_share_memory(out, array):
            raise ValueError(f"out must not share memory with {name}, which is still needed")


def _memory(out, like):
    """Return out if the loops can write into it, otherwise a new array in the order of `like`."""
    same = out is not None and out.dtype == like.dtype and out.strides == like.strides
    return out if same else np.empty_like(like, subok=False)


def _delivered(result, out, dtype):
    """Return the result in the caller's dtype, in out where that was given."""
    if out is None:
        return result.astype(dtype, copy=False)
    if result is not out:
        out[...] = result
    return out


def _plan(view):
    """Return how many threads, how many channels in a block, and how many shards of images.

    A block should stay in the cache between the sums and the result, and be read in long pieces;
    shards give work to every thread where there are few channels.
    """
    images, channels = view.shape[:2]
    if view.size < SERIAL:
        return 1, channels, 1
    threads = numba.get_num_threads()
    of_channel = view.nbytes // channels
    least = min(-(-RUN * images // of_channel), channels)
    block = max(WORKING_SET // of_channel, least)
    block = min(block, max(-(-channels // threads), least))
    blocks = -(-channels // block)
    even = blocks % threads == 0 or blocks >= 4 * threads
    return threads, block, 1 if even else min(4 * threads, images)
