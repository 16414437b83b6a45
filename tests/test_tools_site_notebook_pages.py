"""A notebook's page shows no dead answers, and an element for each explorer."""

import json

import pytest

from bnlib import exercises, widgets
from bnlib.exercises import predict
from tests.notebook_samples import figure_output
from tools.nbfiles import find, read
from tools.site import notebook_pages


def cell(*outputs):
    return {"cell_type": "code", "source": "", "outputs": list(outputs)}


def output(text):
    return {"output_type": "execute_result", "data": {"text/plain": text}}


def html(page):
    """List the HTML of a page's outputs."""
    data = [o.get("data", {}) for c in page["cells"] for o in c.get("outputs", [])]
    return [notebook_pages.joined(one["text/html"]) for one in data if "text/html" in one]


@pytest.mark.parametrize("said", [str(exercises.count_m.check(...)), str(predict.scaled_xhat(...))])
def test_answer_that_is_not_written_becomes_a_line_that_says_where_to_write_it(said):
    page = notebook_pages.as_page({"cells": [cell(output(said))]}, "notebooks/01_concept.ipynb")
    (line,) = html(page)
    assert said not in line
    assert "make lab" in line
    assert line.count("notebooks/01_concept.ipynb") == 2  # Binder and Colab


@pytest.mark.parametrize("said", ["Correct.", "It is Not written yet"])
def test_other_outputs_stay(said):
    notebook = {"cells": [cell(output(said), figure_output()), {"cell_type": "markdown"}]}
    before = json.dumps(notebook)
    assert json.dumps(notebook_pages.as_page(notebook, "a.ipynb")) == before


@pytest.mark.parametrize("name", widgets.__all__)
def test_explorer_becomes_an_element_around_its_still_picture(name):
    explorer = getattr(widgets, name)()
    bundle = explorer._repr_mimebundle_()
    stored = {"text/html": bundle["text/html"], "text/plain": [bundle["text/plain"]]}
    page = notebook_pages.as_page({"cells": [cell({"data": stored})]}, "a.ipynb")
    assert html(page) == [
        f'<bnlib-explorer name="{explorer.name}">{bundle["text/html"]}</bnlib-explorer>'
    ]


def test_every_explorer_is_on_a_page_and_no_answer_is_dead():
    every = [notebook_pages.as_page(read(path), path.name) for path in find("")]
    text = "".join(line for page in every for line in html(page))
    for name in widgets.__all__:
        assert text.count(f'<bnlib-explorer name="{getattr(widgets, name)().name}">') == 1
    assert text.count("bnlib-answer") > 50
    outputs = [o for page in every for c in page["cells"] for o in c.get("outputs", [])]
    data = [o["data"] for o in outputs if "data" in o and "text/html" not in o["data"]]
    assert not [one for one in data if " yet" in notebook_pages.joined(one["text/plain"])[:25]]
