"""How far a right answer may be off on a batch: what rounding does to it, measured.

No fixed number would do: a mean of numbers about 3 is right to fifteen digits, xhat of numbers
10^7 standard deviations from zero to eight. So the right function is asked how much it changes

- when every number it is given changes a little, which shows what the batch's last digits decide;
- when it computes in float32, which shows what is lost where terms nearly cancel.

The rounding of a mean inside the function shows in neither: it is as large as the numbers' offset.
All are counted in units of rounding. An answer may be `ROOM` times as far off, in the units of
the coarser of the batch's type and its own: a plain loop over the at most 160 numbers of a batch
adds up as many roundings, and a one-pass variance at "far" is off by sigma itself.
"""

from functools import cached_property
from itertools import islice

import numpy as np

from bnlib.exercises.checker import outcomes
from bnlib.exercises.checker.cases import as_type

ROOM = 100
FAR = 1000  # standard deviations
APART = 100  # times; a first look may find rounding that much smaller than it is
LEFT = 2.0**-30  # of the right result; a difference of numbers that nearly cancel may be less
STEP = 2.0**-36  # relative; large against rounding, small against everything else
STEPS = (STEP, STEP, *[2.0**-50] * 4)  # the small ones show how the rounding itself scatters
UNIT = {kind: float(np.finfo(kind).eps) for kind in ("f4", "f8")}  # an answer may be float32
TINY = {UNIT[kind]: float(np.finfo(kind).tiny) for kind in UNIT}  # below, digits are lost


class Measured:
    """A function's outcome on a case, and for each part the error of one unit of rounding.

    Where tolerance is a number, nothing is measured. Otherwise it is measured when it is asked
    for: most answers are right to the last digits, or wrong in the first.
    """

    def __init__(self, outcome, unit, tolerance, offset, changes):
        self.outcome, self.unit, self.tolerance, self.offset = outcome, unit, tolerance, offset
        self.least = [_largest(a) * max(1.0, offset) for a in outcome.results]
        self._changes = changes
        self.measures = tolerance is None and not outcome.problem

    @cached_property
    def rough(self):
        """The error of each part by the first nudge and by float32 alone."""
        return _larger(self.least, *islice(self._changes(), 2))

    @cached_property
    def conditions(self):
        """The error of each part, as large as it was found."""
        with np.errstate(all="ignore"):  # rounded to float32, a small variance may be 0
            return _larger(self.least, *self._changes())

    def tolerances(self, results, conditions=None):
        """Return how far each of these results may be off, as absolute numbers."""
        if self.tolerance is not None:
            return [self.tolerance] * len(results)
        units = [max(self.unit, unit_of(a)) for a in results]
        conditions = self.conditions if conditions is None else conditions
        return [
            ROOM * (unit * condition + TINY[unit])
            for unit, condition in zip(units, conditions, strict=True)
        ]


def measure(function, case, names, parts, exact=False, witness=None):
    """Return what a function gives on a case in float64, and how rounding would change it.

    Where exact is true, values are moved only, nothing is rounded, and their type matters. witness
    is the same written another way, in plain NumPy: what is measured is mostly its rounding.
    """
    given = case.arguments(names) if exact else case.wide(names)
    here = outcomes.attempt(function, given, names, parts)
    plain = witness or function
    unit = max((unit_of(v) for v in _arrays(case, names)), default=0)

    def changes():
        few, nudged = all(np.size(v) < 16 for v in given), _nudged(plain, given, names, parts)
        yield next(nudged)
        yield from _narrowed(plain, given, names, parts, scales=6 if few else 3)
        yield from nudged
        if witness:
            yield from _narrowed(function, given, names, parts, scales=1)

    tolerance = 0.0 if exact else case.tolerance
    return Measured(here, max(unit, UNIT["f8"]), tolerance, case.offset, changes)


def _larger(*conditions):
    return [max(each) for each in zip(*conditions, strict=True)]


def _nudged(function, given, names, parts):
    """Yield how much the results change, for one unit, when numbers change up or down by it."""
    rng, here = np.random.default_rng(0), outcomes.attempt(function, given, names, parts)
    for step in STEPS:
        there = outcomes.attempt(function, [_nudge(v, rng, step) for v in given], names, parts)
        yield _changes(here, there, step)


