"""The exercises of notebook 06 on a batch's own statistics."""

from dataclasses import replace

import numpy as np

from bnlib import conventions, statistics
from bnlib.exercises.cases import AXES, WRONG_AXES, Case, images
from bnlib.exercises.checking import exercise, prediction
from bnlib.exercises.slips import Mistake
from bnlib.running import RunningStatistics


def _shards():
    """Return cases of two shards: equal counts, unequal ones, and means far apart."""
    rng = np.random.default_rng(9)
    for label, a, b, apart in (
        ("equal counts", 6, 6, 1.0),
        ("counts 3 and 8", 3, 8, 2.0),
        ("means far apart", 9, 4, 50.0),
    ):
        shards = rng.standard_normal((a, 2)), apart + rng.standard_normal((b, 2))
        values = {}
        for letter, shard in zip("ab", shards, strict=True):
            mean = shard.mean(axis=0)
            values[f"m_{letter}"], values[f"mean_{letter}"] = len(shard), mean
            values[f"s_{letter}"] = np.sum((shard - mean) ** 2, axis=0)
        yield Case(label, values, 1e-9)


def _weighted(m_a, mean_a, m_b, mean_b):
    return (m_a * mean_a + m_b * mean_b) / (m_a + m_b)


def _between(apart, m_a, m_b):
    return apart**2 * m_a * m_b / (m_a + m_b)


def _wrong_merge(name, sentence, mean=_weighted, between=_between, divided=False):
    """Return a mistake of a merge: in the mean, the term between the shards, or the sum."""

    def function(m_a, mean_a, s_a, m_b, mean_b, s_b):
        s = s_a + s_b + between(mean_b - mean_a, m_a, m_b)
        m = m_a + m_b
        return m, mean(m_a, mean_a, m_b, mean_b), s / m if divided else s

    return Mistake(name, sentence, function)


@prediction(
    notebook="06",
    hints=(
        "The scatter of a mean of m values goes with 1 / sqrt(m).",
        "sqrt(4) is 2.",
        "Half of it.",
    ),
    mistakes=(
        (0.25, "The variance falls by 4; the scatter, a standard deviation, by its root."),
        (4, "It becomes smaller."),
        (2, "It becomes smaller."),
        (1, "More values make a mean more certain."),
        (0.0625, "The variance falls by 4, not by 16; the scatter by the root of 4."),
    ),
)
def scatter_of_the_mean():
    """Say by what factor the scatter of the batch mean changes when m is four times as large."""
    m = 10
    return float(np.sqrt(m) / np.sqrt(4 * m))


@exercise(
    notebook="06",
    cases=images,
    returns="unbiased",
    hints=(
        "The biased variance is a sum divided by m. What is wanted is divided by m - 1.",
        "Multiply by m to get the sum back, then divide.",
        "var * m / (m - 1)",
    ),
    mistakes=(
        Mistake(
            "the inverse factor",
            "The factor is upside down: the unbiased variance is the larger one.",
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
            "The divisor is m - 1, not m + 1: the unbiased variance is the larger one.",
            lambda var, m: var * m / (m + 1),
        ),
        Mistake(
            "not multiplied by m",
            "var is a sum divided by m: multiply by m first.",
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
    cases=lambda: tuple(_shards()),
    returns="m mean s",
    hints=(
        "The counts add up. The mean is the average of the two means, weighted by the counts.",
        "The sums of squares add up, and one term more: the shards' means differ.",
        "s_a + s_b + (mean_b - mean_a) ** 2 * m_a * m_b / m",
    ),
    mistakes=(
        _wrong_merge(
            "spread between the shards forgotten",
            "The shards' own squares do not know how far apart their means are: a term is missing.",
            between=lambda apart, m_a, m_b: 0,
        ),
        _wrong_merge(
            "means averaged without weights",
            "The larger shard counts more in the mean.",
            mean=lambda m_a, mean_a, m_b, mean_b: (mean_a + mean_b) / 2,
        ),
        _wrong_merge(
            "means added",
            "The mean is an average of the two, weighted by the counts; here it is their sum.",
            mean=lambda m_a, mean_a, m_b, mean_b: mean_a + mean_b,
        ),
        _wrong_merge(
            "difference not squared",
            "The difference of the means must be squared.",
            between=lambda apart, m_a, m_b: apart * m_a * m_b / (m_a + m_b),
        ),
        _wrong_merge(
            "difference without its weight",
            "The squared difference of the means has the weight m_a * m_b / m; it is missing.",
            between=lambda apart, m_a, m_b: apart**2,
        ),
        _wrong_merge(
            "weight not divided by m",
            "The weight of the squared difference is m_a * m_b / m; it is not divided by m.",
            between=lambda apart, m_a, m_b: apart**2 * m_a * m_b,
        ),
        _wrong_merge(
            "weights and spread forgotten",
            "The larger shard counts more in the mean, and s lacks a term: the means differ.",
            mean=lambda m_a, mean_a, m_b, mean_b: (mean_a + mean_b) / 2,
            between=lambda apart, m_a, m_b: 0,
        ),
        _wrong_merge(
            "means and squares added",
            "The mean is a weighted average, and s lacks a term: the means differ.",
            mean=lambda m_a, mean_a, m_b, mean_b: mean_a + mean_b,
            between=lambda apart, m_a, m_b: 0,
        ),
        _wrong_merge(
            "a variance",
            "s is the sum of the squared deviations; here it is divided by m.",
            divided=True,
        ),
    ),
    shows=(statistics.merge,),
)
def merge_moments(m_a, mean_a, s_a, m_b, mean_b, s_b):
    """Return count, mean and sum of squared deviations of two shards together."""
    a = statistics.Moments(m_a, mean_a, np.zeros_like(mean_a), s_a)
    b = statistics.Moments(m_b, mean_b, np.zeros_like(mean_b), s_b)
    both = statistics.merge(a, b)
    return both.count, both.mean, both.m2


@exercise(
    notebook="06",
    cases=images,
    returns="var",
    hints=(
        "The mean of squares minus the square of the mean is two large numbers subtracted.",
        "Subtract the mean first; then there is nothing large left.",
        "np.mean((x - mu) ** 2, axis=(0, 2, 3)), with mu kept as (1, C, 1, 1).",
    ),
    mistakes=(
        Mistake(
            "one-pass variance",
            "That is E[x^2] - E[x]^2, which loses its digits when the mean is large.",
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
            "mean of all channels",
            "The mean over all channels is subtracted; each channel has a mean of its own.",
            lambda x: np.mean((x - np.mean(x)) ** 2, axis=AXES),
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
