"""A small class of known truth is graded from the command line, and every row is right."""

import csv
import io
import os
import subprocess
import sys

import pytest
import synthetic_class

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="grading needs fork")


def grading(submissions, output, *more):
    """Return the command that grades with the seeds of the truth."""
    seeds = [word for seed in synthetic_class.SEEDS for word in ("--seed", str(seed))]
    files = [str(submissions), "--output", str(output)]
    return [sys.executable, "-m", "bnlib.grading", *files, *seeds, *more]


def graded(output):
    """Return the rows of grades.csv without the seconds, and with quoted formulas as they were."""
    text = (output / "grades.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    assert rows.fieldnames == ["student", "notebook", "exercise", "verdict", "mistake", "seconds"]
    cells = [[row[name].removeprefix("'") for name in rows.fieldnames[:-1]] for row in rows]
    return sorted(map(tuple, cells))


@pytest.fixture(scope="module")
def small_class(tmp_path_factory):
    """Write a few copies of notebook 01; return their folder and the truth."""
    folder = tmp_path_factory.mktemp("class")
    behaviours = synthetic_class.behaviours("01")
    chosen = [*synthetic_class.plans("01", only=(0, 9)), behaviours[2], behaviours[-4]]
    return folder, synthetic_class.write(folder, {"01": chosen}, 8)


@pytest.fixture(scope="module")
def graded_class(small_class, tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    subprocess.run(grading(small_class[0], output), check=True, capture_output=True)
    return output


def test_every_row_is_the_truth(small_class, graded_class):
    assert graded(graded_class) == sorted(small_class[1])
