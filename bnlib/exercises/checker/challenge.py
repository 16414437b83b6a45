"""An exercise that asks for a check: it is set on what is right and on what is wrong.

What it is set on are ``things``, whatever they are: a check takes one and returns whether it
passed. A check that stops with an error has not let the thing pass.
"""

from typing import NamedTuple

from bnlib.exercises.checker import outcomes
from bnlib.exercises.checker.question import Question, Result
from bnlib.exercises.checker.sandbox import TookTooLong, limits, quiet

FEW = 3  # names that a message lists


class Score(NamedTuple):
    """What a check did: names of the right that it refused, and of the wrong that it let pass.

    Where it never came to a verdict, problem says why, and kind what that is called.
    """

    refused: tuple = ()
    missed: tuple = ()
    problem: str | None = None
    kind: str | None = None


class Challenge(Question):
    """A check to write. `check`, `hint` and `solution` are all a student needs.

    Parameters
    ----------
    right, wrong : dict
        Things by name. A check must let all of the first pass, and none of the second.
    calls : callable
        Takes a thing, and returns one that behaves alike, with a list to which each call of a
        part of it is added.
    """

    parts = ("passed",)

    def __init__(self, answer, right, wrong, calls, **question):
        super().__init__(answer, **question)
        self.right, self.wrong, self.calls = right, wrong, calls

    def __repr__(self):
        return f"{self.name}(layer): {self.question}"

    def _empty(self):
        return f"def {self.name}(layer):\n    return ...  # your code here\n\n\n"

    def check(self, answer, seed=0):
        """Set a check on everything right and wrong, and say its score."""
        return self._noted(self._compared(answer))

    def _compared(self, answer):
        if outcomes.is_nothing(answer):
            return self._not_written(": the function returns nothing")
        if not callable(answer):
            said = f"check takes the function itself: {self._call('check')}({self.name})"
            return Result(False, f"Not right yet. {said}.", "not a function")
        verdict, problem, _ = self._verdict(answer, next(iter(self.right.values())))
        if verdict is None and problem is None:
            return self._blank(answer)
        score = self.score(answer)
        if score.problem:
            return Result(False, f"Not right yet. {score.problem}", score.kind)
        if score.refused or score.missed:
            return self._wrong(score)
        return self._correct(f"Correct. {self._said(score)}\n{self._cost(answer)}")

    def score(self, answer):
        """Return what a check refuses of the right, and misses of the wrong."""
        refused, first = [], None
        for name, thing in self.right.items():
            passed, *reason = self._verdict(answer, thing)
            refused += [] if passed else [name]
            first = first or (reason if reason[0] else None)
        if len(refused) == len(self.right) and first:
            problem, kind = first
            problem = f"On code that is right, {problem[0].lower()}{problem[1:]}"
            return Score(problem=problem, kind=kind)
        missed = [name for name, thing in self.wrong.items() if self._verdict(answer, thing)[0]]
        return Score(tuple(refused), tuple(missed))

    def _verdict(self, answer, thing):
        """Return whether a thing passes, None where nothing is said; what went wrong; its kind."""
        try:
            with limits(), quiet():
                outcome = outcomes.attempt(answer, [thing], ("layer",), self.parts)
        except TookTooLong:
            return False, "It did not come to an end. Take smaller batches.", "does not end"
        if outcome.blank:
            return None, None, None
        if outcome.problem:
            return False, outcome.problem, outcome.kind
        return bool(outcome.results[0].all()), None, None

    def _wrong(self, score):
        named = next((m for m in self.mistakes if self._alike(m.function, score)), None)
        told = f" {self._told(named.mistake)}" if named else ""
        lines = [f"Not right yet.{told}", self._said(score)]
        for what, names in (("Refused", score.refused), ("Missed", score.missed)):
            if names:
                rest = f"; and {len(names) - FEW} more" if len(names) > FEW else ""
                lines.append(f"{what}: {'; '.join(names[:FEW])}{rest}.")
        lines.append(f"For a hint, run {self._call('hint(1)')}.")
        return Result(False, "\n".join(lines), named.name if named else "score")

    def _alike(self, check, score):
        """Return whether a check has this score; what it should be wrong about comes first."""
        told = {**dict.fromkeys(score.missed, True), **dict.fromkeys(score.refused, False)}
        told |= {n: True for n in self.right if n not in told}
        told |= {n: False for n in self.wrong if n not in told}
        things = {**self.right, **self.wrong}
        return all(bool(self._verdict(check, things[n])[0]) == passes for n, passes in told.items())

    def _said(self, score):
        caught = len(self.wrong) - len(score.missed)
        return (
            f"It catches {caught} of {len(self.wrong)} wrong layers, and refuses "
            f"{len(score.refused)} of {len(self.right)} right ones."
        )

    def _cost(self, answer):
        """Say how many calls of a layer's functions the check needs, beside bnlib's own."""
        counts = []
        for check in (answer, self.answer):
            thing, called = self.calls(next(iter(self.right.values())))
            self._verdict(check, thing)
            counts.append(len(called))
        return (
            f"It calls the layer's functions {counts[0]} times; bnlib's check, {counts[1]} times."
        )


def challenge(**options):
    """Make a `Challenge` of the right check below."""
    return lambda answer: Challenge(answer, **options)
