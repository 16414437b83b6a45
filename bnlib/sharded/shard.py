"""What one shard of a batch does: two local passes forward, two backward, in NumPy.

Between the two passes of each pair stands one exchange. Forward, the shards' `Moments` are merged;
backward, their `Sums` are added. Both are small: a few numbers per channel, whatever the shard's
size.

A shard is worked on a few images at a time and in float64, whatever its dtype. So nothing but the
result needs memory, and a float32 result is rounded once.
"""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np

from bnlib import contract
from bnlib.contract import Data
from bnlib.layout import per_channel, reduced_axes, sum_to
from bnlib.statistics import Moments

AT_A_TIME = 2**18  # numbers; in float64, what a processor's cache holds


class Sums(NamedTuple):
    """What a shard contributes to the backward pass: dbeta and dgamma of its own values, (C,)."""

    dbeta: np.ndarray  # sum(dout)
    dgamma: np.ndarray  # sum(dout * xhat)


def add(a: Sums, b: Sums) -> Sums:
    """Return the sums of two shards together.

    Raises
    ------
    ValueError
        If the shards differ in their channels.
    """
    if a.dbeta.shape != b.dbeta.shape:
        raise ValueError(f"shards have {len(a.dbeta)} and {len(b.dbeta)} channels")
    return Sums(a.dbeta + b.dbeta, a.dgamma + b.dgamma)


def local_moments(x: Data) -> Moments:
    """Return the count, the mean and the centred squares of a shard: the first pass over x.

    m = N * H * W,  mean = sum(x) / m,  m2 = sum((x - mean)^2), per channel.

    Parameters
    ----------
    x : array, (N, C) or (N, C, ...)
        Real numbers. The shard may be empty.

    Returns
    -------
    Moments
        In float64. Merge those of all shards with `bnlib.statistics.merge` or `merge_all`.

    Raises
    ------
    ValueError, TypeError
        As `bnlib.statistics.Moments.of`.
    """
    return Moments.of(x)


def normalize_shard(
    x: Data, gamma: Data, beta: Data, moments: Moments, *, eps: float = 1e-5
) -> np.ndarray:
    """Normalize a shard by the moments of the whole batch: the second pass over x.

    y = gamma * (x - mu) / sqrt(var + eps) + beta,  with mu and var (biased) of all shards.

    Parameters
    ----------
    x : array, (N, C) or (N, C, ...)
        The shard, which may be empty.
    gamma, beta : array, (C,)
        Scale and shift of each channel.
    moments : Moments
        Those of all shards together, of at least two values per channel.
    eps : float, optional
        Added to the variance; finite, at least 0.

    Returns
    -------
    y : array
        Shape and dtype of x (float64 where x holds integers).

    Raises
    ------
    ValueError
        If a shape does not fit, eps is out of range, or moments are of fewer than two values.
    TypeError
        If an argument does not hold real numbers, or moments are something else.
    """
    x, gamma, beta = arguments(x, eps, gamma=gamma, beta=beta)
    xhat = _normalizer(x, moments, eps)
    gamma, beta = (per_channel(v, x.ndim) for v in (gamma, beta))
    return _by_blocks(lambda x: gamma * xhat(x) + beta, x)


def local_sums(dout: Data, x: Data, moments: Moments, *, eps: float = 1e-5) -> Sums:
    """Return the two sums that the backward pass needs of a shard: the first pass over dout and x.

    dbeta = sum(dout),  dgamma = sum(dout * xhat), per channel.

    Parameters
    ----------
    dout : array
        Upstream gradient of the shard, x's shape.
    x, moments, eps
        As they were given to `normalize_shard`.

    Returns
    -------
    Sums
        In float64. Add those of all shards with `add`.

    Raises
    ------
    ValueError, TypeError
        As `normalize_shard`, and ValueError where dout does not have x's shape.
    """
    x, dout, xhat = _upstream(dout, x, moments, eps)
    shape = per_channel(moments.shift, x.ndim).shape
    dbeta = dgamma = np.zeros(shape, moments.shift.dtype)
    for block in blocks(x.shape):
        d = dout[block].astype(dbeta.dtype)
        dbeta = dbeta + sum_to(d, shape)
        dgamma = dgamma + sum_to(d * xhat(x[block]), shape)
    return Sums(dbeta.reshape(-1), dgamma.reshape(-1))


