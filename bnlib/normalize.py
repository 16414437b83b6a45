"""Normalize over any axes, then scale and shift; and the derivative of that.

This is the one piece of mathematics behind every norm of the series. Which axes are averaged
makes the difference between batch, layer, instance and group norm. RMS norm leaves out the mean.
Nothing is checked here: the layers do that. Arrays may be complex, since the complex-step
derivative runs through.
"""

from typing import NamedTuple

import numpy as np

from bnlib.layout import count, counted, mean_along, sum_to
from bnlib.statistics import moments

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]  # dx, dgamma, dbeta


class Normalized(NamedTuple):
    """What the backward pass needs, and the statistics, which running averages need."""

    xhat: np.ndarray  # shape of x
    inv_std: np.ndarray  # averaged axes have size 1, here and in mean and var
    gamma: np.ndarray  # broadcasts against x
    axes: tuple[int, ...]
    mean: np.ndarray
    var: np.ndarray
    where: np.ndarray | None = None  # the positions that count, shape of x; None: all
    centred: bool = True  # False in RMS norm, whose mean is None
    unit: np.ndarray | None = None  # of x, where its squares would overflow; var is in its squares


def forward(x, gamma, beta, axes, eps, where=None) -> tuple[np.ndarray, Normalized]:
    """Return y = gamma * xhat + beta with xhat = (x - mu) / sqrt(var + eps), and what was saved.

    mu and var are taken over the given axes; without beta there is no mu, and var is the mean of
    x^2. gamma and beta have x's number of axes and broadcast against x. Where a position does not
    count, xhat and y are 0.
    """
    centred = beta is not None
    mean, xhat, var, unit = moments(x, axes, eps, where, centred)
    inv_std = 1 / np.sqrt(var + (eps if unit is None else eps / unit / unit))
    xhat *= inv_std
    y = gamma * xhat + beta if centred else gamma * xhat
    saved = Normalized(xhat, inv_std, gamma, axes, mean, var, where, centred, unit)
    return counted(y, where), saved


def backward(dout: np.ndarray, saved: Normalized) -> Triple:
    """Return dx, dgamma, dbeta for an upstream gradient dout of y's shape.

    dbeta = sum(dout),  dgamma = sum(dout * xhat), over the places to which each was copied;

    dx = inv_std * (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)),  dxhat = gamma * dout,

    with means over the averaged axes. The two subtracted terms are what mu and var pass back; RMS
    norm has no mu, and only the second. dgamma and dbeta have gamma's shape. Notebook 05 derives
    the three terms.
    """
    xhat, inv_std, gamma, axes = saved.xhat, saved.inv_std, saved.gamma, saved.axes
    dout = counted(dout, saved.where)
    dbeta = sum_to(dout, gamma.shape)
    dgamma = sum_to(dout * xhat, gamma.shape)
    if gamma.shape == inv_std.shape and saved.where is None:
        m = count(xhat.shape, axes)  # batch norm: gamma and the sums belong to the same values
        scale, through_mean, through_var = gamma * inv_std, dbeta / m, dgamma / m
    else:
        dout = gamma * dout
        through_mean, through_var = (mean_along(a, axes, saved.where) for a in (dout, dout * xhat))
        scale = inv_std
    through_mean = through_mean if saved.centred else 0
    dx = scale * (dout - through_mean - xhat * through_var)
    if saved.unit is not None:
        with np.errstate(over="ignore"):  # the layers refuse it
            dx = dx / saved.unit
    return counted(dx, saved.where), dgamma, dbeta
