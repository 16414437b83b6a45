"""The long run changes one line of notebook 09, and names its figures after what they show."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.notebook_samples import figure_output
from tools import long_run


def test_notebook_09_has_the_switch_once_and_all_else_stays():
    short = nbformat.read(long_run.NOTEBOOK, as_version=4)
    long = long_run.long_version(nbformat.read(long_run.NOTEBOOK, as_version=4))
    pairs = zip(short.cells, long.cells, strict=True)
    changed = [(a.source, b.source) for a, b in pairs if a.source != b.source]
    assert len(changed) == 1
    assert changed[0][0].replace(*long_run.SWITCH) == changed[0][1]


@pytest.mark.parametrize("cells", [[], ["LONG = False", "LONG = False"]])
def test_switch_that_is_not_there_once_is_an_error(cells):
    with pytest.raises(ValueError, match="expected one"):
        long_run.long_version(new_notebook(cells=[new_code_cell(cell) for cell in cells]))


def test_figures_of_training_runs_are_found_by_name():
    tagged = {"tags": ["nbval-ignore-output"]}
    source = 'bands(ax, gains, by_gain, "gain, any", "test accuracy, %")'
    cells = [
        new_code_cell(source, outputs=[figure_output(svg="<svg>1")], metadata=tagged),
        new_code_cell(source, outputs=[figure_output(svg="<svg>2")]),
        new_code_cell("1", metadata=tagged),
    ]
    assert list(long_run.figures(new_notebook(cells=cells))) == [("09_by_gain.svg", "<svg>1")]


def test_every_figure_of_notebook_09s_long_run_is_shipped():
    notebook = nbformat.read(long_run.NOTEBOOK, as_version=4)
    names = [name for name, _ in long_run.figures(notebook)]
    assert len(names) == 4
    assert sorted(names) == sorted(path.name for path in long_run.FIGURES.glob("09_*.svg"))
