"""The exercises of notebook 05 on the backward pass of other layers, derived alone."""

import numpy as np

from bnlib import layers
from bnlib.exercises.checker.batches import ANY_IMAGES, AXES, TABLES, WRONG_AXES, table_case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.graph import Graph, primitives
from bnlib.judges.faults.recipes import mean


@exercise(
    notebook="05",
    domain=ANY_IMAGES,
    returns="dx",
    hints=(
        "x is used twice: on its own, and inside the mean. What comes back through each?",
        "Through the mean comes -sum(dout) / m, at every place of the channel.",
        "dout - dout.mean(axis=(0, 2, 3), keepdims=True)",
    ),
    mistakes=(
        Mistake(
            "the mean as a constant",
            "That is dout itself; the mean depends on x, so something comes back through it.",
            lambda dout: dout,
        ),
        Mistake(
            "sign",
            "The mean of dout is added; x goes into the mean with a minus.",
            lambda dout: dout + mean(dout, AXES),
        ),
        Mistake(
            "a sum",
            "The sum of dout is subtracted; each x has the share 1 / m in the mean.",
            lambda dout: dout - np.sum(dout, axis=AXES, keepdims=True),
        ),
        *(
            Mistake(
                f"mean over axes {axes}",
                f"The mean runs over the axes {axes}; every axis but 1 is wanted: (0, 2, 3).",
                lambda dout, axes=axes: dout - mean(dout, axes),
            )
            for axes in WRONG_AXES
        ),
    ),
)
def centre_back(dout):
    """Return the gradient of x (N, C, H, W), for the layer y = x - mean of x over its channel."""
    steps = [("mean", primitives.mean_over("N H W"), "x"), ("y", primitives.subtract, "x", "mean")]
    trace = Graph({"x": "N C H W"}, steps).forward(x=np.zeros_like(dout))
    return trace.backward(dout)["x"]


def _rms_legal(parameters):
    """Return parameters without a row of zeros where eps is 0."""
    p = TABLES.legal(parameters)
    return p | {"offset": p["offset"] or 2} if p["eps"] == 0 else p


ROWS = Domain(
    table_case, TABLES.named, _rms_legal, **{k: v for k, v in TABLES.levels.items() if k != "seed"}
)


def _row_mean(a):
    return np.mean(a, axis=1, keepdims=True)


def _parts(dout, x, gamma, eps):
    """Return dxhat, xhat and one over the root mean square of each row."""
    inv_rms = 1 / np.sqrt(_row_mean(x * x) + eps)
    return gamma * dout, x * inv_rms, inv_rms


def _by_powers(dout, x, gamma, eps):
    """Return the right gradients, with the third power written out."""
    dxhat, xhat, s = _parts(dout, x, gamma, eps)
    return s * dxhat - x * s**3 * _row_mean(dxhat * x), np.sum(dout * xhat, axis=0)


def _wrong(name, sentence, dx=None, dgamma=None):
    """Return a mistake: another dx of (dxhat, xhat, inv_rms), or dgamma of (dout, xhat, x)."""

    def function(dout, x, gamma, eps):
        g, xhat, s = _parts(dout, x, gamma, eps)
        right = s * (g - xhat * _row_mean(g * xhat)), np.sum(dout * xhat, axis=0)
        return (
            dx(g, xhat, s, gamma) if dx else right[0],
            dgamma(dout, xhat, x) if dgamma else right[1],
        )

    return Mistake(name, sentence, function)


@exercise(
    notebook="05",
    domain=ROWS,
    witness=_by_powers,
    returns="dx dgamma",
    hints=(
        "Write r = sqrt(mean(x^2) + eps). x is used twice: above the line, and in r.",
        "The derivative of r with respect to x_i is x_i / (D r). Two terms are left.",
        "s * (dxhat - xhat * mean(dxhat * xhat)), s = 1 / r, dxhat = gamma * dout, means by row.",
    ),
    mistakes=(
        _wrong(
            "layer norm's",
            "That is layer norm's dx; no mean is subtracted here, so nothing comes back through "
            "one.",
            lambda g, xhat, s, gamma: s * (g - _row_mean(g) - xhat * _row_mean(g * xhat)),
        ),
        _wrong(
            "root mean square as a constant",
            "dx has the direct path alone; the root mean square depends on x, too.",
            lambda g, xhat, s, gamma: s * g,
        ),
        _wrong(
            "sign",
            "The xhat term has the wrong sign; 1 / r falls as r rises.",
            lambda g, xhat, s, gamma: s * (g + xhat * _row_mean(g * xhat)),
        ),
        _wrong(
            "a sum",
            "The xhat term has a sum; each x has the share 1 / D in the mean square.",
            lambda g, xhat, s, gamma: s * (g - xhat * np.sum(g * xhat, axis=1, keepdims=True)),
        ),
        _wrong(
            "over the columns",
            "The mean in dx runs over the rows of a column; each row has its own: axis 1.",
            lambda g, xhat, s, gamma: s * (g - xhat * np.mean(g * xhat, axis=0)),
        ),
        _wrong(
            "gamma outside",
            "gamma multiplies at the end; it differs within a row, so it stays inside the mean.",
            lambda g, xhat, s, gamma: gamma * s * (g / gamma - xhat * _row_mean(g / gamma * xhat)),
        ),
        _wrong(
            "not divided",
            "dx is not divided by the root mean square.",
            lambda g, xhat, s, gamma: g - xhat * _row_mean(g * xhat),
        ),
        _wrong(
            "dgamma over the rows",
            "dgamma is summed over each row; gamma was spread over the rows, so sum over axis 0.",
            dgamma=lambda dout, xhat, x: np.sum(dout * xhat, axis=1),
        ),
        _wrong(
            "dgamma from x",
            "dgamma multiplies dout by x; gamma multiplies the normalized values.",
            dgamma=lambda dout, xhat, x: np.sum(dout * x, axis=0),
        ),
        _wrong(
            "dgamma without xhat",
            "dgamma is the sum of dout; gamma multiplies xhat, so sum dout * xhat.",
            dgamma=lambda dout, xhat, x: np.sum(dout, axis=0),
        ),
        _wrong(
            "dgamma as a mean",
            "dgamma is a mean; the gradients of all rows add up.",
            dgamma=lambda dout, xhat, x: np.mean(dout * xhat, axis=0),
        ),
        Mistake(
            "eps forgotten",
            "The argument eps is missing; add it to the mean square, under the root.",
            lambda dout, x, gamma, eps: _by_powers(dout, x, gamma, 0.0),
        ),
    ),
    shows=(layers.rmsnorm_backward,),
)
def rms_backward(dout, x, gamma, eps):
    """Return dx (N, D) and dgamma (D,), for y = gamma * x / sqrt(mean of x^2 in a row + eps)."""
    _, cache = layers.rmsnorm_forward(x, gamma, eps=eps)
    return layers.rmsnorm_backward(dout, cache)
