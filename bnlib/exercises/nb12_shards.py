"""The exercises of notebook 12: what shards tell each other, forward and backward."""

import numpy as np

from bnlib import sharded
from bnlib.exercises.checker.batches import AXES, COMMON, image_domain, offset_of
from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges.faults.recipes import channel_sums, column

COUNTS = {  # of K shards
    "unequal": lambda K: 3 * np.arange(1, K + 1),
    "equal": lambda K: np.full(K, 8),
    "with an empty one": lambda K: np.where(np.arange(K) == 1, 0, 5 + np.arange(K)),
    "of very different size": lambda K: np.resize((10, 10**8, 10**4, 10**6), K),
}


def _moments(K, C, sizes, offset, apart, spread, dtype, layout, seed):
    """Return the moments of K shards; those of an empty one are 0."""
    rng, counts = np.random.default_rng(seed), COUNTS[sizes](K)
    some = counts[:, None] > 0
    means = offset_of(offset, dtype) + apart * np.arange(K)[:, None] + rng.standard_normal((K, C))
    squares = spread**2 * counts[:, None] * rng.uniform(0.5, 2, (K, C)).round(1)
    values = {"means": spread * means.round(1) * some, "squares": squares}
    values = {name: v.astype(dtype) for name, v in values.items()} | {"counts": counts}
    label = f"{K} shards, {sizes}, {C} channels, {apart:g} apart, mean {offset}, {dtype}"
    return Case(label, values, layout=layout)


SHARDS = Domain(
    _moments,
    {
        "two shards": {"K": 2, "C": 3},
        "equal shards": {"K": 4, "C": 2, "sizes": "equal"},
        "one shard is empty": {"K": 3, "C": 2, "sizes": "with an empty one"},
        "means far apart": {"K": 3, "C": 2, "apart": 50.0},
        "one shard": {"K": 1, "C": 2},
        "many shards": {"K": 150, "C": 1},
        "many channels": {"K": 2, "C": 75},
    },
    K=(3, 2, 1, 5, 9),
    C=(2, 1, 3, 7),
    sizes=tuple(COUNTS),
    apart=(1.0, 0.0, -2.0, 50.0),
    **{name: COMMON[name] for name in ("offset", "spread", "dtype", "layout")},
)


def _weighted(counts, means):
    return (counts[:, None] * means).sum(axis=0) / counts.sum()


def _wrong(name, sentence, mean=_weighted, square=None):
    """Return a mistake in the mean, or in the squares, a function of what is given and the mean."""

    def function(counts, means, squares):
        mu = mean(counts, means)
        between = (counts[:, None] * (means - mu) ** 2).sum(axis=0)
        s = squares.sum(axis=0) + between
        return counts.sum(), mu, s if square is None else square(counts, means, squares, mu)

    return Mistake(name, sentence, function)


@exercise(
    notebook="12",
    domain=SHARDS,
    returns="m mean s",
    hints=(
        "The counts add up. The mean is the average of the means, weighted by the counts.",
        "The squares add up, and one term more for each shard: its mean differs from the whole's.",
        "squares.sum(axis=0) + (counts[:, None] * (means - mean) ** 2).sum(axis=0)",
    ),
    mistakes=(
        _wrong(
            "means averaged without weights",
            "The mean has no weights; larger shards count more in it.",
            mean=lambda counts, means: means.mean(axis=0),
        ),
        _wrong(
            "spread between the shards forgotten",
            "s lacks a term; the shards' own squares do not know how far apart their means are.",
            square=lambda counts, means, squares, mu: squares.sum(axis=0),
        ),
        Mistake(
            "weights and spread forgotten",
            "The mean has no weights, and s lacks a term; larger shards count more, and the means "
            "differ.",
            lambda counts, means, squares: (
                counts.sum(),
                means.mean(axis=0),
                squares.sum(axis=0),
            ),
        ),
        _wrong(
            "spread without counts",
            "In s the squared distances of the means have no weight; each counts as often as its "
            "shard has values.",
            square=lambda counts, means, squares, mu: (squares + (means - mu) ** 2).sum(axis=0),
        ),
        _wrong(
            "squares averaged",
            "The squares are averaged; they are sums, and add up.",
            square=lambda counts, means, squares, mu: (
                squares.mean(axis=0) + (counts[:, None] * (means - mu) ** 2).sum(axis=0)
            ),
        ),
        _wrong(
            "a variance",
            "s is divided by m; it is the sum of the squared deviations.",
            square=lambda counts, means, squares, mu: (
                (squares + counts[:, None] * (means - mu) ** 2).sum(axis=0) / counts.sum()
            ),
        ),
        _wrong(
            "raw second moments",
            "Squares of the means are subtracted, which loses digits when they are large.",
            square=lambda counts, means, squares, mu: (
                (squares + counts[:, None] * means**2).sum(axis=0) - counts.sum() * mu**2
            ),
        ),
    ),
    shows=(sharded.merge, sharded.merge_all),
)
def merge_shards(counts, means, squares):
    """Return count, mean (C,) and sum of centred squares (C,) of all shards together."""
    zero = np.zeros_like(means[0])
    rows = zip(counts.tolist(), means, squares, strict=True)
    whole = sharded.merge_all(sharded.Moments(m, mean, zero, s) for m, mean, s in rows)
    return whole.count, whole.mean, whole.m2


