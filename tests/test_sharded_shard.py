"""What one shard does, against the whole batch in one process, the loops, and planted faults."""

import tracemalloc
from functools import partial, reduce

import numpy as np
import pytest
import shards
from hypothesis import given
from strategies import examples, random_case

from bnlib import gradcheck, reference, sharded
from bnlib.sharded import Sums, add, merge, shard

EPS = 1e-3


class Right:
    """Batch norm over shards in its six steps; a fault replaces one."""

    moments = staticmethod(sharded.local_moments)
    merge = staticmethod(merge)
    normalize = staticmethod(sharded.normalize_shard)
    sums = staticmethod(sharded.local_sums)
    add = staticmethod(add)
    backward = staticmethod(sharded.backward_shard)


def run(case, steps=Right, eps=1e-5):
    """Return y, dx, dgamma, dbeta of all shards, put together again."""
    pairs = case.shards
    own = [steps.moments(x) for x, _ in pairs]
    whole = reduce(steps.merge, own)
    sums = reduce(steps.add, [steps.sums(d, x, whole, eps=eps) for x, d in pairs])
    y = [steps.normalize(x, case.gamma, case.beta, whole, eps=eps) for x, _ in pairs]
    dx = [steps.backward(d, x, case.gamma, whole, sums, eps=eps) for x, d in pairs]
    return np.concatenate(y), np.concatenate(dx), sums.dgamma, sums.dbeta


@examples(200)
@given(shards.partitions())
def test_any_partition_gives_what_one_machine_gives(case):
    assert max(shards.errors(run(case), case)) < 1e-12


@examples(100)
@given(shards.partitions(np.float32))
def test_any_partition_of_float32_far_from_zero_does_too(case):
    found = run(case)
    assert {found[0].dtype, found[1].dtype} == {np.dtype(np.float32)}
    assert max(shards.errors(found, case)) < 1e-6


CASE = shards.batch(23, (3, 2), [1, 1, 4, 9, 10], seed=5, offset=7.0)


def test_shards_give_what_the_loops_give():
    y, dx, dgamma, dbeta = run(CASE, eps=EPS)
    x, gamma, beta = CASE.x, CASE.gamma, CASE.beta
    np.testing.assert_allclose(y, reference.batchnorm_forward(x, gamma, beta, EPS), atol=1e-12)
    judge = reference.batchnorm_backward(CASE.dout, x, gamma, EPS)
    for got, expected in zip((dx, dgamma, dbeta), judge, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)


def test_dx_of_all_shards_is_the_numerical_gradient_through_all_shards():
    case = shards.batch(6, (2,), [1, 3], seed=6, offset=3.0)
    _, dx, _, _ = run(case, eps=EPS)

    def y_of(x):
        return run(case._replace(x=x), eps=EPS)[0]

    numeric = gradcheck.numerical_gradient(y_of, case.x, case.dout)
    assert gradcheck.rel_error(dx, numeric) < 1e-6


# Faults: each is what somebody does, and none may pass.


def averaged(a, b, m2=lambda a, b: a.m2 + b.m2, weighted=False):
    """Merge two shards by averaging means, as if they were equally large."""
    shift = (a.mean + b.mean) / 2 - a.origin
    return sharded.Moments(a.count + b.count, a.origin, shift, m2(a, b))


def variances_averaged(a, b):
    n = a.count + b.count
    return merge(a, b).__class__(n, a.origin, merge(a, b).mean - a.origin, a.m2 + b.m2)


def without_counts(a, b):
    equal = [sharded.Moments(1, s.origin, s.shift, s.m2 / s.count) for s in (a, b)]
    found = merge(*equal)
    return sharded.Moments(a.count + b.count, found.origin, found.shift, found.m2)


class MeansAveraged(Right):
    merge = staticmethod(averaged)


class VariancesAveraged(Right):
    merge = staticmethod(variances_averaged)


class CountsForgotten(Right):
    merge = staticmethod(without_counts)


class LocalCount(Right):
    """The backward pass divides by the shard's own m."""

    @staticmethod
    def backward(dout, x, gamma, moments, sums, *, eps):
        m = x.size / x.shape[1]
        scaled = Sums(*(v * moments.count / m for v in sums))
        return shard.backward_shard(dout, x, gamma, moments, scaled, eps=eps)


class SumsNotExchanged(Right):
    """Each shard goes on with its own two sums, as DDP does with plain batch norm."""

    @staticmethod
    def backward(dout, x, gamma, moments, sums, *, eps):
        own = shard.local_sums(dout, x, moments, eps=eps)
        return shard.backward_shard(dout, x, gamma, moments, own, eps=eps)


class MomentsNotExchanged(Right):
    """Each shard normalizes by itself: ghost batch norm."""

    @staticmethod
    def normalize(x, gamma, beta, moments, *, eps):
        return shard.normalize_shard(x, gamma, beta, shard.local_moments(x), eps=eps)


class SumsOfAllShardsWithOwnMoments(Right):
    """dgamma from an xhat of the shard's own statistics."""

    @staticmethod
    def sums(dout, x, moments, *, eps):
        return shard.local_sums(dout, x, shard.local_moments(x), eps=eps)


