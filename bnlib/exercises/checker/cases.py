"""One batch of arguments, as it is handed to an answer: fresh arrays, laid out in some way."""

from typing import NamedTuple

import numpy as np


def _strided(v):
    wide = np.full((*v.shape[:-1], 2 * v.shape[-1]), 7.0, v.dtype)
    wide[..., ::2] = v
    return wide[..., ::2]


def _reversed(v):
    return np.flip(np.flip(v).copy())


def _channels_last(v):
    return np.moveaxis(np.moveaxis(v, 1, -1).copy(), -1, 1) if v.ndim > 1 else v.copy()


def _fortran_channels_last(v):
    return np.moveaxis(np.moveaxis(v, 1, -1).copy(order="F"), -1, 1) if v.ndim > 1 else v.copy()


LAYOUTS = {  # the same numbers, in another order in memory
    "C order": lambda v: v.copy(),
    "Fortran order": lambda v: v.copy(order="F"),
    "every second number of a larger array": _strided,
    "reversed in memory": _reversed,
    "channels last in memory": _channels_last,
    "Fortran order with channels last": _fortran_channels_last,
}


class Case(NamedTuple):
    """A label for the student, and values by name.

    parameters are what a domain made it from. tolerance, where it is not None, is how far each
    number may be off; otherwise it follows from the batch's condition, see `precision`. offset is
    how large the numbers are beside what is left of them once a mean is subtracted.
    """

    label: str
    values: dict
    parameters: dict | None = None
    layout: str = "C order"
    tolerance: float | None = None
    offset: float = 1.0

    def arguments(self, names, locked=()):
        """Return fresh copies of the values of these names; those locked cannot be written to."""
        values = [self._fresh(self.values[name]) for name in names]
        for name, value in zip(names, values, strict=True):
            if name in locked and isinstance(value, np.ndarray):
                value.flags.writeable = False
        return values

    def wide(self, names):
        """Return the same in float64, for the expected answer."""
        return [as_type(value, np.float64) for value in self.arguments(names)]

    def _fresh(self, value):
        if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind == "f":
            return LAYOUTS[self.layout](value)
        return value.copy() if isinstance(value, np.ndarray) else value


def as_type(value, dtype):
    """Return an array of floats in this dtype, and anything else as it is."""
    floating = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype(dtype) if floating else value
