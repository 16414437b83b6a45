"""Batch norm in decimal numbers of 60 digits: a judge for numbers whose squares leave float64."""

from decimal import Decimal, localcontext

import numpy as np

DIGITS = {"prec": 60, "Emax": 10**6, "Emin": -(10**6)}


def batchnorm(x, gamma, beta, dout, eps):
    """Return y, dx, dgamma, dbeta and var of a table (N, C), of Decimal."""
    x, gamma, beta, dout = (
        np.vectorize(_decimal, otypes=[object])(a) for a in (x, gamma, beta, dout)
    )
    with localcontext(**DIGITS):
        m = len(x)
        deviations = x - x.sum(axis=0) / m
        var = (deviations * deviations).sum(axis=0) / m
        std = np.array([(v + Decimal(float(eps))).sqrt() for v in var])
        xhat = deviations / std
        dbeta, dgamma = dout.sum(axis=0), (dout * xhat).sum(axis=0)
        dx = gamma / std * (dout - dbeta / m - xhat * dgamma / m)
        return gamma * xhat + beta, dx, dgamma, dbeta, var


def error(got, exact):
    """Return the largest error, relative to the largest exact number of its channel."""
    with localcontext(**DIGITS):
        off = abs(np.vectorize(_decimal, otypes=[object])(got) - exact)
        size = abs(exact).max(axis=0) if np.ndim(exact) > 1 else abs(exact)
        return float((off.max(axis=0) if np.ndim(exact) > 1 else off).__truediv__(size).max())


def _decimal(number):
    return Decimal(float(number))
