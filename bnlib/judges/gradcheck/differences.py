"""The derivative of a function by one entry of its argument at a time.

A part of the judge `bnlib.gradcheck`: like it, it imports nothing from the rest of bnlib.
"""

import numpy as np


def central_differences(f, x, h):
    """Yield each place of x with the derivative of f there, an array of f(x)'s shape."""
    x = np.array(x, dtype=np.float64)
    _check_step(h)
    for place in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[place] += h
        below[place] -= h
        yield place, np.subtract(np.array(f(above)), np.array(f(below))) / (2 * h)


def complex_steps(f, x, h):
    """Yield the same by the complex step."""
    x = np.array(x, dtype=np.complex128)
    _check_step(h)
    for place in np.ndindex(x.shape):
        shifted = x.copy()
        shifted[place] += 1j * h
        value = np.array(f(shifted))
        if value.dtype.kind != "c":
            raise TypeError(f"f returned {value.dtype}: it must carry complex numbers through")
        yield place, value.imag / h


def gradient(derivatives, shape, dout):
    """Return the gradient, and its size if nothing cancelled: the sum of |derivative * dout|."""
    total, uncancelled = np.zeros(shape), np.zeros(shape)
    for place, derivative in derivatives:
        product = derivative * _upstream(dout, derivative.shape)
        total[place] = np.sum(product)
        uncancelled[place] = np.sum(np.abs(product))
    return total, uncancelled


def _check_step(h):
    if not h > 0:
        raise ValueError(f"h must be positive; got {h}")


def _upstream(dout, shape):
    dout = np.asarray(dout)
    if dout.shape != shape:
        raise ValueError(f"dout must have the shape of f(x), {shape}; got shape {dout.shape}")
    return dout
