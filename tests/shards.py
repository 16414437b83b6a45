"""Batches in shards for the tests, and what one machine makes of the whole batch."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from bnlib import layers


class Sharded(NamedTuple):
    """A batch, its upstream gradient, the images where it is cut, and gamma and beta."""

    x: np.ndarray
    dout: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    cuts: list

    @property
    def shards(self):
        return list(zip(np.split(self.x, self.cuts), np.split(self.dout, self.cuts), strict=True))


def batch(n, positions, cuts, seed, dtype=np.float64, offset=1e6):
    """Return a batch of 2 channels whose images differ in mean and spread."""
    rng = np.random.default_rng(seed)
    shape = n, 2, *positions
    each = (n, 2) + (1,) * len(positions)  # so that shards differ in mean and variance
    x = rng.normal(rng.normal(size=each), rng.uniform(0.5, 2, each), shape)
    gamma, beta = rng.uniform(0.5, 2, 2), rng.standard_normal(2)
    return Sharded(
        (x + offset).astype(dtype), rng.standard_normal(shape).astype(dtype), gamma, beta, cuts
    )


@st.composite
def partitions(draw, dtype=np.float64, most=20):
    """Draw a batch cut into 1 to 20 shards: unequal, empty, or of one value."""
    n, positions = draw(st.integers(2, 30)), draw(st.lists(st.integers(1, 3), max_size=3))
    cuts = sorted(draw(st.lists(st.integers(0, n), max_size=most - 1)))
    return batch(n, positions, cuts, draw(st.integers(0, 2**32 - 1)), dtype)


def one_machine(case, eps=1e-5):
    """Return y, dx, dgamma, dbeta of the whole batch in one process, computed in float64."""
    x, dout = case.x.astype(np.float64), case.dout.astype(np.float64)
    y, cache = layers.batchnorm_forward(x, case.gamma, case.beta, eps=eps)
    return y, *layers.batchnorm_backward(dout, cache)


def errors(found, case, eps=1e-5):
    """Return the largest error of y, dx, dgamma and dbeta, each beside what is added up in it."""
    m = case.x.size / case.x.shape[1]
    sizes = 1 + np.sqrt(m), 1, m, m  # |xhat| is at most sqrt(m); a sum has m terms
    _, cache = layers.batchnorm_forward(case.x.astype(np.float64), case.gamma, case.beta, eps=eps)
    steepest = np.max(case.gamma * cache.normalized.inv_std.ravel())
    scales = 1, max(1, steepest), 1, 1
    return [
        np.max(np.abs(got - expected), initial=0) / size / scale
        for got, expected, size, scale in zip(
            found, one_machine(case, eps), sizes, scales, strict=True
        )
    ]
