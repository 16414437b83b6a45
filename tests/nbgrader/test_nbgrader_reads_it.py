"""nbgrader itself validates, releases and grades what is exported for it: make test-nbgrader."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bnlib.grading import nbgrader, tables
from bnlib.grading.judge import Row
from tools.nbfiles import NOTEBOOKS, ROOT

# nbgrader calls alembic and jupyter by their names.
ENVIRONMENT = {
    **os.environ,
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    "PYTHONPATH": str(ROOT),
}


def run(folder, *words):
    """Run a command of nbgrader's in a course; return what it says."""
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    return folder, nbgrader.write_course(NOTEBOOKS, folder)


ASSIGNMENTS = nbgrader.names_of(NOTEBOOKS).values()


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_notebook_with_its_solutions_is_valid(course, name):
    folder, _ = course
    code, said = run(folder, "validate", f"source/{name}/{name}.ipynb")
    assert "Success! Your notebook passes all the tests." in said, said
    assert code == 0


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_notebook_is_released_without_its_solutions(course, name):
    folder, _ = course
    code, said = run(folder, "generate_assignment", name)
    assert code == 0, said
    place = Path(name) / f"{name}.ipynb"
    source = (folder / "source" / place).read_text(encoding="utf-8")
    text = (folder / "release" / place).read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" in source
    assert "HIDDEN TESTS" in source
    for gone in ("BEGIN SOLUTION", "HIDDEN TESTS", f"seed in {nbgrader.HIDDEN_SEEDS}:"):
        assert gone not in text
    cells = json.loads(text)["cells"]
    marked = [cell for cell in cells if "nbgrader" in cell["metadata"]]
    assert {cell["metadata"]["nbgrader"]["grade"] for cell in marked} == {True, False}


def test_blank_notebook_gets_no_point_and_the_export_is_like_ours(course):
    folder, names = course
    number, name = next(iter(names.items()))
    run(folder, "generate_assignment", name)
    target = folder / "submitted" / "ana" / name
    shutil.copytree(folder / "release" / name, target)
    code, said = run(folder, "autograde", name)
    assert code == 0, said
    code, said = run(folder, "export")
    assert code == 0, said
    theirs = list(csv.reader((folder / "grades.csv").read_text(encoding="utf-8").splitlines()))
    rows = [Row(number, one, "not written") for one in nbgrader.exercises_of(number)]
    ours = nbgrader.gradebook(tables.merged([{"student": "ana", "file": "f", "rows": rows}]), names)
    assert [theirs[0], *(row for row in theirs[1:] if row[0] == name)] == list(
        csv.reader(ours.splitlines())
    )
