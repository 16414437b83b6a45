"""An exercise that asks for a value."""

import numpy as np

from bnlib.exercises.checker import outcomes
from bnlib.exercises.checker.question import Question, Result
from bnlib.exercises.checker.solution import assignment


class Prediction(Question):
    """A value to predict. `check`, `hint` and `solution` are all a student needs.

    mistakes are pairs: a wrong value, and what to say of it.
    """

    def __repr__(self):
        return f"{self.name}: {self.question}"

    def _empty(self):
        return f"{self.name} = ...  # your answer here\n\n"

    def _written_out(self):
        return assignment(self.plain)

    def check(self, answer):
        """Compare a value with the right one."""
        return self._noted(self._compared(answer))

    def _compared(self, answer):
        if outcomes.is_nothing(answer):
            return self._not_written()
        given, right = outcomes.real_array(answer), np.array(self.answer())
        wanted = "a shape, a tuple" if right.ndim else "a number"
        if given is None or given.dtype.kind == "b":
            said = f"The answer is {wanted}; got {outcomes.kind_of(answer)}."
            return Result(False, f"Not right yet. {said}", "kind")
        if _equal(given, right):
            return self._correct("Correct.")
        for value, sentence in self.mistakes:
            if _equal(given, np.array(value)):
                return self._foreseen(sentence, str(value))
        if given.ndim != right.ndim:
            got = f"a {type(answer).__name__}" if given.ndim else "a number"
            return Result(False, f"Not right yet. The answer is {wanted}, not {got}.", "kind")
        said = f"it is not {_number(given)}. For a hint, run {self._call('hint(1)')}."
        return Result(False, f"Not right yet: {said}")

    def _foreseen(self, sentence, value):
        told = self._told(sentence)
        more = "" if told == sentence else f" For a hint, run {self._call('hint(1)')}."
        return Result(False, f"Not right yet. {told}{more}", value, sentence)


def prediction(**options):
    """Make a `Prediction` of the function below, which takes nothing and returns the value."""
    return lambda answer: Prediction(answer, **options)


def _equal(a, b):
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-3, atol=0))


def _number(a):
    return str(tuple(a.tolist())) if a.ndim else f"{a:g}"
