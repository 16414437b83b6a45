"""Batch norm and its relatives in explicit loops: slow, and written to be obviously right.

A judge. It imports nothing from the rest of bnlib, so it cannot share a mistake with it. The
numbers that share a mean are gathered into a plain list; what follows is schoolbook arithmetic
on Python numbers, real or complex, with exact sums. Results are float64, or complex128.
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
    return _forward(x, gamma, beta, eps, lambda n, c: c)


def batchnorm_backward(dout, x, gamma, eps=1e-5):
    """Return dx (x's shape), dgamma (C,) and dbeta (C,), from the whole Jacobian.

    Within a channel of m values, each xhat_i depends on each x_j:

    d xhat_i / d x_j = ((1 if i == j else 0) - 1/m - xhat_i * xhat_j / m) / sqrt(var + eps)

    and dx_j sums dout_i * gamma * (d xhat_i / d x_j) over every i. No term is simplified away.
    """
    return _backward(dout, x, gamma, eps, lambda n, c: c)


def layernorm_forward(x, gamma, beta, eps=1e-5):
    """Return y, the shape of x (N, C, ...): each image normalized, channels scaled and shifted."""
    return _forward(x, gamma, beta, eps, lambda n, c: n)


def layernorm_backward(dout, x, gamma, eps=1e-5):
    """Return dx, dgamma and dbeta as `batchnorm_backward`, the m values being an image's."""
    return _backward(dout, x, gamma, eps, lambda n, c: n)


def instancenorm_forward(x, gamma, beta, eps=1e-5):
    """Return y, the shape of x (N, C, ...): each channel of each image normalized."""
    return _forward(x, gamma, beta, eps, lambda n, c: (n, c))


def instancenorm_backward(dout, x, gamma, eps=1e-5):
    """Return dx, dgamma and dbeta as `batchnorm_backward`, for one channel of one image."""
    return _backward(dout, x, gamma, eps, lambda n, c: (n, c))


def groupnorm_forward(x, gamma, beta, groups, eps=1e-5):
    """Return y, the shape of x (N, C, ...): each group of C / groups channels of each image."""
    size = np.shape(x)[1] // groups
    return _forward(x, gamma, beta, eps, lambda n, c: (n, c // size))


def groupnorm_backward(dout, x, gamma, groups, eps=1e-5):
    """Return dx, dgamma and dbeta as `batchnorm_backward`, for one group of one image."""
    size = np.shape(x)[1] // groups
    return _backward(dout, x, gamma, eps, lambda n, c: (n, c // size))


def batchnorm_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    """Return y, the shape of x (N, C, ...): each channel normalized by the given statistics."""
    x, gamma, beta, running_mean, running_var = _numbers(
        x, gamma=gamma, beta=beta, running_mean=running_mean, running_var=running_var
    )
    y = np.empty_like(x)
    for place in np.ndindex(x.shape):
        c = place[1]
        xhat = (x[place] - running_mean[c]) / _sqrt(running_var[c] + eps)
        y[place] = gamma[c] * xhat + beta[c]
    return y


def _forward(x, gamma, beta, eps, sharing):
    x, gamma, beta = _numbers(x, gamma=gamma, beta=beta)
    y = np.empty_like(x)
    for places in _sharing_a_mean(x, sharing):
        mean, var = mean_and_variance([x[place] for place in places])
        for place in places:
            c = place[1]
            xhat = (x[place] - mean) / _sqrt(var + eps)
            y[place] = gamma[c] * xhat + beta[c]
    return y


def _backward(dout, x, gamma, eps, sharing):
    x, dout, gamma = _numbers(x, dout=dout, gamma=gamma)
    dx, xhat = np.empty_like(x), np.empty_like(x)
    for places in _sharing_a_mean(x, sharing):
        mean, var = mean_and_variance([x[place] for place in places])
        std = _sqrt(var + eps)
        values = [(x[place] - mean) / std for place in places]
        dvalues = [dout[place] * gamma[place[1]] for place in places]
        m = len(places)
        for j, place in enumerate(places):
            jacobian = [((i == j) - 1 / m - values[i] * values[j] / m) / std for i in range(m)]
            dx[place] = _sum([dvalues[i] * jacobian[i] for i in range(m)])
            xhat[place] = values[j]
    channels = _sharing_a_mean(x, lambda n, c: c)
    dgamma = [_sum([dout[place] * xhat[place] for place in places]) for places in channels]
    dbeta = [_sum([dout[place] for place in places]) for places in channels]
    return dx, np.array(dgamma, x.dtype), np.array(dbeta, x.dtype)


def _sharing_a_mean(x, sharing):
    """Return lists of places in x: those with equal sharing(n, c) share a mean and variance."""
    if x.size == 0:
        raise ValueError("an empty batch has no mean")
    lists = {}
    for place in np.ndindex(x.shape):
        lists.setdefault(sharing(*place[:2]), []).append(place)
    return list(lists.values())


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
