"""The exercises of notebook 08 on the axes that are averaged."""

from itertools import combinations

import numpy as np

from bnlib import layers, normalize
from bnlib.exercises.checker.batches import image_domain, size_beside
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges.faults.recipes import column, mean

AVERAGED = {"batch": (0, 2, 3), "layer": (1, 2, 3), "instance": (2, 3), "position": (1,)}


def _with_norm(case, norm, **parameters):
    """Return a batch with the name of a norm."""
    return case._replace(label=f"{norm}: {case.label}", values={**case.values, "norm": norm})


NORMS = image_domain(
    _with_norm,
    {
        norm: {"N": 2, "C": 3, "H": 4, "W": 5, "norm": norm, "gamma": "0 or negative"}
        for norm in AVERAGED
    },
    norm=tuple(AVERAGED),
)


def _means(axes):
    """Return a mistake's results: means over these axes where they differ from the right ones."""
    return lambda x, norm: mean(x, (AVERAGED | axes)[norm])


@exercise(
    notebook="08",
    domain=NORMS,
    returns="mu",
    hints=(
        "A dictionary from the norm's name to the axes that share a mean will do.",
        "An axis that is averaged away is one that shares: batch norm shares N, H and W.",
        "(0, 2, 3), (1, 2, 3), (2, 3) and (1,), with keepdims=True.",
    ),
    mistakes=(
        Mistake(
            "layer and position exchanged",
            "Layer norm takes the channels of one position; here it takes the whole image.",
            _means({"layer": (1,)}),
        ),
        Mistake(
            "position over the whole image",
            "At a position only the channels share a mean; H and W are averaged away here.",
            _means({"position": (1, 2, 3)}),
        ),
        Mistake(
            "position for its complement",
            "Position averages over H and W; these stay, and the channels are averaged.",
            _means({"position": (2, 3)}),
        ),
        Mistake(
            "the axes that are kept",
            "These are the axes that keep their own means; the mean runs over the others.",
            lambda x, norm: mean(x, tuple(a for a in range(4) if a not in AVERAGED[norm])),
        ),
        Mistake(
            "instance over the batch",
            "Instance norm averages over the images; each image has its own means.",
            _means({"instance": (0, 2, 3)}),
        ),
        Mistake(
            "batch over an image",
            "Batch norm averages within an image; all images share the mean of a channel.",
            _means({"batch": (2, 3)}),
        ),
        Mistake(
            "batch without positions",
            "Batch norm averages over N alone; H and W share the mean, too.",
            _means({"batch": (0,)}),
        ),
        Mistake(
            "layer without positions",
            "Layer norm averages over H and W alone; here the channels share the mean, too.",
            _means({"layer": (2, 3)}),
        ),
        *(
            Mistake(
                f"always over {axes}",
                f"The mean runs over {axes} for every norm; the argument norm says which.",
                lambda x, norm, axes=axes: mean(x, axes),
            )
            for axes in AVERAGED.values()
        ),
    ),
    shows=(normalize.forward,),
)
def norm_means(x, norm):
    """Return the means of x (N, C, H, W), with the averaged axes kept as size 1.

    norm is "batch", "layer" (a whole image), "instance" or "position" (as in ConvNeXt).
    """
    axes = {"batch": (0, 2, 3), "layer": (1, 2, 3), "instance": (2, 3), "position": (1,)}[norm]
    return np.mean(x, axis=axes, keepdims=True)


def _at_positions(case, spread, **parameters):
    """Return a batch in which several channels never hold one number at a position."""
    x = case.values["x"].copy()
    x[:, 0][np.ptp(x, axis=1) == 0] += spread
    offset = size_beside(x.astype(float), 1, case.values["eps"])
    return case._replace(values={**case.values, "x": x}, offset=offset)


def _of_channels(parameters):
    """Return parameters with two channels or more: of one, the variance is 0."""
    return {**parameters, "C": max(parameters["C"], 2)}


POSITIONS = image_domain(
    _at_positions,
    legal=_of_channels,
    least=1,
    apart=0.0,
    C=(2, 3, 4, 6, 9),
    N=(1, 2, 3, 9),  # so few that the size 1 meets every value of the others
    H=(1, 2, 3, 7),
    W=(1, 2, 4, 11),
)


def _wrong(name, sentence, axes=(1,), std=lambda var, eps: np.sqrt(var + eps), y=None, ddof=0):
    """Return a mistake of a norm over these axes."""

    def function(x, gamma, beta, eps):
        var = np.var(x, axis=axes, keepdims=True, ddof=ddof)
        xhat = (x - mean(x, axes)) / std(var, eps)
        g, b = column(gamma), column(beta)
        return y(xhat, g, b) if y else g * xhat + b

    return Mistake(name, sentence, function)


@exercise(
    notebook="08",
    domain=POSITIONS,
    returns="y",
    hints=(
        "One mean for each image and each position: which axis is averaged away?",
        "Mean and variance over axis 1, with keepdims=True.",
        "gamma and beta still belong to channels: reshape them to (1, C, 1, 1).",
    ),
    mistakes=(
        *(
            _wrong(
                f"over axes {axes}",
                f"Mean and variance run over the axes {axes}; each position has its own: axis 1.",
                axes,
            )
            for size in (1, 2, 3, 4)
            for axes in combinations(range(4), size)
            if axes != (1,)
        ),
        _wrong(
            "eps forgotten",
            "The argument eps is missing; add it to the variance, under the root.",
            std=lambda var, eps: np.sqrt(var),
        ),
        _wrong(
            "eps outside the root",
            "eps is added to the root; it belongs under it.",
            std=lambda var, eps: np.sqrt(var) + eps,
        ),
        _wrong(
            "no root",
            "It divides by the variance; divide by its root.",
            std=lambda var, eps: var + eps,
        ),
        _wrong(
            "variance divided by m - 1",
            "The variance is divided by m - 1; it must be divided by m.",
            ddof=1,
        ),
        _wrong("gamma forgotten", "gamma is missing.", y=lambda xhat, g, b: xhat + b),
        _wrong("beta forgotten", "beta is missing.", y=lambda xhat, g, b: g * xhat),
        _wrong(
            "beta before gamma",
            "beta is added before gamma multiplies; y is gamma * xhat + beta.",
            y=lambda xhat, g, b: g * (xhat + b),
        ),
    ),
    shows=(layers.layernorm_forward,),
)
def position_norm(x, gamma, beta, eps):
    """Return y (N, C, H, W): the channels of each position normalized, as ConvNeXt does."""
    return layers.layernorm_forward(x, gamma, beta, axes=(1,), eps=eps)[0]
