"""Mistakes beside the catalogued faults: a right recipe with a step replaced, for its message.

The catalogue in `bnlib.faults` measures checks, and its rows are counted; these only name more of
what students write.
"""

import numpy as np

from bnlib.exercises.checker.batches import AXES, WRONG_AXES
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges.faults import RECIPES
from bnlib.judges.faults.recipes import channel_sums, column, mean

BRACKETS = "/ N * H * W divides by N alone; set brackets: / (N * H * W)."
TABLE = "A reshape alone mixes the channels; first move their axis to the end."
EPS_OUTSIDE = "eps is added to the root of the variance; it belongs under the root."


def by_n_alone(a, axes=AXES):
    """Return sums over a channel / N * H * W, without brackets; axes keep size 1."""
    n, _, h, w = a.shape
    return np.sum(a, axis=axes, keepdims=True) / n * h * w


def of_table(reduction, a):
    """Reduce each column of a table reshaped without a transpose; (1, C, 1, 1)."""
    return column(reduction(np.reshape(a, (-1, a.shape[1])), axis=0))


def wrong_axes(name, sentence, steps):
    """Return a row for each choice of axes but the right one; steps take the axes."""
    return [(f"{name} over axes {axes}", sentence.format(axes), steps(axes)) for axes in WRONG_AXES]


def of(task, *rows):
    """Return mistakes of a task from rows of name, sentence, and the steps to replace."""
    return [
        Mistake(name, sentence, RECIPES[task].replacing(**steps)) for name, sentence, steps in rows
    ]


