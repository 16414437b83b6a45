"""How far a right answer may be off on a batch: what rounding does to it, measured.

No fixed number would do: a mean of numbers about 3 is right to fifteen digits, xhat of numbers
10^7 standard deviations from zero to eight. So the right function is asked how much it changes

- when every number it is given changes a little, which shows what the batch's last digits decide;
- when it computes in float32, which shows what is lost where terms nearly cancel.

Both are counted in units of rounding. An answer may be `ROOM` times as far off, in the units of
the coarser of the batch's type and its own: a plain loop over the at most 160 numbers of a batch
adds up as many roundings, and a one-pass variance at "far" is off by sigma itself.
"""

from typing import NamedTuple

import numpy as np

from bnlib.exercises.checker import outcomes
from bnlib.exercises.checker.cases import as_type

ROOM = 100
STEP = 2.0**-36  # relative; large against rounding, small against everything else
UNIT = {kind: float(np.finfo(kind).eps) for kind in ("f2", "f4", "f8")}


class Measured(NamedTuple):
    """A function's outcome on a case, and for each part the error of one unit of rounding."""

    outcome: outcomes.Outcome
    conditions: tuple
    unit: float
    tolerance: float | None = None

    def tolerances(self, results):
        """Return how far each of these results may be off, as absolute numbers."""
        if self.tolerance is not None:
            return [self.tolerance] * len(results)
        units = [max(self.unit, UNIT.get(a.dtype.str[1:], 0)) for a in results]
        return [
            ROOM * unit * condition for unit, condition in zip(units, self.conditions, strict=True)
        ]


def measure(function, case, names, parts, exact=False):
    """Return what a function gives on a case in float64, and how rounding would change it.

    Where exact is true, values are moved only, nothing is rounded, and their type matters.
    """
    given = case.arguments(names) if exact else case.wide(names)
    here = outcomes.attempt(function, given, names, parts)
    unit = max((UNIT.get(v.dtype.str[1:], 0) for v in _arrays(case, names)), default=0)
    if exact or here.problem or case.tolerance is not None:
        return Measured(here, (0.0,) * len(parts), unit, 0.0 if exact else case.tolerance)
    conditions = [_largest(a) for a in here.results]
    for change in (
        *_nudged(function, here, given, names, parts),
        *_narrowed(function, given, names, parts),
    ):
        conditions = [max(pair) for pair in zip(conditions, change, strict=True)]
    return Measured(here, tuple(conditions), max(unit, UNIT["f8"]))


def _nudged(function, here, given, names, parts):
    """Yield how much the results change, for one unit, when numbers change up or down by it."""
    rng = np.random.default_rng(0)
    for _ in range(2):
        there = outcomes.attempt(function, [_nudge(v, rng) for v in given], names, parts)
        yield _changes(here, there, STEP)


def _narrowed(function, given, names, parts):
    """Yield how far off the results are in float32, for one unit.

    At several scales, since at one of them a few numbers may happen to be without any rounding.
    """
    few = all(np.size(v) < 16 for v in given)
    for scale in np.linspace(1.0, 1.3, 9 if few else 3):
        wide = [v * scale if _floating(v) else v for v in given]
        narrow = [as_type(v, np.float32) for v in wide]
        both = [outcomes.attempt(function, values, names, parts) for values in (wide, narrow)]
        yield _changes(*both, UNIT["f4"])


def near(a, b, tolerance):
    """Return whether two arrays are equal but for this much; NaN equals NaN."""
    if a.shape != b.shape:
        return False
    with np.errstate(all="ignore"):
        gap = np.abs(np.subtract(a, b, dtype=float))
        return bool(np.all((a == b) | (gap <= tolerance) | (np.isnan(a) & np.isnan(b))))


def all_near(results, measured):
    """Return whether results are those of the measured function, as far as rounding lets say."""
    tolerances = measured.tolerances(results)
    pairs = zip(results, measured.outcome.results, tolerances, strict=True)
    return all(near(*each) for each in pairs)


def says_nothing(measured):
    """Return whether rounding alone may change every digit of a part."""
    parts = measured.outcome.results
    return any(
        tolerance >= 0.3 * _largest(part) > 0
        for part, tolerance in zip(parts, measured.tolerances(parts), strict=True)
    )


def _nudge(value, rng):
    """Change numbers by a share of STEP, up or down at random; one number goes towards 0."""
    if _floating(value):
        return value * (1 + STEP * rng.choice((-1.0, 1.0), value.shape))
    return value * (1 - STEP) if isinstance(value, float) else value


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