def _narrowed(function, given, names, parts, scales):
    """Yield how far off the results are in float32, for one unit.

    At several scales, since at one of them a few numbers may happen to be without any rounding.
    What is no longer finite counts as lost altogether.
    """
    for scale in np.linspace(1.0, 1.3, scales):
        wide = [v * scale if _floating(v) else v for v in given]
        narrow = [as_type(v, np.float32) for v in wide]
        both = [outcomes.attempt(function, values, names, parts) for values in (wide, narrow)]
        sizes = [_largest(a) for a in both[0].results]
        changes = _changes(*both, 1.0)
        finite = [c if np.isfinite(c) else size for c, size in zip(changes, sizes, strict=True)]
        yield [change / UNIT["f4"] for change in finite]


def unit_of(a):
    """Return the relative spacing of an array's numbers; 0 if they are not floats."""
    return UNIT.get(a.dtype.str[1:], 0.0)


def near(a, b, tolerance):
    """Return whether two arrays are equal but for this much; what is not finite is alike."""
    if a.shape != b.shape:
        return False
    with np.errstate(all="ignore"):
        gap = np.abs(np.subtract(a, b, dtype=float))
        return bool(np.all((a == b) | (gap <= tolerance) | ~(np.isfinite(a) | np.isfinite(b))))


def all_near(results, measured):
    """Return whether results are those of the measured function, as far as rounding lets say."""
    tolerances = measured.tolerances(results)
    pairs = zip(results, measured.outcome.results, tolerances, strict=True)
    return all(near(*each) for each in pairs)


def apart(results, measured, right):
    """Return whether a first look at rounding shows that it does not explain the difference.

    It takes a second look where the numbers are large beside what is left of them, where nearly
    nothing is left beside what is right, and where one number is not finite.
    """
    parts = measured.outcome.results
    if measured.offset > FAR or not all(np.isfinite(a).all() for a in (*results, *parts)):
        return False
    sizes = zip(size_of(parts), size_of(right.outcome.results), strict=False)
    if any(left < LEFT * size for left, size in sizes):
        return False
    tolerances = measured.tolerances(results, measured.rough)
    triples = zip(results, measured.outcome.results, tolerances, strict=True)
    return not all(near(a, b, APART * tolerance) for a, b, tolerance in triples)


def near_at_once(results, measured):
    """Return whether results are right already by the least that rounding may change."""
    tolerances = measured.tolerances(results, measured.least)
    triples = zip(results, measured.outcome.results, tolerances, strict=True)
    return all(near(*each) for each in triples)


def size_of(results):
    """Return the largest absolute value of each part."""
    return [_largest(a) for a in results]


def drowned(expected, tolerance):
    """Return whether rounding alone may change every digit of these numbers."""
    return tolerance >= 0.3 * _largest(expected)


def says_nothing(measured):
    """Return whether that holds for one of the parts that are not 0."""
    parts = measured.outcome.results
    tolerances = measured.tolerances(parts)
    return any(a.any() and drowned(a, t) for a, t in zip(parts, tolerances, strict=True))


def _nudge(value, rng, step):
    """Change numbers by this share, up or down at random; one number goes towards 0."""
    if _floating(value):
        return value * (1 + step * rng.choice((-1.0, 1.0), value.shape))
    return value * (1 - step) if isinstance(value, float) else value


def _floating(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _changes(here, there, step):
    """Return the change of each part, for one unit; infinite where it is no longer a number."""
    if here.problem or there.problem:
        return [0.0] * len(here.results)
    return [_change(a, b) / step for a, b in zip(here.results, there.results, strict=True)]


def _change(a, b):
    if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return np.inf
    with np.errstate(all="ignore"):
        gap = np.abs(np.subtract(a, b, dtype=float))
    return float(gap[np.isfinite(gap)].max(initial=0.0))


def _largest(a):
    return float(np.abs(a[np.isfinite(a)]).max(initial=0.0))


def _arrays(case, names):
    values = (case.values[name] for name in names)
    return [v for v in values if isinstance(v, np.ndarray)]
