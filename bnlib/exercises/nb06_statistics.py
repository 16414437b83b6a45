"""The exercises of notebook 06 on a batch's own statistics."""

from dataclasses import replace

import numpy as np

from bnlib import conventions, statistics
from bnlib.exercises import variants
from bnlib.exercises.checker.batches import AXES, IMAGES, WRONG_AXES
from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.prediction import prediction
from bnlib.exercises.checker.slips import Mistake
from bnlib.running import RunningStatistics


def _variances(C, m, scale, dtype, layout, seed):
    """Return biased variances of m values."""
    var = scale * np.random.default_rng(seed).uniform(0.5, 4, C).round(1)
    var[2::4] = 0  # constant channels
    label = f"{C} channels, m = {m}, size {scale:g}, {dtype}, {layout}"
    return Case(label, {"var": var.astype(dtype), "m": m}, layout=layout)


VARIANCES = Domain(
    _variances,
    {f"m = {m}": {"C": 3, "m": m} for m in (2, 12, 120, 10**6)},
    C=(1, 2, 3, 7, 75),
    m=(2, 3, 4, 12, 120, 1000, 10**6, 10**9),
    scale=(1.0, 1e-12, 1e12),
    crossed=("m",),
    dtype=("float64", "float32"),
    layout=("C order", "every second number of a larger array", "reversed in memory"),
)


@prediction(
    notebook="06",
    hints=(
        "The scatter of a mean of m values goes with 1 / sqrt(m).",
        "So sqrt(m) has to be three times as large.",
        "3 squared.",
    ),
    mistakes=(
        (3, "With 3 times as many values it falls by the root of 3; the root has to be 3."),
        (81, "It falls with the root of m, not with the fourth root; square 3 once."),
        (27, "It falls with the root of m; square 3 once."),
        (1.732051, "That is the root of 3; the scatter goes with 1 / sqrt(m), so square 3."),
        (0.1111111, "With fewer values the mean scatters more; turn the factor over."),
        (0.3333333, "With fewer values the mean scatters more; and the root of m counts."),
    ),
)
def scatter_of_the_mean():
    """Say by what factor m must grow so that the batch mean scatters a third as much."""
    return float(round((1 / (1 / 3)) ** 2))


@exercise(
    notebook="06",
    domain=VARIANCES,
    returns="unbiased",
    hints=(
        "The biased variance is a sum divided by m. What is wanted is divided by m - 1.",
        "Multiply by m to get the sum back, then divide.",
        "var * m / (m - 1)",
    ),
    mistakes=(
        Mistake(
            "the inverse factor",
            "The factor is upside down; the unbiased variance is the larger one.",
            lambda var, m: var * (m - 1) / m,
        ),
        Mistake(
            "unchanged",
            "This is var itself, still biased; multiply it by m / (m - 1).",
            lambda var, m: var,
        ),
        Mistake(
            "the sum",
            "That is the sum of the squared deviations; divide it by m - 1.",
            lambda var, m: var * m,
        ),
        Mistake(
            "brackets missing",
            "* m / m - 1 subtracts 1 at the end; write m / (m - 1).",
            lambda var, m: var * m / m - 1,
        ),
        Mistake(
            "a root",
            "That factor is for a standard deviation; a variance takes it without the root.",
            lambda var, m: var * np.sqrt(m / (m - 1)),
        ),
        Mistake(
            "m + 1",
            "The divisor is not m + 1; the unbiased variance is the larger one, divided by m - 1.",
            lambda var, m: var * m / (m + 1),
        ),
        Mistake(
            "standard deviation",
            "That is the root, the standard deviation; the variance is asked for.",
            lambda var, m: np.sqrt(var * m / (m - 1)),
        ),
        Mistake(
            "(m + 1) / m",
            "(m + 1) / m is a little too small; the factor is m / (m - 1).",
            lambda var, m: var * (m + 1) / m,
        ),
        Mistake(
            "not multiplied by m",
            "It is not multiplied by m; var is a sum divided by m, so multiply by m first.",
            lambda var, m: var / (m - 1),
        ),
    ),
)
def unbiased(var, m):
    """Return the unbiased variance, given the biased one and the count m."""
    batch = statistics.BatchStatistics(np.zeros_like(var), var, m)
    only_new = replace(conventions.PYTORCH, momentum=1.0)
    start = RunningStatistics.initial(len(var), only_new)
    return start.update(batch, only_new).var


@exercise(
    notebook="06",
    domain=IMAGES,
    returns="var",
    hints=(
        "The mean of squares minus the square of the mean is two large numbers subtracted.",
        "Subtract the mean first; then there is nothing large left.",
        "np.mean((x - mu) ** 2, axis=(0, 2, 3)), with mu kept as (1, C, 1, 1).",
    ),
    mistakes=(
        Mistake(
            "one-pass variance",
            "That subtracts two large numbers, as E[x^2] - E[x]^2 does, and loses their digits.",
            lambda x: np.mean(x * x, axis=(0, 2, 3)) - np.mean(x, axis=(0, 2, 3)) ** 2,
        ),
        Mistake(
            "variance divided by m - 1",
            "The variance is divided by m - 1; it must be divided by m.",
            lambda x: np.var(x, axis=(0, 2, 3), ddof=1),
        ),
        Mistake(
            "standard deviation",
            "That is its root, the standard deviation.",
            lambda x: np.std(x, axis=(0, 2, 3)),
        ),
        *(
            Mistake(
                f"variance over axes {axes}",
                f"The variance runs over the axes {axes}; every axis but 1 is wanted: (0, 2, 3).",
                lambda x, axes=axes: np.var(x, axis=axes),
            )
            for axes in WRONG_AXES
        ),
        Mistake(
            "brackets of N * H * W missing",
            variants.BRACKETS,
            lambda x: np.ravel(
                variants.by_n_alone((x - np.mean(x, axis=AXES, keepdims=True)) ** 2)
            ),
        ),
        Mistake(
            "mean square",
            "That is the mean of x squared; subtract the mean from x first.",
            lambda x: np.mean(x * x, axis=AXES),
        ),
        Mistake(
            "mean of all channels",
            "The mean over all channels is subtracted; each channel has a mean of its own.",
            lambda x: np.mean((x - np.mean(x)) ** 2, axis=AXES),
        ),
        Mistake(
            "reshaped without a transpose",
            "A reshape alone mixes the channels; first move their axis to the end.",
            lambda x: np.var(x.reshape(-1, x.shape[1]), axis=0),
        ),
        Mistake(
            "absolute deviations",
            "That is the mean of the absolute deviations; the deviations must be squared.",
            lambda x: np.mean(np.abs(x - np.mean(x, axis=AXES, keepdims=True)), axis=AXES),
        ),
    ),
    shows=(statistics.centred_moments,),
)
def stable_variance(x):
    """Return the biased variance (C,) of x (N, C, H, W), also where its numbers are large."""
    return statistics.batch_statistics(x).var
