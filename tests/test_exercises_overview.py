"""Progress shows every exercise once, by notebook, in words and in signs."""

import re

import pytest

from bnlib import exercises
from bnlib.exercises.checker import record


@pytest.fixture(autouse=True)
def kernel(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record.forget()
    yield
    record.forget()


def test_at_first_every_exercise_is_open():
    found = exercises.progress()
    assert found.totals() == (0, 0, len(exercises.ALL))
    assert {n for states in found.states.values() for n in states} == set(exercises.ALL)


def test_counts_follow_the_checks():
    exercises.shape_of_mu.check(exercises.shape_of_mu.answer())
    exercises.count_m.check(35)
    found = exercises.progress()
    solved, tried, left = found.counts("01")
    assert (solved, tried) == (1, 1)
    assert re.search(rf"^01 +1 +1 +{left}  ○○○✓✗○$", repr(found), re.MULTILINE)
    assert found._repr_html_().count(">✗</span>") == 1


def test_one_notebook_names_its_exercises():
    exercises.shape_of_mu.check(exercises.shape_of_mu.answer())
    lines = repr(exercises.progress("01")).splitlines()
    count = sum(one.notebook == "01" for one in exercises.ALL.values())
    assert lines[0] == f"Notebook 01: 1 of {count} exercises solved."
    assert lines[4] == "✓ shape_of_mu: solved"
    assert len(lines) == 1 + count


def test_columns_of_the_table_stand_below_each_other():
    head, *rows, _ = repr(exercises.progress()).splitlines()
    ends = [head.index(word) + len(word) for word in ("solved", "tried", "open")]
    for row in rows:
        assert all(row[end - 1].isdigit() for end in ends)


@pytest.mark.parametrize("notebook", ["99", 1, ""])
def test_unknown_notebook_is_refused(notebook):
    with pytest.raises(ValueError, match=r"notebook must be one of 01, 02, .*; got "):
        exercises.progress(notebook)
