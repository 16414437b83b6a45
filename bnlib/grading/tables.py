"""grades.csv, and what a class's rows have in common."""

import csv
import io
from typing import NamedTuple

from bnlib.grading.judge import CORRECT, ERROR, NO_EXERCISE, NOT_WRITTEN, STOPPED, WRONG, Row

COLUMNS = ("student", "notebook", "exercise", "verdict", "mistake", "seconds")
BEST_FIRST = (CORRECT, WRONG, STOPPED, ERROR, NOT_WRITTEN)
# What makes a formula of a cell, in some spreadsheet; the last four are wide forms of the first.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Graded(NamedTuple):
    """A row, and of whose file it is."""

    student: str
    file: str
    row: Row


def merged(found):
    """Return the rows of a class, sorted; of two files for one exercise, the better one's.

    A notebook without exercises is mentioned only where a student handed in nothing else.

    Parameters
    ----------
    found : iterable of dict
        What is kept of each submission.
    """
    best = {}
    for one in found:
        for fields in one["rows"]:
            graded = Graded(one["student"], one["file"], Row(*fields))
            key = graded.student, graded.row.notebook, graded.row.exercise
            if key not in best or _rank(graded) < _rank(best[key]):
                best[key] = graded
    judged = {one.student for one in best.values() if one.row.exercise}
    kept = (
        one for one in best.values() if one.row.mistake != NO_EXERCISE or one.student not in judged
    )
    return sorted(kept, key=lambda one: (one.student.casefold(), one.student, one.row.notebook))


def _rank(graded):
    return BEST_FIRST.index(graded.row.verdict)


def harmless(text):
    """Return a text that no spreadsheet takes for a formula."""
    text = str(text)
    return f"'{text}" if text.startswith(FORMULAS) else text


def as_csv(rows, columns):
    """Return a table as CSV, with quotes where they are needed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def grades(class_rows):
    """Return grades.csv."""
    rows = (
        (g.student, g.row.notebook, g.row.exercise, g.row.verdict, g.row.mistake, g.row.seconds)
        for g in class_rows
    )
    return as_csv(rows, COLUMNS)
