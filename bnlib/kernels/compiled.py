"""The loops that Numba compiles: one for the sums, one for the result.

Every function takes a view of the batch: (N, C, S), images, channels and positions in C order,
or a table (N, C), which is also how a batch in channels-last order lies in memory. `x.ndim` is
known when Numba compiles, so that each view gets its own machine code from one source.

A task of a thread is a block: some neighbouring channels, of all images. Where there are fewer
blocks than threads, the images of a block are cut into shards, and a task is one of those.

Three rules make the loops fast and right.

- A task sums up its block, and writes its result at once, last image first: what was read last
  is still in the processor's cache. So memory sees each array once.
- Sums are kept in float64 and taken about a value of the channel itself, never about zero: the
  mean square minus the squared mean loses all digits at a large offset. Where that value turns
  out to be far from the mean, the sums are taken once more, about the mean.
- Numba may reorder a sum (``reassoc``) to add up several numbers at once. It may not in the
  results, where the order of subtractions decides which digits survive. It may always round a
  product and a sum together (``contract``). It may never assume that numbers are finite.
"""

from types import FunctionType

import numpy as np
from numba import njit, prange

SUM = {"fastmath": {"reassoc", "contract"}, "error_model": "numpy", "cache": True}
EXACT = {"fastmath": {"contract"}, "error_model": "numpy", "cache": True}
FAR = 16.0  # a squared distance to the mean, in variances, at which the sums are taken again


@njit(**SUM)
def _add_up(x, origin, first, last, start, stop, sums, squares):
    """Add x - origin and its square to sums and squares, for these channels and images."""
    if x.ndim == 3:
        for n in range(start, stop):
            for c in range(first, last):
                o, total, square = origin[c], 0.0, 0.0
                for i in range(x.shape[2]):
                    d = x[n, c, i] - o
                    total += d
                    square += d * d
                sums[c] += total
                squares[c] += square
    else:  # a pair of rows at a time: half as many walks over the sums
        o, total, square = origin[first:last], sums[first:last], squares[first:last]
        for n in range(start, stop - 1, 2):
            row, below = x[n, first:last], x[n + 1, first:last]
            for c in range(o.size):
                d, e = row[c] - o[c], below[c] - o[c]
                total[c] += d + e
                square[c] += d * d + e * e
        if (stop - start) % 2:
            row = x[stop - 1, first:last]
            for c in range(o.size):
                d = row[c] - o[c]
                total[c] += d
                square[c] += d * d


@njit(**SUM)
def _add_up_gradient(dout, x, origin, first, last, start, stop, sums, dots):
    """Add dout and dout * (x - origin) to sums and dots, for these channels and images."""
    if x.ndim == 3:
        for n in range(start, stop):
            for c in range(first, last):
                o, total, dot = origin[c], 0.0, 0.0
                for i in range(x.shape[2]):
                    g = np.float64(dout[n, c, i])
                    total += g
                    dot += g * (x[n, c, i] - o)
                sums[c] += total
                dots[c] += dot
    else:
        o, total, dot = origin[first:last], sums[first:last], dots[first:last]
        for n in range(start, stop - 1, 2):
            row, below = x[n, first:last], x[n + 1, first:last]
            g, h = dout[n, first:last], dout[n + 1, first:last]
            for c in range(o.size):
                total[c] += np.float64(g[c]) + h[c]
            for c in range(o.size):
                dot[c] += g[c] * (row[c] - o[c]) + h[c] * (below[c] - o[c])
        if (stop - start) % 2:
            row, g = x[stop - 1, first:last], dout[stop - 1, first:last]
            for c in range(o.size):
                total[c] += g[c]
                dot[c] += g[c] * (row[c] - o[c])


