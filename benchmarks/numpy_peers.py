"""How others write spatial batch norm in NumPy: the staged way, and the course's transposes.

Each takes what `bnlib.layers` takes and gives (y, dx, dgamma, dbeta). Written anew after the
notebook that this series grew from, with its steps, and its mistakes for speed, kept: full-size
arrays of ones, which are float64, and the transposes that copy.
"""

import numpy as np

EPS = 1e-5


def staged(x, gamma, beta, dout):
    """Nine nodes forward and nine back, every array of full size kept."""
    axes = (0, *range(2, x.ndim))
    m = x.size // x.shape[1]
    shape = (1, -1) + (1,) * (x.ndim - 2)
    gamma, beta = gamma.reshape(shape), beta.reshape(shape)

    mean = np.mean(x, axis=axes)
    x_minus_mean = x - mean.reshape(shape)
    x_minus_mean_sqr = x_minus_mean * x_minus_mean
    var = np.mean(x_minus_mean_sqr, axis=axes)
    sqrt_var = np.sqrt(var + EPS)
    one_over_sqrt_var = 1.0 / sqrt_var
    xhat = x_minus_mean * one_over_sqrt_var.reshape(shape)
    y = gamma * xhat + beta

    dbeta = np.sum(dout, axis=axes)
    dgamma = np.sum(dout * xhat, axis=axes)
    dxhat = dout * gamma
    done_over_sqrt_var = np.sum(x_minus_mean * dxhat, axis=axes)
    through_xhat = dxhat * one_over_sqrt_var.reshape(shape)
    dsqrt_var = -(sqrt_var**-2) * done_over_sqrt_var
    dvar = 0.5 * (var + EPS) ** -0.5 * dsqrt_var
    dx_minus_mean_sqr = (1.0 / m) * np.ones(x.shape) * dvar.reshape(shape)
    through_square = 2 * x_minus_mean * dx_minus_mean_sqr
    dx_minus_mean = through_square + through_xhat
    dmean = -np.sum(dx_minus_mean, axis=axes)
    dx = dx_minus_mean + (1.0 / m) * np.ones(x.shape) * dmean.reshape(shape)
    return y, dx, dgamma, dbeta


def transposed(x, gamma, beta, dout):
    """Move the channels to the end, work on a table of N * H * W rows, and move them back."""
    if x.ndim == 2:
        return _table(x, gamma, beta, dout)
    n, c, *positions = x.shape
    order = (0, *range(2, x.ndim), 1)
    rows, upstream = (np.transpose(a, order).reshape(-1, c) for a in (x, dout))
    y, dx, dgamma, dbeta = _table(rows, gamma, beta, upstream)
    back = (0, x.ndim - 1, *range(1, x.ndim - 1))
    y, dx = (np.transpose(a.reshape(n, *positions, c), back) for a in (y, dx))
    return y, dx, dgamma, dbeta


def _table(x, gamma, beta, dout):
    m = x.shape[0]
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    inv_std = 1.0 / np.sqrt(var + EPS)
    xhat = (x - mean) * inv_std
    y = gamma * xhat + beta

    dxhat = dout * gamma
    dvar = np.sum(dxhat * (x - mean), axis=0) * -0.5 * inv_std**3
    dmean = np.sum(-dxhat * inv_std, axis=0) + dvar * np.mean(-2.0 * (x - mean), axis=0)
    dx = dxhat * inv_std + dvar * 2.0 * (x - mean) / m + dmean / m
    return y, dx, np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)
