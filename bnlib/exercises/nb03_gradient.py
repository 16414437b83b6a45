"""The exercise of notebook 03 on arrays: a gradient measured entry by entry."""

import numpy as np

from bnlib.exercises.checker.cases import LAYOUTS, Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.exercises.nb03_slopes import EPS, cube
from bnlib.judges import gradcheck


def _row_shares(x):
    """Let every entry of a row reach all of it, and by slopes that are not symmetric."""
    return x * x / (np.sum(x * x, axis=-1, keepdims=True) + 1)


def _row_sums(x):
    """Return one number for each row: f may return another shape than x's."""
    return np.sum(x * x * x, axis=-1)


def _field(name, shape, whole, scale, upstream, layout, h, seed):
    """Return a function of arrays and a place; what is subtracted loses digits, h more."""
    rng, f = np.random.default_rng(seed), FIELDS[name]
    x = rng.uniform(0.5, 3, shape).round(1) * rng.choice((-1, 1), shape)
    x = np.rint(x).astype(int) if whole else scale * x
    dout = upstream * rng.standard_normal(np.shape(f(x))).round(1)
    size = np.sum(np.abs(f(np.abs(x) + h) * dout))
    kind = "whole numbers" if whole else "numbers"
    label = f"{name}, x {shape} of {kind}, h = {h:g}"
    return Case(label, {"f": f, "x": x, "dout": dout, "h": h}, None, layout, 100 * EPS * size / h)


FIELDS = {"a cube": cube, "shares of a row": _row_shares, "row sums": _row_sums}
GRADIENTS = Domain(
    _field,
    {
        "shares of a row": {"name": "shares of a row", "shape": (2, 3), "h": 1e-4},
        "a cube": {"name": "a cube", "shape": (3, 2)},
        "whole numbers": {"name": "a cube", "shape": (2, 2), "whole": True},
        "three axes": {"name": "shares of a row", "shape": (2, 3, 2), "h": 1e-4},
    },
    name=tuple(FIELDS),
    shape=(
        (1,),
        (2,),
        (1, 1),
        (2, 2),
        (3, 2),
        (1, 3),
        (3, 1),
        (2, 1, 3),
        (1, 2, 2, 1),
        (7,),
        (2, 5),
        (40,),
    ),
    whole=(False, True),
    scale=(1.0, 0.01, 100.0),
    upstream=(1.0, 1e-4, 1e4),
    crossed=("name", "h"),
    layout=tuple(LAYOUTS),
    h=(0.1, 1e-4, 0.01, 3.0),
)


def _central(up, down, at, dout, h, place):
    return np.sum((up - down) * dout) / (2 * h)


def _looped(entry=_central, steps=float, result=float, axes=None):
    """Return a gradient by steps on x; steps and result are types, None is that of x."""

    def gradient(f, x, dout, h):
        found = np.zeros(x.shape, dtype=result or x.dtype)
        x = np.array(x, dtype=steps)
        for place in np.ndindex(x.shape[:axes]):
            above, below = x.copy(), x.copy()
            above[place] += h
            below[place] -= h
            found[place] = entry(f(above), f(below), f(x), dout, h, place)
        return found

    return gradient


WHOLE_NUMBERS = (
    (
        "steps in whole numbers",
        "x may hold whole numbers, which cut the step off; step on np.array(x, dtype=float).",
        None,
        float,
    ),
    (
        "result in whole numbers",
        "Where x holds whole numbers, np.zeros_like(x) cuts it off; use np.zeros(x.shape).",
        float,
        None,
    ),
    (
        "steps and result in whole numbers",
        "Where x holds whole numbers, its copy and np.zeros_like do too; make both float.",
        None,
        None,
    ),
)


def _in_two_loops(f, x, dout, h):
    x, found = np.array(x, dtype=float), np.zeros(x.shape)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            step = np.zeros(x.shape)
            step[i, j] = h
            found[i, j] = np.sum((f(x + step) - f(x - step)) * dout) / (2 * h)
    return found


def _row_by_row(f, x, dout, h):
    x, found = np.array(x, dtype=float), np.zeros(x.shape)
    for row in range(len(x)):
        step = np.zeros(x.shape)
        step[row] = h
        found[row] = np.sum((f(x + step) - f(x - step)) * dout) / (2 * h)
    return found


