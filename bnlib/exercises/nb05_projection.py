"""The exercises of notebook 05 on the closed form as a projection, and what it says of scale."""

import numpy as np

from bnlib import layers, normalize
from bnlib.exercises.checker.batches import image_domain
from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.prediction import prediction
from bnlib.exercises.checker.slips import Mistake


def _line_case(m, offset, spread, line, tail, dtype, layout, seed):
    """Return one channel: g over a normalized xhat."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(m)
    z[rng.integers(m)] += tail  # one far from the others
    xhat = (z - z.mean()) / z.std()
    noise = 3 * xhat if line else rng.standard_normal(m).round(1)
    values = {"g": spread * (offset + noise), "xhat": xhat}
    label = f"{m} values, mean {spread * offset:g}{', on a line' * line}, {dtype}, {layout}"
    return Case(label, {name: v.astype(dtype) for name, v in values.items()}, layout=layout)


CHANNELS = Domain(
    _line_case,
    {
        "7 values": {"m": 7},
        "small numbers": {"m": 7, "spread": 1e-5},
        "mean far from 0": {"m": 13, "offset": -30.0},
        "g a straight line over xhat": {"m": 5, "line": True},
        "one far above many": {"m": 600, "tail": 1000.0},
        "one far below many": {"m": 600, "tail": -1000.0},
    },
    crossed=("m",),
    m=(3, 2, 5, 7, 13, 60),
    offset=(1.0, 0.0, -30.0, 1e4),
    spread=(1.0, 1e-7, 1e6),
    line=(False, True),
    tail=(0.0, 1000.0, -1000.0),
    dtype=("float64", "float32"),
    layout=("C order", "every second number of a larger array", "reversed in memory"),
)


def _beside_1(case, **parameters):
    """Return a batch for a share: it is rounded beside 1 where it is 1 - var / (var + eps)."""
    share = case.values["eps"] / (case.values["var"].astype(float).min() + case.values["eps"] or 1)
    return case._replace(offset=1 / share if share else 1.0)


SHARES = image_domain(_beside_1)


@prediction(
    notebook="05",
    hints=(
        "The output does not change when x grows tenfold. So the loss does not either.",
        "A step of x has a tenth of the effect when x itself is ten times as large.",
        "In the closed form only s = 1 / sigma changes, and sigma is ten times as large: 1/10.",
    ),
    mistakes=(
        (
            10,
            "It does not grow; the layer divides by a standard deviation that is ten times as "
            "large.",
        ),
        (1, "The output stays the same, but not dx; it is divided by sigma, which has grown."),
        (0.01, "That divides by sigma twice; dx is divided by it once."),
        (
            100,
            "It does not grow; dx is divided by a standard deviation that is ten times as large.",
        ),
        (0, "dx does not vanish; it becomes smaller."),
    ),
)
def scale_of_dx():
    """Say by what factor dx is multiplied when x is multiplied by 10; let eps be 0."""
    x, dout = np.random.default_rng(0).standard_normal((2, 9, 1))
    one, zero = np.ones(1), np.zeros(1)
    norms = [
        np.linalg.norm(
            layers.batchnorm_backward(dout, layers.batchnorm_forward(v, one, zero, eps=0)[1])[0]
        )
        for v in (x, 10 * x)
    ]
    return round(float(norms[1] / norms[0]), 6)


@exercise(
    notebook="05",
    domain=CHANNELS,
    returns="residuals",
    hints=(
        "xhat has mean 0 and variance 1. What are intercept and slope of the line?",
        "The intercept is the mean of g, the slope the mean of g * xhat.",
        "g - g.mean() - xhat * (g * xhat).mean()",
    ),
    mistakes=(
        Mistake(
            "intercept kept",
            "The mean of g is not subtracted.",
            lambda g, xhat: g - xhat * np.mean(g * xhat),
        ),
        Mistake(
            "slope kept",
            "The part along xhat is not subtracted.",
            lambda g, xhat: g - np.mean(g),
        ),
        Mistake(
            "slope as a sum",
            "The slope is a sum; the slope is the mean of g * xhat.",
            lambda g, xhat: g - np.mean(g) - xhat * np.sum(g * xhat),
        ),
        Mistake(
            "slope divided by m - 1",
            "The slope is divided by m - 1, as np.cov does it; it is a mean, divided by m.",
            lambda g, xhat: g - np.mean(g) - xhat * np.sum(g * xhat) / (len(g) - 1),
        ),
        Mistake(
            "sums",
            "Intercept and slope are sums; both are means.",
            lambda g, xhat: g - np.sum(g) - xhat * np.sum(g * xhat),
        ),
        Mistake(
            "xhat forgotten",
            "The mean of g * xhat is the slope; it must be multiplied by xhat.",
            lambda g, xhat: g - np.mean(g) - np.mean(g * xhat),
        ),
        Mistake(
            "slope's sign",
            "The part along xhat is added; subtract it.",
            lambda g, xhat: g - np.mean(g) + xhat * np.mean(g * xhat),
        ),
        Mistake(
            "intercept's sign",
            "The mean of g is added; subtract it.",
            lambda g, xhat: g + np.mean(g) - xhat * np.mean(g * xhat),
        ),
        Mistake(
            "xhat on the wrong term",
            "xhat multiplies the mean of g; it belongs to the mean of g * xhat.",
            lambda g, xhat: g - np.mean(g) * xhat - np.mean(g * xhat),
        ),
        Mistake(
            "the line itself",
            "That is the line; what it leaves of g is asked for.",
            lambda g, xhat: np.mean(g) + xhat * np.mean(g * xhat),
        ),
    ),
)
def project(g, xhat):
    """Return what the best straight line over xhat leaves of g; both (m,), xhat normalized."""
    one = np.ones(1)
    saved = normalize.Normalized(xhat, inv_std=one, gamma=one, axes=(0,), mean=None, var=None)
    return normalize.backward(g, saved)[0]


@exercise(
    notebook="05",
    domain=SHARES,
    returns="leftover",
    hints=(
        "x - mu is xhat / s. Multiply the three terms by it, and sum each. Which one vanishes?",
        "The mean of xhat^2 is var / (var + eps). What does it leave of 1?",
        "eps / (var + eps)",
    ),
    mistakes=(
        Mistake(
            "the share of var",
            "That is the share of the variance; the share of eps is left over.",
            lambda var, eps: var / (var + eps),
        ),
        Mistake(
            "divided by the root",
            "No root here; it is the share of eps in var + eps.",
            lambda var, eps: eps / np.sqrt(var + eps),
        ),
        Mistake(
            "multiplied",
            "That is a product; a share is a quotient, eps divided by var + eps.",
            lambda var, eps: eps * (var + eps),
        ),
        Mistake(
            "eps missing above",
            "eps is missing above the line; the share of eps is eps / (var + eps).",
            lambda var, eps: 1 / (var + eps),
        ),
        Mistake(
            "ratio",
            "That is the ratio to var; the share is of the sum var + eps.",
            lambda var, eps: eps / var,
        ),
        Mistake(
            "upside down",
            "The fraction is upside down; eps is divided by var + eps.",
            lambda var, eps: (var + eps) / eps,
        ),
        Mistake(
            "brackets missing",
            "eps / var + eps divides by var alone; write eps / (var + eps).",
            lambda var, eps: eps / var + eps,
        ),
        Mistake(
            "root",
            "No root here; xhat squared sums to m var / (var + eps).",
            lambda var, eps: np.sqrt(eps / (var + eps)),
        ),
    ),
)
def leftover(var, eps):
    """Return the share (C,) of sum(dxhat * xhat) that is left in sum(dx * (x - mu))."""
    return eps / (var + eps)
