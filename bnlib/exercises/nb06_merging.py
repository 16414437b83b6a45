"""The exercise of notebook 06 on the moments of two shards together."""

import numpy as np

from bnlib import statistics
from bnlib.exercises.checker.batches import offset_of
from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake


def _shards(m_a, m_b, C, offset, apart, spread, dtype, layout, seed):
    """Return the moments of two shards; one value alone has no squared deviations."""
    rng = np.random.default_rng(seed)
    away = offset_of(offset, dtype) + 0.05  # no mean is 0: the other would be rounded beside it
    values = {
        "mean_a": spread * (away + rng.standard_normal(C).round(1)),
        "mean_b": spread * (away + apart + rng.standard_normal(C).round(1)),
        "s_a": spread**2 * (m_a - 1) * rng.uniform(0.5, 2, C).round(1),
        "s_b": spread**2 * (m_b - 1) * rng.uniform(0.5, 2, C).round(1),
    }
    values = {name: v.astype(dtype) for name, v in values.items()} | {"m_a": m_a, "m_b": m_b}
    label = f"counts {m_a} and {m_b}, {C} channels, {apart:g} apart, mean {offset}, {dtype}"
    return Case(label, values, layout=layout)


SHARDS = Domain(
    _shards,
    {
        "equal counts": {"m_a": 6, "m_b": 6, "C": 2},
        "counts 3 and 8": {"m_a": 3, "m_b": 8, "C": 2, "apart": 2.0},
        "many in both": {"m_a": 10**6, "m_b": 3000, "C": 2},
        "means far apart": {"m_a": 9, "m_b": 4, "C": 2, "apart": 50.0},
    },
    m_a=(2, 1, 3, 6, 100, 10**8),
    m_b=(2, 3, 1, 4, 50, 10**8),
    C=(1, 2, 3, 5, 75),
    offset=(2, 0, -30, "halfway", "far", "far below 0"),
    apart=(1.0, 0.0, -2.0, 50.0, -1e4),
    spread=(1.0, 0.01, 100.0, 1e-6, 1e6),
    crossed=("m_a", "m_b"),
    dtype=("float64", "float32"),
    layout=("C order", "every second number of a larger array", "reversed in memory"),
)


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


def _raw_moments(m_a, mean_a, s_a, m_b, mean_b, s_b):
    m, mean = m_a + m_b, _weighted(m_a, mean_a, m_b, mean_b)
    return m, mean, s_a + m_a * mean_a**2 + s_b + m_b * mean_b**2 - m * mean**2


@exercise(
    notebook="06",
    domain=SHARDS,
    returns="m mean s",
    hints=(
        "The counts add up. The mean is the average of the two means, weighted by the counts.",
        "The sums of squares add up, and one term more: the shards' means differ.",
        "s_a + s_b + (mean_b - mean_a) ** 2 * m_a * m_b / m",
    ),
    mistakes=(
        _wrong_merge(
            "spread between the shards forgotten",
            "s lacks a term; the shards' own squares do not know how far apart their means are.",
            between=lambda apart, m_a, m_b: 0,
        ),
        _wrong_merge(
            "means averaged without weights",
            "The mean has no weights; the larger shard counts more in it.",
            mean=lambda m_a, mean_a, m_b, mean_b: (mean_a + mean_b) / 2,
        ),
        _wrong_merge(
            "means added",
            "The means are added; the mean is their average, weighted by the counts.",
            mean=lambda m_a, mean_a, m_b, mean_b: mean_a + mean_b,
        ),
        _wrong_merge(
            "difference not squared",
            "The difference of the means is not squared; square it.",
            between=lambda apart, m_a, m_b: apart * m_a * m_b / (m_a + m_b),
        ),
        _wrong_merge(
            "difference doubled",
            "The difference of the means is doubled; square it: ** 2, not * 2.",
            between=lambda apart, m_a, m_b: apart * 2 * m_a * m_b / (m_a + m_b),
        ),
        Mistake(
            "raw second moments",
            "Squares of the means are subtracted, which loses digits when they are large.",
            _raw_moments,
        ),
        _wrong_merge(
            "difference without its weight",
            "The squared difference of the means has no weight; it is m_a * m_b / m.",
            between=lambda apart, m_a, m_b: apart**2,
        ),
        _wrong_merge(
            "weight not divided by m",
            "The weight of the squared difference is not divided by m; it is m_a * m_b / m.",
            between=lambda apart, m_a, m_b: apart**2 * m_a * m_b,
        ),
        *(
            _wrong_merge(
                f"the weight {weight}",
                f"The squared difference of the means has the weight {weight}; it is m_a * m_b / "
                "m.",
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
            "The mean has no weights, and s lacks a term; the larger shard counts more, and the "
            "means differ.",
            mean=lambda m_a, mean_a, m_b, mean_b: (mean_a + mean_b) / 2,
            between=lambda apart, m_a, m_b: 0,
        ),
        _wrong_merge(
            "means and squares added",
            "The means are added, and s lacks a term; the mean is a weighted average, and the "
            "means differ.",
            mean=lambda m_a, mean_a, m_b, mean_b: mean_a + mean_b,
            between=lambda apart, m_a, m_b: 0,
        ),
        _wrong_merge(
            "a variance",
            "s is divided by m; it is the sum of the squared deviations.",
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