@njit(**EXACT)
def _write(x, terms, first, last, start, stop, y):
    """Set y = (x - head) * scale + shift, for these channels and images."""
    head, scale, shift = terms[0], terms[1], terms[2]
    if x.ndim == 3:
        for n in range(stop - 1, start - 1, -1):
            for c in range(first, last):
                h, k, b = head[c], scale[c], shift[c]
                for i in range(x.shape[2]):
                    y[n, c, i] = (x[n, c, i] - h) * k + b
    else:
        h, k, b = head[first:last], scale[first:last], shift[first:last]
        for n in range(stop - 1, start - 1, -1):
            row, out = x[n, first:last], y[n, first:last]
            for c in range(row.size):
                out[c] = (row[c] - h[c]) * k[c] + b[c]


@njit(**EXACT)
def _write_gradient(dout, x, terms, first, last, start, stop, dx):
    """Set dx = scale * (dout - through_mean - ((x - head) * slope + rest)), for the same."""
    # rows by index: unpacking would hide from Numba that they are contiguous
    head, scale, slope, through_mean, rest = terms[0], terms[1], terms[2], terms[3], terms[4]
    if x.ndim == 3:
        for n in range(stop - 1, start - 1, -1):
            for c in range(first, last):
                h, k, q, p, r = head[c], scale[c], slope[c], through_mean[c], rest[c]
                for i in range(x.shape[2]):
                    dx[n, c, i] = k * ((dout[n, c, i] - p) - ((x[n, c, i] - h) * q + r))
    else:
        h, k, q = head[first:last], scale[first:last], slope[first:last]
        p, r = through_mean[first:last], rest[first:last]
        for n in range(stop - 1, start - 1, -1):
            row, upstream, out = x[n, first:last], dout[n, first:last], dx[n, first:last]
            for c in range(row.size):
                out[c] = k[c] * ((upstream[c] - p[c]) - ((row[c] - h[c]) * q[c] + r[c]))


@njit(**EXACT)
def _moments(sums, squares, count, first, last, statistics):
    """Move mean from where the sums were taken to the mean; say if that was far, in variances.

    slip is what mean loses by rounding, so that mean + slip has twice the digits.
    """
    mean, slip, var = statistics[0], statistics[1], statistics[2]
    far = False
    for c in range(first, last):
        origin, step = mean[c], sums[c] / count
        mean[c] = origin + step
        slip[c] = step - (mean[c] - origin)
        var[c] = squares[c] / count - step * step
        far |= step * step > FAR * var[c]
        sums[c] = squares[c] = 0.0
    return far


@njit(**EXACT)
def _forward_terms(statistics, gamma, beta, eps, first, last, terms):
    """Set the terms of `_write`; head is mean in x's dtype, and what it lacks goes into shift."""
    mean, slip, var = statistics[0], statistics[1], statistics[2]
    head, scale, shift = terms[0], terms[1], terms[2]
    for c in range(first, last):
        exact_scale = gamma[c] / np.sqrt(var[c] + eps)
        head[c], scale[c] = mean[c], exact_scale
        shift[c] = beta[c] - ((mean[c] - head[c]) + slip[c]) * exact_scale


@njit(**EXACT)
def _gradient_terms(sums, dots, count, statistics, gamma, eps, first, last, terms, dgamma, dbeta):
    """Set dgamma, dbeta and the terms of `_write_gradient`; rest is what x's dtype cuts off."""
    mean, slip, var = statistics[0], statistics[1], statistics[2]
    head, scale, slope, through_mean, rest = terms[0], terms[1], terms[2], terms[3], terms[4]
    for c in range(first, last):
        inv_std = 1 / np.sqrt(var[c] + eps)
        dbeta[c] = sums[c]
        dgamma[c] = (dots[c] - sums[c] * slip[c]) * inv_std
        mean_dout, exact_slope = dbeta[c] / count, dgamma[c] * inv_std / count
        through_mean[c], head[c] = mean_dout, mean[c]
        slope[c], scale[c] = exact_slope, gamma[c] * inv_std
        lost = (mean[c] - head[c]) + slip[c]
        rest[c] = (mean_dout - through_mean[c]) - lost * exact_slope


@njit(**EXACT)
def _part(task, block, shards, x):
    """Return the channels first to last and the images start to stop of a task, and its shard."""
    images, channels = x.shape[0], x.shape[1]
    shard, first = task % shards, task // shards * block
    start, stop = shard * images // shards, (shard + 1) * images // shards
    return shard, first, min(first + block, channels), start, stop


