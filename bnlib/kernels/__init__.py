"""Batch norm compiled with Numba: the functions of `bnlib.layers`, quicker.

Same signatures, contract and results, and ``out=`` to write into memory that is already there.
Needs Numba: ``pip install "bnlib[speed]"``. The first call with a dtype and a number of axes
compiles, which takes up to half a minute; the machine code is then kept beside this file, or in
Numba's cache folder where that cannot be written.

Strides. An array in C order is worked on where it lies. So are images in channels-last order, and
their result is channels-last too. Anything else is first copied to C order, which costs one more
walk over memory. The results are new arrays, or out.

Memory. The cache of a forward pass holds x itself, not a copy as in the layers: that saves a walk.
Do not change x before the backward pass, or the gradient is wrong. A thousand numbers of x are
compared there, so that an activation in place, or the next batch in the same memory, is noticed
and raises an error; a change of a few numbers may pass.

Threads. As many as Numba's settings say (``NUMBA_NUM_THREADS``, ``numba.set_num_threads``); a small
batch takes one, and so does a forked process, where OpenMP cannot run. With the same number of
threads, the same input gives the same bits.
"""

import os
from math import gcd
from threading import Lock
from typing import NamedTuple

import numpy as np

from bnlib import contract
from bnlib.layout import count, reduced_axes
from bnlib.statistics import BatchStatistics

try:
    import numba
except ImportError as error:
    raise ImportError(
        'bnlib.kernels needs Numba, which is not installed: pip install "bnlib[speed]"'
    ) from error

try:
    from bnlib.kernels import compiled
except RuntimeError as error:  # Numba finds no folder for its cache
    raise ImportError(
        f"bnlib.kernels cannot be compiled ({error}); "
        "set NUMBA_CACHE_DIR to a folder that can be written"
    ) from error

SERIAL = 2**14  # numbers; for fewer, starting threads costs more than it saves
WORKING_SET = 2**19  # bytes that a block of channels should fill: about a core's L2 cache
RUN = 2**10  # bytes that a block should cover in one piece
SAMPLES = 1000  # of x, compared to notice that x was changed
ONE_AT_A_TIME = Lock()  # not every threading layer of Numba can be entered twice
FORKED = []  # not empty in a forked process


class Cache(NamedTuple):
    """What a training forward pass keeps for its backward pass."""

    x: np.ndarray  # the caller's own, unless its dtype or strides had to be changed
    sample: bytes
    gamma: np.ndarray  # (C,), float64
    moments: np.ndarray  # (3, C), float64: mean, what it loses by rounding, biased variance
    eps: float
    dtype: np.dtype  # of the caller's x, and so of every result

    @property
    def statistics(self):
        """The batch's own mean (C,), biased variance (C,) and count m."""
        mean, _, var = self.moments.astype(self.x.dtype)
        return BatchStatistics(mean, var, count(self.x.shape, reduced_axes(self.x.ndim)))


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
    x, sample, gamma, moments, eps, dtype = cache
    dout = contract.upstream_gradient(dout, x.shape, x.dtype)
    if _sample(x) != sample:
        raise ValueError(
            "x was changed between the forward and the backward pass; its gradient is lost"
        )
    _check_out(out, x.shape, dtype, dout=dout, x=x)
    dx, dgamma, dbeta = _memory(out, x), np.zeros(gamma.shape), np.zeros(gamma.shape)
    if x.size:
        view, dout, dx_view = (_view(a, like=x) for a in (x, dout, dx))
        _run(compiled.backward, view, dout, moments, gamma, eps, dx_view, dgamma, dbeta)
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
    working, eps = _prepared(x, eps)
    gamma = contract.channel_values(gamma, "gamma", x, np.float64)
    beta = contract.channel_values(beta, "beta", x, np.float64)
    _check_out(out, x.shape, x.dtype, x=x)
    y, moments = _memory(out, working), np.zeros((3, len(gamma)))
    if x.size:
        view, y_view = (_view(a, like=working) for a in (working, y))
        _run(compiled.forward, view, gamma, beta, eps, y_view, moments)
    cache = Cache(working, _sample(working), gamma, moments, eps, x.dtype)
    return _delivered(y, out, x.dtype), cache


def _inference(x, gamma, beta, running_mean, running_var, eps, out):
    working, eps = _prepared(x, eps)
    gamma = contract.channel_values(gamma, "gamma", x, np.float64)
    beta = contract.channel_values(beta, "beta", x, np.float64)
    mean = contract.channel_values(running_mean, "running_mean", x, np.float64)
    var = contract.variance(contract.channel_values(running_var, "running_var", x, np.float64))
    _check_out(out, x.shape, x.dtype, **{} if _same_place(out, x) else {"x": x})
    y, moments = _memory(out, working), np.stack([mean, np.zeros_like(mean), var])
    if x.size:
        view, y_view = (_view(a, like=working) for a in (working, y))
        _run(compiled.inference, view, gamma, beta, eps, y_view, moments)
    return _delivered(y, out, x.dtype)


