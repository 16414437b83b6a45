"""Every notebook obeys tools/course.py, and each of its rules catches a planted fault."""

from copy import deepcopy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from tools import course
from tools.nbfiles import find
from tools.pace import pace

SECOND = find("02")[0]


@pytest.mark.parametrize("path", find(""), ids=lambda path: path.stem)
def test_notebook_is_a_part_of_the_series(path):
    assert course.complaints(path) == []


@pytest.fixture
def notebook():
    return deepcopy(nbformat.read(SECOND, as_version=4))


def complaints(notebook):
    return [line for rule in course.RULES for line in rule(notebook, SECOND)]


def add(text):
    return lambda notebook: notebook.cells.insert(3, new_markdown_cell(text))


def replace(old, new):
    def plant(notebook):
        changed = [cell for cell in notebook.cells if old in cell.source]
        assert changed
        for cell in changed:
            cell.source = cell.source.replace(old, new)

    return plant


FAULTS = {
    "mention": (add("As notebook 01 says."), "notebook 01 is mentioned without a link"),
    "mention at a start": (add("Notebook 06 goes on."), "notebook 06 is mentioned"),
    "wrong number": (add("[Notebook 01](03_gradient_checking.ipynb)"), "not to 01_concept.ipynb"),
    "dead link": (add("[the next](02_next.ipynb)"), "which is not there"),
    "term": (
        replace("[broadcasting](../docs/glossary.md#broadcasting)", "broadcasting"),
        "first use of 'broadcasting' is no link",
    ),
    "term below a heading": (add("### He\n\nWelford did it."), "first use of 'Welford'"),
    "unknown term": (add("[x](../docs/glossary.md#walrus)"), "the glossary has no 'walrus'"),
    "no ending": (replace("## What you have solved", "## The end"), "the last section"),
    "ending of another": (replace('progress("02")', 'progress("03")'), "the last section"),
    "hurried": (replace("**Time.** 1", "**Time.** "), "its opening says 5 minutes"),
    "no time": (replace("**Time.**", "**Hours.**"), "its opening says None minutes"),
    "many exercises more": (
        lambda notebook: notebook.cells.extend(
            new_code_cell("exercises.channel_mean.check(channel_mean)") for _ in range(9)
        ),
        "the map says",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found(fault, notebook):
    plant, expected = FAULTS[fault]
    plant(notebook)
    assert any(expected in line for line in complaints(notebook)), complaints(notebook)


@pytest.mark.parametrize(
    "text",
    [
        "As [notebook 01](01_concept.ipynb) says, and notebook 02 repeats.",
        "The course's notebook 41 is another one.",
        "```\nnotebook 01, a Jacobian\n```",
        "Say `vjp`, or $vjp$.",
        "#### Welford",
        "<details><summary>Hint 1</summary>\n\nAs Welford, in notebook 06.\n</details>",
    ],
)
def test_text_that_leads_on_is_no_complaint(text, notebook):
    add(text)(notebook)
    assert complaints(notebook) == []


def test_map_adds_up_its_minutes_to_hours():
    text = nbformat.read(find("00")[0], as_version=4).cells[2].source
    minutes = [int(found) for _, found in course.ROW.findall(text)]
    assert len(minutes) == len(find("")) - 1
    assert f"about {round(sum(minutes) / 60)} hours in all" in text


def test_pace_adds_words_cells_questions_and_exercises():
    cells = [
        new_markdown_cell("one two three `a = b + c` $x + y$ [four](five.ipynb)"),
        new_markdown_cell("**Predict.** Which?"),
        new_code_cell("predict.worst_channel(...)  # a number"),
        new_code_cell("from bnlib import recap\n\nrecap.start(\n    ...,\n)"),
        new_code_cell("def f():\n    pass\n\n\nexercises.f.check(f)"),
    ]
    found = pace(nbformat.v4.new_notebook(cells=cells))
    assert found.words == 8  # a piece of code and a formula are one each
    assert (found.cells, found.predictions, found.typed, found.recaps) == (3, 1, 1, 1)
    assert found.exercises == (4,)
    assert found.minutes == pytest.approx(8 / 200 + 3 + 1 + 2 + 5)


def test_glossary_is_in_alphabetical_order_and_every_term_is_used():
    terms = list(course.terms())
    assert terms == sorted(terms, key=str.lower)
    notebooks = [nbformat.read(path, as_version=4) for path in find("")]
    unused = [t for t in terms if not any(course.first_use(nb, t) for nb in notebooks)]
    assert unused == []