@njit(**EXACT)
def _gather(partial):
    """Add the shards to the first one, in their order."""
    for shard in range(1, partial.shape[0]):
        partial[0] += partial[shard]
        partial[shard] = 0.0


def _forward(x, block, shards, gamma, beta, eps, y, statistics):
    """Fill y and statistics: the mean of each channel, its slip, its variance."""
    channels = x.shape[1]
    count, tasks = x.size // channels, -(-channels // block) * shards
    sums, squares = np.zeros((shards, channels)), np.zeros((shards, channels))
    terms = np.empty((3, channels), x.dtype)
    mean = statistics[0]
    mean[:] = x[0].reshape(channels, -1)[:, 0]
    if shards == 1:
        for task in prange(tasks):
            _, first, last, start, stop = _part(task, block, shards, x)
            for _ in range(2):
                _add_up(x, mean, first, last, start, stop, sums[0], squares[0])
                if not _moments(sums[0], squares[0], count, first, last, statistics):
                    break
            _forward_terms(statistics, gamma, beta, eps, first, last, terms)
            _write(x, terms, first, last, start, stop, y)
        return
    for _ in range(2):
        for task in prange(tasks):
            shard, first, last, start, stop = _part(task, block, shards, x)
            _add_up(x, mean, first, last, start, stop, sums[shard], squares[shard])
        _gather(sums)
        _gather(squares)
        if not _moments(sums[0], squares[0], count, 0, channels, statistics):
            break
    _forward_terms(statistics, gamma, beta, eps, 0, channels, terms)
    for task in prange(tasks):
        _, first, last, start, stop = _part(task, block, shards, x)
        _write(x, terms, first, last, start, stop, y)


def _backward(x, block, shards, dout, statistics, gamma, eps, dx, dgamma, dbeta):
    """Fill dx, dgamma and dbeta, by the same tasks as the forward pass."""
    channels = x.shape[1]
    count, tasks = x.size // channels, -(-channels // block) * shards
    sums, dots = np.zeros((shards, channels)), np.zeros((shards, channels))
    terms, mean = np.empty((5, channels), x.dtype), statistics[0]
    if shards == 1:
        for task in prange(tasks):
            _, first, last, start, stop = _part(task, block, shards, x)
            _add_up_gradient(dout, x, mean, first, last, start, stop, sums[0], dots[0])
            _gradient_terms(
                sums[0], dots[0], count, statistics, gamma, eps, first, last, terms, dgamma, dbeta
            )
            _write_gradient(dout, x, terms, first, last, start, stop, dx)
        return
    for task in prange(tasks):
        shard, first, last, start, stop = _part(task, block, shards, x)
        _add_up_gradient(dout, x, mean, first, last, start, stop, sums[shard], dots[shard])
    _gather(sums)
    _gather(dots)
    _gradient_terms(
        sums[0], dots[0], count, statistics, gamma, eps, 0, channels, terms, dgamma, dbeta
    )
    for task in prange(tasks):
        _, first, last, start, stop = _part(task, block, shards, x)
        _write_gradient(dout, x, terms, first, last, start, stop, dx)


def _inference(x, block, shards, gamma, beta, eps, y, statistics):
    """Fill y by given statistics."""
    channels = x.shape[1]
    terms = np.empty((3, channels), x.dtype)
    _forward_terms(statistics, gamma, beta, eps, 0, channels, terms)
    for task in prange(-(-channels // block) * shards):
        _, first, last, start, stop = _part(task, block, shards, x)
        _write(x, terms, first, last, start, stop, y)


def _compile(loops):
    """Return the function for one thread and the function for several.

    Numba's cache on disk goes by the name of a function, and would take one for the other.
    """
    several = FunctionType(loops.__code__, loops.__globals__, f"{loops.__name__}_by_several")
    several.__qualname__ = several.__name__
    return njit(**EXACT)(loops), njit(parallel=True, **EXACT)(several)


forward, backward, inference = _compile(_forward), _compile(_backward), _compile(_inference)
