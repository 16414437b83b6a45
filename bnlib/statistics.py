"""The statistics of a batch: mean and biased variance of each channel, whole or in shards."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bnlib.contract import batch, several_values, working_dtype
from bnlib.layout import count, mean_along, reduced_axes


class BatchStatistics(NamedTuple):
    """Mean (C,), biased variance (C,), and the count m of values behind each of them."""

    mean: np.ndarray
    var: np.ndarray
    count: int  # type: ignore[assignment]  # hides tuple.count


def centred_moments(x, axes):
    """Return the mean over these axes, the deviations from it, and their biased variance.

    mu = mean(x),  var = mean((x - mu)^2)

    The rounded mean of large numbers is a little off, and its error would stay in every
    deviation. The deviations are small numbers, so their own mean finds that error, and
    centring a second time removes it. The squares are taken as a product, not as ``abs(x) ** 2``:
    so complex numbers pass through as the complex-step derivative needs them.

    Returns
    -------
    mean, deviations, var
        With the averaged axes kept as size 1 in mean and var; deviations has x's shape.
    """
    mean = mean_along(x, axes)
    deviations = x - mean
    slip = mean_along(deviations, axes)
    deviations -= slip
    var = mean_along(deviations * deviations, axes)
    return mean + slip, deviations, var


def batch_statistics(x: ArrayLike) -> BatchStatistics:
    """Return mean, biased variance and count of every channel of a batch.

    mu_c = 1/m sum(x),  var_c = 1/m sum((x - mu_c)^2), over all m values of channel c.

    Parameters
    ----------
    x : array, (N, C) or (N, C, ...)
        Real numbers, at least one per channel. Integers are computed as float64.

    Returns
    -------
    BatchStatistics
        mean (C,), var (C,), count m. In x's dtype; in float32 where x is float16, whose
        variance may well exceed the largest float16.

    Raises
    ------
    ValueError
        If x is empty or has a wrong number of axes.
    TypeError
        If x does not hold real numbers.

    Examples
    --------
    >>> batch_statistics([[1, 10], [2, 10], [6, 10]]).var
    array([4.66666667, 0.        ])
    """
    x = batch(x)
    axes = reduced_axes(x.ndim)
    m = several_values(x, x.shape, axes, least=1)
    mean, _, var = centred_moments(x.astype(working_dtype(x.dtype), copy=False), axes)
    return BatchStatistics(np.reshape(mean, (-1,)), np.reshape(var, (-1,)), m)


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
    def of(cls, x: ArrayLike) -> "Moments":
        """Return the moments of a shard (N, C) or (N, C, ...), which may be empty, in float64."""
        x = batch(x)
        x = x.astype(np.result_type(x.dtype, np.float64), copy=False)
        axes = reduced_axes(x.ndim)
        m = count(x.shape, axes)
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
