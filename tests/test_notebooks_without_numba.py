"""The notebook on speed runs where Numba is not installed, and says what is left out."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from tools.nbfiles import NOTEBOOKS
from tools.refresh import execute

IGNORED = "nbval-ignore-output"


def printed(cells):
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [output.text for output in outputs if output.output_type == "stream"]


@pytest.mark.slow  # the whole notebook once more
def test_notebook_10_runs_without_numba_and_says_what_is_left_out():
    notebook = nbformat.read(NOTEBOOKS / "10_speed.ipynb", as_version=4)
    notebook.cells.insert(0, new_code_cell("import sys\n\nsys.modules['numba'] = None"))
    execute(notebook, NOTEBOOKS)  # a cell that fails raises
    assert sum("left out: Numba is not installed" in text for text in printed(notebook.cells)) == 3
    compared = [cell for cell in notebook.cells if IGNORED not in cell.metadata.get("tags", [])]
    verdicts = printed(compared)  # not those of a clock, which depend on what else runs
    assert any(": True" in text for text in verdicts)
    assert [text for text in verdicts if ": False" in text] == []