def _prepared(x, eps):
    """Return x in a dtype and an order in memory that the loops take, and eps."""
    dtype = contract.working_dtype(x.dtype)
    if dtype.itemsize > 8:
        raise TypeError(f"x must be float64 or narrower for a compiled kernel; got {x.dtype}")
    eps = contract.epsilon(eps, dtype)
    x = np.asarray(x).astype(dtype, copy=False)
    in_order = x.flags.c_contiguous or np.moveaxis(x, 1, -1).flags.c_contiguous
    return (x if in_order and x.flags.aligned else x.copy()), eps


def _view(a, like):
    """Return a as (N, C, S), or as a table (N, C) where the channels of `like` lie side by side.

    A view if a lies in memory as `like` does, otherwise a copy.
    """
    images, channels = a.shape[:2]
    if not like.flags.c_contiguous:
        a = np.moveaxis(a, 1, -1)
    elif a.size > images * channels:
        return np.ascontiguousarray(a).reshape(images, channels, -1)
    return np.ascontiguousarray(a).reshape(-1, channels)


def _sample(x):
    """Return about a thousand numbers of x, spread over every image, channel and position."""
    step = x.size // SAMPLES + 1
    while gcd(step, x.size) > 1:  # no axis is met at the same places only
        step += 1
    if x.flags.c_contiguous:
        return x.reshape(-1)[::step].tobytes()
    return x[np.unravel_index(np.arange(0, x.size, step), x.shape)].tobytes()


def _same_place(a, b):
    """Say if two arrays are the same numbers in memory."""
    return (
        isinstance(a, np.ndarray)
        and a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
        and (a.shape, a.strides, a.dtype) == (b.shape, b.strides, b.dtype)
    )


def _check_out(out, shape, dtype, **taken):
    """Check that out can hold the result, and that it is not memory that is still needed."""
    if out is None:
        return
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out must be a NumPy array; got {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(
            f"out must have shape {shape} and dtype {dtype}; got {out.shape} and {out.dtype}"
        )
    if not out.flags.writeable:
        raise ValueError("out must be writeable; got a read-only array")
    if 0 in out.strides and out.size > 1:
        raise ValueError("out must have a place for each number; got an array with zero strides")
    for name, array in taken.items():
        if _overlap(out, array):
            raise ValueError(f"out must not share memory with {name}, which is still needed")


def _overlap(a, b):
    """Say if two arrays share memory, or might, where that is hard to find out."""
    try:
        return np.may_share_memory(a, b) and np.shares_memory(a, b, max_work=1000)
    except RuntimeError:  # too hard
        return True


def _memory(out, like):
    """Return out if the loops can write into it, otherwise a new array in the order of `like`."""
    fits = out is not None and out.dtype == like.dtype and out.strides == like.strides
    return np.asarray(out) if fits and out.flags.aligned else np.empty_like(like, subok=False)


def _delivered(result, out, dtype):
    """Return the result in the caller's dtype, in out where that was given."""
    if out is None:
        return result.astype(dtype, copy=False)
    if result is not out and not _same_place(result, out):
        out[...] = result
    return out


def _run(loops, view, *arguments):
    """Run compiled loops in as many threads as the batch deserves."""
    threads, block, shards = _plan(view)
    alone, together = loops
    if threads == 1:
        alone(view, block, shards, *arguments)
        return
    with ONE_AT_A_TIME:
        together(view, block, shards, *arguments)


def _plan(view):
    """Return how many threads, how many channels in a block, and how many shards of its images.

    A block should fit into a core's cache, so that the results find there what the sums have
    read; but it should be read in pieces that are long enough, and every thread should get one.
    """
    images, channels = view.shape[:2]
    if view.size < SERIAL:
        return 1, channels, 1
    threads = 1 if FORKED else numba.get_num_threads()
    of_channel = view.nbytes // channels  # bytes, in all images
    least = min(-(-RUN * images // of_channel), channels)  # rounded up, here and below
    block = max(WORKING_SET // of_channel, least)
    block = min(block, max(-(-channels // threads), least))
    blocks = -(-channels // block)
    if blocks % threads == 0 or blocks >= 4 * threads:  # each thread gets about the same
        return threads, block, 1
    return threads, block, min(4 * threads, images)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: FORKED.append(True))
