"""The exercises of notebook 03 on arrays: an error, and a gradient measured entry by entry."""

import numpy as np

from bnlib import gradcheck
from bnlib.exercises.cases import Case
from bnlib.exercises.checking import exercise
from bnlib.exercises.slips import Mistake
from bnlib.exercises.slopes import cube


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
SIZES = {
    "|a| alone": lambda a, b: a,
    "|b| alone": lambda a, b: b,
    "the larger of |a| and |b|": np.maximum,
}
FIELDS = tuple(
    Case(
        f"{label}: x {shape}",
        {"f": f, "x": x, "dout": dout, "h": h},
        1e-7,
    )
    for label, f, h, shape, (x, dout) in (
        ("a normalized row", _row_shares, 1e-4, (2, 3), _arrays(2, (2, 3))),
        ("a cube", cube, 0.1, (3, 2), _arrays(3, (3, 2))),
        ("whole numbers", cube, 0.1, (2, 2), (np.array([[1, 2], [3, 4]]), _arrays(4, (2, 2))[1])),
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
        *(
            Mistake(
                f"divided by {size}",
                f"It divides by {size}; the denominator is |a| + |b|, and at least 1e-8.",
                lambda a, b, size_of=size_of, least=least: np.max(
                    np.abs(a - b) / np.maximum(least, size_of(np.abs(a), np.abs(b)))
                ),
            )
            for size, size_of in SIZES.items()
            for least in (1e-8, 0)
        ),
        Mistake(
            "largest above and below",
            "Numerator and denominator have each their own largest; divide first, then take it.",
            lambda a, b: np.max(np.abs(a - b)) / np.max(np.abs(a) + np.abs(b)),
        ),
        Mistake(
            "sums",
            "It divides sums over all entries; divide entry by entry, and take the largest.",
            lambda a, b: np.sum(np.abs(a - b)) / np.sum(np.abs(a) + np.abs(b)),
        ),
        Mistake(
            "norms",
            "It divides norms; divide entry by entry, and take the largest.",
            lambda a, b: np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b)),
        ),
        Mistake(
            "norm of the sum",
            "It divides norms, and a + b may cancel; divide |a - b| by |a| + |b| entry by entry.",
            lambda a, b: np.linalg.norm(a - b) / np.linalg.norm(a + b),
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


def _central(up, down, at, dout, h, place):
    return np.sum((up - down) * dout) / (2 * h)


def _looped(entry=_central, steps=float, result=float):
    """Return a gradient by steps on x; steps and result are types, None is that of x."""

    def gradient(f, x, dout, h):
        found = np.zeros(x.shape, dtype=result or x.dtype)
        x = np.array(x, dtype=steps)
        for place in np.ndindex(x.shape):
            above, below = x.copy(), x.copy()
            above[place] += h
            below[place] -= h
            found[place] = entry(f(above), f(below), f(x), dout, h, place)
        return found

    return gradient


def _without_going_back(f, x, dout, h):
    x, found = np.array(x, dtype=float), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        x[place] += h
        up = f(x)
        x[place] -= 2 * h
        found[place] = np.sum((up - f(x)) * dout) / (2 * h)
    return found


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
        Mistake(
            "steps in whole numbers",
            "x may hold whole numbers, which cut the step off: step on np.array(x, dtype=float).",
            _looped(steps=None),
        ),
        Mistake(
            "result in whole numbers",
            "Where x holds whole numbers, np.zeros_like(x) cuts it off: use np.zeros(x.shape).",
            _looped(result=None),
        ),
        Mistake(
            "steps and result in whole numbers",
            "Where x holds whole numbers, its copy and np.zeros_like do too: make both float.",
            _looped(steps=None, result=None),
        ),
        Mistake(
            "steps left in place",
            "A step must be taken back before the next entry; here x keeps it.",
            _without_going_back,
        ),
        Mistake(
            "one array under two names",
            "The gradient is 0 everywhere: are above and below the same array? Make two copies.",
            lambda f, x, dout, h: np.zeros(x.shape),
        ),
    ),
    shows=(gradcheck.numerical_gradient,),
)
def numerical_gradient(f, x, dout, h):
    """Return the gradient of sum(f(x) * dout) with respect to the array x, x's shape."""
    return gradcheck.numerical_gradient(f, x, dout, h)
