"""A failing batch as a student gets it: the arguments by name, and what is right."""

from collections import namedtuple
from typing import Any, NamedTuple


class Failing(NamedTuple):
    """A batch on which an answer failed."""

    arguments: tuple
    expected: Any


def handed_over(case, right, names):
    """Return fresh arguments, in order and by name, and the expected result or results."""
    results = right.outcome.results
    arguments = namedtuple("Arguments", names)(*case.arguments(names))
    return Failing(arguments, results if len(results) > 1 else results[0])
