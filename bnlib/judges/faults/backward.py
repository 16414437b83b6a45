"""The rows of wrong backward passes. A part of the judge `bnlib.faults`."""

import numpy as np

from bnlib.judges.faults.recipes import channel_sums, column

SLIP = "common slip"
M = "{}; m is N * H * W, the count of values in a channel."

BACKWARD = [
    (
        "path through the mean dropped",
        "The gradient through the mean is missing.",
        SLIP,
        {"through_mean": lambda v: 0},
    ),
    (
        "path through the variance dropped",
        "The gradient through the variance, the xhat term of dx, is missing, or it sums to zero.",
        "numpy-ml's test_BatchNorm2D cannot see it",
        {"through_var": lambda v: 0},
    ),
    (
        "statistics as constants",
        "Mean and variance are treated as constants; both depend on x.",
        "fast.ai course22p2, notebook 11",
        {"dx": lambda v: v.direct},
    ),
    (
        "direct path dropped",
        "The gradient that goes straight from xhat to x is missing.",
        SLIP,
        {"direct": lambda v: 0},
    ),
    (
        "second use overwrites the first",
        "One gradient of x - mean replaces the other; it is used twice, and the two add up.",
        SLIP,
        {"dx": lambda v: v.through_var},
    ),
    (
        "m as N",
        M.format("The count is N"),
        SLIP,
        {"m": lambda v: v.x.shape[0]},
    ),
    (
        "m as H * W",
        M.format("The count is H * W"),
        SLIP,
        {"m": lambda v: v.x.shape[2] * v.x.shape[3]},
    ),
    (
        "m as N * C",
        M.format("The count is N * C"),
        SLIP,
        {"m": lambda v: v.x.shape[0] * v.x.shape[1]},
    ),
    (
        "m as the size of x",
        M.format("The count is N * C * H * W"),
        SLIP,
        {"m": lambda v: v.x.size},
    ),
    (
        "m as m - 1",
        M.format("The count is m - 1"),
        SLIP,
        {"m": lambda v: v.x.size // v.x.shape[1] - 1},
    ),
    (
        "sums not divided by m",
        "The sums over a channel are not divided by m.",
        SLIP,
        {"m": lambda v: 1},
    ),
    (
        "sign of the variance's path",
        "The xhat term of dx, through the variance, has the wrong sign.",
        SLIP,
        {"through_var": lambda v: -v.dvar * 2 * v.d / v.m},
    ),
    (
        "sign of the mean's path",
        "The term through the mean has the wrong sign.",
        SLIP,
        {"through_mean": lambda v: column(channel_sums(v.dxhat)) / v.std / v.m},
    ),
    (
        "derivative of the square without its 2",
        "A 2 is missing in the gradient through the variance; the derivative of a square is 2 a.",
        SLIP,
        {"through_var": lambda v: v.dvar * v.d / v.m},
    ),
    (
        "derivative of the root without its 1/2",
        "A 1/2 is missing in the gradient through the variance; the root's derivative has it.",
        SLIP,
        {"dvar": lambda v: -column(channel_sums(v.dxhat * v.d)) / v.std**3},
    ),
    (
        "wrong power of the standard deviation",
        "The power is -1/2; the derivative of (var + eps)^(-1/2) has the power -3/2.",
        SLIP,
        {"dvar": lambda v: column(channel_sums(v.dxhat * v.d)) * -0.5 / v.std},
    ),
    (
        "dx not divided by the standard deviation",
        "dx is not divided by the standard deviation.",
        SLIP,
        {"dx": lambda v: (v.direct + v.through_var + v.through_mean) * v.std},
    ),
    (
        "dx divided by the standard deviation twice",
        "dx is divided by the standard deviation twice; one inv_std is too many.",
        SLIP,
        {"dx": lambda v: (v.direct + v.through_var + v.through_mean) / v.std},
    ),
    (
        "eps forgotten in the backward pass",
        "eps is missing; the backward pass needs the standard deviation of the forward pass.",
        SLIP,
        {"std": lambda v: np.sqrt(v.var)},
    ),
    (
        "eps always 1e-5, backward",
        "eps is written in as 1e-5; use the argument.",
        SLIP,
        {"std": lambda v: np.sqrt(v.var + 1e-5)},
    ),
    (
        "eps always 1e-3, backward",
        "eps is written in as 1e-3; use the argument.",
        SLIP,
        {"std": lambda v: np.sqrt(v.var + 1e-3)},
    ),
    (
        "variance divided by m - 1, backward",
        "The variance is divided by m - 1; the forward pass divides it by m.",
        "fast.ai course22p2, notebook 11",
        {"var": lambda v: np.var(v.x, axis=v.axes, keepdims=True, ddof=1)},
    ),
    (
        "gamma forgotten in dx",
        "dx lacks gamma; the gradient of xhat is gamma * dout.",
        SLIP,
        {"dxhat": lambda v: v.dout},
    ),
    (
        "gamma applied twice",
        "gamma is applied twice in dx.",
        SLIP,
        {"dxhat": lambda v: column(v.gamma) ** 2 * v.dout},
    ),
    (
        "gamma along the last axis, backward",
        "gamma, (C,), meets W; NumPy aligns shapes from the right, so reshape it to (1, C, 1, 1).",
        SLIP,
        {"dxhat": lambda v: v.gamma * v.dout},
    ),
    (
        "dgamma from x",
        "In dgamma x stands in for xhat; it is the sum of dout * xhat.",
        SLIP,
        {"dgamma": lambda v: channel_sums(v.dout * v.x)},
    ),
    (
        "dgamma from the deviations",
        "In dgamma x - mean stands in for xhat; divide it by the root first.",
        SLIP,
        {"dgamma": lambda v: channel_sums(v.dout * v.d)},
    ),
    (
        "dgamma not multiplied by xhat",
        "In dgamma xhat is missing; it is the sum of dout * xhat.",
        SLIP,
        {"dgamma": lambda v: channel_sums(v.dout)},
    ),
    (
        "dgamma with gamma",
        "dgamma contains gamma; it is the sum of dout * xhat.",
        SLIP,
        {"dgamma": lambda v: channel_sums(v.dxhat * v.xhat)},
    ),
    (
        "dgamma over the wrong axes",
        "dgamma is summed over N, C and H; sum over N, H and W, every axis but the channels'.",
        SLIP,
        {"dgamma": lambda v: np.sum(v.dout * v.xhat, axis=(0, 1, 2))},
    ),
    (
        "dgamma as a mean",
        "dgamma is a mean; it is a sum, since gamma acts at each of the m places.",
        SLIP,
        {"dgamma": lambda v: channel_sums(v.dout * v.xhat) / v.m},
    ),
    (
        "dbeta over the wrong axes",
        "dbeta is summed over N, C and H; sum over N, H and W, every axis but the channels'.",
        SLIP,
        {"dbeta": lambda v: np.sum(v.dout, axis=(0, 1, 2))},
    ),
    (
        "dbeta as a mean",
        "dbeta is a mean; it is a sum, since beta acts at each of the m places.",
        SLIP,
        {"dbeta": lambda v: channel_sums(v.dout) / v.m},
    ),
    (
        "dbeta with gamma",
        "dbeta contains gamma; it is the sum of dout.",
        SLIP,
        {"dbeta": lambda v: channel_sums(column(v.gamma) * v.dout)},
    ),
]