def _first_entry(f, x, dout, h):
    gradient = gradcheck.numerical_gradient(f, x, dout, h)
    gradient.flat[1:] = 0
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
    domain=GRADIENTS,
    returns="gradient",
    hints=(
        "One entry of x at a time: np.ndindex(x.shape) runs through all places.",
        "Step with that entry on a copy of x, up and down. Mind whole numbers: use a float copy.",
        "gradient[place] = np.sum((f(above) - f(below)) * dout) / (2 * h)",
    ),
    mistakes=(
        Mistake(
            "dout forgotten",
            "dout is missing; multiply the difference by it before you sum.",
            _looped(lambda up, down, at, dout, h, place: np.sum(up - down) / (2 * h)),
        ),
        Mistake(
            "brackets of the difference missing",
            "Only f(below) is multiplied by dout; put the difference in brackets.",
            _looped(lambda up, down, at, dout, h, place: np.sum(up - down * dout) / (2 * h)),
        ),
        Mistake(
            "own entry of dout",
            "It multiplies by dout[place] alone; each output has its own dout, so multiply by "
            "the whole.",
            _looped(lambda up, down, at, dout, h, place: np.sum(up - down) * dout[place] / (2 * h)),
        ),
        Mistake(
            "own output only",
            "It looks at one output alone; an entry of x may change every one, so sum over all "
            "of them.",
            _looped(lambda up, down, at, dout, h, place: ((up - down) * dout)[place] / (2 * h)),
        ),
        Mistake(
            "mean over the outputs",
            "That is a mean over the outputs; their changes add up: take the sum.",
            _looped(lambda up, down, at, dout, h, place: np.mean((up - down) * dout) / (2 * h)),
        ),
        Mistake(
            "brackets of 2 h missing",
            "/ 2 * h divides by 2 and multiplies by h; write / (2 * h).",
            _looped(lambda up, down, at, dout, h, place: np.sum((up - down) * dout) / 2 * h),
        ),
        Mistake(
            "not divided",
            "The difference is not divided; divide it by the distance of the two places, 2 h.",
            _looped(lambda up, down, at, dout, h, place: np.sum((up - down) * dout)),
        ),
        Mistake(
            "two axes only",
            "x may have any number of axes, not two alone; np.ndindex(x.shape) runs through all.",
            _looped(axes=2),
        ),
        Mistake(
            "two axes only",
            "x may have any number of axes, not two alone; np.ndindex(x.shape) runs through all.",
            _in_two_loops,
        ),
        Mistake(
            "divided by h",
            "The difference is divided by h; the two places are 2 h apart.",
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
            "all entries at once, summed",
            "All entries of x step together, and one number is left; step with one at a time.",
            lambda f, x, dout, h: np.sum((f(x + h) - f(x - h)) * dout) / (2 * h),
        ),
        Mistake(
            "all entries at once, without dout",
            "dout is missing, and all entries of x step together; step with one at a time.",
            lambda f, x, dout, h: (f(x + h) - f(x - h)) / (2 * h),
        ),
        Mistake(
            "a row at once",
            "A whole row of x steps together; step with one entry at a time, by np.ndindex.",
            _row_by_row,
        ),
        *(
            Mistake(name, sentence, _looped(steps=steps, result=result, axes=axes))
            for axes in (None, 2)
            for name, sentence, steps, result in WHOLE_NUMBERS
        ),
        Mistake(
            "steps left in place",
            "A step must be taken back before the next entry; here x keeps it.",
            _without_going_back,
        ),
        Mistake(
            "first entry alone",
            "Only the first entry of the gradient is filled; does return stand inside the loop?",
            _first_entry,
        ),
        Mistake(
            "one array under two names",
            "The gradient is 0 everywhere; are above and below the same array? Make two copies.",
            lambda f, x, dout, h: np.zeros(x.shape),
        ),
    ),
    shows=(gradcheck.numerical_gradient,),
)
def numerical_gradient(f, x, dout, h):
    """Return the gradient of sum(f(x) * dout) with respect to the array x, x's shape."""
    return gradcheck.numerical_gradient(f, x, dout, h)
