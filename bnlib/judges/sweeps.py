"""Count how often a computation walks over its arrays.

Batch norm does little arithmetic for each number, so what it costs is reading and writing
memory. A counting array behaves as usual, and notes every array of full size that a NumPy
operation reads or writes: one sweep each. Arrays of a value per channel are too small to count.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Sweeps(NamedTuple):
    """How many full-size arrays were read and written."""

    reads: int
    writes: int

    @property
    def total(self) -> int:
        """Reads and writes together."""
        return self.reads + self.writes


class CountingArray(np.ndarray):
    """An array that notes the full-size operands of every operation on it."""

    def __new__(cls, a, log):
        """View a copy of a; log collects (reads, writes) of each operation."""
        array = np.array(a).view(cls)
        array.log, array.full = log, array.size
        return array

    def __array_finalize__(self, parent):
        """Hand the log on to slices and results."""
        self.log, self.full = getattr(parent, "log", None), getattr(parent, "full", None)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        """Compute on plain arrays, and count."""
        plain = [_plain(operand) for operand in inputs]
        if out is not None:
            kwargs["out"] = tuple(_plain(target) for target in out)
        result = getattr(ufunc, method)(*plain, **kwargs)
        reads = len({id(operand) for operand in inputs if np.size(operand) == self.full})
        self.log.append((reads, int(np.size(result) == self.full)))
        if out is not None:
            return out[0]
        if np.ndim(result) == 0:
            return result
        result = result.view(CountingArray)
        result.log, result.full = self.log, self.full
        return result


def count_sweeps(f: Callable, x: ArrayLike) -> Sweeps:
    """Return the sweeps that f(x) takes, where x and arrays of its size count as full-size.

    Parameters
    ----------
    f : callable
        Takes an array, and works through NumPy's operations on it.
    x : array

    Returns
    -------
    Sweeps

    Examples
    --------
    >>> count_sweeps(lambda x: x - x.mean(), np.arange(12.0))  # read; read and write
    Sweeps(reads=2, writes=1)
    """
    log: list[tuple[int, int]] = []
    f(CountingArray(x, log))
    reads, writes = (sum(column) for column in zip(*log, strict=True)) if log else (0, 0)
    return Sweeps(reads, writes)


def _plain(operand):
    return operand.view(np.ndarray) if isinstance(operand, CountingArray) else operand
