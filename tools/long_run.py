"""Run the long version of notebook 09 and store its figures beside the notebooks.

The same cells with LONG = True, in a fresh kernel. The notebook itself is not changed.
"""

import re
import sys

import nbformat
from tqdm import tqdm

from tools.figures import figure_in
from tools.nbfiles import NOTEBOOKS, write_atomically
from tools.refresh import client

NOTEBOOK = NOTEBOOKS / "09_training.ipynb"
FIGURES = NOTEBOOKS / "figures"
SWITCH = ("LONG = False", "LONG = True")
MINUTES_PER_CELL = 30


def long_version(notebook):
    """Return the notebook with the long run turned on.

    Raises
    ------
    ValueError
        If there is not exactly one cell with the switch.
    """
    cells = [cell for cell in notebook.cells if SWITCH[0] in cell.source]
    if len(cells) != 1:
        raise ValueError(f"{len(cells)} cells say {SWITCH[0]!r}; expected one")
    cells[0].source = cells[0].source.replace(*SWITCH)
    return notebook


def figures(notebook):
    """Yield (file name, SVG) of every figure that a training run draws, named after its title."""
    for cell in notebook.cells:
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            for output in cell.outputs:
                if figure := figure_in(output.get("data", {})):
                    label = re.search(r"([a-z_]+), \"[^\"]*\", \"test accuracy", cell.source)
                    yield f"09_{label[1]}.svg", figure.svg


def main():
    """Run it, and write the figures."""
    notebook = long_version(nbformat.read(NOTEBOOK, as_version=4))
    executor = client(notebook, NOTEBOOKS)
    executor.timeout = 60 * MINUTES_PER_CELL
    with executor.setup_kernel():
        for index, cell in enumerate(tqdm(notebook.cells, unit="cell")):
            if cell.cell_type == "code":
                executor.execute_cell(cell, index)
    FIGURES.mkdir(exist_ok=True)
    for name, svg in figures(notebook):
        write_atomically(FIGURES / name, svg)
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
