"""The exercises of notebook 03 on arrays: an error, and a gradient measured entry by entry."""

import numpy as np

from bnlib import gradcheck
from bnlib.exercises.cases import Case
from bnlib.exercises.checking import exercise
from bnlib.exercises.slips import Mistake


def _cube(x):
    return x * x * x + 2 * x


def _row_shares(x):
    return x / np.sqrt(np.sum(x * x, axis=1, keepdims=True) + 1)


def _arrays(seed, shape):
    rng = np.random.default_rng(seed)
    return 3 + rng.standard_normal(shape), rng.standard_normal(shape)


PAIRS = (
    Case("random numbers", dict(zip("ab", _arrays(1, (2, 3)), strict=True)), 1e-12),
    Case(
        "opposite signs",
        {"a": np.array([1.0, -2.0, 3.0]), "b": np.array([1.1, 2.0, 3.0])},
        1e-12,
    ),
    Case("negative numbers", {"a": np.array([-1.0, 2.0]), "b": np.array([-3.0, 1.0])}, 1e-12),
    Case("a small pair", {"a": np.array([1.0, 1e-10]), "b": np.array([1.0, 3e-10])}, 1e-12),
    Case("equal, with zeros", {"a": np.array([0.0, 1.0]), "b": np.array([0.0, 1.0])}, 1e-12),
)
FIELDS = tuple(
    Case(
        f"{label}: x {shape}",
        {"f": f, "x": x, "dout": dout, "h": h},
        1e-7,
    )
    for label, f, h, shape, (x, dout) in (
        ("a normalized row", _row_shares, 1e-4, (2, 3), _arrays(2, (2, 3))),
        ("a cube", _cube, 0.1, (3, 2), _arrays(3, (3, 2))),
        ("whole numbers", _cube, 0.1, (2, 2), (np.array([[1, 2], [3, 4]]), _arrays(4, (2, 2))[1])),
    )
)


@exercise(
    notebook="03",
    cases=PAIRS,
    returns="error",
    hints=(
        "One number comes out: the largest over all entries.",
        "The numerator is |a - b|; the denominator is |a| + |b|, but at least 1e-8.",
        "np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)))",
    ),
    mistakes=(
        Mistake(
            "no absolute value above",
            "The difference may be negative: take its absolute value.",
            lambda a, b: np.max((a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))),
        ),
        Mistake(
            "no absolute values below",
            "a + b may cancel: add the absolute values.",
            lambda a, b: np.max(np.abs(a - b) / np.maximum(1e-8, a + b)),
        ),
        Mistake(
            "absolute value of the sum",
            "|a + b| may cancel: add |a| and |b|.",
            lambda a, b: np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a + b))),
        ),
        Mistake(
            "no lower bound",
            "Where both are 0 this is 0/0: the denominator must be at least 1e-8.",
            lambda a, b: np.max(np.abs(a - b) / (np.abs(a) + np.abs(b))),
        ),
        Mistake(
            "1e-8 added",
            "1e-8 is a lower bound, by np.maximum; here it is added.",
            lambda a, b: np.max(np.abs(a - b) / (1e-8 + np.abs(a) + np.abs(b))),
        ),
        Mistake(
            "mean",
            "That is the mean over the entries; the largest is wanted.",
            lambda a, b: np.mean(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))),
        ),
        Mistake(
            "absolute error",
            "That is the absolute error; divide by the size of the numbers.",
            lambda a, b: np.max(np.abs(a - b)),
        ),
    ),
    shows=(gradcheck.rel_error,),
)
def rel_error(a, b):
    """Return the largest |a - b| / max(1e-8, |a| + |b|) over all entries, as one number."""
    return gradcheck.rel_error(a, b)


def _looped(entry, steps_from=np.array):
    def gradient(f, x, dout, h):
        x = steps_from(x, dtype=float)
        found = np.zeros(x.shape)
        for place in np.ndindex(x.shape):
            above, below = x.copy(), x.copy()
            above[place] += h
            below[place] -= h
            found[place] = entry(f(above), f(below), f(x), dout, h, place)
        return found

    return gradient


@exercise(
    notebook="03",
    cases=FIELDS,
    returns="gradient",
    hints=(
        "One entry of x at a time: np.ndindex(x.shape) runs through all places.",
        "Step with that entry on a copy of x, up and down. Mind whole numbers: use a float copy.",
        "gradient[place] = np.sum((f(above) - f(below)) * dout) / (2 * h)",
    ),
    mistakes=(
        Mistake(
            "dout forgotten",
            "dout is missing: multiply the difference by it before you sum.",
            _looped(lambda up, down, at, dout, h, place: np.sum(up - down) / (2 * h)),
        ),
        Mistake(
            "own output only",
            "An entry of x may change every output: sum over all of them.",
            _looped(lambda up, down, at, dout, h, place: ((up - down) * dout)[place] / (2 * h)),
        ),
        Mistake(
            "divided by h",
            "The two places are 2 h apart; here the difference is divided by h.",
            _looped(lambda up, down, at, dout, h, place: np.sum((up - down) * dout) / h),
        ),
        Mistake(
            "forward difference",
            "That is the forward difference; look to both sides.",
            _looped(lambda up, down, at, dout, h, place: np.sum((up - at) * dout) / h),
        ),
        Mistake(
            "all entries at once",
            "All entries of x step together; step with one at a time.",
            lambda f, x, dout, h: (f(x + h) - f(x - h)) * dout / (2 * h),
        ),
    ),
    shows=(gradcheck.numerical_gradient,),
)
def numerical_gradient(f, x, dout, h):
    """Return the gradient of sum(f(x) * dout) with respect to the array x, x's shape."""
    return gradcheck.numerical_gradient(f, x, dout, h)
