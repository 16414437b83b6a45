"""The notebooks for a reader's browser are the notebooks, after a cell that installs bnlib."""

import re

import nbformat

from tools import lite
from tools.nbfiles import ROOT, find


def test_each_copy_is_the_notebook_after_a_cell_that_installs(tmp_path):
    lite.copy_notebooks(tmp_path / "notebooks")
    for path in find(""):
        copy = nbformat.read(tmp_path / "notebooks" / path.name, as_version=4)
        assert "%pip install" in copy.cells[0].source
        assert "bnlib" in copy.cells[0].source
        assert copy.cells[1:] == nbformat.read(path, as_version=4).cells


def test_readme_says_what_was_tried_of_it():
    text = re.sub(r"\s+", " ", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert "`make lite`" in text
    assert "could not be tried" in text