def _with_others(case, shards, seed, **parameters):
    """Return a case with the sums of a batch of which x is one of several equal shards."""
    values, rng = case.values, np.random.default_rng(seed)
    dout, xhat = (values[name].astype(float) for name in ("dout", "xhat"))
    away = 0.5 * values["m"] * (shards - 1)
    others = {
        name: channel_sums(own) + away * rng.uniform(-1, 1, dout.shape[1])
        for name, own in {"dgamma": dout * xhat, "dbeta": dout}.items()
    }
    values = {name: v.astype(values["dout"].dtype) for name, v in others.items()}
    label = f"{case.label}, one of {shards} shards"
    m = shards * case.values["m"]
    return case._replace(label=label, values={**case.values, **values, "m": m})


def _gradient(name, sentence, dx):
    """Return a mistake of a shard's gradient; vectors arrive as (1, C, 1, 1)."""

    def function(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
        return dx(dout, xhat, column(gamma), column(inv_std), m, column(dgamma), column(dbeta))

    return Mistake(name, sentence, function)


def _mean(a):
    return np.mean(a, axis=AXES, keepdims=True)


def _own(dout):
    return dout.size // dout.shape[1]


@exercise(
    notebook="12",
    domain=image_domain(_with_others, shards=(3, 1, 2, 7, 10**8)),
    returns="dx",
    hints=(
        "Begin with the three terms of notebook 05, and look for the two means.",
        "Each mean is a sum over the whole batch, divided by the count of the whole batch.",
        "gamma * inv_std * (dout - dbeta / m - xhat * dgamma / m), vectors as (1, C, 1, 1).",
    ),
    mistakes=(
        _gradient(
            "means of the shard",
            "The means are those of your shard; they belong to the whole batch.",
            lambda d, xhat, g, s, m, dg, db: g * s * (d - _mean(d) - xhat * _mean(d * xhat)),
        ),
        _gradient(
            "sums not exchanged",
            "The sums are those of your shard, and m is the whole batch's; take dgamma and dbeta.",
            lambda d, xhat, g, s, m, dg, db: (
                g * s * (d - (_mean(d) + xhat * _mean(d * xhat)) * _own(d) / m)
            ),
        ),
        _gradient(
            "count of the shard",
            "The sums are divided by the count of your shard; they are the whole batch's, and so "
            "is m.",
            lambda d, xhat, g, s, m, dg, db: g * s * (d - (db + xhat * dg) / _own(d)),
        ),
        _gradient(
            "not divided by m",
            "The sums are not divided by m; the two terms are means.",
            lambda d, xhat, g, s, m, dg, db: g * s * (d - db - xhat * dg),
        ),
        _gradient(
            "statistics as constants",
            "Mean and variance are treated as constants; both depend on x.",
            lambda d, xhat, g, s, m, dg, db: g * s * d,
        ),
        _gradient(
            "term of the mean forgotten",
            "The term with dbeta is missing.",
            lambda d, xhat, g, s, m, dg, db: g * s * (d - xhat * dg / m),
        ),
        _gradient(
            "term of the variance forgotten",
            "The term with dgamma is missing.",
            lambda d, xhat, g, s, m, dg, db: g * s * (d - db / m),
        ),
        _gradient(
            "xhat forgotten",
            "The term with dgamma lacks its factor xhat.",
            lambda d, xhat, g, s, m, dg, db: g * s * (d - (db + dg) / m),
        ),
        _gradient(
            "gamma forgotten",
            "gamma is missing.",
            lambda d, xhat, g, s, m, dg, db: s * (d - (db + xhat * dg) / m),
        ),
        _gradient(
            "gamma on one term",
            "gamma multiplies dout alone; dgamma and dbeta are sums of dout, so it belongs to all "
            "three.",
            lambda d, xhat, g, s, m, dg, db: s * (g * d - (db + xhat * dg) / m),
        ),
        _gradient(
            "inv_std forgotten",
            "inv_std is missing.",
            lambda d, xhat, g, s, m, dg, db: g * (d - (db + xhat * dg) / m),
        ),
    ),
    shows=(sharded.backward_shard,),
)
def shard_gradient(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    """Return dx (N, C, H, W) of a shard, from the whole batch's m, dgamma (C,) and dbeta (C,)."""
    nothing = np.zeros_like(gamma)  # xhat has the mean 0 and the variance 1 already
    unit = sharded.Moments(m, nothing, nothing, nothing + m)
    sums = sharded.Sums(dbeta, dgamma)
    return sharded.backward_shard(dout, xhat, gamma * inv_std, unit, sums, eps=0.0)
