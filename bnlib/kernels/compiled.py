"""The loops that Numba compiles: one for the sums, one for the result.

Every function takes a view of the batch: (N, C, S), images, channels and positions in C order,
or a table (N, C), which is also how a batch in channels-last order lies in memory. `x.ndim` is
known when Numba compiles, so that each view gets its own machine code from one source.

A task of a thread is a block of neighbouring channels, of all images; or a shard of the images,
where that is quicker or there are not enough channels. `bnlib.kernels.threads` decides.

Five rules make the loops fast and right.

- A task sums up its block, and writes its result at once, last image first: what was read last
  is still in the processor's cache. So memory sees each array of a large batch about once.
- Sums are taken about an origin near the channel's values, never about zero: the mean square minus
  the squared mean loses all digits at a large offset. The origin is the mean of a few values. Where
  it turns out to be far from the mean, the sums are taken once more, about the mean.
- What is subtracted from every number of a channel is rounded to a few binary digits first. A
  number of many digits would have most differences rounded to the same side, and the errors of a
  million numbers would add up. What was cut off is put right once for each channel.
- A stretch of numbers is added up in x's dtype, which is quick, and the stretches in float64, so
  that no digits are lost however many there are.
- Numba may reorder a sum (``reassoc``) to add up several numbers at once. It may not in the
  results, where the order of subtractions decides which digits survive. It may always round a
  product and a sum together (``contract``). It may never assume that numbers are finite.

All of it is in one file, because Numba compiles anew only when the file of a function changes, not
when a function does that it calls from another file.
"""

from types import FunctionType

import numpy as np
from numba import njit, prange

SUM = {"fastmath": {"reassoc", "contract"}, "error_model": "numpy", "cache": True}
EXACT = {"fastmath": {"contract"}, "error_model": "numpy", "cache": True}
TASTED = 16  # values of a channel whose mean is the origin
FAR = 2.0  # a squared distance to the mean, in variances, at which the sums are taken again
FINE = 2.0**-10  # standard deviations: to about a multiple of that, an origin of x is rounded
COARSE = 2.0**4  # the same for an upstream gradient, whose origin is mostly 0 then
MISLED = 0.75  # the distance between that origin and the mean, by the origin, that is too far
STRETCH = 256  # numbers added up in x's dtype
TILE = 512  # channels of a table whose terms lie together
ROWS = 128  # as STRETCH, for a table, where neighbours belong to different channels


@njit(**EXACT)
def _coarse(value, var, grid):
    """Return value rounded to a multiple of a power of two near `grid` standard deviations.

    Added to a number 2**52 times as large, it loses the digits below that. It keeps all of them
    where var is 0, or negative or not finite.
    """
    large = grid * 2.0**52 * np.sqrt(var)
    coarse = (value + large) - large
    return coarse if np.isfinite(coarse) else value


