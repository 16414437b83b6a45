"""What the layers accept: every argument is checked here, and nowhere else.

Each function takes what the caller passed and its name, and returns an array that the
mathematics can use, or raises an error that names the argument, what was expected and what came.
Arrays of other libraries (Dask, for one) pass through as they are, if they implement NumPy's
dispatch protocol.
"""

from functools import lru_cache
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bnlib.layout import count, reduced_axes

Data = ArrayLike  # what NumPy takes for an array
Shape = tuple[int, ...]
Axes = int | Shape | None
AXES_NAMES = {2: "(N, C)", 3: "(N, C, L)", 4: "(N, C, H, W)", 5: "(N, C, D, H, W)"}


def real_array(value: Any, name: str) -> np.ndarray:
    """Return value as an array of real numbers: integers and booleans become float64.

    Raises
    ------
    TypeError
        For complex numbers, objects, strings, dates, and masked arrays.
    ValueError
        For nested lists whose rows differ in length.
    """
    if type(value) is np.ndarray and value.dtype.kind == "f":
        return value  # most calls, at once
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be a masked array; pass x.data and where=~x.mask")
    if isinstance(value, np.ndarray) or not hasattr(value, "__array_function__"):
        try:
            value = np.asarray(value)
        except ValueError as error:
            raise ValueError(f"{name} must be a rectangular array: {error}") from None
    elif np.isnan(sum(value.shape)):  # Dask's, once it was filtered
        raise ValueError(f"{name} has unknown chunk sizes: call {name}.compute_chunk_sizes() first")
    if value.dtype.kind in "biu":
        return value.astype(np.float64)
    if value.dtype.kind != "f":
        raise TypeError(f"{name} must hold real numbers; got dtype {value.dtype}")
    return value


@lru_cache
def working_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype to compute in: float32 for float16, otherwise the dtype itself.

    The largest float16 is 65504, which a sum of squares passes at once.
    """
    native = dtype.newbyteorder("=")
    return np.dtype(np.float32) if native == np.float16 else native


def batch(x: Data, name: str = "x", ndims: Shape = (2, 3, 4, 5)) -> np.ndarray:
    """Return x as an array with a permitted number of axes."""
    x = real_array(x, name)
    if x.ndim not in ndims:
        shapes = " or ".join(AXES_NAMES[n] for n in ndims)
        hint = " For other shapes, use the batchnorm functions." if ndims == (4,) else ""
        raise ValueError(f"{name} must be {shapes}; got {x.ndim} axes, shape {x.shape}.{hint}")
    return x


def training_batch(x: Data, ndims: Shape = (2, 3, 4, 5)) -> np.ndarray:
    """Return x as a batch with at least two values in each channel."""
    x = batch(x, ndims=ndims)
    if type(x) is not np.ndarray or x.size <= 2 * x.shape[1]:  # otherwise there are enough
        several_values(x, x.shape, reduced_axes(x.ndim), sharing="channel", needed_by="training")
    return x


def several_values(x, shape, axes, sharing="group", needed_by="each mean", least=2):
    """Return how many values of x, seen in this shape, share a mean over these axes: enough."""
    m = count(shape, axes)
    if m == 0:
        raise ValueError(f"x is an empty batch, shape {x.shape}: it has no mean")
    if m < least:
        why = f"shape {x.shape}: its variance is zero, and so are dx and dgamma"
        raise ValueError(f"x has one value per {sharing}, {why}; {needed_by} needs at least two")
    return m


def positions(where, x, axes, least=2):
    """Return where, the positions that count, as booleans of x's shape: enough for each mean."""
    where = where if hasattr(where, "__array_function__") else np.asarray(where)
    if where.dtype != bool:
        raise TypeError(f"where must hold booleans; got dtype {where.dtype}")
    sizes = zip(where.shape, x.shape, strict=False)
    if where.ndim != x.ndim or any(own not in (1, size) for own, size in sizes):
        wanted = f"the axes of x {x.shape}, each of the same size or 1"
        raise ValueError(f"where must have {wanted}; got shape {where.shape}")
    where = np.broadcast_to(where, x.shape).astype(bool)  # a copy
    m = np.sum(where, axis=axes)
    if isinstance(m, np.ndarray) and (m < least).any():
        raise ValueError(f"where must leave {least} values or more of x in channel {m.argmin()}")
    return where


def group_count(groups: int, x: np.ndarray) -> int:
    """Return groups as an int that divides the channels of x."""
    if not isinstance(groups, Integral):
        raise TypeError(f"groups must be an integer; got {type(groups).__name__}")
    channels = x.shape[1]
    if groups < 1 or channels % groups:
        wanted = f"divide the {channels} channels of x {x.shape}"
        raise ValueError(f"groups must {wanted}; got groups = {groups}")
    return int(groups)


def channel_values(array, dtype, *, axes=(1,), of="x", **values: Data) -> list[np.ndarray]:
    """Return copies of the values in this dtype, each of which must be (C,).

    C is the size of the array's channel axis; ``of`` names the array in an error. With several
    axes there is a value for each place along them.
    """
    shape = array.shape[1:2] if axes == (1,) else tuple([array.shape[axis] for axis in axes])
    return [_channel_value(v, name, shape, array, of).astype(dtype) for name, v in values.items()]


