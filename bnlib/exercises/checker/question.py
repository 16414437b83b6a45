"""What every exercise has, whether a function is asked for or a value."""

import inspect
from dataclasses import dataclass

from bnlib.exercises.checker import source_slips
from bnlib.exercises.checker.solution import self_contained, under_its_module


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


class Question:
    """A task, its hints and its solution; and how much a student has been told."""

    def __init__(self, answer, notebook, hints, mistakes=(), shows=()):
        self.name, self.answer = answer.__name__, answer
        self.notebook, self.hints, self.shows = notebook, hints, shows
        self.question = inspect.cleandoc(answer.__doc__)
        self.mistakes = tuple(mistakes)
        self._misses = 0

    def forget(self):
        """Begin anew: the next miss is the first one."""
        self._misses = 0

    def hint(self, k=1):
        """Return hint k: the first is a nudge, the last nearly the answer."""
        if k not in range(1, len(self.hints) + 1):
            return Text(f"{self.name} has {len(self.hints)} hints: hint(1) to the last.")
        return Text(f"Hint {k} of {len(self.hints)}: {self.hints[k - 1]}")

    def solution(self):
        """Return bnlib's own code, and the answer made with it; the text runs as it is."""
        return Text("".join(map(under_its_module, self.shows)) + self_contained(self.answer))

    def _not_written(self, why=""):
        return Result(None, f"Not written yet{why}. For a hint, run {self._call('hint(1)')}.")

    def _blank(self, answer):
        """Say of a function that returned nothing whether anything was written."""
        if source_slips.lacks_return(answer):
            return Result(False, "Not right yet. It computes, and returns nothing.", "no return")
        return self._not_written(": the function returns nothing")

    def _correct(self, said):
        self.forget()
        return Result(True, said)

    def _told(self, sentence):
        """Return what is wrong at the first miss, and with its cure at the second.

        The cure is what stands behind a semicolon.
        """
        self._misses += 1
        fault, _, cure = sentence.partition("; ")
        return sentence if self._misses > 1 or not cure else f"{fault}."

    def _call(self, method):
        return f"exercises.{self.name}.{method}"
