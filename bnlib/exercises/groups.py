"""The exercise of notebook 08, on group norm."""

import numpy as np

from bnlib import faults, relatives
from bnlib.exercises.cases import image_case
from bnlib.exercises.checking import exercise
from bnlib.exercises.slips import Mistake


def _grouped():
    """Return cases of group norm."""
    for seed, (shape, groups) in enumerate(
        (((2, 6, 4, 5), 2), ((3, 6, 5, 2), 3), ((2, 4, 3, 4), 2), ((4, 4, 4, 4), 2)), 30
    ):
        yield image_case(f"{groups} groups", shape, seed, {"groups": groups}, eps=1e-3)


def _wrong_std(name, sentence, std):
    """Return a mistake of the standard deviation, given as a function of var and eps."""

    def xhat(v):
        return np.reshape(v.d / std(v.var, v.eps), v.x.shape)

    return Mistake(name, sentence, faults.RECIPES["group"].replacing(xhat=xhat))


_WRONG_STD = [
    _wrong_std(
        "eps outside the root",
        "eps is added to the root of the variance; it belongs under the root.",
        lambda var, eps: np.sqrt(var) + eps,
    ),
    _wrong_std(
        "root of the standard deviation",
        "The standard deviation stands in for the variance under the root.",
        lambda var, eps: np.sqrt(np.sqrt(var) + eps),
    ),
    _wrong_std(
        "no root",
        "The deviations are divided by the variance; divide by its root.",
        lambda var, eps: var + eps,
    ),
]


@exercise(
    notebook="08",
    cases=lambda: tuple(_grouped()),
    returns="y",
    hints=(
        "Give the groups an axis of their own: (N, G, C / G, H, W).",
        "Average over the axes (2, 3, 4), then return to x's shape.",
        "gamma and beta are one value per channel: apply them after the way back.",
    ),
    mistakes=[*faults.of_task("group"), *_WRONG_STD],
    shows=(relatives.groupnorm_forward,),
)
def group_norm(x, gamma, beta, groups, eps):
    """Return y for x (N, C, H, W): each group of neighbouring channels of an image normalized."""
    return relatives.groupnorm_forward(x, gamma, beta, groups, eps=eps)[0]
