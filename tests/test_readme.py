"""The README shows what the project holds: its figure, its notebooks, its commands."""

import re

import nbformat
import pytest

from tools.nbfiles import ROOT, find

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def figures(name):
    notebook = nbformat.read(find(name)[0], as_version=4)
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [output.get("data", {}).get("image/svg+xml") for output in outputs]


def test_figure_is_one_that_notebook_01_draws():
    stored = (ROOT / "docs" / "averaging.svg").read_text(encoding="utf-8")
    assert stored in figures("01_concept"), "copy the SVG of notebook 01's axes figure there again"


@pytest.mark.parametrize("path", find(""), ids=lambda path: path.stem)
def test_every_notebook_is_listed(path):
    assert f"(notebooks/{path.name})" in README


def test_every_command_is_a_target():
    commands = set(re.findall(r"^make ([\w-]+)|`make ([\w-]+)", README, flags=re.MULTILINE))
    targets = set(re.findall(r"^([\w-]+):.*##", MAKEFILE, flags=re.MULTILINE))
    assert {"lab", "test"} <= {a or b for a, b in commands} <= targets


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_link_leads_to_a_file(link):
    assert (ROOT / link).exists()
