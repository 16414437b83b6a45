"""The exercise of notebook 01 on the gamma and beta that undo the normalization."""

import numpy as np

from bnlib import statistics
from bnlib.exercises.checker.batches import AXES, IMAGES, WRONG_AXES
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake


@exercise(
    notebook="01",
    domain=IMAGES,
    returns="gamma beta",
    hints=(
        "Solve gamma * xhat + beta = x for gamma and beta.",
        "xhat is (x - mu) / sqrt(var + eps). What has to be multiplied, and what added?",
        "gamma takes the division back: np.sqrt(var + eps). beta takes the subtraction back.",
    ),
    mistakes=(
        Mistake(
            "variance as gamma",
            "gamma is a variance; the layer divided by the root of var + eps, and gamma must be "
            "that root.",
            lambda x, eps: (x.var(axis=AXES) + eps, x.mean(axis=AXES)),
        ),
        *(
            Mistake(
                name,
                sentence,
                lambda x, eps, gamma=gamma: (gamma(x.var(axis=AXES), eps), x.mean(axis=AXES)),
            )
            for name, sentence, gamma in (
                (
                    "variance as gamma, without eps",
                    "gamma is the variance alone; it must be the root of var + eps.",
                    lambda var, eps: var,
                ),
                (
                    "eps forgotten",
                    "The layer divided by the root of var + eps; the argument eps is missing in "
                    "gamma.",
                    lambda var, eps: np.sqrt(var),
                ),
                (
                    "eps always 1e-5",
                    "eps is written in as 1e-5; use the argument.",
                    lambda var, eps: np.sqrt(var + 1e-5),
                ),
                (
                    "eps outside the root",
                    "gamma adds eps to the root; the layer adds eps under the root.",
                    lambda var, eps: np.sqrt(var) + eps,
                ),
            )
        ),
        Mistake(
            "variance divided by m - 1",
            "The variance is divided by m - 1; the layer's is divided by m.",
            lambda x, eps: (np.sqrt(x.var(axis=AXES, ddof=1) + eps), x.mean(axis=AXES)),
        ),
        Mistake(
            "beta divided",
            "beta is divided; beta is added after gamma has multiplied, so it is the mean itself.",
            lambda x, eps: (
                np.sqrt(x.var(axis=AXES) + eps),
                x.mean(axis=AXES) / np.sqrt(x.var(axis=AXES) + eps),
            ),
        ),
        Mistake(
            "beta is zero",
            "beta is zero; the layer subtracted the mean, and beta must add it again.",
            lambda x, eps: (np.sqrt(x.var(axis=AXES) + eps), np.zeros(x.shape[1])),
        ),
        *(
            Mistake(
                f"statistics over axes {axes}",
                f"Mean and variance are taken over the axes {axes}; every axis but 1 is wanted: "
                "(0, 2, 3).",
                lambda x, eps, axes=axes: (np.sqrt(x.var(axis=axes) + eps), x.mean(axis=axes)),
            )
            for axes in WRONG_AXES
        ),
        Mistake(
            "inverse as gamma",
            "gamma is one over what it must be; it multiplies, so it is the root itself.",
            lambda x, eps: (1 / np.sqrt(x.var(axis=AXES) + eps), x.mean(axis=AXES)),
        ),
    ),
)
def undo(x, eps):
    """Return the gamma (C,) and beta (C,) with which the layer gives x (N, C, H, W) back."""
    mean, var, _ = statistics.batch_statistics(x)
    return np.sqrt(var + eps), mean
