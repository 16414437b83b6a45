"""A symbol means the same in every notebook, and has the same name in the code."""

import re

import nbformat
import pytest

from tools.nbfiles import ROOT, find

ROW = re.compile(r"^\| (\$.+?\$) \| `(.+?)`", re.MULTILINE)
NODES = {"mean": "mu"}  # the graph of notebook 04 names its nodes; notebook 01 says so


def names(text):
    """Map each symbol of a notation table to its name, where there is one for each."""
    found = {}
    for symbols, code in ROW.findall(text):
        left, right = symbols.strip("$").split(", "), code.split(", ")
        if len(left) == len(right):
            found |= dict(zip(left, right, strict=True))
    found.pop("W", None)  # the width, or the weights of a convolution; each table says which
    return found


def of_notebook(path):
    return names("\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells[:3]))


EVERYWHERE = names((ROOT / "docs" / "notation.md").read_text(encoding="utf-8"))


def test_notation_holds_the_usual_symbols():
    assert {r"\mu": "mu", r"\sigma^2": "var", r"\hat x": "xhat"}.items() <= EVERYWHERE.items()


@pytest.mark.parametrize("path", find(""), ids=lambda path: path.stem)
def test_symbol_has_one_name_in_every_notebook(path):
    found = of_notebook(path)
    assert found
    for symbol in found.keys() & EVERYWHERE.keys():
        name = found[symbol]
        expected = NODES.get(name, name) if path.stem.startswith("04") else name
        assert expected == EVERYWHERE[symbol], symbol
