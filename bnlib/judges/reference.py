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


def masked_batchnorm_forward(x, gamma, beta, where, eps=1e-5):
    """Return y as `batchnorm_forward`, of the places where ``where`` is true alone; 0 elsewhere."""
    return _forward(x, gamma, beta, eps, lambda n, c: c, where)


def masked_batchnorm_backward(dout, x, gamma, where, eps=1e-5):
    """Return dx (0 elsewhere), dgamma and dbeta as `batchnorm_backward`, of these places alone."""
    return _backward(dout, x, gamma, eps, lambda n, c: c, where)


def layernorm_forward(x, gamma, beta, eps=1e-5):
    """Return y, the shape of x (N, C, ...): each image normalized, channels scaled and shifted."""
    return _forward(x, gamma, beta, eps, lambda n, c: n)


def layernorm_backward(dout, x, gamma, eps=1e-5):
    """Return dx, dgamma and dbeta as `batchnorm_backward`, the m values being an image's."""
    return _backward(dout, x, gamma, eps, lambda n, c: n)


def layernorm_over_axes_forward(x, gamma, beta, axes, eps=1e-5):
    """Return y: what differs along these axes alone shares a mean, and has its own gamma, beta."""
    return _over_axes(x, gamma, beta, axes, eps, mean_and_variance)


def rmsnorm_forward(x, gamma, axes, eps=1e-5):
    """Return y: x over the root of the mean of its squares along these axes, scaled by gamma."""
    return _over_axes(x, gamma, None, axes, eps, _zero_and_mean_square)


def layernorm_over_axes_backward(dout, x, gamma, axes, eps=1e-5):
    """Return dx, dgamma and dbeta, from the whole Jacobian, as `batchnorm_backward`."""
    return _over_axes_backward(dout, x, gamma, axes, eps, mean_and_variance, 1)


def rmsnorm_backward(dout, x, gamma, axes, eps=1e-5):
    """Return dx and dgamma, from the whole Jacobian, in which nothing depends on a mean.

    d xhat_i / d x_j = ((1 if i == j else 0) - xhat_i * xhat_j / m) / sqrt(mean square + eps).
    """
    return _over_axes_backward(dout, x, gamma, axes, eps, _zero_and_mean_square, 0)[:2]


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


def batchnorm_inference_backward(dout, x, gamma, running_mean, running_var, eps=1e-5):
    """Return dx, dgamma and dbeta through `batchnorm_inference`, whose statistics are given.

    Each y depends on the x at its place alone: dy / dx = gamma / sqrt(running_var + eps).
    """
    x, dout, gamma, running_mean, running_var = _numbers(
        x, dout=dout, gamma=gamma, running_mean=running_mean, running_var=running_var
    )
    dx, xhat = np.empty_like(x), np.empty_like(x)
    for place in np.ndindex(x.shape):
        c = place[1]
        std = _sqrt(running_var[c] + eps)
        xhat[place] = (x[place] - running_mean[c]) / std
        dx[place] = dout[place] * gamma[c] / std
    return dx, *_parameter_gradients(dout, xhat)


def _forward(x, gamma, beta, eps, sharing, where=None):
    x, gamma, beta = _numbers(x, gamma=gamma, beta=beta)
    y = np.zeros_like(x)
    for places in _sharing_a_mean(x, sharing, where):
        mean, var = mean_and_variance([x[place] for place in places])
        for place in places:
            c = place[1]
            xhat = (x[place] - mean) / _sqrt(var + eps)
            y[place] = gamma[c] * xhat + beta[c]
    return y


def _backward(dout, x, gamma, eps, sharing, where=None):
    x, dout, gamma = _numbers(x, dout=dout, gamma=gamma)
    dx, xhat = np.zeros_like(x), np.zeros_like(x)
    for places in _sharing_a_mean(x, sharing, where):
        mean, var = mean_and_variance([x[place] for place in places])
        values = [x[place] - mean for place in places]
        dvalues = [dout[place] * gamma[place[1]] for place in places]
        for place, *found in zip(places, *_through(values, dvalues, var, eps, 1), strict=True):
            xhat[place], dx[place] = found
    counting = _sharing_a_mean(x, lambda n, c: c, where)
    return dx, *_parameter_gradients(dout, xhat, counting)


def _through(deviations, dvalues, var, eps, centred):
    """Return xhat and the gradient of the numbers that share a mean, from the whole Jacobian."""
    m, std = len(deviations), _sqrt(var + eps)
    values, gradient = [d / std for d in deviations], []
    for j in range(m):
        column = [((i == j) - centred / m - values[i] * values[j] / m) / std for i in range(m)]
        gradient.append(_sum([dvalues[i] * column[i] for i in range(m)]))
    return values, gradient


def _parameter_gradients(dout, xhat, channels=None):
    """Return dgamma and dbeta: the sums over each channel's places of dout * xhat and of dout."""
    channels = channels or _sharing_a_mean(xhat, lambda n, c: c)
    dgamma = [_sum([dout[place] * xhat[place] for place in places]) for places in channels]
    dbeta = [_sum([dout[place] for place in places]) for places in channels]
    return np.array(dgamma, xhat.dtype), np.array(dbeta, xhat.dtype)


def _over_axes(x, gamma, beta, axes, eps, moments):
    x = np.asarray(x, np.result_type(x, gamma, np.float64))
    y = np.empty_like(x, np.result_type(x, 0.0 if beta is None else beta))
    for places in _along(x, axes):
        mean, square = moments([x[place] for place in places])
        for place in places:
            own = tuple(place[axis] for axis in sorted(axes))
            xhat = (x[place] - mean) / _sqrt(square + eps)
            y[place] = gamma[own] * xhat + (0 if beta is None else beta[own])
    return y


def _over_axes_backward(dout, x, gamma, axes, eps, moments, centred):
    dtype = np.result_type(np.float64, dout, x, gamma)
    x, dout, gamma = (np.asarray(a, dtype) for a in (x, dout, gamma))
    dx, dgamma, dbeta = np.empty_like(x), np.zeros_like(gamma), np.zeros_like(gamma)
    for places in _along(x, axes):
        mean, square = moments([x[place] for place in places])
        own = [tuple(place[axis] for axis in sorted(axes)) for place in places]
        dvalues = [dout[p] * gamma[o] for p, o in zip(places, own, strict=True)]
        deviations = [x[place] - mean for place in places]
        values, gradient = _through(deviations, dvalues, square, eps, centred)
        for place, o, value, d in zip(places, own, values, gradient, strict=True):
            dx[place] = d
            dgamma[o] += dout[place] * value
            dbeta[o] += dout[place]
    return dx, dgamma, dbeta


def _along(x, axes):
    """Return lists of places of x that differ along these axes alone."""
    lists = {}
    for place in np.ndindex(x.shape):
        rest = tuple(index for axis, index in enumerate(place) if axis not in axes)
        lists.setdefault(rest, []).append(place)
    return list(lists.values())


def _zero_and_mean_square(values):
    return 0.0, _sum([value * value for value in values]) / len(values)


def _sharing_a_mean(x, sharing, where=None):
    """Return lists of places in x: those with equal sharing(n, c) share a mean and variance.

    Only places where ``where`` is true, if it is given.
    """
    if x.size == 0:
        raise ValueError("an empty batch has no mean")
    where = np.broadcast_to(True if where is None else where, x.shape)
    lists = {}
    for place in np.ndindex(x.shape):
        if where[place]:
            lists.setdefault(sharing(*place[:2]), []).append(place)
    return [lists[key] for key in sorted(lists)]


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
