"""grades.csv holds each exercise of a student once, and nothing that a spreadsheet runs."""

import csv
import io

import pytest

from bnlib.grading import tables
from bnlib.grading.judge import NO_EXERCISE, VERDICTS, Row


def kept(student, *rows, file="f.ipynb"):
    return {"student": student, "file": file, "rows": [list(row) for row in rows]}


@pytest.mark.parametrize("first", "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
def test_cell_that_would_be_a_formula_is_quoted(first):
    assert tables.harmless(f"{first}cmd|' /C calc'!A0").startswith(f"'{first}")
    assert tables.harmless(f"a{first}b") == f"a{first}b"


def test_every_cell_of_a_table_is_harmless_and_comes_back():
    row = Row("01", "undo", "wrong", '=HYPERLINK("x")', 0.5)
    text = tables.grades(tables.merged([kept('@a, "b"\n', row)]))
    assert list(csv.reader(io.StringIO(text))) == [
        ["student", "notebook", "exercise", "verdict", "mistake", "seconds"],
        ['\'@a, "b"\n', "01", "undo", "wrong", '\'=HYPERLINK("x")', "0.5"],
    ]


@pytest.mark.parametrize("other", [v for v in VERDICTS if v != "correct"])
def test_of_two_files_the_better_verdict_counts(other):
    rows = Row("01", "undo", "correct"), Row("01", "undo", other)
    for pair in (rows, rows[::-1]):
        found = tables.merged([kept("ana", pair[0]), kept("ana", pair[1])])
        assert [one.row.verdict for one in found] == ["correct"]


def test_students_and_files_stay_apart():
    damaged = Row("b/x.ipynb", "", "error", "empty file")
    found = tables.merged([kept("b", damaged, Row("01", "undo", "wrong")), kept("a", damaged)])
    assert [(one.student, one.row.exercise) for one in found] == [
        ("a", ""),
        ("b", "undo"),
        ("b", ""),
    ]


def test_notebook_without_exercises_is_mentioned_only_where_it_is_all():
    nothing = Row("09.ipynb", "", "error", NO_EXERCISE)
    found = tables.merged(
        [kept("a", nothing), kept("b", nothing), kept("b", Row("01", "undo", "wrong"))]
    )
    assert [(one.student, one.row.exercise) for one in found] == [("a", ""), ("b", "undo")]
