"""What is exported for nbgrader has its marks, runs, and leaves the committed notebooks clean."""

import csv
import io

import pytest

from bnlib import exercises
from bnlib.grading import nbgrader, tables
from bnlib.grading.judge import Row
from tools.nbfiles import NOTEBOOKS, read

NAMES = nbgrader.names_of(NOTEBOOKS)


@pytest.fixture(scope="module", params=NAMES.values())
def pair(request):
    """Give a committed notebook, and what is made of it."""
    original = read(NOTEBOOKS / f"{request.param}.ipynb")
    return original, nbgrader.for_nbgrader(original)


def marked(notebook):
    return {
        cell["metadata"]["nbgrader"]["grade_id"]: cell
        for cell in notebook["cells"]
        if "nbgrader" in cell["metadata"]
    }


def test_every_exercise_gets_an_answer_and_a_test():
    exported = [nbgrader.for_nbgrader(read(NOTEBOOKS / f"{name}.ipynb")) for name in NAMES.values()]
    found = {name for one in exported for name in marked(one)}
    assert found == {kind + name for name in exercises.ALL for kind in ("", "test_")}


def test_committed_notebook_stays_clean_and_all_else_is_kept(pair):
    original, made = pair
    assert marked(original) == {}
    kept = [cell["source"] for cell in made["cells"] if "nbgrader" not in cell["metadata"]]
    sources = [cell["source"] for cell in original["cells"] if not nbgrader.exercise_of(cell)]
    assert kept == sources
    ids = [cell["id"] for cell in made["cells"]]
    assert len(set(ids)) == len(ids)
    assert not any(cell.get("outputs") for cell in made["cells"])


FIRST = {type(one): name for name, one in reversed(exercises.ALL.items())}.values()


@pytest.mark.parametrize(
    "name", [n if n in FIRST else pytest.param(n, marks=pytest.mark.slow) for n in exercises.ALL]
)
def test_solution_passes_the_tests_and_the_stub_left_of_it_does_not(name):
    scope = {"exercises": exercises}
    exec(nbgrader.solved(exercises.ALL[name]), scope)
    exec(nbgrader.tested(name), scope)
    head, rest = nbgrader.solved(exercises.ALL[name]).split(nbgrader.BEGIN)
    released = f"{head}...{rest.split(nbgrader.END)[1]}"
    exec(released, scope)
    with pytest.raises(AssertionError, match="Not written yet"):
        exec(nbgrader.tested(name), scope)


def test_gradebook_has_a_row_for_each_student_and_assignment():
    rows = [Row("01", "undo", "correct"), Row("01", "count_m", "wrong"), Row("x", "", "error")]
    kept = [{"student": f"{k} =", "file": "f", "rows": rows} for k in ("=a", "b")]
    text = nbgrader.gradebook(tables.merged(kept), {"01": "01_concept"})
    found = list(csv.reader(io.StringIO(text)))
    assert found[0] == list(nbgrader.COLUMNS)
    assert [(row[0], row[3], *row[7:]) for row in found[1:]] == [
        ("01_concept", "'=a =", "1.0", "0.0", "1.0", "2.0"),
        ("01_concept", "b =", "1.0", "0.0", "1.0", "2.0"),
    ]


def test_folder_without_exercises_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no exercises"):
        nbgrader.write_course(tmp_path, tmp_path / "course")
