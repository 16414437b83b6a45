"""The README shows what the project holds: its figure, its notebooks, its commands, its links."""

import re

import matplotlib as mpl
import numpy as np
import pytest

from tools import readme_figure
from tools.nbfiles import ROOT, find

mpl.use("agg")

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def words(svg):
    """List the texts of a figure: they are the same on every platform."""
    return [text.strip() for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg)]


def test_figure_shows_what_notebook_07_finds():
    svg, alt = readme_figure.svg()
    stored = (ROOT / "docs" / "checks.svg").read_text(encoding="utf-8")
    assert words(stored) == words(svg), "run: python -m tools.readme_figure"
    assert f"![{alt}](docs/checks.svg)" in README


def test_figure_counts_what_each_check_lets_past():
    table = np.array([[True, False, False], [False, False, True], [True, True, False]])
    found = {"table": table, "names": ["a", "b", "c"], "chosen": (0, 2)}
    assert readme_figure.let_past(found) == {"b": 2, "c": 2, "a": 1, "a + c": 0}


def test_figure_of_other_numbers_is_found():
    stored = (ROOT / "docs" / "checks.svg").read_text(encoding="utf-8")
    assert words(stored) != words(stored.replace(">0<", ">1<"))


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
