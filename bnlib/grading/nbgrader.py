"""The notebooks and the gradebook as nbgrader keeps them, for an institution that grades with it.

An exercise's cell becomes nbgrader's solution cell, which holds a right answer until nbgrader
releases the notebook, and behind it stands a cell of tests, which are the exercise's own check.
"""

import ast
import copy
import json
import textwrap
from collections import defaultdict

from bnlib import exercises
from bnlib.exercises import Prediction
from bnlib.exercises.checker.solution import self_contained
from bnlib.grading.judge import CORRECT
from bnlib.grading.run import write_atomically
from bnlib.grading.statements import CHECK
from bnlib.grading.tables import as_csv

SCHEMA = 3  # of nbgrader's cell metadata, in nbgrader 0.9
HIDDEN_SEEDS = (1, 2)
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
CONFIG = """\
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "batch-normalization"
# What a student finds in place of an answer: something that runs, and counts as not written.
c.ClearSolutions.code_stub = {"python": "...  # your code here"}
"""
COLUMNS = (  # those of nbgrader's own export
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)


def write_course(notebooks, folder):
    """Write a course folder, an assignment for each notebook with exercises; return `names_of`.

    Raises
    ------
    FileNotFoundError
        If there are no notebooks.
    """
    names = names_of(notebooks)
    if not names:
        raise FileNotFoundError(f"{notebooks} holds no exercises; name their folder: --notebooks")
    for name in names.values():
        target = folder / "source" / name / f"{name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        made = for_nbgrader(_read(notebooks / target.name))
        write_atomically(target, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    write_atomically(folder / "nbgrader_config.py", CONFIG)
    return names


def names_of(notebooks):
    """Map the number that exercises give their notebook to its name."""
    names = {}
    for file in sorted(notebooks.glob("*.ipynb")):
        found = [one for cell in _read(file)["cells"] if (one := exercise_of(cell))]
        names |= {one.notebook: file.stem for one in found}
    return names


def _read(file):
    return json.loads(file.read_text(encoding="utf-8"))


def exercises_of(number):
    """List the names of the exercises of a notebook."""
    return [name for name, one in exercises.ALL.items() if one.notebook == number]


def exercise_of(cell):
    """Return the exercise whose check a cell calls, or None."""
    found = CHECK.search("".join(cell["source"])) if cell["cell_type"] == "code" else None
    return found and exercises.ALL.get(found[1])


def for_nbgrader(notebook):
    """Return the notebook without outputs and with nbgrader's cells; this one stays as it is."""
    made = copy.deepcopy(notebook)
    made["cells"] = [new for cell in made["cells"] for new in _cells(cell)]
    return made


def _cells(cell):
    """Yield a cell as it is without outputs; an exercise's as an answer and its tests."""
    exercise = exercise_of(cell)
    if cell["cell_type"] == "code":
        cell = cell | {"outputs": [], "execution_count": None}
    if exercise is None:
        yield cell
        return
    name = exercise.name
    answer = {"grade": False, "solution": True, "locked": False}
    tests = {"grade": True, "solution": False, "locked": True, "points": 1}
    yield _marked(cell, solved(exercise), answer, name)
    yield _marked(cell | {"id": f"test-{cell['id']}"}, tested(name), tests, f"test_{name}")


def _marked(cell, source, kind, grade_id):
    marks = {"schema_version": SCHEMA, "task": False, "grade_id": grade_id, **kind}
    metadata = {**cell["metadata"], "nbgrader": marks}
    return cell | {"source": source.splitlines(keepends=True), "metadata": metadata}


def solved(exercise):
    """Return the text of a solution cell: the stub, with a right answer marked for removal."""
    name, check = exercise.name, f"exercises.{exercise.name}.check({exercise.name})"
    head = exercise.stub().partition("\n")[0]
    if isinstance(exercise, Prediction):
        right = str(exercise.solution()).partition("\n")[0]
        return "\n".join([head, BEGIN, right, END, check])
    call = ", ".join(argument.arg for argument in ast.parse(exercise.stub()).body[0].args.args)
    right = f"{BEGIN}\n{self_contained(exercise.answer)}\nreturn {name}({call})\n{END}"
    return f"{head}\n{textwrap.indent(right, '    ')}\n\n\n{check}"


def tested(name):
    """Return the text of the tests: the check, and where nobody looks with other batches."""
    is_prediction = isinstance(exercises.ALL[name], Prediction)
    seeds = "" if is_prediction else ", seed=seed"
    loop = "" if is_prediction else f"for seed in {HIDDEN_SEEDS}:\n    "
    return (
        f"result = exercises.{name}.check({name})\n"
        "assert result.correct, str(result)\n"
        "### BEGIN HIDDEN TESTS\n"
        f"{loop}assert exercises.{name}.check({name}{seeds}).correct\n"
        "### END HIDDEN TESTS"
    )


def gradebook(class_rows, names):
    """Return grades.csv as nbgrader's exporter writes it: a row for each student and notebook.

    Parameters
    ----------
    class_rows : list of Graded
    names : dict
        The names of the assignments by the numbers of their notebooks.
    """
    rights = defaultdict(list)
    for one in class_rows:
        if one.row.exercise:
            rights[one.row.notebook, one.student].append(one.row.verdict == CORRECT)
    rows = (
        (names.get(number, number), "", "", student, "", "", "", *_scores(right))
        for (number, student), right in sorted(rights.items())
    )
    return as_csv(rows, COLUMNS)


def _scores(right):
    score = float(sum(right))
    return score, 0.0, score, float(len(right))
