"""What one shard of a batch does: two local passes forward, two backward, in NumPy.

Between the two passes of each pair stands one exchange. Forward, the shards' `Moments` are merged;
backward, their `Sums` are added. Both are small: a few numbers per channel, whatever the shard's
size.

A shard is worked on a few images at a time and in float64, whatever its dtype. So nothing but the
result needs memory, and a float32 result is rounded once.
"""

from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np

from bnlib import contract
from bnlib.contract import Data
from bnlib.layout import per_channel, reduced_axes, sum_to
from bnlib.statistics import Moments

AT_A_TIME = 2**16  # numbers: in float64 0.5 MB, which a cache near the processor holds


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
    _check(moments, x)
    scale = gamma * _inv_std(moments, eps)
    columns = (
        per_channel(v, x.ndim) for v in (moments.origin, scale, beta - scale * moments.shift)
    )
    return _by_blocks(partial(_normalized, *columns), x)


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
    x, dout = _upstream(dout, x, moments, eps)
    origin = per_channel(moments.origin, x.ndim)
    dbeta = products = np.zeros_like(origin)
    for block in blocks(x.shape):
        d, deviations = dout[block].astype(origin.dtype), x[block] - origin
        dbeta = dbeta + sum_to(d, origin.shape)
        products = products + sum_to(np.multiply(d, deviations, out=d), origin.shape)
    dbeta, products = dbeta.reshape(-1), products.reshape(-1)
    return Sums(dbeta, _inv_std(moments, eps) * (products - moments.shift * dbeta))


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
    x, dout = _upstream(dout, x, moments, eps)
    _, gamma, dbeta, dgamma = arguments(x, eps, gamma=gamma, dbeta=sums.dbeta, dgamma=sums.dgamma)
    m, inv_std = moments.count, _inv_std(moments, eps)
    scale = gamma * inv_std
    slope = scale * inv_std * dgamma / m  # of dx over x
    level = scale * dbeta / m - slope * moments.shift
    columns = (per_channel(v, x.ndim) for v in (scale, level, slope, moments.origin))
    return _by_blocks(partial(_gradient, *columns), dout, x)


def arguments(x: Data, eps: float, **values: Data) -> list[np.ndarray]:
    """Return x as a NumPy batch, and values (C,) in at least float64; check them and eps."""
    x = np.asarray(contract.batch(x))
    contract.epsilon(eps, contract.working_dtype(x.dtype))
    return [x, *contract.channel_values(x, np.promote_types(x.dtype, np.float64), **values)]


def blocks(shape):
    """Return indices that cut an array into blocks of `AT_A_TIME` numbers or fewer.

    A block holds all channels, and whole images as long as one fits.

    >>> [x[0] for x in blocks((5, 2**14, 2, 1))]
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    room, cuts = AT_A_TIME // max(shape[1], 1), {1: [slice(None)]}
    for axis in reversed(reduced_axes(len(shape))):
        step = max(1, min(shape[axis], room))
        cuts[axis] = [slice(start, start + step) for start in range(0, shape[axis], step)]
        room //= step
    return list(product(*(cuts[axis] for axis in range(len(shape)))))


def _by_blocks(function, first, *others):
    """Return a function of blocks in float64, which it may overwrite, in the first's dtype."""
    result = np.empty(first.shape, first.dtype)
    wide = np.promote_types(first.dtype, np.float64)
    for block in blocks(first.shape):
        result[block] = function(*(a[block].astype(wide) for a in (first, *others)))
    return result


def _normalized(origin, scale, level, x):
    # The origin lies near x, so that this difference keeps all digits; the mean itself is rounded.
    x -= origin
    x *= scale
    x += level
    return x


def _gradient(scale, level, slope, origin, dout, x):
    x -= origin
    x *= slope
    dout *= scale
    dout -= x
    dout -= level
    return dout


def _check(moments, x):
    """Check that moments are of a batch that x may be a shard of, and large enough."""
    if not isinstance(moments, Moments):
        raise TypeError(f"moments must be Moments; got {type(moments).__name__}")
    if moments.origin.shape != x.shape[1:2]:
        channels = f"{x.shape[1]} channels of x {x.shape}"
        raise ValueError(f"moments must be of the {channels}; got {len(moments.origin)}")
    if moments.count < 2:
        small = f"got {moments.count}: the batch, all shards together, is too small to train on"
        raise ValueError(f"moments must be of at least two values per channel; {small}")


def _inv_std(moments, eps):
    return 1 / np.sqrt(moments.statistics().var + eps)


def _upstream(dout: Data, x: Data, moments: Moments, eps: float) -> tuple[np.ndarray, np.ndarray]:
    (x,) = arguments(x, eps)
    _check(moments, x)
    return x, np.asarray(contract.upstream_gradient(dout, x.shape, x.dtype))
