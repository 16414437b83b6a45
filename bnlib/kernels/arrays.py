"""The arrays that the compiled loops take: in an order they know, and `out` with them."""

from functools import lru_cache
from math import gcd, prod

import numpy as np

from bnlib import contract
from bnlib.kernels.memory import empty_like

SAMPLES = 1000  # of x, compared to notice that x was changed


def prepared(x, eps):
    """Return x in a dtype and an order in memory that the loops take, and eps."""
    dtype = contract.working_dtype(x.dtype)
    if dtype.itemsize > 8:
        raise TypeError(f"x must be float64 or narrower for a compiled kernel; got {x.dtype}")
    eps = contract.epsilon(eps, dtype)
    x = np.asarray(x).astype(dtype, copy=False)
    flags = x.flags
    in_order = flags.c_contiguous or channels_last(x).flags.c_contiguous
    return (x if in_order and flags.aligned else x.copy()), eps


def channels_last(a):
    """Return (N, C, ...) as a view (N, ..., C): `np.moveaxis(a, 1, -1)`, without its checks."""
    return a.transpose(0, *range(2, a.ndim), 1)


def views(like, *arrays):
    """Return arrays as (N, C, S), or as tables (N, C) where the channels of `like` are neighbours.

    Each is a view if it lies in memory as `like` does, otherwise a copy.
    """
    images, channels = like.shape[:2]
    rows = like.size // channels
    if not like.flags.c_contiguous:
        return [_plain(channels_last(a)).reshape(rows, channels) for a in arrays]
    if rows == images:
        return [_plain(a).reshape(images, channels) for a in arrays]
    return [_plain(a).reshape(images, channels, rows // images) for a in arrays]


class _Memory:
    """An array's memory, whether it is read-only or not; it keeps the array alive."""

    def __init__(self, array):
        described = array.__array_interface__
        self.array = array
        self.__array_interface__ = {**described, "data": (described["data"][0], False)}


def _plain(a):
    """Return an array in C order that Numba need not tell from one that can be written.

    It compiles a function anew for read-only arrays, and once is enough: no loop writes into what
    it reads.
    """
    flags = a.flags
    if flags.c_contiguous and flags.writeable:
        return a
    a = np.ascontiguousarray(a)
    return a if a.flags.writeable else np.asarray(_Memory(a))


def sample(x):
    """Return about a thousand numbers of x, spread over every image, channel and position.

    They are the same in every order in memory, which pickling may change.
    """
    if x.size <= SAMPLES:
        return x.tobytes()
    if x.flags.c_contiguous:
        return x.reshape(-1)[:: _step(x.size)].tobytes()
    return channels_last(x).reshape(-1)[_places(x.shape)].tobytes()


@lru_cache
def _step(size):
    step = size // SAMPLES + 1
    while gcd(step, size) > 1:  # no axis is met at the same places only
        step += 1
    return step


@lru_cache
def _places(shape):
    """Return where in channels-last order lies what is met at each step in C order."""
    n, c, *rest = np.unravel_index(np.arange(0, prod(shape), _step(prod(shape))), shape)
    return np.ravel_multi_index((n, *rest, c), (shape[0], *shape[2:], shape[1]))


def same_place(a, b):
    """Say if two arrays are the same numbers in memory."""
    return (
        isinstance(a, np.ndarray)
        and a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
        and (a.shape, a.strides, a.dtype) == (b.shape, b.strides, b.dtype)
    )


def check_out(out, shape, dtype, **taken):
    """Check that out can hold the result, and that it is not memory that is still needed."""
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out must be a NumPy array; got {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(
            f"out must have shape {shape} and dtype {dtype}; got {out.shape} and {out.dtype}"
        )
    if not out.flags.writeable:
        raise ValueError("out must be writeable; got a read-only array")
    if 0 in out.strides and np.any((np.array(out.strides) == 0) & (np.array(shape) > 1)):
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


def memory(out, like):
    """Return out if the loops can write into it, otherwise a new array in the order of `like`."""
    fits = out is not None and out.dtype == like.dtype and out.strides == like.strides
    return np.asarray(out) if fits and out.flags.aligned else empty_like(like)


def delivered(result, out, dtype):
    """Return the result in the caller's dtype, in out where that was given."""
    if out is None:
        return result.astype(dtype, copy=False)
    if result is not out and not same_place(result, out):
        out[...] = result
    return out
