"""A student runs a cell again and again: each cell of each notebook, run twice, says the same."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.nbfiles import NOTEBOOKS, find
from tools.refresh import canonical_outputs, client


def cells_that_change(notebook, folder):
    """Run every cell twice in a row; list those whose outputs differ the second time."""
    executor = client(notebook, folder)
    changing = []
    with executor.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                first, second = (
                    canonical_outputs(executor.execute_cell(cell, index).outputs, count=None)
                    for _ in range(2)
                )
                if first != second and "nbval-ignore-output" not in cell.metadata.get("tags", []):
                    changing.append(index)
    return changing


@pytest.mark.parametrize("path", find(""), ids=lambda path: path.stem)
def test_each_cell_run_twice_gives_the_same(path):
    assert cells_that_change(nbformat.read(path, as_version=4), NOTEBOOKS) == []


def test_cell_that_depends_on_its_own_result_is_found(tmp_path):
    sources = ["a = [1]", "a.append(2)\nprint(len(a))", "len(a)", "print(object())"]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    tagged = new_code_cell("a.append(2)\na", metadata={"tags": ["nbval-ignore-output"]})
    notebook.cells.append(tagged)
    assert cells_that_change(notebook, tmp_path) == [1]
