"""The exercise of notebook 06 on the moments of two shards together."""

import numpy as np

from bnlib import statistics
from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake


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
        *(
            _wrong_merge(
                f"the weight {weight}",
                f"The squared difference of the means has the weight m_a * m_b / m; here {weight}.",
                between=between,
            )
            for weight, between in (
                ("m", lambda apart, m_a, m_b: apart**2 * (m_a + m_b)),
                ("1 / m", lambda apart, m_a, m_b: apart**2 / (m_a + m_b)),
                ("m_a / m", lambda apart, m_a, m_b: apart**2 * m_a / (m_a + m_b)),
                ("m_b / m", lambda apart, m_a, m_b: apart**2 * m_b / (m_a + m_b)),
            )
        ),
        _wrong_merge(
            "spread subtracted",
            "The term between the shards is subtracted; add it.",
            between=lambda apart, m_a, m_b: -_between(apart, m_a, m_b),
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