STATISTICS = (  # of a channel, in forward, backward and running passes alike
    (
        "statistics of a table without a transpose",
        TABLE,
        {"mu": lambda v: of_table(np.mean, v.x), "var": lambda v: of_table(np.var, v.x)},
    ),
    (
        "brackets of N * H * W missing",
        BRACKETS,
        {"mu": lambda v: by_n_alone(v.x), "var": lambda v: by_n_alone((v.x - v.mu) ** 2)},
    ),
    (
        "brackets of N * H * W missing in the variance",
        BRACKETS,
        {"var": lambda v: by_n_alone((v.x - v.mu) ** 2)},
    ),
    (
        "mean not divided by m",
        "The mean is a sum, not divided by m.",
        {"mu": lambda v: np.sum(v.x, axis=AXES, keepdims=True)},
    ),
)

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
    *STATISTICS,
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
                "The last mean comes out as that of dxhat alone; the mean of the product dxhat * "
                "xhat belongs there.",
                lambda v: v.xhat * mean(v.dxhat, v.axes),
            ),
            (
                "dout in the last mean",
                "In the last mean gamma is missing; it is of dxhat * xhat, with dxhat = gamma * "
                "dout.",
                lambda v: v.xhat * mean(v.dout * v.xhat, v.axes),
            ),
        )
    ),
    (
        "dout in the first mean",
        "In the mean that is subtracted gamma is missing; it is of dxhat = gamma * dout.",
        {"through_mean": lambda v: -mean(v.dout, v.axes) / v.std},
    ),
    (
        "multiplied by the standard deviation",
        "dx is multiplied by the standard deviation; divide by it.",
        {"dx": lambda v: (v.direct + v.through_var + v.through_mean) * v.std**2},
    ),
    (
        "eps forgotten in dx",
        "dx lacks eps; it is divided by the root of var + eps.",
        {"dx": lambda v: (v.direct + v.through_var + v.through_mean) * v.std / np.sqrt(v.var)},
    ),
    ("eps outside the root", EPS_OUTSIDE, {"std": lambda v: np.sqrt(v.var) + v.eps}),
    (
        "path through the variance dropped",
        "The gradient through the variance, the xhat term of dx, is missing, or it sums to zero.",
        {"dvar": lambda v: column(channel_sums(v.d)) * -0.5 / v.std**3},
    ),
    (
        "xhat not in the mean",
        "The last mean comes out as that of dxhat alone; the mean of the product dxhat * xhat "
        "belongs there.",
        {"through_var": lambda v: -v.xhat * mean(v.dxhat + v.xhat, v.axes) / v.std},
    ),
    (
        "diagonal of the Jacobian",
        "dx has the diagonal of the Jacobian alone; each x of a channel moves every xhat of it.",
        {"dx": lambda v: v.dxhat / (v.m * v.std) * (v.m - 1 - v.xhat**2)},
    ),
    (
        "sum in dvar forgotten",
        "The sum in dvar is forgotten; var was spread over a channel, and its gradients add up.",
        {"dvar": lambda v: v.dxhat * v.d * -0.5 / v.std**3},
    ),
    (
        "mean forgotten in the last term",
        "The last term has no mean; it is xhat times the mean of dxhat * xhat.",
        {"through_var": lambda v: -v.xhat * v.dxhat * v.xhat / v.std},
    ),
    (
        "sum in dmean forgotten",
        "The sum in dmean is forgotten; mu was spread over a channel, and its gradients add up.",
        {"through_mean": lambda v: -v.dxhat / v.std / v.m},
    ),
    (
        "sums in dvar and dmean forgotten",
        "The sums in dvar and dmean are forgotten; what was spread has gradients that add up.",
        {
            "dvar": lambda v: v.dxhat * v.d * -0.5 / v.std**3,
            "through_mean": lambda v: -v.dxhat / v.std / v.m,
        },
    ),
    (
        "sum over everything in dgamma",
        "dgamma is one number: np.sum has no axis; each channel has its own sum.",
        {"dgamma": lambda v: np.sum(v.dout * v.xhat)},
    ),
    (
        "sum over everything in dbeta",
        "dbeta is one number: np.sum has no axis; each channel has its own sum.",
        {"dbeta": lambda v: np.sum(v.dout)},
    ),
    (
        "sums of a table without a transpose",
        TABLE,
        {
            "dgamma": lambda v: np.ravel(of_table(np.sum, v.dout * v.xhat)),
            "dbeta": lambda v: np.ravel(of_table(np.sum, v.dout)),
        },
    ),
    (
        "brackets of N * H * W missing in the gradient",
        BRACKETS,
        {"m": lambda v: v.x.shape[0] / (v.x.shape[2] * v.x.shape[3])},
    ),
    (
        "brackets of N * H * W missing everywhere",
        BRACKETS,
        {
            "mu": lambda v: by_n_alone(v.x),
            "var": lambda v: by_n_alone(v.d**2),
            "m": lambda v: v.x.shape[0] / (v.x.shape[2] * v.x.shape[3]),
        },
    ),
    *wrong_axes(
        "sums of dgamma and dbeta",
        "dgamma and dbeta are sums over the axes {}; every axis but 1 is wanted: (0, 2, 3).",
        lambda axes: {
            "dgamma": lambda v: np.sum(v.dout * v.xhat, axis=axes),
            "dbeta": lambda v: np.sum(v.dout, axis=axes),
        },
    ),
    *wrong_axes(
        "statistics",
        "Mean and variance are taken over the axes {}; every axis but 1 is wanted: (0, 2, 3).",
        lambda axes: {"axes": lambda v: axes},
    ),
    *wrong_axes(
        "means in dx",
        "The means in dx run over the axes {}; every axis but 1 is wanted: (0, 2, 3).",
        lambda axes: {
            "through_var": lambda v: -v.xhat * mean(v.dxhat * v.xhat, axes) / v.std,
            "through_mean": lambda v: -mean(v.dxhat, axes) / v.std,
        },
    ),
    *wrong_axes(
        "sums in dx",
        "The sums in dx run over the axes {}; every axis but 1 is wanted: (0, 2, 3).",
        lambda axes: {
            "dvar": lambda v: np.sum(v.dxhat * v.d, axes, keepdims=True) * -0.5 / v.std**3,
            "through_mean": lambda v: -np.sum(v.dxhat, axes, keepdims=True) / v.std / v.m,
        },
    ),
    *wrong_axes(
        "statistics and means in dx",
        "All means run over the axes {}; every axis but 1 is wanted: (0, 2, 3).",
        lambda axes: {
            "axes": lambda v: axes,
            "through_var": lambda v: -v.xhat * mean(v.dxhat * v.xhat, axes) / v.std,
            "through_mean": lambda v: -mean(v.dxhat, axes) / v.std,
        },
    ),
    *STATISTICS[:-1],
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
        "In the last term x - mean, not divided, stands for one xhat; both are xhat.",
        {"through_var": lambda v: -v.d * mean(v.dxhat * v.xhat, v.axes) / v.std},
    ),
)