def backward_shard(
    dout: Data, x: Data, gamma: Data, moments: Moments, sums: Sums, *, eps: float = 1e-5
) -> np.ndarray:
    """Return dx of a shard: the second pass over dout and x.

    dx = gamma * inv_std * (dout - dbeta / m - xhat * dgamma / m),

    with m, dbeta and dgamma of the whole batch. Of all other shards this needs no more: they come
    in through the mean and the variance alone, which pass back these two sums.

    Parameters
    ----------
    dout, x, moments, eps
        As they were given to `local_sums`.
    gamma : array, (C,)
    sums : Sums
        Those of all shards together.

    Returns
    -------
    dx : array
        Shape and dtype of x (float64 where x holds integers).

    Raises
    ------
    ValueError, TypeError
        As `local_sums`.
    """
    x, dout, xhat = _upstream(dout, x, moments, eps)
    _, *values = arguments(x, eps, gamma=gamma, dbeta=sums.dbeta, dgamma=sums.dgamma)
    gamma, dbeta, dgamma, inv_std = (
        per_channel(v, x.ndim) for v in (*values, _inv_std(moments, eps))
    )
    m = moments.count
    scale, through_mean, through_var = gamma * inv_std, dbeta / m, dgamma / m
    return _by_blocks(lambda d, x: scale * (d - through_mean - xhat(x) * through_var), dout, x)


def arguments(x: Data, eps: float, **values: Data) -> list[np.ndarray]:
    """Return x as a NumPy batch, and values (C,) in at least float64; check them and eps."""
    x = np.asarray(contract.batch(x))
    contract.epsilon(eps, contract.working_dtype(x.dtype))
    return [x, *contract.channel_values(x, np.promote_types(x.dtype, np.float64), **values)]


def blocks(shape):
    """Return indices that cut an array into blocks of `AT_A_TIME` numbers or fewer.

    A block holds all channels, and whole images as long as one fits.

    >>> [x[0] for x in blocks((5, 2**16, 2, 1))]
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    room, cuts = AT_A_TIME // max(shape[1], 1), {1: [slice(None)]}
    for axis in reversed(reduced_axes(len(shape))):
        step = max(1, min(shape[axis], room))
        cuts[axis] = [slice(start, start + step) for start in range(0, shape[axis], step)]
        room //= step
    return list(product(*(cuts[axis] for axis in range(len(shape)))))


def _by_blocks(function, first, *others):
    """Return a function of float64 arrays of one shape, block by block, in the first's dtype."""
    result = np.empty(first.shape, first.dtype)
    wide = np.promote_types(first.dtype, np.float64)
    for block in blocks(first.shape):
        result[block] = function(*(a[block].astype(wide, copy=False) for a in (first, *others)))
    return result


def _normalizer(x, moments, eps):
    """Return the function that takes a block of x to xhat."""
    if not isinstance(moments, Moments):
        raise TypeError(f"moments must be Moments; got {type(moments).__name__}")
    if moments.origin.shape != x.shape[1:2]:
        channels = f"{x.shape[1]} channels of x {x.shape}"
        raise ValueError(f"moments must be of the {channels}; got {len(moments.origin)}")
    if moments.count < 2:
        raise ValueError(
            f"moments must be of at least two values per channel; got {moments.count}: the batch, "
            "all shards together, is too small to train on"
        )
    values = moments.origin, moments.shift, _inv_std(moments, eps)
    return partial(_xhat, *(per_channel(v, x.ndim) for v in values))


def _xhat(origin, shift, inv_std, x):
    # The origin lies near x, so that this difference keeps all digits; the mean itself is rounded.
    xhat = x - origin
    xhat -= shift
    xhat *= inv_std
    return xhat


def _inv_std(moments, eps):
    return 1 / np.sqrt(moments.statistics().var + eps)


def _upstream(
    dout: Data, x: Data, moments: Moments, eps: float
) -> tuple[np.ndarray, np.ndarray, Callable]:
    (x,) = arguments(x, eps)
    dout = np.asarray(contract.upstream_gradient(dout, x.shape, x.dtype))
    return x, dout, _normalizer(x, moments, eps)
