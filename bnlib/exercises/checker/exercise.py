"""What an exercise is: a question that can check an answer, give hints, and show a solution.

An exercise is made from its right answer, a function that calls bnlib's own code:

    @exercise(notebook="02", cases=images, returns="y", hints=(...))
    def spatial_forward(x, gamma, beta, eps):
        '''Return y: ...'''
        return layers.spatial_batchnorm_forward(x, gamma, beta, eps=eps)[0]

Now ``spatial_forward`` is an `Exercise`. Its docstring is the task, its arguments are taken by
name from each case, and an answer is compared with it on every case.
"""

import inspect
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bnlib.exercises.checker import code_slips, outcomes, slips, value_slips
from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.sandbox import quiet
from bnlib.exercises.checker.solution import self_contained, under_its_module

STUCK = ("does not end", "memory")  # says more than a wrong number in an earlier case


@dataclass(frozen=True, repr=False)
class Result:
    """What a check found: correct True, False, or None for not written yet; str() explains."""

    correct: bool | None
    message: str
    fault: str | None = None

    def __repr__(self):
        return self.message


class Text(str):
    """A text that shows itself as it is at the end of a notebook cell."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


class Exercise:
    """A function to write. `check`, `hint` and `solution` are all a student needs.

    Where exact is true, an answer moves values and must not change them, nor their type.
    """

    def __init__(self, answer, notebook, cases, returns, hints, mistakes=(), shows=(), exact=False):
        self.name, self.answer = answer.__name__, answer
        self.notebook, self.hints, self.shows = notebook, hints, shows
        self.question = inspect.cleandoc(answer.__doc__)
        self.parts = tuple(returns.split())
        self.arguments = tuple(inspect.signature(answer).parameters)
        self.mistakes = tuple(mistakes)
        self.exact = exact
        self._cases = cases

    @cached_property
    def cases(self):
        """The cases that an answer is checked on."""
        cases = self._cases() if callable(self._cases) else self._cases
        return tuple(case._replace(tolerance=0.0) for case in cases) if self.exact else cases

    @cached_property
    def expected(self):
        """The right outcome of each case, computed in float64 unless values are only moved."""
        given = Case.arguments if self.exact else Case.wide
        with quiet():
            right = [self.answer(*given(case, self.arguments)) for case in self.cases]
        return [outcomes.read(value, self.parts) for value in right]

    @cached_property
    def wrong_outcomes(self):
        """Each mistake with what it does in each case; arguments exchanged are mistakes too."""
        mistakes = (*self.mistakes, *slips.exchanged(self.answer, self.arguments))
        given = self.cases, self.arguments, self.parts
        with quiet():
            return [(mistake, outcomes.run_all(mistake.function, *given)) for mistake in mistakes]

    def __repr__(self):
        return f"{self.name}({', '.join(self.arguments)}): {self.question}"

    def hint(self, k=1):
        """Return hint k: the first is a nudge, the last nearly the answer."""
        if k not in range(1, len(self.hints) + 1):
            return Text(f"{self.name} has {len(self.hints)} hints: hint(1) to the last.")
        return Text(f"Hint {k} of {len(self.hints)}: {self.hints[k - 1]}")

    def solution(self):
        """Return bnlib's own code, and the answer made with it; the text runs as it is."""
        return Text("".join(map(under_its_module, self.shows)) + self_contained(self.answer))

    def stub(self):
        """Return what a cell begins with: the signature and an empty body."""
        return f"def {self.name}({', '.join(self.arguments)}):\n    return ...  # your code here\n"

    def check(self, answer):
        """Compare an answer with the right one on every case, and say what is wrong."""
        if outcomes.is_nothing(answer):
            return self._not_written()
        if not callable(answer):
            said = f"check takes the function itself: exercises.{self.name}.check({self.name})"
            return Result(False, f"Not right yet. {said}.", "not a function")
        found = outcomes.run(answer, self.cases, self.arguments, self.parts)
        if all(outcome.blank for outcome in found):
            return self._not_written()
        with quiet():
            return self._judge(answer, found)

    def _judge(self, answer, found):
        judged = zip(found, self.cases, self.expected, strict=False)
        wrongs = [self._complaint(*each) for each in judged]
        stuck = [k for k, outcome in enumerate(found) if outcome.kind in STUCK]
        first = next(iter(stuck or [k for k, wrong in enumerate(wrongs) if wrong]), None)
        if first is not None:
            return self._wrong(answer, found, first, wrongs[first])
        changed = next((outcome.changed for outcome in found if outcome.changed), ())
        if changed:
            return self._changed(changed[0])
        return Result(True, f"Correct, in all {len(self.cases)} cases.")

    def _not_written(self):
        return Result(
            None,
            f"Not written yet: the function returns nothing. For a hint, run "
            f"exercises.{self.name}.hint(1).",
        )

    def _changed(self, name):
        return Result(
            False,
            f"Not right yet. The results are right, but the function changes its argument {name}.\n"
            f"The caller still needs it: {name} = {name} - ... makes a new array; "
            f"{name} -= ... and {name}[...] = ... change the old one.",
            "argument changed in place",
        )

    def _wrong(self, answer, found, first, wrong):
        """Say what is wrong with the first case that is not right."""
        slip = self._slip(answer, found, first)
        said = f" {slip.sentence}" if slip else ""
        changed = next((outcome.changed for outcome in found if outcome.changed), ())
        if changed:
            said += f" It also changes its argument {changed[0]} in place."
        kind = slip.name if slip else found[first].kind
        return Result(False, f"Not right yet.{said}\nCase {self.cases[first].label}: {wrong}", kind)

    def _slip(self, answer, found, first):
        """Return the slip that explains a wrong answer best, or None.

        Where an exception stopped it, an argument unused is not what is wrong with it.
        """
        if found[first].kind in STUCK:
            return None
        cases, right = self.cases[: len(found)], self.expected[: len(found)]
        stopped = any(outcome.problem for outcome in found)
        return (
            code_slips.outside(answer, self.answer)
            or slips.catalogued(found, right, self.wrong_outcomes, cases)
            or (None if stopped else code_slips.unused(answer, self.answer))
            or slips.of_exception(found[first], cases[first])
            or value_slips.slip_of(found, right, cases, self.parts)
        )

    def _complaint(self, outcome, case, right):
        """Say how an outcome differs from the right one, or return None."""
        if outcome.problem:
            return outcome.problem
        for part, a, b in zip(self.parts, outcome.results, right.results, strict=True):
            if a.shape != b.shape:
                return f"{part} has shape {a.shape}; expected {b.shape}."
            if self.exact and a.dtype != b.dtype:
                return f"{part} is {a.dtype}; expected {b.dtype}, as it came."
            if not slips.distance((a,), (b,)) <= case.tolerance:
                return value_slips.worst(part, a, b)
        return None