@njit(**EXACT)
def _taste(x, first, last, grid, origin):
    """Set origin to the coarse mean of a few values of each of these channels; 0 if not finite.

    They lie from the first image and position to the last, in different columns of an image.
    """
    taken = min(TASTED, x.size // x.shape[1])
    rows = (x.shape[0] - 1) / (taken - 1)
    places = (x.shape[2] - 1) / (taken - 1) if x.ndim == 3 else 0.0
    sums = np.zeros((2, last - first))
    total, square = sums[0], sums[1]
    for k in range(1, taken):
        n, i = int(k * rows), int(k * places)
        start = x[0, first:last, 0] if x.ndim == 3 else x[0, first:last]
        row = x[n, first:last, i] if x.ndim == 3 else x[n, first:last]
        for c in range(row.size):
            d = np.float64(row[c]) - start[c]
            total[c] += d
            square[c] += d * d
    for c in range(first, last):
        start, step = np.float64(x[0, c, 0] if x.ndim == 3 else x[0, c]), total[c - first] / taken
        mean = _coarse(start + step, square[c - first] / taken - step * step, grid)
        origin[c] = mean if np.isfinite(mean) else 0.0


@njit(**SUM)
def _add_up(x, origin, first, last, start, stop, sums, squares):
    """Add x - origin and its square to sums and squares, for these channels and images."""
    zero = x.dtype.type(0)
    if x.ndim == 3:
        for n in range(start, stop):
            for c in range(first, last):
                values, o = x[n, c], origin[c]
                for begin in range(0, values.size, STRETCH):
                    stretch, total, square = values[begin : begin + STRETCH], zero, zero
                    for i in range(stretch.size):
                        d = stretch[i] - o
                        total += d
                        square += d * d
                    sums[c] += total
                    squares[c] += square
    else:
        o, partial = origin[first:last], np.empty((2, last - first), x.dtype)
        total, square = partial[0], partial[1]
        for begin in range(start, stop, ROWS):
            end = min(begin + ROWS, stop)
            total[:], square[:] = zero, zero
            for n in range(begin, end - 1, 2):  # two at a time: half as many walks over the sums
                row, below = x[n, first:last], x[n + 1, first:last]
                for c in range(o.size):
                    d, e = row[c] - o[c], below[c] - o[c]
                    total[c] += d + e
                    square[c] += d * d + e * e
            if (end - begin) % 2:
                row = x[end - 1, first:last]
                for c in range(o.size):
                    d = row[c] - o[c]
                    total[c] += d
                    square[c] += d * d
            for c in range(o.size):
                sums[first + c] += total[c]
                squares[first + c] += square[c]


@njit(**SUM)
def _add_up_gradient(dout, x, above, origin, first, last, start, stop, sums, dots):
    """Add dout - above, and that times x - origin, to sums and dots, for these."""
    zero = x.dtype.type(0)
    if x.ndim == 3:
        for n in range(start, stop):
            for c in range(first, last):
                values, upstream, o, u = x[n, c], dout[n, c], origin[c], above[c]
                for begin in range(0, values.size, STRETCH):
                    stretch = values[begin : begin + STRETCH]
                    g, total, dot = upstream[begin : begin + STRETCH], zero, zero
                    for i in range(stretch.size):
                        e = g[i] - u
                        total += e
                        dot += e * (stretch[i] - o)
                    sums[c] += total
                    dots[c] += dot
    else:
        o, u, partial = origin[first:last], above[first:last], np.empty((2, last - first), x.dtype)
        total, dot = partial[0], partial[1]
        for begin in range(start, stop, ROWS):
            end = min(begin + ROWS, stop)
            total[:], dot[:] = zero, zero
            for n in range(begin, end - 1, 2):
                row, below = x[n, first:last], x[n + 1, first:last]
                g, h = dout[n, first:last], dout[n + 1, first:last]
                for c in range(o.size):
                    e, f = g[c] - u[c], h[c] - u[c]
                    total[c] += e + f
                    dot[c] += e * (row[c] - o[c]) + f * (below[c] - o[c])
            if (end - begin) % 2:
                row, g = x[end - 1, first:last], dout[end - 1, first:last]
                for c in range(o.size):
                    e = g[c] - u[c]
                    total[c] += e
                    dot[c] += e * (row[c] - o[c])
            for c in range(o.size):
                sums[first + c] += total[c]
                dots[first + c] += dot[c]


@njit(**EXACT)
def _copy_terms(terms, first, last, copy):
    """Copy the terms of some channels, row after row, into one array with TILE places for each.

    The compiler does several numbers at once only if it can tell that the result is written over
    nothing that is read. Of one array it can, of a row for each term it gives up.
    """
    for k in range(copy.size // TILE):
        copy[k * TILE : k * TILE + last - first] = terms[k, first:last]


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
        t = np.empty(3 * TILE, x.dtype)
        for begin in range(first, last, TILE):
            end = min(begin + TILE, last)
            _copy_terms(terms, begin, end, t)
            for n in range(stop - 1, start - 1, -1):
                row, out = x[n, begin:end], y[n, begin:end]
                for c in range(row.size):
                    out[c] = (row[c] - t[c]) * t[TILE + c] + t[2 * TILE + c]


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
        t = np.empty(5 * TILE, x.dtype)
        for begin in range(first, last, TILE):
            end = min(begin + TILE, last)
            _copy_terms(terms, begin, end, t)
            for n in range(stop - 1, start - 1, -1):
                row, upstream, out = x[n, begin:end], dout[n, begin:end], dx[n, begin:end]
                for c in range(row.size):
                    through_x = (row[c] - t[c]) * t[2 * TILE + c] + t[4 * TILE + c]
                    out[c] = t[TILE + c] * ((upstream[c] - t[3 * TILE + c]) - through_x)


@njit(**EXACT)
def _moments(sums, squares, count, origin, first, last, statistics):
    """Find the statistics from sums about origin; move that near the mean, and say if it was far.

    slip is what mean loses by rounding, so that mean + slip has twice the digits.
    """
    mean, slip, var = statistics[0], statistics[1], statistics[2]
    far = False
    for c in range(first, last):
        start, step = np.float64(origin[c]), sums[c] / count
        mean[c] = start + step
        slip[c] = step - (mean[c] - start)
        var[c] = squares[c] / count - step * step
        far |= step * step > FAR * var[c]
        origin[c] = _coarse(mean[c], var[c], FINE)
        sums[c] = squares[c] = 0.0
    return far


@njit(**EXACT)
def _forward_terms(statistics, gamma, beta, eps, first, last, terms):
    """Set the terms of `_write`; head is the coarse mean, and what it lacks goes into shift."""
    mean, slip, var = statistics[0], statistics[1], statistics[2]
    head, scale, shift = terms[0], terms[1], terms[2]
    for c in range(first, last):
        exact_scale = gamma[c] / np.sqrt(var[c] + eps)
        head[c], scale[c] = _coarse(mean[c], var[c], FINE), exact_scale
        shift[c] = beta[c] - ((mean[c] - head[c]) + slip[c]) * exact_scale


@njit(**EXACT)
def _misled(sums, dots, count, above, first, last):
    """Say if above is far from the mean of dout; if so, move it there, and set the sums to 0."""
    far = False
    for c in range(first, last):
        step = sums[c] / count
        if above[c] != 0 and abs(step) > MISLED * abs(above[c]):
            mean, far = above[c] + step, True
            above[c] = _coarse(mean, mean * mean, FINE)
    if far:
        sums[first:last] = 0.0
        dots[first:last] = 0.0
    return far


@njit(**EXACT)
def _gradient_terms(sums, dots, count, statistics, gamma, eps, first, last, terms, dgamma, dbeta):
    """Set dgamma, dbeta and the terms of `_write_gradient`; rest is what two of them lack.

    The sums are of dout - above, where above comes in the row of through_mean, and of that times
    x - head. What head lacks of the mean is lost from the second; above itself adds nothing to it,
    since deviations from the mean sum to zero.
    """
    mean, slip, var = statistics[0], statistics[1], statistics[2]
    head, scale, slope, through_mean, rest = terms[0], terms[1], terms[2], terms[3], terms[4]
    for c in range(first, last):
        inv_std, lost = 1 / np.sqrt(var[c] + eps), (mean[c] - head[c]) + slip[c]
        above, step = np.float64(through_mean[c]), sums[c] / count
        dbeta[c] = sums[c] + count * above
        dgamma[c] = (dots[c] - sums[c] * lost) * inv_std
        exact_slope = dgamma[c] * inv_std / count
        through_mean[c] = above + step
        slope[c], scale[c] = exact_slope, gamma[c] * inv_std
        rest[c] = ((above - through_mean[c]) + step) - lost * exact_slope


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
    head = terms[0]
    if shards == 1:
        for task in prange(tasks):
            _, first, last, start, stop = _part(task, block, shards, x)
            _taste(x, first, last, FINE, head)
            for _ in range(2):
                _add_up(x, head, first, last, start, stop, sums[0], squares[0])
                if not _moments(sums[0], squares[0], count, head, first, last, statistics):
                    break
            _forward_terms(statistics, gamma, beta, eps, first, last, terms)
            _write(x, terms, first, last, start, stop, y)
        return
    _taste(x, 0, channels, FINE, head)
    for _ in range(2):
        for task in prange(tasks):
            shard, first, last, start, stop = _part(task, block, shards, x)
            _add_up(x, head, first, last, start, stop, sums[shard], squares[shard])
        _gather(sums)
        _gather(squares)
        if not _moments(sums[0], squares[0], count, head, 0, channels, statistics):
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
    terms = np.empty((5, channels), x.dtype)
    head, above = terms[0], terms[3]
    mean, var = statistics[0], statistics[2]
    for c in range(channels):
        head[c] = _coarse(mean[c], var[c], FINE)
    if shards == 1:
        for task in prange(tasks):
            _, first, last, start, stop = _part(task, block, shards, x)
            _taste(dout, first, last, COARSE, above)
            for walk in range(2):
                _add_up_gradient(dout, x, above, head, first, last, start, stop, sums[0], dots[0])
                if walk == 1 or not _misled(sums[0], dots[0], count, above, first, last):
                    break
            _gradient_terms(
                sums[0], dots[0], count, statistics, gamma, eps, first, last, terms, dgamma, dbeta
            )
            _write_gradient(dout, x, terms, first, last, start, stop, dx)
        return
    _taste(dout, 0, channels, COARSE, above)
    for walk in range(2):
        for task in prange(tasks):
            shard, first, last, start, stop = _part(task, block, shards, x)
            _add_up_gradient(
                dout, x, above, head, first, last, start, stop, sums[shard], dots[shard]
            )
        _gather(sums)
        _gather(dots)
        if walk == 1 or not _misled(sums[0], dots[0], count, above, 0, channels):
            break
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


def _inference_backward(x, block, shards, dout, gamma, eps, dx, dgamma, dbeta, statistics):
    """Fill dx, dgamma and dbeta by given statistics: dx is dout scaled."""
    channels = x.shape[1]
    sums, dots = np.zeros((shards, channels)), np.zeros((shards, channels))
    terms, zeros = np.empty((3, channels), x.dtype), np.zeros(channels)
    _forward_terms(statistics, gamma, zeros, eps, 0, channels, terms)
    head, above = terms[0].copy(), np.zeros(channels, x.dtype)
    terms[0], terms[2] = 0, 0  # of (dout - head) * scale + shift only the scale is left
    for task in prange(-(-channels // block) * shards):
        shard, first, last, start, stop = _part(task, block, shards, x)
        _add_up_gradient(dout, x, above, head, first, last, start, stop, sums[shard], dots[shard])
        _write(dout, terms, first, last, start, stop, dx)
    _gather(sums)
    _gather(dots)
    mean, slip, var = statistics[0], statistics[1], statistics[2]
    for c in range(channels):
        dbeta[c] = sums[0, c]
        lost = (mean[c] - head[c]) + slip[c]
        dgamma[c] = (dots[0, c] - sums[0, c] * lost) / np.sqrt(var[c] + eps)


def _compile(loops):
    """Return the function for one thread and the function for several.

    Numba's cache on disk goes by the name of a function, and would take one for the other.
    """
    several = FunctionType(loops.__code__, loops.__globals__, f"{loops.__name__}_by_several")
    several.__qualname__ = several.__name__
    return njit(**EXACT)(loops), njit(parallel=True, **EXACT)(several)


forward, backward = _compile(_forward), _compile(_backward)
inference, inference_backward = _compile(_inference), _compile(_inference_backward)
