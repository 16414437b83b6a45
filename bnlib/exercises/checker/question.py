"""What every exercise has, whether a function is asked for or a value."""

import inspect
from dataclasses import dataclass, replace

from bnlib.exercises.checker import record, shown, source_slips
from bnlib.exercises.checker.solution import places, self_contained

LOOKS = {True: "right", False: "wrong", None: "open"}


@dataclass(frozen=True, repr=False)
class Result:
    """What a check found: correct True, False, or None for not written yet; str() explains.

    sentence is what it has to say of a known mistake, with the cure, whatever the message tells.
    hints and drawing, a piece of HTML, stand below the message where a notebook shows it.
    """

    correct: bool | None
    message: str
    fault: str | None = None
    sentence: str = ""
    hints: tuple = ()
    drawing: str = ""

    def __repr__(self):
        return self.message

    def _repr_html_(self):
        below = self.drawing, shown.folded(self.hints)
        return shown.banner(LOOKS[self.correct], self.message, *below)


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
        self.plain = answer  # the same in plain NumPy, where the answer calls bnlib
        self.mistakes = tuple(mistakes)
        self._misses = 0

    def forget(self):
        """Begin anew: the next miss is the first one."""
        self._misses = 0

    def tell_all(self):
        """Hold nothing back: the next miss is told with its cure."""
        self._misses = 1

    def hint(self, k=1):
        """Return hint k: the first is a nudge, the last nearly the answer."""
        if k not in range(1, len(self.hints) + 1):
            return Text(f"{self.name} has {len(self.hints)} hints: hint(1) to the last.")
        return Text(f"Hint {k} of {len(self.hints)}: {self.hints[k - 1]}")

    def stub(self):
        """Return what the cell held at first, ready to be copied into it again."""
        return Text(f"{self._empty()}exercises.{self.name}.check({self.name})")

    def solution(self):
        """Return an answer in plain NumPy, and where bnlib does it; the text runs as it is."""
        return Text(self._written_out() + self._elsewhere())

    def _written_out(self):
        return self_contained(self.plain)

    def _elsewhere(self):
        found = dict.fromkeys([*places(self.answer), *self.shows])  # each once, in order
        lines = "".join(f"#   {one.__module__}.{one.__qualname__}\n" for one in found)
        return f"\n# In bnlib:\n{lines}" if lines else ""

    def _noted(self, result):
        """Note what became of a check, and put the hints below it where one may help."""
        record.note(self.name, result.correct)
        return result if result.correct else replace(result, hints=self.hints)

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
