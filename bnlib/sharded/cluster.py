"""Batch norm of a Dask array, for batches larger than a memory, on one machine or on many.

Needs Dask: ``pip install "bnlib[cluster]"``. Everything is lazy: nothing is read before
``compute``, ``to_zarr`` or `bnlib.sharded.npy.write`.

Passes. Forward, each chunk is read once for its moments, and once more to be normalized. The second
read waits for the statistics, so that no chunk is kept between the two. Backward reads dout and x
twice in the same way. Where reading means computing, x is computed twice: persist it first if that
takes longer than memory is worth.

Chunks. Along N and the positions as you like, also of unequal or unknown size; all channels of a
position lie in one chunk. A worker needs memory for its chunk and the result.

Between two computations, keep the moments: ``cache = cache.kept()`` computes them, and a backward
pass that is computed later does not read x a third time.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

try:
    import dask
    import dask.array as da
    from dask.delayed import Delayed, delayed
    from dask.graph_manipulation import bind
except ImportError as error:
    raise ImportError(
        'bnlib.sharded.cluster needs Dask, which is not installed: pip install "bnlib[cluster]"'
    ) from error

from bnlib import contract
from bnlib.conventions import Convention
from bnlib.running import RunningStatistics
from bnlib.sharded import shard
from bnlib.statistics import Moments, merge

FAN_IN = 8  # pieces merged by one task: a tree of 10,000 chunks is five merges high


class Cache(NamedTuple):
    """What a forward pass keeps for its backward pass; x is not in memory, but read again."""

    x: da.Array
    gamma: np.ndarray
    moments: Delayed | Moments  # of the whole batch
    eps: float

    @property
    def statistics(self) -> Delayed:
        """Mean, biased variance and count m of the batch, once computed."""
        return delayed(Moments.statistics)(self.moments)

    def kept(self) -> "Cache":
        """Return this cache with its moments computed, which reads x once."""
        return self._replace(moments=dask.compute(self.moments)[0])


def batchnorm_forward(
    x: da.Array, gamma: ArrayLike, beta: ArrayLike, *, eps: float = 1e-5
) -> tuple[da.Array, Cache]:
    """Do as `bnlib.layers.batchnorm_forward` does, chunk by chunk, lazily.

    Parameters
    ----------
    x : dask.array.Array, (N, C) or (N, C, ...)
        Real numbers, all channels in each chunk.
    gamma, beta : array, (C,)
    eps : float, optional

    Returns
    -------
    y : dask.array.Array
        Shape, chunks and dtype of x (float64 where x holds integers).
    cache : Cache
        For `batchnorm_backward`.

    Raises
    ------
    ValueError
        If a shape does not fit, channels are cut, x has fewer than two values per channel, or eps
        is out of range. Of chunks of unknown size the values are counted when they are computed.
    TypeError
        If x is no Dask array, or an argument does not hold real numbers.
    """
    x, like = _batch(x, "x")
    gamma, beta = (np.asarray(v) for v in shard.arguments(like, eps, gamma=gamma, beta=beta)[1:])
    moments = _together(_by_chunks(shard.local_moments, x), merge)
    y = _by_chunks(shard.normalize_shard, *_again(moments, x), gamma, beta, moments, eps=eps)
    return y, Cache(x, gamma, moments, eps)


def batchnorm_backward(dout: da.Array, cache: Cache) -> tuple[da.Array, da.Array, da.Array]:
    """Do as `bnlib.layers.batchnorm_backward` does, chunk by chunk, lazily.

    Parameters
    ----------
    dout : dask.array.Array
        Upstream gradient, x's shape. It is cut into chunks as x is.
    cache : Cache
        From `batchnorm_forward`.

    Returns
    -------
    dx : dask.array.Array
        Shape and chunks of x.
    dgamma, dbeta : dask.array.Array, (C,)
        All three in the dtype of y.

    Raises
    ------
    ValueError
        If dout does not have x's shape, or its chunks of unknown size are not as many as x's.
    TypeError
        If dout is no Dask array of real numbers, or cache is something else.
    """
    if not isinstance(cache, Cache):
        raise TypeError(f"cache must come from batchnorm_forward; got {type(cache).__name__}")
    x, gamma, moments, eps = cache
    dout = _chunked_as(x, _batch(dout, "dout")[0])
    sums = _together(_by_chunks(shard.local_sums, dout, x, moments, eps=eps), shard.add)
    arguments = *_again(sums, dout, x), gamma, moments, sums
    dx = _by_chunks(shard.backward_shard, *arguments, eps=eps)
    vectors = (da.from_delayed(v, gamma.shape, gamma.dtype) for v in (sums.dgamma, sums.dbeta))
    return dx, *(v.astype(x.dtype) for v in vectors)


def update_running(running: RunningStatistics, cache: Cache, convention: Convention) -> Delayed:
    """Return ``running.update`` after one more training batch, lazily.

    Parameters
    ----------
    running : RunningStatistics
    cache : Cache
        Of the batch's forward pass.
    convention : Convention

    Returns
    -------
    Delayed
        A RunningStatistics, once computed.
    """
    return delayed(RunningStatistics.update)(running, cache.statistics, convention)


def _batch(x, name):
    """Return a checked Dask array, and an array of its shape, without memory, for other checks."""
    if not isinstance(x, da.Array):
        raise TypeError(f"{name} must be a Dask array; got {type(x).__name__}")
    unknown = np.isnan(x.shape)
    if x.ndim > 1 and (unknown[1] or x.numblocks[1] > 1):
        wanted = "all channels in each chunk: call rechunk({1: -1}) first"
        raise ValueError(f"{name} must have {wanted}; got chunks of {x.chunks[1]} channels")
    sizes = [2 if nan else size for nan, size in zip(unknown, x.shape, strict=True)]
    like = np.broadcast_to(np.zeros((), x.dtype), sizes)
    like = contract.training_batch(like) if name == "x" else contract.batch(like, name)
    return x.astype(like.dtype), like


def _chunked_as(x, dout):
    """Return dout in chunks that match those of x."""
    unknown = np.isnan(sum(x.shape + dout.shape))
    if not unknown and dout.shape != x.shape:
        raise ValueError(f"dout must have the shape of y, {x.shape}; got shape {dout.shape}")
    if unknown and dout.numblocks != x.numblocks:
        wanted = f"{x.numblocks}, since their sizes are unknown"
        raise ValueError(f"dout must have as many chunks as x, {wanted}; got {dout.numblocks}")
    return dout if unknown else dout.rechunk(x.chunks)


def _by_chunks(function, x, *arguments, **keywords):
    """Return function(chunk, ...) of each chunk of x, and of other Dask arrays among arguments."""
    axes = tuple(range(x.ndim))
    pairs = [(a, axes if isinstance(a, da.Array) else None) for a in (x, *arguments)]
    meta = np.empty((0,) * x.ndim, x.dtype)
    flat = [part for pair in pairs for part in pair]
    # Chunks of unknown size cannot be aligned; those of known size are already.
    return da.blockwise(function, axes, *flat, **keywords, align_arrays=False, meta=meta)


def _together(parts, two):
    """Return all parts, one for each chunk, put together two and two in a tree."""

    def combine(found, axis=None, keepdims=None):
        return reduce(two, _flat(found))

    fan_in = {0: FAN_IN, **dict.fromkeys(range(2, parts.ndim), 2)}
    tree = da.reduction(
        parts,
        chunk=lambda part, axis, keepdims: part,
        combine=combine,
        aggregate=combine,
        axis=tuple(fan_in),
        split_every=fan_in,
        concatenate=False,
        dtype=parts.dtype,
        meta=np.empty((0,), parts.dtype),
    )
    return tree.to_delayed(optimize_graph=False)[0]


def _flat(found):
    """List the parts in lists of lists."""
    return [part for f in found for part in _flat(f)] if isinstance(found, list) else [found]


def _again(after, *arrays):
    """Return the arrays as they are read once more, after something else has been computed."""
    return bind(list(arrays), after, seed=after.key)
