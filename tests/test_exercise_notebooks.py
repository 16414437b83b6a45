"""Three students at the notebooks: one writes nothing, one all of it, one makes every mistake."""

import ast
import re
from functools import cache

import nbformat
import pytest
from nbclient import NotebookClient
from sampling import sampled

from bnlib import exercises
from bnlib.exercises import Prediction
from tools.nbfiles import NOTEBOOKS

CHECK = re.compile(r"^exercises\.(\w+)\.check\(\1\)$", re.MULTILINE)


@cache
def notebook(path):
    return nbformat.read(path, as_version=4)


def check_cells(path):
    """Map the name of each exercise in a notebook to the index of its cell."""
    cells = enumerate(notebook(path).cells)
    code = [(k, cell.source) for k, cell in cells if cell.cell_type == "code"]
    return {found[1]: k for k, source in code if (found := CHECK.search(source))}


def output(cell):
    return "".join(o.get("data", {}).get("text/plain", "") for o in cell.outputs)


FILES = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if check_cells(path)]
WHERE = {name: (path, k) for path in FILES for name, k in check_cells(path).items()}


def answered(name, answer):
    """Return an exercise's cell with an answer in place of its stub."""
    path, k = WHERE[name]
    check = CHECK.search(notebook(path).cells[k].source)[0]
    return f"{answer}\n\n{check}"


def test_exercises_are_listed_as_they_stand_in_the_notebooks():
    found = [(name, path.name[:2]) for name, (path, _) in WHERE.items()]
    assert found == [(name, exercise.notebook) for name, exercise in exercises.ALL.items()]


@pytest.mark.parametrize("name", exercises.ALL)
def test_cell_holds_the_stub(name):
    path, k = WHERE[name]
    given = ast.parse(notebook(path).cells[k].source).body[0]
    assert ast.dump(given) == ast.dump(ast.parse(exercises.ALL[name].stub()).body[0])


@pytest.mark.parametrize("name", exercises.ALL)
def test_hints_stand_folded_above_the_cell(name):
    path, k = WHERE[name]
    task = notebook(path).cells[k - 1]
    assert task.cell_type == "markdown"
    folded = re.findall(
        r"<details><summary>Hint \d</summary>\n\n(.*?)\n</details>", task.source, re.DOTALL
    )
    assert [re.sub(r"\\([*_|<>])", r"\1", hint) for hint in folded] == list(
        exercises.ALL[name].hints
    )


@pytest.mark.parametrize("name", exercises.ALL)
def test_student_who_writes_nothing_is_told_where_the_hint_is(name):
    path, k = WHERE[name]
    said = output(notebook(path).cells[k])
    assert said.startswith("Not written yet")
    assert said.endswith(f"exercises.{name}.hint(1).")


@pytest.mark.parametrize("name", sampled(exercises.ALL))
def test_student_who_writes_the_solution_is_told_so(name):
    solution = str(exercises.ALL[name].solution())
    *lines, check = answered(name, solution).splitlines()
    scope = {"exercises": exercises}
    exec("\n".join(lines), scope)
    assert str(eval(check, scope)).startswith("Correct")


@pytest.mark.slow  # every notebook once more
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_notebook_with_every_solution_written_runs_and_says_so(path):
    copy = nbformat.from_dict(notebook(path))
    for name, k in check_cells(path).items():
        solution = str(exercises.ALL[name].solution())
        copy.cells[k].source = answered(name, solution)
    NotebookClient(copy, timeout=60, kernel_name="python3").execute()
    said = {name: output(copy.cells[k]) for name, k in check_cells(path).items()}
    wrong = {name: text for name, text in said.items() if not text.startswith("Correct")}
    assert wrong == {}


PREDICTIONS = [name for name, one in exercises.ALL.items() if isinstance(one, Prediction)]


@pytest.mark.parametrize("name", PREDICTIONS)
def test_student_who_foresees_wrongly_is_told_why(name):
    exercise = exercises.ALL[name]
    for k, (_, wanted) in enumerate(exercise.mistakes):
        made = f"{name} = exercises.{name}.mistakes[{k}][0]"
        *lines, check = answered(name, made).splitlines()
        scope = {"exercises": exercises}
        exec("\n".join(lines), scope)
        eval(check, scope)
        result = eval(check, scope)  # the cure comes with the second miss
        assert result.correct is False
        assert wanted in str(result)
