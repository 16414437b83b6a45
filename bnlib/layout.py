"""Which axes are averaged, and how one value per channel meets a whole array.

Arrays are (N, C) or (N, C, ...): images first, channels second, positions after that. A
parameter or a statistic of a channel is (C,). This module holds the two directions between
those shapes: spreading (C,) over an array, and its adjoint, summing the array back to (C,).
"""

from functools import lru_cache
from math import prod

import numpy as np

MANY = 2**14  # numbers; for fewer, a second reduction costs more than it saves


def reduced_axes(ndim: int) -> tuple[int, ...]:
    """Return every axis but the channels': the axes that batch norm averages over.

    >>> reduced_axes(2)  # (N, D): over the images
    (0,)
    >>> reduced_axes(4)  # (N, C, H, W): over the images and both positions
    (0, 2, 3)
    """
    return (0, *range(2, ndim))


def per_channel(v: np.ndarray, ndim: int) -> np.ndarray:
    """Reshape v from (C,) to (1, C, 1, ...), so that it broadcasts against ndim axes.

    >>> per_channel(np.array([3.0, 4.0, 5.0]), ndim=4).shape
    (1, 3, 1, 1)
    """
    return np.reshape(v, (1, -1) + (1,) * (ndim - 2))


def sum_to(a: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a over every axis along which an array of this shape would be broadcast to it.

    Broadcasting copies one value to many places; each place sends a gradient back, and the
    gradients add up. So this sum is the adjoint of the broadcast, for shapes with equally
    many axes.

    >>> sum_to(np.ones((2, 3, 4, 5)), (1, 3, 1, 1)).ravel()
    array([40., 40., 40.])
    """
    copied = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return _add_up(a, copied).astype(_dtypes(a.dtype)[0], copy=False)


def mean_along(a: np.ndarray, axes: tuple[int, ...], where: np.ndarray | None = None) -> np.ndarray:
    """Return the mean of a over these axes, each kept with size 1.

    Where ``where`` is given, the mean is of those that count; a has to be 0 elsewhere.

    >>> mean_along(np.array([[1.0, 10.0], [2.0, 30.0]]), axes=(0,))
    array([[ 1.5, 20. ]])
    """
    return (_add_up(a, axes) / count(a.shape, axes, where)).astype(_dtypes(a.dtype)[0], copy=False)


def count(shape: tuple[int, ...], axes: tuple[int, ...], where=None):
    """Return m, how many values are averaged together over these axes of an array.

    An int; where ``where`` is given, how many of it are True, an array with these axes of size 1.

    >>> count((2, 3, 4, 5), axes=(0, 2, 3))
    40
    """
    if where is None:
        return prod([shape[axis] for axis in axes])
    return np.sum(where, axis=axes, keepdims=True)


def counted(a: np.ndarray, where: np.ndarray | None) -> np.ndarray:
    """Return a with 0 at the positions that do not count, whatever stands there.

    >>> counted(np.array([1.0, np.nan]), np.array([True, False]))
    array([1., 0.])
    """
    return a if where is None else np.where(where, a, a.dtype.type(0))


def _add_up(a, axes):
    """Return the sum of a over these axes, added up in float64.

    Along any axis but the innermost in memory NumPy adds one number after the other. Of a
    million float32 numbers half the digits are then lost, and the transposed copy of an array
    has another mean than the array. Along the innermost axes NumPy adds in pairs, and pairs of
    pairs, which loses next to nothing: so float32 is first added up along those, as float32, which
    is three times as fast. Where that overflows, it is added up in float64 after all.
    """
    narrow, wide = _dtypes(a.dtype)
    large = isinstance(a, np.ndarray) and a.flags.c_contiguous and a.size > MANY
    inner = _innermost(a.ndim, axes) if large and narrow == np.float32 else ()
    if inner:
        with np.errstate(over="ignore"):
            pairs = _sum(a, inner)
        if np.isfinite(pairs).all():  # otherwise a sum is too large for float32
            a = pairs
    return _sum(a, axes, wide)


def _sum(a, axes, dtype=None):
    reduce = np.add.reduce if type(a) is np.ndarray else np.sum  # the same, without the detours
    return reduce(a, axis=axes, keepdims=True, dtype=dtype)


@lru_cache
def _dtypes(dtype):
    """Return the dtype of a sum (float64 for integers), and the one it is added up in."""
    wide = np.result_type(dtype, np.float64)  # longdouble and complex stay what they are
    return dtype if dtype.kind in "fc" else wide, wide


def _innermost(ndim, axes):
    """Return those of the axes behind which there are no others: (2, 3) of (0, 2, 3)."""
    return tuple(axis for axis in axes if {*range(axis, ndim)} <= {*axes})
