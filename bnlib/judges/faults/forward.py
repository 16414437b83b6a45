"""The rows of wrong forward passes.

A part of the judge `bnlib.faults`. A row: name, mistake, where it was seen, the steps replaced.
"""

import numpy as np

from bnlib.judges.faults.recipes import column, mean

SLIP = "common slip"
COURSE = "CS231n, assignment 2, as of 2026: its checks print numbers that this passes too"

FORWARD = [
    (
        "mean over N only",
        "Mean and variance are taken over N alone; each position then has its own.",
        SLIP,
        {"axes": lambda v: (0,)},
    ),
    (
        "mean over H and W only",
        "Mean and variance are taken over H and W alone, so each image has its own: instance norm.",
        COURSE,
        {"axes": lambda v: (2, 3)},
    ),
    (
        "mean over N and W only",
        "Mean and variance are taken over N and W; H is missing.",
        COURSE,
        {"axes": lambda v: (0, 3)},
    ),
    (
        "mean over N and H only",
        "Mean and variance are taken over N and H; W is missing.",
        SLIP,
        {"axes": lambda v: (0, 2)},
    ),
    (
        "mean over the whole batch",
        "Mean and variance are taken over all axes; each channel needs its own.",
        SLIP,
        {"axes": lambda v: (0, 1, 2, 3)},
    ),
    (
        "mean over C only",
        "Mean and variance are taken over the channels; that is the axis to keep.",
        SLIP,
        {"axes": lambda v: (1,)},
    ),
    (
        "mean over C, H and W",
        "Mean and variance are taken over C, H and W, so each image has its own: layer norm.",
        SLIP,
        {"axes": lambda v: (1, 2, 3)},
    ),
    (
        "mean over N, C and H",
        "Mean and variance are taken over N, C and H; the channels are axis 1, not the last one.",
        SLIP,
        {"axes": lambda v: (0, 1, 2)},
    ),
    (
        "variance of each image",
        "The mean is taken over N, H and W, but the variance over H and W alone.",
        SLIP,
        {"var": lambda v: mean(v.d * v.d, (2, 3))},
    ),
    (
        "variance divided by m - 1",
        "The variance is divided by m - 1; it must be divided by m.",
        "fast.ai course22p2, notebook 11",
        {"var": lambda v: np.var(v.x, axis=v.axes, keepdims=True, ddof=1)},
    ),
    (
        "variance not divided by m",
        "The squared deviations are summed; their mean is wanted.",
        SLIP,
        {"var": lambda v: np.sum(v.d * v.d, axis=v.axes, keepdims=True)},
    ),
    (
        "mean square for the variance",
        "The mean of x squared stands in for the variance; subtract the mean from x first.",
        SLIP,
        {"var": lambda v: mean(v.x * v.x, v.axes)},
    ),
    (
        "one-pass variance",
        "The variance is E[x^2] - E[x]^2, which loses its digits when the mean is large.",
        "labml, in float32; google/flax issue 1491",
        {"var": lambda v: np.maximum(mean(v.x * v.x, v.axes) - v.mu * v.mu, 0)},
    ),
    (
        "eps outside the root",
        "eps is added to the root of the variance; it belongs under the root.",
        SLIP,
        {"std": lambda v: np.sqrt(v.var) + v.eps},
    ),
    (
        "eps forgotten",
        "eps is missing; add it to the variance, under the root.",
        SLIP,
        {"std": lambda v: np.sqrt(v.var)},
    ),
    (
        "eps always 1e-5",
        "eps is written in as 1e-5; use the argument.",
        SLIP,
        {"std": lambda v: np.sqrt(v.var + 1e-5)},
    ),
    (
        "eps always 1e-3",
        "eps is written in as 1e-3; use the argument.",
        COURSE,
        {"std": lambda v: np.sqrt(v.var + 1e-3)},
    ),
    (
        "eps always 1e-7",
        "eps is written in as 1e-7; use the argument.",
        "the notebook that this series grew from",
        {"std": lambda v: np.sqrt(v.var + 1e-7)},
    ),
    (
        "eps after the division",
        "eps is added after the division; it belongs to the variance, under the root.",
        SLIP,
        {"xhat": lambda v: v.d / np.sqrt(v.var) + v.eps},
    ),
    (
        "root of the standard deviation",
        "The standard deviation stands in for the variance under the root.",
        SLIP,
        {"std": lambda v: np.sqrt(np.sqrt(v.var) + v.eps)},
    ),
    (
        "no root",
        "The deviations are divided by the variance; divide by its root.",
        SLIP,
        {"std": lambda v: v.var + v.eps},
    ),
    (
        "not centred",
        "The mean is not subtracted from x.",
        SLIP,
        {"xhat": lambda v: v.x / v.std},
    ),
    (
        "mean minus x",
        "x is subtracted from the mean; it is x minus the mean, not the mean minus x.",
        SLIP,
        {"xhat": lambda v: (v.mu - v.x) / v.std},
    ),
    (
        "only the mean divided",
        "Only the mean is divided; x - mean needs brackets.",
        SLIP,
        {"xhat": lambda v: v.x - v.mu / v.std},
    ),
    (
        "not divided",
        "The deviations are not divided by the standard deviation.",
        SLIP,
        {"xhat": lambda v: v.d},
    ),
    (
        "mean along the last axis",
        "The mean, (C,), is subtracted along W; NumPy aligns shapes from the right, so keep the "
        "axes.",
        "a missing keepdims: nn-zero-to-hero issue 59",
        {"d": lambda v: v.x - np.ravel(v.mu)},
    ),
    (
        "gamma and beta along the last axis",
        "gamma and beta, (C,), meet W, as NumPy aligns from the right; reshape to (1, C, 1, 1).",
        SLIP,
        {"y": lambda v: v.gamma * v.xhat + v.beta},
    ),
    (
        "gamma before normalizing",
        "gamma scales x before it is normalized, which takes the scale out again.",
        SLIP,
        {
            "mu": lambda v: mean(column(v.gamma) * v.x, v.axes),
            "d": lambda v: column(v.gamma) * v.x - v.mu,
            "y": lambda v: v.xhat + column(v.beta),
        },
    ),
    (
        "gamma and beta exchanged",
        "gamma and beta have changed places; y is gamma * xhat + beta.",
        SLIP,
        {"y": lambda v: column(v.beta) * v.xhat + column(v.gamma)},
    ),
    (
        "beta before gamma",
        "beta is added before gamma multiplies; y is gamma * xhat + beta.",
        SLIP,
        {"y": lambda v: column(v.gamma) * (v.xhat + column(v.beta))},
    ),
    (
        "gamma forgotten",
        "gamma is missing; y is gamma * xhat + beta.",
        SLIP,
        {"y": lambda v: v.xhat + column(v.beta)},
    ),
    (
        "beta forgotten",
        "beta is missing; y is gamma * xhat + beta.",
        SLIP,
        {"y": lambda v: column(v.gamma) * v.xhat},
    ),
    (
        "reshaped without a transpose",
        "x is reshaped to (N * H * W, C) without moving the channels to the end, which mixes them.",
        SLIP,
        {
            "mu": lambda v: mean(np.reshape(v.x, (-1, v.x.shape[1])), (0,)),
            "d": lambda v: np.reshape(v.x, (-1, v.x.shape[1])) - v.mu,
            "var": lambda v: mean(v.d * v.d, (0,)),
            "xhat": lambda v: np.reshape(v.d / v.std, v.x.shape),
        },
    ),
]
