"""Count how often a computation walks over its arrays.

Batch norm does little arithmetic for each number, so what it costs is reading and writing
memory. A counting array behaves as usual, and notes every array of full size that a NumPy
operation reads or writes: one sweep each. Arrays of a value per channel are too small to count.
Copying and filling are sweeps like any other. What NumPy makes without being handed the array, as
``np.ones(x.shape)`` or ``np.array(x)``, is not seen.
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


# Functions that walk over memory in compiled code of their own, without calling a ufunc. The
# others call these, ufuncs or methods: np.ones_like fills its result with np.copyto.
WALKS = (np.concatenate, np.copy, np.dot, np.einsum, np.inner, np.vdot, np.where)


class CountingArray(np.ndarray):
    """An array that notes the full-size operands of every operation on it."""

    def __new__(cls, a, log, full):
        """View a copy of a; log collects (reads, writes), of arrays of full size, by operation."""
        array = np.array(a).view(cls)
        array.log, array.full = log, full
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
        self._note(inputs, result)
        return self._counting(result) if out is None else out[0]

    def __array_function__(self, func, types, args, kwargs):
        """Let NumPy's functions work as they do, and count those that walk by themselves."""
        result = super().__array_function__(func, types, args, kwargs)
        if func is np.copyto:
            self._note(args[1:2], args[0])
        elif func in WALKS:
            self._note(_flat(args), result)
            result = self._counting(result)
        return result

    def __setitem__(self, place, value):
        """Assign, which reads the value and writes the place."""
        super().__setitem__(place, value)
        self._note((value,), self[place])

    def copy(self, order="C"):
        """Copy, which reads one array and writes one."""
        return np.copy(self, order)

    def fill(self, value):
        """Fill, which writes."""
        super().fill(value)
        self._note((), self)

    def _note(self, read, written):
        """Log the full-size arrays among those read, each once, and the one written."""
        reads = len({id(array) for array in read if np.size(array) == self.full})
        self.log.append((reads, int(np.size(written) == self.full)))

    def _counting(self, result):
        """Let a result go on counting, if it is an array."""
        if np.ndim(result) == 0:
            return result
        result = np.asarray(result).view(CountingArray)
        result.log, result.full = self.log, self.full
        return result


def count_sweeps(f: Callable, *arrays: ArrayLike) -> Sweeps:
    """Return the sweeps that f(*arrays) takes; arrays as large as the largest are full-size.

    Parameters
    ----------
    f : callable
        Takes the arrays, and works through NumPy's operations on them.
    *arrays : array
        What f reaches in another way, such as a variable from outside, is counted where it meets
        one of these. Where it is alone, it is not.

    Returns
    -------
    Sweeps

    Examples
    --------
    >>> count_sweeps(lambda x: x - x.mean(), np.arange(12.0))  # read; read and write
    Sweeps(reads=2, writes=1)
    >>> count_sweeps(lambda x: np.ones_like(x) + x.copy(), np.arange(12.0))
    Sweeps(reads=3, writes=3)
    """
    log: list[tuple[int, int]] = []
    f(*(CountingArray(a, log, max(map(np.size, arrays))) for a in arrays))
    reads, writes = (sum(column) for column in zip(*log, strict=True)) if log else (0, 0)
    return Sweeps(reads, writes)


def _plain(operand):
    return operand.view(np.ndarray) if isinstance(operand, CountingArray) else operand


def _flat(arguments):
    """Yield the arguments, and what stands in those that are lists or tuples."""
    for argument in arguments:
        yield from argument if isinstance(argument, (list, tuple)) else (argument,)