class Prediction(Exercise):
    """A value to predict."""

    def __init__(self, answer, notebook, hints, mistakes=(), shows=()):
        super().__init__(answer, notebook, (), answer.__name__, hints, mistakes, shows)

    def __repr__(self):
        return f"{self.name}: {self.question}"

    def stub(self):
        """Return what a cell begins with."""
        return f"{self.name} = ...  # your answer here\n"

    def check(self, answer):
        """Compare a value with the right one."""
        if outcomes.is_nothing(answer):
            said = f"Not written yet. For a hint, run exercises.{self.name}.hint(1)."
            return Result(None, said)
        given, right = outcomes.real_array(answer), np.array(self.answer())
        wanted = "a shape, a tuple" if right.ndim else "a number"
        if given is None or given.dtype.kind == "b":
            said = f"The answer is {wanted}; got {outcomes.kind_of(answer)}."
            return Result(False, f"Not right yet. {said}", "kind")
        if _equal(given, right):
            return Result(True, "Correct.")
        for value, sentence in self.mistakes:
            if _equal(given, np.array(value)):
                return Result(False, f"Not right yet. {sentence}", str(value))
        if given.ndim != right.ndim:
            got = f"a {type(answer).__name__}" if given.ndim else "a number"
            return Result(False, f"Not right yet. The answer is {wanted}, not {got}.", "kind")
        said = f"it is not {_number(given)}. For a hint, run exercises.{self.name}.hint(1)."
        return Result(False, f"Not right yet: {said}")


def exercise(**options):
    """Make an `Exercise` of the right answer below."""
    return lambda answer: Exercise(answer, **options)


def prediction(**options):
    """Make a `Prediction` of the function below, which takes nothing and returns the value."""
    return lambda answer: Prediction(answer, **options)


def _equal(a, b):
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-3, atol=0))


def _number(a):
    return str(tuple(a.tolist())) if a.ndim else f"{a:g}"
