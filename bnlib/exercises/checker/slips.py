"""Say which mistake it is: what a slip is, and the mistakes that an exercise knows by name.

`exceptions`, `code_slips`, `constants` and `value_slips` beside this module recognize others. Each
looks at an answer, and returns a `Slip` where it recognizes something, otherwise None.

A mistake is a sentence that says what is wrong, and after a semicolon what cures it.
"""

from itertools import combinations
from typing import NamedTuple

from bnlib.exercises.checker.precision import all_near, apart, says_nothing


class Slip(NamedTuple):
    """A name, and a sentence for the student; whole if nothing in it is a cure to hold back."""

    name: str
    sentence: str
    whole: bool = False


class Mistake(NamedTuple):
    """A wrong function that belongs to one exercise; read as `faults.Fault` is."""

    name: str
    mistake: str
    function: object
    refuses: bool = False  # where it raises an exception, nothing can be compared


def exchanged(answer, names):
    """Return the mistakes of giving two arguments of a right answer to each other's place."""

    def mistake(i, j):
        order = list(range(len(names)))
        order[i], order[j] = j, i
        return Mistake(
            f"{names[i]} and {names[j]} exchanged",
            f"{names[i]} and {names[j]} have changed places.",
            lambda *values: answer(*(values[k] for k in order)),
            refuses=True,
        )

    return [mistake(i, j) for i, j in combinations(range(len(names)), 2)]


def catalogued(found, trial, mistakes):
    """Return the first mistake that gives the same numbers in every batch, as a slip."""
    wrong = trial.wrong(found)
    same = (mistake for mistake in mistakes if reproduces(mistake, found, wrong, trial))
    return next((Slip(mistake.name, mistake.mistake) for mistake in same), None)


def reproduces(mistake, found, wrong, trial):
    """Return whether a mistake does what an answer did, in every batch.

    The same exception counts for it in no batch. Nor does a batch in which rounding decides what
    the mistake gives, such as a one-pass variance far from zero: two of those need not agree.
    wrong are the indices of the batches in which the answer is wrong; they are compared first,
    and of these first where rounding matters least.
    """
    likeness, wrong = False, sorted(wrong, key=lambda k: trial.cases[k].offset)
    for k in (*wrong, *(k for k in range(len(found)) if k not in wrong)):
        ours, theirs = found[k], trial.outcome_of(mistake, k)
        if theirs.problem and getattr(mistake, "refuses", False):
            continue
        if ours.problem or theirs.problem:
            if ours.kind != theirs.kind:
                return False
            continue
        if not trial.near(k, ours.results, theirs.results):
            if not trial.rights[k].measures:
                return False
            measured = trial.measured_of(mistake, k)
            if apart(ours.results, measured, trial.rights[k]):
                return False
            if says_nothing(measured):
                continue
            if not all_near(ours.results, measured):
                return False
        likeness = likeness or k in wrong
    return likeness
