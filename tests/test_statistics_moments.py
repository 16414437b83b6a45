import pickle
import statistics
import tracemalloc
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlib.statistics import Moments, batch_statistics, merge, merge_all


@st.composite
def batches(draw):
    """Draw a batch of 2 channels with 1 to 4 axes of values, at an offset."""
    n, positions = draw(st.integers(2, 30)), draw(st.lists(st.integers(1, 3), max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([1e-3, 1.0, 100.0]))
    return draw(st.sampled_from([0.0, 1e6, -1e6])) + scale * rng.standard_normal((n, 2, *positions))


@st.composite
def partitions(draw):
    """Draw a batch, and the same images in another order, cut into shards; some may be empty."""
    x = draw(batches())
    images = draw(st.permutations(range(len(x))))
    cuts = sorted(draw(st.lists(st.integers(0, len(x)), max_size=12)))
    return x, [x[list(shard)] for shard in np.split(images, cuts)]


def exact(x):
    """Return the exact mean and variance of each channel, as float64 at the very end."""
    channels = [[Fraction(v) for v in x[:, c].ravel().tolist()] for c in range(x.shape[1])]
    means = [float(statistics.mean(values)) for values in channels]
    return means, [float(statistics.pvariance(values)) for values in channels]


def relative_error(got, x):
    """Return the largest relative error of the variance, against exact arithmetic."""
    _, var = exact(x)
    return np.max(np.abs(got.var / var - 1))


@settings(max_examples=300)
@given(partitions())
def test_merging_any_shards_in_any_order_gives_the_whole_batch(case):
    x, shards = case
    whole, merged = batch_statistics(x), merge_all(map(Moments.of, shards)).statistics()
    mean, var = exact(x)
    assert merged.count == whole.count
    assert relative_error(merged, x) < 1e-12
    np.testing.assert_allclose(merged.var, whole.var, rtol=1e-12)
    # The mean of values around zero may itself be nearly zero: its error is beside the spread.
    np.testing.assert_allclose(merged.mean, mean, rtol=1e-15, atol=1e-15 * np.sqrt(max(var)))


@settings(max_examples=100)
@given(partitions(), st.randoms(use_true_random=False))
def test_merging_pairwise_in_any_tree_gives_the_whole_batch(case, random):
    x, shards = case
    pool = [Moments.of(shard) for shard in shards]
    while len(pool) > 1:
        random.shuffle(pool)
        pool.append(merge(pool.pop(), pool.pop()))
    assert relative_error(pool[0].statistics(), x) < 1e-12


@settings(max_examples=100)
@given(batches(), batches())
def test_merging_does_not_care_which_shard_is_the_first(x, other):
    a, b = Moments.of(x), Moments.of(other)
    ab, ba = merge(a, b).statistics(), merge(b, a).statistics()
    np.testing.assert_allclose(ab.var, ba.var, rtol=1e-15)
    size = max(np.abs(x).max(), np.abs(other).max())  # opposite means may cancel to nearly 0
    np.testing.assert_allclose(ab.mean, ba.mean, rtol=1e-15, atol=1e-15 * size)


# Ten shards of unequal size, far from zero, whose means differ: a trap for every shortcut.
RNG = np.random.default_rng(231)
SHARDS = [1e6 + RNG.normal(RNG.normal(), 1, (n, 2, 3, 1)) for n in range(1, 11)]
X = np.concatenate(SHARDS)


def test_averaging_the_shards_variances_misses_the_spread_between_them():
    parts = [batch_statistics(shard) for shard in SHARDS]
    averaged = sum(part.count * part.var for part in parts) / sum(part.count for part in parts)
    assert (averaged < 0.9 * batch_statistics(X).var).all()
    assert relative_error(merge_all(map(Moments.of, SHARDS)).statistics(), X) < 1e-12


def test_mean_kept_as_one_number_would_miss_the_bound_at_an_offset():
    rounded = [Moments.of(shard) for shard in SHARDS]
    rounded = [replace(m, origin=m.mean, shift=0 * m.shift) for m in rounded]
    assert relative_error(merge_all(rounded).statistics(), X) > 1e-12


def merge_with_mistake(part, between):
    """Return a merge in which the smaller shard's part, or the term between shards, is wrong."""

    def merged(a, b):
        n = a.count + b.count
        d = (b.origin - a.origin) + (b.shift - a.shift)
        m2 = a.m2 + b.m2 + d * d * between(a.count, b.count)
        return Moments(n, a.origin, a.shift + d * part(a.count, b.count), m2)

    return merged


@pytest.mark.parametrize(
    ("part", "between"),
    [
        (lambda a, b: a / (a + b), lambda a, b: a * b / (a + b)),
        (lambda a, b: 0.5, lambda a, b: a * b / (a + b)),
        (lambda a, b: b / (a + b), lambda a, b: a * b / (a + b) ** 2),
        (lambda a, b: b / (a + b), lambda a, b: (a + b) / 4),
        (lambda a, b: b / (a + b), lambda a, b: 0),
    ],
    ids=["weights swapped", "weights equal", "divided twice", "as if equal", "left out"],
)
def test_mistake_in_the_merge_is_seen(monkeypatch, part, between):
    monkeypatch.setattr("bnlib.statistics.merge", merge_with_mistake(part, between))
    assert relative_error(merge_all(map(Moments.of, SHARDS)).statistics(), X) > 1e-3


def test_right_merge_in_the_same_words_passes(monkeypatch):
    right = merge_with_mistake(lambda a, b: b / (a + b), lambda a, b: a * b / (a + b))
    monkeypatch.setattr("bnlib.statistics.merge", right)
    assert relative_error(merge_all(map(Moments.of, SHARDS)).statistics(), X) < 1e-12


def test_thousand_shards_of_one_value_keep_the_bound():
    x = 1e6 + np.random.default_rng(0).standard_normal((1000, 2))
    merged = merge_all(Moments.of(x[n : n + 1]) for n in range(1000))
    assert relative_error(merged.statistics(), x) < 1e-12


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
def test_moments_are_float64_whatever_the_shard_is(dtype):
    x = (100 + 4 * np.random.default_rng(0).standard_normal((50, 2))).astype(dtype)
    moments = merge(Moments.of(x[:20]), Moments.of(x[20:]))
    assert {a.dtype.name for a in (moments.origin, moments.shift, moments.m2)} == {"float64"}
    assert relative_error(moments.statistics(), x.astype(np.float64)) < 1e-14


def test_longdouble_keeps_all_its_digits():
    last = np.finfo(np.longdouble).eps  # where longdouble is float64, these are float64's digits
    a, b = (Moments.of(np.array([[1], [1 + 2 * last]]) + step) for step in (0, 4 * last))
    empty = Moments.of(np.empty((0, 1), np.longdouble))
    merged = [merge(a, b), merge_all([empty, a, b]), merge(empty, empty)]
    for moments in (a, b, empty, *merged):
        types = {v.dtype for v in (moments.origin, moments.shift, moments.m2)}
        assert types == {np.dtype(np.longdouble)}
    assert (a.mean, a.m2) == (1 + last, 2 * last**2)
    for moments in merged[:2]:
        assert (moments.mean, moments.m2) == (1 + 3 * last, (2 + 2 + 4**2) * last**2)


@pytest.mark.parametrize(
    "shape", [(40, 8, 32, 32), (1, 2, 600, 500), (2, 3, 1, 50_000), (1, 400_000), (200_000, 2)]
)
def test_large_shard_is_taken_in_parts_and_gives_the_same(shape):
    x = 1e6 + np.random.default_rng(0).standard_normal(shape)
    whole, parts = batch_statistics(x), Moments.of(x).statistics()
    np.testing.assert_allclose(parts.var, whole.var, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-15)
    assert parts.count == whole.count


@pytest.mark.parametrize("order", ["C", "F"])
def test_moments_of_a_shard_need_little_memory_beside_it(order):
    x = np.asarray(np.ones((64, 16, 32, 64), np.float32), order=order)  # 8 MB
    tracemalloc.start()
    Moments.of(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.5 * x.nbytes


def test_variance_beyond_float64_is_found_between_parts_of_a_shard():
    x = np.ones((2, 1, 200_000))
    x[0], x[1] = -1e200, 1e200  # each part is constant
    with pytest.raises(ValueError, match="x has a variance, number 0, that float64 cannot hold"):
        Moments.of(x)


def test_empty_shards_add_nothing():
    empty, some = Moments.of(np.ones((0, 2))), Moments.of(X)
    for merged in (merge(empty, some), merge(some, empty), merge_all([empty, some, empty])):
        assert merged.statistics().var.tolist() == some.statistics().var.tolist()
        assert merged.statistics().mean.tolist() == some.statistics().mean.tolist()
    assert merge(empty, empty).count == 0


def test_nan_and_infinity_stay_in_their_channel():
    bad = SHARDS[3].copy()
    bad[0, 1] = np.nan
    merged = merge_all(map(Moments.of, [*SHARDS[:3], bad]))
    assert np.isnan(merged.statistics().var).tolist() == [False, True]


def test_merging_changes_neither_shard_and_shares_no_memory():
    a, b = Moments.of(SHARDS[4]), Moments.of(SHARDS[7])
    before = pickle.dumps((a, b))
    merged = merge(a, b)
    assert pickle.dumps((a, b)) == before
    ours, theirs = ([m.origin, m.shift, m.m2] for m in (merged, b))
    assert not any(np.shares_memory(u, v) for u in ours for v in theirs)


def test_nothing_to_merge_is_an_error():
    with pytest.raises(ValueError, match=r"^there are no shards to merge"):
        merge_all([])
    with pytest.raises(ValueError, match=r"^these moments are of an empty batch: it has no mean"):
        Moments.of(np.ones((0, 2))).statistics()


def test_shards_of_different_channels_are_refused_not_broadcast():
    with pytest.raises(ValueError, match="shards have 2 and 1 channels"):
        merge(Moments.of(np.ones((3, 2))), Moments.of(np.ones((3, 1))))
