"""The batches of one check, with the right results and those of every mistake that is asked for."""

from functools import cached_property

from bnlib.exercises.checker import outcomes
from bnlib.exercises.checker.precision import (
    drowned,
    measure,
    near,
    near_at_once,
    size_of,
    unit_of,
)
from bnlib.exercises.checker.sandbox import quiet

AGAIN = 3  # batches that are asked for a second time, at the end


class Trial:
    """What an answer is compared with: cases, and what is right in each.

    Parameters
    ----------
    answer : callable
        The right one.
    names, parts : tuple of str
        Its arguments and its results.
    cases : sequence of Case
    exact : bool
        Whether values are moved only.
    witness : callable, optional
        The right answer, written another way in plain NumPy: its rounding is allowed, too.
    """

    def __init__(self, answer, names, parts, cases, exact=False, witness=None):
        self.answer, self.names, self.parts, self.exact = answer, names, parts, exact
        self.cases = (*cases, *cases[:: max(1, len(cases) // AGAIN)])
        self.witness, self.plain = witness, witness or answer  # plain is quick to ask often
        self._known, self._small = {}, {}

    @cached_property
    def rights(self):
        """The right answer, measured in every case."""
        return [self.measure(case) for case in self.cases]

    def measure(self, case, function=None):
        """Return a function's results on a case and how rounding changes them."""
        both = (function,) if function else (self.answer, self.witness)
        with quiet():
            return measure(both[0], case, self.names, self.parts, self.exact, *both[1:])

    def small(self, case):
        """Return the same of the right answer, which is asked for once for each parameters."""
        key = tuple(case.parameters.items())
        if key not in self._small:
            self._small[key] = self.measure(case)
        return self._small[key]

    def right(self, k, outcome):
        """Return whether an outcome of case k is the right one."""
        return not outcome.problem and self.complaint(outcome, self.rights[k]) is None

    def near(self, k, results, others):
        """Return whether two results of case k differ by no more than a right one may.

        Where the others are small beside the right ones, so is what they may differ by.
        """
        right = self.rights[k]
        allowed = [
            tolerance * min(1.0, size / largest if largest else 1.0)
            for tolerance, size, largest in zip(
                right.tolerances(results),
                size_of(others),
                size_of(right.outcome.results),
                strict=True,
            )
        ]
        return all(near(*each) for each in zip(results, others, allowed, strict=True))

    def complaint(self, outcome, right):
        """Return the part that is wrong in an outcome, its value and the right one; or None."""
        expected = right.outcome.results
        if not self.exact and near_at_once(outcome.results, right):
            return None
        tolerances = right.tolerances(outcome.results)
        for part in zip(self.parts, outcome.results, expected, tolerances, strict=True):
            _, ours, theirs, tolerance = part
            coarse = unit_of(ours) > right.unit and drowned(theirs, tolerance)
            if coarse and ours.shape == theirs.shape:
                continue  # in the answer's float32 no digit is left to compare
            if not near(ours, theirs, tolerance) or (self.exact and ours.dtype != theirs.dtype):
                return part
        return None

    def wrong(self, found):
        """Return the indices of the cases in which an answer is wrong, as a dictionary's keys."""
        return dict.fromkeys(k for k, one in enumerate(found) if not self.right(k, one))

    def outcome_of(self, mistake, k):
        """Return what a mistake gives in case k."""

        def call():
            values = self.cases[k].arguments(self.names)
            with quiet():
                return outcomes.attempt(mistake.function, values, self.names, self.parts)

        return self._remembered(call, "outcome", mistake, k)

    def measured_of(self, mistake, k):
        """Return the same, with how rounding changes it."""
        return self._remembered(
            lambda: self.measure(self.cases[k], mistake.function), "measured", mistake, k
        )

    def _remembered(self, call, *key):
        """Call once for each key; a mistake is known by its identity, so it is kept, too."""
        what, mistake, k = key
        known = what, id(mistake), k
        if known not in self._known:
            self._known[known] = mistake, call()
        return self._known[known][1]
