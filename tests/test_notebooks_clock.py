"""What a notebook prints and compares does not hang on a clock, which other programs can slow."""

import nbformat
import pytest

from tools.nbfiles import find, show
from tools.refresh import execute

CLOCK = "from time import perf_counter"
LYING = """
from random import Random

_steps, _now = Random(13), 0.0


def perf_counter():
    global _now
    _now += 10 ** _steps.uniform(-6, 3)
    return _now
"""
TIMED = [path for path in find("") if CLOCK in path.read_text(encoding="utf-8")]


def compared(notebook):
    """Return what each cell prints whose output nbval compares, in however many pieces it came."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return {
        cell.source: "".join(o.text for o in cell.outputs if o.output_type == "stream")
        for cell in cells
        if "nbval-ignore-output" not in cell.metadata.get("tags", [])
    }


def executed_with_a_lying_clock(notebook, folder):
    """Run the notebook with a clock whose steps are anything from a microsecond to minutes."""
    sources = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:  # what else is imported from time stays true
        lie = cell.source.replace(f"{CLOCK}, ", f"{LYING}\nfrom time import ")
        cell.source = lie.replace(CLOCK, LYING)
    execute(notebook, folder)
    for cell, source in zip(notebook.cells, sources, strict=True):
        cell.source = source
    return notebook


def test_the_lying_clock_changes_what_depends_on_it(tmp_path):
    source = f"{CLOCK}\n\nbegin = perf_counter()\nprint(perf_counter() - begin < 0.1)"
    first, second = (nbformat.v4.new_code_cell(text) for text in (source, source + "\n"))
    notebook = nbformat.v4.new_notebook(cells=[first, second])
    said = compared(executed_with_a_lying_clock(notebook, tmp_path))
    assert list(said.values()) != ["True\n", "True\n"]


@pytest.mark.slow  # whole notebooks once more
@pytest.mark.parametrize("path", TIMED, ids=[show(path) for path in TIMED])
def test_compared_outputs_do_not_depend_on_the_clock(path):
    stored = nbformat.read(path, as_version=4)
    said = compared(executed_with_a_lying_clock(nbformat.read(path, as_version=4), path.parent))
    assert said == compared(stored)


def test_three_notebooks_read_a_clock():
    assert [path.stem[:2] for path in TIMED] == ["05", "10", "12"]
