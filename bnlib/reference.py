"""Batch norm in explicit loops: slow, and written to be obviously right.

A judge. It imports nothing from the rest of bnlib, so it cannot share a mistake with it. Each
channel's numbers are gathered into a plain list; what follows is schoolbook arithmetic on
Python numbers, real or complex, with exact sums. Results are float64, or complex128.
"""

from cmath import sqrt as complex_sqrt
from math import fsum, sqrt

import numpy as np


def mean_and_variance(values):
    """Return the mean and the biased variance of a list of numbers.

    >>> mean_and_variance([1.0, 2.0, 6.0])
    (3.0, 4.666666666666667)
    """
    m = len(values)
    if m == 0:
        raise ValueError("an empty batch has no mean")
    mean = _sum(values) / m
    return mean, _sum([(value - mean) * (value - mean) for value in values]) / m


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    """Return y, the shape of x (N, C, ...): each channel normalized, scaled by gamma, shifted."""
    x, gamma, beta = _numbers(x, gamma=gamma, beta=beta)
    y = np.empty_like(x)
    for c, places in _channels(x):
        mean, var = mean_and_variance([x[place] for place in places])
        for place in places:
            xhat = (x[place] - mean) / _sqrt(var + eps)
            y[place] = gamma[c] * xhat + beta[c]
    return y


def batchnorm_backward(dout, x, gamma, eps=1e-5):
    """Return dx (x's shape), dgamma (C,) and dbeta (C,), from the whole Jacobian.

    Within a channel of m values, each xhat_i depends on each x_j:

    d xhat_i / d x_j = ((1 if i == j else 0) - 1/m - xhat_i * xhat_j / m) / sqrt(var + eps)

    and dx_j sums dout_i * gamma * (d xhat_i / d x_j) over every i. No term is simplified away.
    """
    x, dout, gamma = _numbers(x, dout=dout, gamma=gamma)
    dx, dgamma, dbeta = np.empty_like(x), np.empty_like(gamma), np.empty_like(gamma)
    for c, places in _channels(x):
        mean, var = mean_and_variance([x[place] for place in places])
        std = _sqrt(var + eps)
        xhat = [(x[place] - mean) / std for place in places]
        upstream = [dout[place] for place in places]
        m = len(places)
        for j, place in enumerate(places):
            jacobian = [((i == j) - 1 / m - xhat[i] * xhat[j] / m) / std for i in range(m)]
            dx[place] = _sum([upstream[i] * gamma[c] * jacobian[i] for i in range(m)])
        dgamma[c] = _sum([upstream[i] * xhat[i] for i in range(m)])
        dbeta[c] = _sum(upstream)
    return dx, dgamma, dbeta


def batchnorm_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    """Return y, the shape of x (N, C, ...): each channel normalized by the given statistics."""
    x, gamma, beta, running_mean, running_var = _numbers(
        x, gamma=gamma, beta=beta, running_mean=running_mean, running_var=running_var
    )
    y = np.empty_like(x)
    for c, places in _channels(x):
        for place in places:
            xhat = (x[place] - running_mean[c]) / _sqrt(running_var[c] + eps)
            y[place] = gamma[c] * xhat + beta[c]
    return y


def _channels(x):
    """Yield each channel's number and the list of its places in x."""
    for c in range(x.shape[1]):
        yield c, [place for place in np.ndindex(x.shape) if place[1] == c]


def _numbers(x, **others):
    """Return x and the others in one dtype, float64 or complex128: dout like x, the rest (C,)."""
    arrays = {name: np.asarray(a) for name, a in {"x": x, **others}.items()}
    dtype = np.result_type(np.float64, *arrays.values())
    if dtype not in (np.float64, np.complex128):
        raise TypeError(f"the reference takes real or complex numbers; got {dtype}")
    shape = arrays["x"].shape
    if len(shape) < 2:
        raise ValueError(f"x must be (N, C, ...); got shape {shape}")
    for name, a in arrays.items():
        expected = shape if name in ("x", "dout") else shape[1:2]
        if a.shape != expected:
            raise ValueError(f"{name} must have shape {expected}; got {a.shape}")
    return [a.astype(dtype) for a in arrays.values()]


def _sum(values):
    """Add exactly and round once, the real and the imaginary parts apart."""
    if np.iscomplexobj(values):
        return complex(fsum(v.real for v in values), fsum(v.imag for v in values))
    return fsum(values)


def _sqrt(value):
    return complex_sqrt(value) if isinstance(value, complex) else sqrt(value)
