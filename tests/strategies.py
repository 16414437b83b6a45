"""Batches for the tests: random ones with a seed, ones that hypothesis draws, and memory orders."""

import os
from typing import NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

SHAPE = (2, 3, 4, 5)  # N, C, H, W all different, so that no axis can stand in for another


def examples(number):
    """Return hypothesis' settings for so many examples; for a quarter of them in make test."""
    quick = os.environ.get("BNLIB_COMMAND") == "make test"
    return settings(max_examples=number // 4 if quick else number)


class Case(NamedTuple):
    """Arguments of a forward and a backward pass."""

    x: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    dout: np.ndarray

    @property
    def axes(self):
        return (0, *range(2, self.x.ndim))

    def column(self, v):
        """Reshape v (C,) so that it broadcasts against x."""
        return np.reshape(v, (1, -1) + (1,) * (self.x.ndim - 2))


def random_case(shape=SHAPE, seed=0, offset=10.0, scale=4.0, dtype=np.float64):
    """Return a batch far from mean 0 and variance 1, gamma of both signs and, from C = 3, zero."""
    rng = np.random.default_rng(seed)
    x = offset + scale * rng.standard_normal(shape)
    gamma, beta = rng.uniform(0.5, 3, shape[1]), rng.uniform(-2, 2, shape[1])
    gamma[1::3] *= -1
    gamma[2::3] = 0
    return Case(*(a.astype(dtype) for a in (x, gamma, beta, rng.standard_normal(shape))))


def _channels_last(a):
    return a.copy() if a.ndim == 1 else np.moveaxis(np.moveaxis(a, 1, -1).copy(), -1, 1)


def _every_second(a):
    spread = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    spread[..., ::2] = a
    return spread[..., ::2]


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def _unaligned(a):
    return np.frombuffer(b"\0" + a.tobytes(), a.dtype, offset=1).reshape(a.shape)


# The same numbers in another order in memory.
MEMORY = {
    "Fortran order": np.asfortranarray,
    "channels last": _channels_last,
    "reversed": lambda a: np.flip(np.flip(a).copy()),
    "every second": _every_second,
    "read-only": _read_only,
    "unaligned": _unaligned,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
}


@st.composite
def cases(draw, offsets=(0.0, -3.0, 1e3, 1e6), dtype=np.float64):
    """Draw a case of 2 to 5 axes with at least two values per channel, in any memory order."""
    n, c, *positions = draw(st.lists(st.integers(1, 3), min_size=2, max_size=5))
    n += n * np.prod(positions) == 1
    case = random_case(
        (int(n), c, *positions),
        seed=draw(st.integers(0, 2**32 - 1)),
        offset=draw(st.sampled_from(offsets)),
        scale=draw(st.sampled_from([0.1, 1.0, 30.0])),
        dtype=dtype,
    )
    x, dout = (MEMORY[draw(st.sampled_from(sorted(MEMORY)))](a) for a in (case.x, case.dout))
    if draw(st.booleans()):
        x = np.broadcast_to(x[..., :1], x.shape)  # zero stride
    return case._replace(x=x, dout=dout)


def rounding(case, eps):
    """Return per channel (C,) how far rounding may move xhat, and inv_std.

    A judge and what it judges each round the mean once, to the spacing of the largest x. In units
    of xhat that is times inv_std. 16 covers the few roundings that follow.
    """
    x = case.x.astype(np.longdouble)
    inv_std = 1 / np.sqrt(x.var(axis=case.axes) + eps)
    spacing = np.spacing(np.abs(case.x).max(axis=case.axes).astype(case.dout.dtype))
    unit = np.finfo(case.dout.dtype).eps + spacing * inv_std
    return np.asarray(16 * unit, np.float64), np.asarray(inv_std, np.float64)


def assert_y_close(y, expected, case, eps):
    """Assert that y is what is expected, up to the rounding of xhat and of the last addition."""
    xhat, _ = rounding(case, eps)
    tolerance = xhat * np.abs(case.gamma) + 4 * np.spacing(np.abs(case.beta) + np.abs(case.gamma))
    excess = np.abs(y - expected) - case.column(tolerance)
    assert excess.max() <= 0, f"y is off by {np.abs(y - expected).max()}, allowed {tolerance}"


def assert_gradients_close(gradients, expected, case, eps):
    """Assert dx, dgamma and dbeta, each up to the rounding of its m terms."""
    xhat, inv_std = rounding(case, eps)
    m = case.x.size // case.x.shape[1]
    terms = m * np.abs(case.dout).max(axis=case.axes)
    for name, got, judge, tolerance in zip(
        ("dx", "dgamma", "dbeta"),
        gradients,
        expected,
        (
            case.column(xhat * inv_std * np.abs(case.gamma) * terms),
            xhat * np.sqrt(m) * terms,  # |xhat| is at most sqrt(m)
            np.finfo(case.dout.dtype).eps * terms,
        ),
        strict=True,
    ):
        assert got.shape == judge.shape, name
        assert (np.abs(got - judge) <= tolerance).all(), f"{name} is off: {got - judge}"
