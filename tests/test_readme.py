"""The README shows what the project holds: its figure, its notebooks, its commands, its links."""

import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from tools import readme_figure
from tools.nbfiles import ROOT, find
from tools.site import repository

mpl.use("agg")

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def words(svg):
    """List the texts of a figure: they are the same on every platform."""
    return [text.strip() for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg)]


@pytest.mark.slow  # the checks of notebook 07 once more
def test_figure_shows_what_notebook_07_finds():
    svg, alt = readme_figure.svg()
    stored = (ROOT / "docs" / "checks.svg").read_text(encoding="utf-8")
    assert words(stored) == words(svg), "run: python -m tools.readme_figure"
    assert f"![{alt}](docs/checks.svg)" in README


def test_figure_counts_what_each_check_catches():
    table = np.array([[True, False, False], [False, False, True], [True, True, False]])
    found = {"table": table, "names": ["a", "b", "c"], "chosen": (0, 2)}
    counts = readme_figure.caught(found)
    assert list(counts.items()) == [("b", 1), ("c", 1), ("a", 2), ("a + c", 3)]


def test_figure_counts_what_each_check_runs():
    results = {"a\nb": {"x": True, "y": None}, "c": {"x": False, "y": False}}
    found = {"results": results, "checks": list(results), "names": ["a b", "c"], "chosen": (0, 1)}
    assert readme_figure.run(found) == {"a b": 1, "c": 2, "a b + c": 2}


def test_figure_marks_the_chosen_checks_and_their_sum():
    counts = {"shapes": 1, "all values": 2, "projection": 2, "shapes + all values": 3}
    fig = readme_figure.draw(counts, dict.fromkeys(counts, 3), 3)
    labels = fig.axes[0].get_yticklabels()
    assert [label.get_weight() for label in labels] == ["bold", "bold", "normal", "bold"]
    assert labels[-1].get_text() == "the two in bold together"
    plt.close(fig)


def test_figure_of_other_numbers_is_found():
    stored = (ROOT / "docs" / "checks.svg").read_text(encoding="utf-8")
    assert words(stored) != words(stored.replace(">0 of 75<", ">1 of 75<"))


@pytest.mark.parametrize("path", find(""), ids=lambda path: path.stem)
def test_every_notebook_is_listed(path):
    assert f"(notebooks/{path.name})" in README


def test_every_command_is_a_target():
    commands = set(re.findall(r"^make ([\w-]+)|`make ([\w-]+)", README, flags=re.MULTILINE))
    targets = set(re.findall(r"^([\w-]+):.*##", MAKEFILE, flags=re.MULTILINE))
    assert {"lab", "test"} <= {a or b for a, b in commands} <= targets


def test_first_line_leads_to_the_site():
    first = README.split("\n")[2]
    assert repository.PAGES.format(*repository.UNKNOWN.split("/")) in first


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_link_leads_to_a_file(link):
    assert (ROOT / link).exists()
