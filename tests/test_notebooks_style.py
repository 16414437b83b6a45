"""Every notebook obeys tools/notebook_style.py, and each of its rules catches a planted fault."""

from copy import deepcopy

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.notebook_samples import (
    ALT,
    SVG,
    complete_notebook,
    figure_output,
    older_figure_output,
    printed,
)
from tools import notebook_style
from tools.nbfiles import find
from tools.refresh import canonical, canonical_text

HOME = "/" + "home/ann/notes.txt"


@pytest.mark.parametrize("path", find(""), ids=lambda path: path.stem)
def test_notebook_obeys_the_style(path):
    assert notebook_style.complaints(path) == []


@pytest.fixture
def notebook():
    return canonical(complete_notebook())


def complaints(notebook):
    return [line for rule in notebook_style.RULES for line in rule(notebook)]


def test_complete_notebook_has_no_complaint(notebook, tmp_path):
    path = tmp_path / "sample.ipynb"
    path.write_text(canonical_text(notebook), encoding="utf-8")
    assert notebook_style.complaints(path) == []


def set_source(index, old, new):
    def plant(notebook):
        assert old in notebook.cells[index].source
        notebook.cells[index].source = notebook.cells[index].source.replace(old, new)

    return plant


def add_text(text):
    return lambda notebook: notebook.cells.insert(3, new_markdown_cell(text))


def set_code(source):
    return lambda notebook: notebook.cells[2].update(source=source)


def set_outputs(*outputs):
    return lambda notebook: notebook.cells[4].update(outputs=list(outputs))


def edit_html(old, new):
    def plant(notebook):
        data = notebook.cells[4].outputs[0].data
        assert old in data["text/html"]
        data["text/html"] = data["text/html"].replace(old, new, 1)

    return plant


def set_tags(index, *tags):
    return lambda notebook: notebook.cells[index].metadata.update(tags=list(tags))


QUESTION = "**Predict.** What is 2 + 2?"
FOLDED = "<details><summary>Answer</summary>\n\nIt is 4.\n</details>"


def ask(question=QUESTION, code="2 + 2", answer=FOLDED):
    def plant(notebook):
        cells = [new_markdown_cell(question), new_markdown_cell(answer)]
        if code is not None:
            cells.insert(1, new_code_cell(code, execution_count=2))
            notebook.cells[4].execution_count = 3
        notebook.cells[3:3] = cells

    return plant


def repeat_code(times):
    def plant(notebook):
        notebook.cells[2:3] = [deepcopy(notebook.cells[2]) for _ in range(times)]

    return plant