def _channel_value(value, name, shape, array, of):
    value = real_array(value, name)
    if value.shape != shape:
        each = f"one value for each {'channel' if len(shape) == 1 else 'place'} of {of}"
        got = f"{array.shape}; got shape {value.shape}"
        raise ValueError(f"{name} must have shape {shape}, {each} {got}")
    return value


def axes_within_images(axes, x, clear):
    """Return the axes in order, none of them negative; all but the images if that is clear."""
    if axes is None and clear:
        return tuple(range(1, x.ndim))
    given = () if axes is None else tuple(axes) if np.iterable(axes) else (axes,)
    if not all(isinstance(axis, Integral) for axis in given):
        raise TypeError(f"axes must be integers; got {axes!r}")
    found = sorted({int(axis) % x.ndim for axis in given if -x.ndim <= axis < x.ndim})
    if not found or len(found) < len(given) or found[0] == 0:
        wanted = f"different axes of x {x.shape} but 0, as (2,) for a (N, T, D) over D"
        raise ValueError(f"axes must be named, {wanted}; got {axes!r}")
    return tuple(found)


def upstream_gradient(dout: Data, shape: Shape, dtype: np.dtype) -> np.ndarray:
    """Return dout, which must have the shape of the output y, in the given dtype."""
    dout = real_array(dout, "dout")
    if dout.shape != shape:
        raise ValueError(f"dout must have the shape of y, {shape}; got shape {dout.shape}")
    return dout.astype(dtype, copy=False)


def choice(word: str, name: str, places: dict[str, int]) -> int:
    """Return the place that a word stands for."""
    if word not in places:
        raise ValueError(f"{name} must be {' or '.join(map(repr, places))}; got {word!r}")
    return places[word]


def narrowed(result: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return a result in this dtype, in which every finite number of it must stay finite."""
    with np.errstate(over="ignore"):
        narrow = result.astype(dtype)
    if (np.isinf(narrow) & np.isfinite(result)).any():
        most = np.abs(result[np.isfinite(result)]).max()
        raise ValueError(f"weight or bias, folded, must fit {dtype}; got a number of {most:.3g}")
    return narrow


def no_variance_lost(lost: np.ndarray, dtype: np.dtype) -> None:
    """Check that no variance of finite numbers is too large or too small for its dtype."""
    if lost.any():
        raise ValueError(f"x has a variance, number {np.argmax(lost)}, that {dtype} cannot hold")


def fits(result: np.ndarray, dout: np.ndarray, name: str) -> None:
    """Check that a gradient in a unit of x did not overflow; NaN and infinity of x are NaN then."""
    if np.isinf(result).any() and np.isfinite(dout).all():
        raise ValueError(f"x is so small that {name} is too large for {result.dtype}")


def cache(value, kind, norm):
    """Check that a cache is of this kind, and that this norm's forward pass made it."""
    made_by = getattr(value, "norm", None) if isinstance(value, kind) else type(value)
    if made_by != norm:
        raise TypeError(f"cache must come from a forward pass of {norm}; got {made_by}")


def real_number(value: float, name: str) -> float:
    """Return value as a Python float, which leaves float32 arrays float32."""
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be a number; got {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is too large for a float") from None


def epsilon(eps: float, dtype: np.dtype) -> float:
    """Return eps as a float: finite, at least 0, and not rounded to 0 in this dtype."""
    return _checked_epsilon(eps if type(eps) is float else real_number(eps, "eps"), dtype)


@lru_cache
def _checked_epsilon(eps, dtype):
    limits = np.finfo(dtype)
    if not 0 <= eps <= float(limits.max):
        raise ValueError(f"eps must be finite and at least 0, in {dtype}; got {eps}")
    if 0 < eps < float(limits.tiny) and dtype.type(eps) == 0:
        raise ValueError(f"eps must be 0 or large enough for {dtype}; got {eps}, which becomes 0")
    return eps


def variance(running_var: np.ndarray, eps: float) -> np.ndarray:
    """Return running_var if eps makes up for what any of its values lies below 0.

    A little below 0 is in order: so much of another eps may be in it. NaN stays in its channel.
    Of Dask's arrays each chunk is checked, once it is computed.
    """
    if hasattr(running_var, "map_blocks"):
        return running_var.map_blocks(variance, eps, dtype=running_var.dtype)
    if isinstance(running_var, np.ndarray) and ((running_var < 0) & (running_var <= -eps)).any():
        found = f"channel {np.argmin(running_var)} has {running_var.min()}, and eps is {eps}"
        raise ValueError(f"running_var must not be negative, or above -eps; {found}")
    return running_var


def running_mean(mean: np.ndarray) -> np.ndarray:
    """Return mean if x - mean cannot overflow; NaN and infinity stay."""
    most = np.finfo(mean.dtype).max * 2.0**-54
    if (np.isfinite(mean) & (np.abs(mean) > most)).any():
        raise ValueError(f"running_mean must be below {most:.0e} in size")
    return mean
