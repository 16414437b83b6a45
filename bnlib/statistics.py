"""The statistics of a batch: mean and biased variance of each channel, whole or in shards."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import NamedTuple

import numpy as np

from bnlib import contract
from bnlib.layout import MANY, count, counted, mean_along, reduced_axes


class BatchStatistics(NamedTuple):
    """Mean (C,), biased variance (C,), and the count m of values behind each of them.

    Where only some positions count, m differs from channel to channel: it is (C,), too.
    """

    mean: np.ndarray
    var: np.ndarray
    count: int | np.ndarray  # type: ignore[assignment]  # hides tuple.count


def centred_moments(x, axes, where=None):
    """Return the mean over these axes, the deviations from it, and their biased variance.

    mu = mean(x),  var = mean((x - mu)^2)

    The rounded mean of large numbers is a little off, and its error would stay in every
    deviation. The deviations are small numbers, so their own mean finds that error, and
    centring a second time removes it. The squares are taken as a product, not as ``abs(x) ** 2``:
    so complex numbers pass through as the complex-step derivative needs them.

    Returns
    -------
    mean, deviations, var
        With the averaged axes kept as size 1 in mean and var. deviations has x's shape, and is 0
        where a position does not count.
    """
    mean = mean_along(counted(x, where), axes, where)
    deviations = counted(x - mean, where)
    slip = mean_along(deviations, axes, where)
    deviations -= slip
    deviations = counted(deviations, where)
    var = mean_along(deviations * deviations, axes, where)
    return mean + slip, deviations, var


def ordinary(var, eps, dtype):
    """Say if var is not negative, and var + eps far from both ends of this dtype's range.

    >>> ordinary(np.array([0.0, 4.0]), 1e-5, np.dtype(np.float32))
    True
    >>> ordinary(np.array([4e36, 1.0]), 1e-5, np.dtype(np.float32))  # NaN is not ordinary either
    False

    Arrays of other libraries are taken to be ordinary, since to look may compute them.
    """
    if not isinstance(var, np.ndarray):
        return True
    least, most = _range(dtype)
    # For a few, Python is quicker than NumPy's reductions. The sum sees every NaN.
    ends = var.ravel().tolist() if 0 < var.size < 64 else [var.min(initial=1), var.max(initial=1)]
    return bool((low := min(ends)) >= 0 and low + eps >= least and sum(ends) <= most)


def moments(x, axes, eps=0.0, where=None, centred=True):
    """Return `centred_moments`, in a unit in which no square leaves the range of x's dtype.

    The square of a float32 overflows from 1e19 on, and loses digits below 1e-19. A norm does not
    see the unit of x, and a power of two rounds nothing:

    norm(x; eps) = norm(x / unit; eps / unit^2),  unit = 2^k near the channel's largest number

    or near the root of eps, if that is larger.

    Without centring, the mean is None, and the variance the mean of x^2.

    Returns
    -------
    mean, deviations, var, unit
        deviations in units, var in their squares. unit is None in nearly every batch; otherwise it
        is 1 for ordinary channels, and for those that hold NaN or infinity.
    """
    take = centred_moments if centred else _mean_square
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviations, var = take(x, axes, where)
    unit = unit_of(x, axes, var, eps, where, centred)
    if unit is not None:
        mean, deviations, var = take(x / unit, axes, where)
        mean = mean * unit if centred else None
    return mean, deviations, var, unit


def _mean_square(x, axes, where):
    x = counted(np.positive(x), where)
    return None, x, mean_along(x * x, axes, where)


def unit_of(x, axes, var, eps, where=None, centred=True):
    """Return the unit in which `moments` are taken, where var is what came out in units of 1."""
    if x.dtype.kind != "f" or ordinary(var, eps, x.dtype):
        return None
    least, most = _range(x.dtype)
    among = {"axis": axes, "keepdims": True, "where": True if where is None else where}
    high, low = np.max(x, initial=-np.inf, **among), np.min(x, initial=np.inf, **among)
    size = np.maximum(np.maximum(high, -low), eps**0.5)
    limit = np.finfo(x.dtype).maxexp - 28  # 1 / unit is a number, too
    lost = ~np.isfinite(var) | (var + eps > most) | (var + eps < least)
    if centred:  # a constant channel has lost nothing but its sum, and needs eps in its unit
        lost, limit = lost & ((high > low) | ~np.isfinite(var)), np.where(high > low, limit, 64)
    exponent = np.where(lost & np.isfinite(size), np.frexp(size)[1], 0)
    return np.ldexp(x.dtype.type(1), np.clip(exponent, -limit, limit)) if exponent.any() else None


def true_variance(var, unit):
    """Return a variance measured in squares of this unit as a number, at least float64.

    Raises
    ------
    ValueError
        If it is too large or too small for that.
    """
    if unit is None:
        return var
    with np.errstate(over="ignore"):
        true = var.astype(np.result_type(var.dtype, np.float64)) * unit * unit
    fits = (true >= np.finfo(true.dtype).tiny) & np.isfinite(true)
    contract.no_variance_lost(np.isfinite(var) & (var > 0) & ~fits, true.dtype)
    return true


@lru_cache
def _range(dtype):
    limits = np.finfo(dtype if dtype.itemsize <= 8 else np.float64)
    return float(limits.tiny) / float(limits.eps), float(limits.max) * float(limits.eps)


def batch_statistics(x: contract.Data, *, where: contract.Data | None = None) -> BatchStatistics:
    """Return mean, biased variance and count of every channel of a batch.

    mu_c = 1/m sum(x),  var_c = 1/m sum((x - mu_c)^2), over all m values of channel c.

    Parameters
    ----------
    x : array, (N, C) or (N, C, ...)
        Real numbers, at least one per channel. Integers are computed as float64.
    where : array of booleans, optional
        The positions that count, as many axes as x; size 1 where they are the same along an axis.

    Returns
    -------
    BatchStatistics
        mean (C,), var (C,), count m. In x's dtype; in float32 where x is float16, whose
        variance may well exceed the largest float16. A variance that float32 cannot hold is
        float64. With where, m is (C,).

    Raises
    ------
    ValueError
        If x is empty or has a wrong number of axes, where does not fit, or a variance is beyond
        float64.
    TypeError
        If x does not hold real numbers, or where holds no booleans.

    Examples
    --------
    >>> batch_statistics([[1, 10], [2, 10], [6, 10]]).var
    array([4.66666667, 0.        ])
    """
    x = contract.batch(x)
    axes = reduced_axes(x.ndim)
    m = contract.several_values(x, x.shape, axes, least=1)
    if where is not None:
        where = contract.positions(where, x, axes, least=1)
        m = np.sum(where, axis=axes)
    x = x.astype(contract.working_dtype(x.dtype), copy=False)
    mean, _, var, unit = moments(x, axes, where=where)
    return BatchStatistics(np.reshape(mean, (-1,)), np.reshape(true_variance(var, unit), (-1,)), m)


@dataclass(frozen=True, eq=False)
class Moments:
    """What one shard of a batch contributes: its count, mean, and sum of centred squares.

    The mean is kept as origin + shift. At an offset of a million, the rounding of the mean alone
    would cost a merged variance six digits; beside a nearby origin, the shift has them all.

    Parameters
    ----------
    count : int
        How many values per channel.
    origin : array, (C,)
        Any number near the shard's values.
    shift : array, (C,)
        Mean minus origin.
    m2 : array, (C,)
        Sum of (x - mean)^2.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [6.0], [11.0]])
    >>> shards = [Moments.of(x[:1]), Moments.of(x[1:])]
    >>> merge_all(shards).statistics().var, batch_statistics(x).var
    (array([15.5]), array([15.5]))
    """

    count: int
    origin: np.ndarray
    shift: np.ndarray
    m2: np.ndarray

    @classmethod
    def of(cls, x: contract.Data) -> "Moments":
        """Return the moments of a shard (N, C) or (N, C, ...), which may be empty, in float64."""
        x = contract.batch(x)
        axes = reduced_axes(x.ndim)
        with np.errstate(over="ignore", invalid="ignore"):
            found = cls._of(x, axes)
        if not ordinary(found.m2, 1.0, found.m2.dtype):
            lost = ~np.isfinite(found.m2) & np.isfinite(x).all(axis=axes)
            contract.no_variance_lost(lost, found.m2.dtype)
        return found

    @classmethod
    def _of(cls, x, axes):
        """Return the moments of x, a few images at a time: as one, x would be in memory 8 times."""
        m = count(x.shape, axes)
        if m > 1 and isinstance(x, np.ndarray) and x.size > 4 * MANY:
            axis = next(axis for axis in axes if x.shape[axis] > 1)
            return merge(*(cls._of(half, axes) for half in np.array_split(x, 2, axis)))
        x = x.astype(np.result_type(x.dtype, np.float64), copy=False)
        if m == 0:
            return cls(0, *np.zeros((3, x.shape[1]), x.dtype))
        origin = mean_along(x, axes)
        shift, _, var = centred_moments(x - origin, axes)
        return cls(m, *(np.reshape(v, (-1,)) for v in (origin, shift, var * m)))

    @property
    def mean(self) -> np.ndarray:
        """The mean, (C,), rounded to one number."""
        return self.origin + self.shift

    def statistics(self) -> BatchStatistics:
        """Return mean, biased variance and count as `BatchStatistics`; ValueError if empty."""
        if self.count == 0:
            raise ValueError("these moments are of an empty batch: it has no mean")
        return BatchStatistics(self.mean, self.m2 / self.count, self.count)


def merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of two shards together.

    With d = mean_b - mean_a and n = n_a + n_b,

    mean = mean_a + d * n_b/n,  m2 = m2_a + m2_b + d^2 * n_a * n_b/n

    where the last term is the spread between the shards, which their own variances cannot know.

    Raises
    ------
    ValueError
        If the shards differ in their channels.

    References
    ----------
    Chan, Golub and LeVeque (1979), Updating formulae and a pairwise algorithm for computing
    sample variances, Stanford report STAN-CS-79-773.
    """
    if a.origin.shape != b.origin.shape:
        raise ValueError(f"shards have {len(a.origin)} and {len(b.origin)} channels")
    a, b = (a, b) if a.count >= b.count else (b, a)  # an empty shard's origin means nothing
    n = a.count + b.count
    part = b.count / n if n else 0.0
    d = (b.origin - a.origin) + (b.shift - a.shift)
    m2 = a.m2 + b.m2 + d * d * (a.count * part)
    return Moments(n, a.origin.astype(a.origin.dtype), a.shift + d * part, m2)


def merge_all(shards: Iterable[Moments]) -> Moments:
    """Return the moments of any number of shards together, in whatever order they come."""
    shards = list(shards)
    if not shards:
        raise ValueError("there are no shards to merge")
    return reduce(merge, shards)
