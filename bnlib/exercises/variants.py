"""Mistakes beside the catalogued faults: a right recipe with a step replaced, for its message.

The catalogue in `bnlib.faults` measures checks, and its rows are counted; these only name more of
what students write.
"""

import numpy as np

from bnlib.exercises.checker.slips import Mistake
from bnlib.judges.faults import RECIPES
from bnlib.judges.faults.recipes import channel_sums, column, mean


def of(task, *rows):
    """Return mistakes of a task from rows of name, sentence, and the steps to replace."""
    return [
        Mistake(name, sentence, RECIPES[task].replacing(**steps)) for name, sentence, steps in rows
    ]


NORMALIZING = of(
    "forward",
    (
        "no root, no eps",
        "It divides by the variance; divide by np.sqrt(var + eps).",
        {"std": lambda v: v.var},
    ),
    (
        "multiplied by the root",
        "The deviations are multiplied by the root; divide by it.",
        {"xhat": lambda v: v.d * v.std},
    ),
    (
        "eps subtracted",
        "eps is subtracted from the variance; add it.",
        {"std": lambda v: np.sqrt(v.var - v.eps)},
    ),
    (
        "variance of the whole batch",
        "Each channel has its own mean here, but the variance is that of all numbers.",
        {"var": lambda v: np.var(v.x)},
    ),
    (
        "mean of the whole batch",
        "Each channel has its own variance here, but the mean is that of all numbers.",
        {"d": lambda v: v.x - np.mean(v.x), "var": lambda v: mean((v.x - v.mu) ** 2, v.axes)},
    ),
    (
        "mean of each image",
        "The variance is taken over N, H and W, but the mean over H and W alone.",
        {"d": lambda v: v.x - mean(v.x, (2, 3)), "var": lambda v: mean((v.x - v.mu) ** 2, v.axes)},
    ),
    (
        "mean over N and C only",
        "Mean and variance are taken over N and C; every axis but the channels' is wanted.",
        {"axes": lambda v: (0, 1)},
    ),
)
SCALING = of(
    "forward",
    (
        "gamma and beta forgotten",
        "That is xhat: gamma and beta are missing; y is gamma * xhat + beta.",
        {"y": lambda v: v.xhat},
    ),
    (
        "beta subtracted",
        "beta is subtracted; y is gamma * xhat + beta.",
        {"y": lambda v: column(v.gamma) * v.xhat - column(v.beta)},
    ),
    (
        "gamma added",
        "gamma is added; it multiplies xhat: y is gamma * xhat + beta.",
        {"y": lambda v: column(v.gamma) + v.xhat + column(v.beta)},
    ),
    (
        "gamma without its sign",
        "gamma may be negative; here its sign is lost.",
        {"y": lambda v: column(np.abs(v.gamma)) * v.xhat + column(v.beta)},
    ),
    (
        "not normalized",
        "x itself is scaled and shifted; normalize it first.",
        {"y": lambda v: column(v.gamma) * v.x + column(v.beta)},
    ),
)
BACKWARD = of(
    "backward",
    *(
        (name, sentence, {"through_var": lambda v, term=term: -term(v) / v.std})
        for name, sentence, term in (
            (
                "xhat inside the mean",
                "The last xhat stands inside its mean; it multiplies the mean from outside.",
                lambda v: mean(v.dxhat * v.xhat**2, v.axes),
            ),
            (
                "xhat forgotten",
                "The term through the variance lacks its factor xhat.",
                lambda v: mean(v.dxhat * v.xhat, v.axes),
            ),
            (
                "xhat not in the mean",
                "The last mean is of dxhat * xhat; its xhat is missing.",
                lambda v: v.xhat * mean(v.dxhat, v.axes),
            ),
            (
                "dout in the last mean",
                "The last mean is of dxhat * xhat, with dxhat = gamma * dout: gamma is missing.",
                lambda v: v.xhat * mean(v.dout * v.xhat, v.axes),
            ),
        )
    ),
    (
        "dout in the first mean",
        "The mean of dxhat is subtracted, with dxhat = gamma * dout: gamma is missing.",
        {"through_mean": lambda v: -mean(v.dout, v.axes) / v.std},
    ),
    (
        "multiplied by the standard deviation",
        "dx is multiplied by the standard deviation; divide by it.",
        {"dx": lambda v: (v.direct + v.through_var + v.through_mean) * v.std**2},
    ),
    (
        "eps forgotten in dx",
        "dx lacks eps: it is divided by the root of var + eps.",
        {"dx": lambda v: (v.direct + v.through_var + v.through_mean) * v.std / np.sqrt(v.var)},
    ),
    (
        "m forgotten in dgamma and dbeta",
        "dgamma and dbeta are means; they are sums, since gamma and beta act at m places.",
        {
            "dgamma": lambda v: channel_sums(v.dout * v.xhat) / v.m,
            "dbeta": lambda v: channel_sums(v.dout) / v.m,
        },
    ),
)
CLOSED_FORM = of(  # walked one node at a time, the same numbers are a slip of step 6
    "backward",
    (
        "a deviation for xhat",
        "xhat is there twice in the last term; one of the two is x - mean, not divided.",
        {"through_var": lambda v: -v.d * mean(v.dxhat * v.xhat, v.axes) / v.std},
    ),
)
