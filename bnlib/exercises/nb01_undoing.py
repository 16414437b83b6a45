"""The exercise of notebook 01 on the gamma and beta that undo the normalization."""

import numpy as np

from bnlib import statistics
from bnlib.exercises.checker.batches import AXES, IMAGES
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
            "The layer divided by the root of var + eps; gamma must be that root.",
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
                    "gamma must be the root of var + eps; here it is the variance alone.",
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
                    "The layer adds eps under the root; here gamma adds it to the root.",
                    lambda var, eps: np.sqrt(var) + eps,
                ),
            )
        ),
        Mistake(
            "variance divided by m - 1",
            "The layer's variance is divided by m; here it is divided by m - 1.",
            lambda x, eps: (np.sqrt(x.var(axis=AXES, ddof=1) + eps), x.mean(axis=AXES)),
        ),
        Mistake(
            "beta divided",
            "beta is added after gamma has multiplied: it is the mean itself, not divided.",
            lambda x, eps: (
                np.sqrt(x.var(axis=AXES) + eps),
                x.mean(axis=AXES) / np.sqrt(x.var(axis=AXES) + eps),
            ),
        ),
        Mistake(
            "beta is zero",
            "The layer subtracted the mean; beta must add it again.",
            lambda x, eps: (np.sqrt(x.var(axis=AXES) + eps), np.zeros(x.shape[1])),
        ),
        Mistake(
            "inverse as gamma",
            "gamma multiplies: it must be the root itself, not one over it.",
            lambda x, eps: (1 / np.sqrt(x.var(axis=AXES) + eps), x.mean(axis=AXES)),
        ),
    ),
)
def undo(x, eps):
    """Return the gamma (C,) and beta (C,) with which the layer gives x back."""
    mean, var, _ = statistics.batch_statistics(x)
    return np.sqrt(var + eps), mean