FAULTS = {
    "count missing": (lambda nb: nb.cells[2].update(execution_count=None), "make refresh"),
    "count out of order": (lambda nb: nb.cells[4].update(execution_count=7), "make refresh"),
    "error stored": (
        set_outputs(new_output("error", ename="E", evalue="", traceback=[])),
        "stores an error",
    ),
    "cell skipped by tag": (set_tags(2, "nbval-skip"), "only the tag nbval-ignore-output"),
    "cell skipped by comment": (set_code("# NBVAL_SKIP\n1"), "only the tag nbval-ignore-output"),
    "claim not asserted": (set_tags(4, "nbval-ignore-output"), "no later cell asserts"),
    "path in source": (set_code(f"open('{HOME}')"), "machine's path: " + HOME),
    "path in output": (set_outputs(printed(f"read {HOME}")), "machine's path: " + HOME),
    "two titles": (set_source(3, "## A", "# A"), "one heading of level 1"),
    "title too late": (set_source(0, "# Add", "Add"), "one heading of level 1"),
    "level skipped": (set_source(3, "## A", "### A"), "skips a level"),
    "no time": (set_source(0, "**Time.**", "Time."), "lacks **Time.**"),
    "no notation": (set_source(1, "| --- | --- |\n", ""), "no notation table"),
    "no references": (set_source(5, "## References", "References"), "the last headings"),
    "code at the end": (lambda nb: nb.cells.append(nb.cells[2]), "the last cell is code"),
    "long cell": (set_code("1\n" * 16), "16 lines of code"),
    "four code cells in a row": (repeat_code(4), "begins 4 code cells in a row"),
    "little prose": (set_source(3, "Look at the line, and say where it goes. ", ""), "words for"),
    "star import": (set_code("from numpy import *"), "from numpy import *"),
    "bitmap": (
        set_outputs(new_output("display_data", {"image/png": "AA"})),
        "stores a bitmap",
    ),
    "no alt text": (set_outputs(figure_output(alt="")), "of alt text"),
    "short alt text": (set_outputs(figure_output(alt="A line.")), "of alt text"),
    "other alt text in the SVG": (set_outputs(figure_output(alt=ALT + " Really.")), "aria-label"),
    "other alt text in the picture": (
        edit_html(ALT, ALT + " No."),
        "is not that of the plain text",
    ),
    "figure in another form": (edit_html("<img ", "<img width=9 "), "in another form"),
    "bitmap in HTML": (edit_html("svg+xml", "png;base64"), "stores a bitmap"),
    "older form without a role": (
        set_outputs(older_figure_output(svg=SVG.replace('role="img"', ""))),
        "role=img",
    ),
    "alt text from elsewhere": (
        lambda nb: nb.cells[4].update(source="plotting.show(fig, alt=said)"),
        "not written out",
    ),
    "table without header": (add_text("| a | 1 |\n| b | 2 |"), "without a header row: | a | 1 |"),
    "header without a name": (
        add_text("| | used in |\n| :-- | --- |\n| batch | vision |"),
        "a column without a name: | | used in |",
    ),
    "image without alt text": (add_text("Look: ![](a.png)"), "an image without alt text"),
    "HTML image without alt text": (add_text('<img src="a.png" alt="">'), "without alt text"),
    "vague link": (add_text("The proof is [here](a.md)."), "a link called 'here'"),
    "vague HTML link": (add_text('<a href="a.md">Click here</a>.'), "a link called 'Click here'"),
    "formula alone": (
        add_text("### Mean\n\n$$\\mu = \\text{the mean of all of the}$$"),
        "without words",
    ),
    "answer not folded": (ask(answer="It is 4."), "is not a folded answer"),
    "answer folded in the wrong way": (ask(answer="<details>It is 4.</details>"), "not a folded"),
    "answer in the question": (ask(question=QUESTION + "\n\nIt is 4."), "before anything has run"),
    "two questions": (ask(question=QUESTION + "\n\n" + QUESTION), "two predictions in one cell"),
    "figure before the answer": (ask(code="plotting.show(fig, alt='It is 4.')"), "a figure stands"),
    "question without code": (ask(code=None), "no code follows the prediction"),
    "question without answer": (ask(answer="```\n4\n```"), "is not a folded answer"),
    "function defined again": (
        set_code("def f():\n    return 1\n\n\ndef f():\n    return 2"),
        "cell 2 defines f, which cell 2 has",
    ),
    "imported function defined again": (
        set_code("from math import exp\n\n\ndef exp(x):\n    return x"),
        "cell 2 defines exp",
    ),
    "no role": (set_outputs(figure_output(svg=SVG.replace('role="img"', ""))), "role=img"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found(fault, notebook):
    plant, expected = FAULTS[fault]
    plant(notebook)
    assert any(expected in line for line in complaints(notebook))


@pytest.mark.parametrize(
    "text",
    [
        "| a | b |\n|---|:-:|\n| 1 | 2 |",
        "![A line that rises](a.png) and [the paper](a.md), section 2",
        '<img src="a.png" alt="A line that rises">',
        "The mean is the sum of the values over their number: $$\\mu = s / m$$",
        "```\n| not a table |\n$$ not a formula $$\n```",
    ],
)
def test_text_that_everyone_can_read_is_no_complaint(notebook, text):
    add_text(text)(notebook)
    assert complaints(notebook) == []


@pytest.mark.parametrize("question", [QUESTION, QUESTION + "\n\n1. Now?\n2. And then?"])
def test_question_with_a_folded_answer_is_no_complaint(notebook, question):
    ask(question)(notebook)
    assert complaints(notebook) == []


def test_sloppy_file_form_is_found(notebook, tmp_path):
    path = tmp_path / "sample.ipynb"
    path.write_text(canonical_text(notebook).replace('"id": "cell-0"', '"id":"cell-0"'))
    assert notebook_style.complaints(path) == [
        "the file is not in the form that make refresh writes"
    ]


def test_figure_in_the_older_form_is_no_complaint(notebook):
    notebook.cells[4].outputs = [older_figure_output()]
    assert complaints(notebook) == []


def test_path_in_a_figure_is_found(notebook):
    notebook.cells[4].outputs = [figure_output(svg=SVG.replace("<path", f"<g>{HOME}</g><path"))]
    assert any("machine's path" in line for line in complaints(notebook))


def test_path_in_an_embedded_photograph_is_no_complaint(notebook):
    photo = SVG.replace("<path", f'<image href="data:image/png;base64,\n{HOME[:9]}"/><path')
    notebook.cells[4].outputs = [figure_output(svg=photo)]
    assert complaints(notebook) == []
