"""The notebook on speed runs where Numba is not installed, and says what is left out."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from tools.nbfiles import NOTEBOOKS
from tools.refresh import execute


@pytest.mark.slow  # the whole notebook once more
def test_notebook_10_runs_without_numba_and_says_what_is_left_out():
    notebook = nbformat.read(NOTEBOOKS / "10_speed.ipynb", as_version=4)
    notebook.cells.insert(0, new_code_cell("import sys\n\nsys.modules['numba'] = None"))
    execute(notebook, NOTEBOOKS)  # a cell that fails raises
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    said = [output.text for output in outputs if output.output_type == "stream"]
    assert sum("left out: Numba is not installed" in text for text in said) == 3
    assert [text for text in said if ": False" in text] == []