FAULTY = shards.batch(23, (3, 2), [1, 4, 9, 10], seed=5, offset=7.0)
FAULTS = [
    MeansAveraged,
    VariancesAveraged,
    CountsForgotten,
    LocalCount,
    SumsNotExchanged,
    MomentsNotExchanged,
    SumsOfAllShardsWithOwnMoments,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_planted_fault_is_seen(fault):
    assert max(shards.errors(run(FAULTY, fault), FAULTY)) > 1e-3


def test_right_steps_pass_where_the_faults_do_not():
    assert max(shards.errors(run(FAULTY), FAULTY)) < 1e-12


def test_averaging_means_is_right_only_for_equal_shards():
    equal = FAULTY._replace(x=FAULTY.x[:20], dout=FAULTY.dout[:20], cuts=[10])
    own = [sharded.local_moments(x) for x, _ in equal.shards]
    np.testing.assert_allclose(averaged(*own).mean, merge(*own).mean, rtol=1e-14)
    assert (averaged(*own).m2 < merge(*own).m2).all()  # but the variance misses the spread


# Arguments


WHOLE = sharded.local_moments(CASE.x)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (
            lambda: shard.normalize_shard(CASE.x, [1.0], [0.0], WHOLE),
            ValueError,
            "^gamma must have shape",
        ),
        (
            lambda: shard.normalize_shard(CASE.x, CASE.gamma, CASE.beta, WHOLE, eps=-1),
            ValueError,
            "^eps",
        ),
        (
            lambda: shard.normalize_shard(CASE.x, CASE.gamma, CASE.beta, "all"),
            TypeError,
            "^moments must be Moments; got str",
        ),
        (
            lambda: shard.normalize_shard(
                CASE.x, CASE.gamma, CASE.beta, shard.local_moments(np.ones((3, 5)))
            ),
            ValueError,
            "^moments must be of the 2 channels of x .*; got 5",
        ),
        (
            lambda: shard.normalize_shard(
                CASE.x, CASE.gamma, CASE.beta, shard.local_moments(np.ones((1, 2)))
            ),
            ValueError,
            "^moments must be of at least two values per channel; got 1",
        ),
        (
            lambda: shard.local_sums(CASE.dout[1:], CASE.x, WHOLE),
            ValueError,
            "^dout must have the shape",
        ),
        (
            lambda: shard.local_sums(CASE.dout * 1j, CASE.x, WHOLE),
            TypeError,
            "^dout must hold real",
        ),
        (
            lambda: add(Sums(np.ones(2), np.ones(2)), Sums(np.ones(1), np.ones(1))),
            ValueError,
            "^shards have 2 and 1 channels",
        ),
    ],
)
def test_what_does_not_fit_is_named(function, error, message):
    with pytest.raises(error, match=message):
        function()


@pytest.mark.parametrize(
    ("given", "result"), [("f2", "f2"), ("f4", "f4"), ("i8", "f8"), (">f4", ">f4")]
)
def test_result_has_the_dtype_of_x(given, result):
    x = np.round(CASE.x).astype(given)
    whole = shard.local_moments(x)
    y = shard.normalize_shard(x, CASE.gamma, CASE.beta, whole)
    sums = shard.local_sums(CASE.dout, x, whole)
    dx = shard.backward_shard(CASE.dout, x, CASE.gamma, whole, sums)
    assert {y.dtype, dx.dtype} == {np.dtype(result)}
    assert {v.dtype for v in sums} == {np.dtype(np.float64)}


def test_no_argument_is_changed_and_nothing_is_shared():
    case = random_case((4, 3, 2, 5))
    before = [a.copy() for a in case]
    whole = shard.local_moments(case.x)
    sums = shard.local_sums(case.dout, case.x, whole)
    y = shard.normalize_shard(case.x, case.gamma, case.beta, whole)
    dx = shard.backward_shard(case.dout, case.x, case.gamma, whole, sums)
    for a, b in zip(case, before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not any(np.shares_memory(r, a) for r in (y, dx) for a in case)


@pytest.mark.parametrize(
    "shape",
    [(7, 3), (5, 2, 70_000), (3, 2, 400, 400), (1, 3, 2, 300, 300), (0, 2, 3), (2, 300_000)],
)
def test_blocks_meet_every_number_once(shape):
    seen = np.zeros(shape, int)
    for block in shard.blocks(shape):
        seen[block] += 1
        assert seen[block].size <= shard.AT_A_TIME or seen[block].size == shape[1]
    assert (seen == 1).all()


def test_shard_needs_no_memory_but_its_result_and_a_few_blocks():
    x = np.ones((64, 16, 32, 64), np.float32)  # 8 MB
    whole = sharded.Moments(2 * x.size // 16, *np.ones((3, 16)))
    sums, gamma = Sums(*np.ones((2, 16))), np.ones(16)
    for function, results in (
        (lambda: shard.normalize_shard(x, gamma, gamma, whole), 1),
        (lambda: shard.local_sums(x, x, whole), 0),
        (lambda: shard.backward_shard(x, x, gamma, whole, sums), 1),
    ):
        tracemalloc.start()
        function()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < (results + 0.4) * x.nbytes


def test_large_shard_is_worked_on_in_blocks_with_the_same_result(monkeypatch):
    steps = partial(run, CASE)
    whole = steps()
    monkeypatch.setattr(shard, "AT_A_TIME", 5)
    for got, expected in zip(steps(), whole, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
