"""The project's own pytest run rejects what it must: faults planted into a small notebook."""

import platform
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from conftest import (
    LOCK,
    differences_from_lock,
    figure_policy,
    is_repeated,
    pytest_assertrepr_compare,
)
from tests.notebook_samples import ALT, DRAW, SVG, figure_output, older_figure_output, printed
from tools.nbfiles import ROOT

PHOTO = DRAW.replace("<path", "<image href='data:image/png;base64,AAAA'/><path")
PHOTO_SVG = SVG.replace("<path", "<image href='data:image/png;base64,BBBB\n'/><path")
BITMAP = 'display({"image/png": "AAAA"}, raw=True)'
AS_SVG = "from bnlib.plotting import style\nstyle.AS_HTML = {}"
IMG = '<img src="data:image/png;base64,AAAA">'


def cell(source, *outputs, **changes):
    return new_code_cell(source, **{"execution_count": 1, "outputs": list(outputs), **changes})


# name: the cell as stored, and whether it must fail
CELLS = {
    "right digit": (cell("print(4)", printed("4\n")), False),
    "changed digit": (cell("print(4)", printed("5\n")), True),
    "right figure": (cell(DRAW, figure_output()), False),
    "changed figure": (cell(DRAW, figure_output(SVG.replace("L 9 9", "L 9 8"))), True),
    "other bytes of a photograph": (cell(PHOTO, figure_output(PHOTO_SVG)), False),
    "changed alt text": (cell(DRAW, figure_output(alt=ALT + "!")), True),
    "to the older form": (cell(AS_SVG.format(False)), False),
    "right figure in the older form": (cell(DRAW, older_figure_output()), False),
    "changed figure in the older form": (
        cell(DRAW, older_figure_output(SVG.replace("L 9 9", "L 9 8"))),
        True,
    ),
    "back from the older form": (cell(AS_SVG.format(True)), False),
    "figure in the other form": (cell(DRAW, older_figure_output()), True),
    "bitmap in HTML": (
        cell(
            f"display({{'text/html': {IMG!r}}}, raw=True)",
            new_output("display_data", {"text/html": IMG}),
        ),
        True,
    ),
    "lost figure": (cell(DRAW), True),
    "not run, no output": (cell("b = 1", execution_count=None), True),
    "run, uses what the one before defined": (cell("print(b)", printed("1\n")), False),
    "empty": (cell(" ", execution_count=None), False),
    "bitmap": (cell(BITMAP, new_output("display_data", {"image/png": "AAAA"})), True),
    "raises": (cell("1 / 0"), True),
    "object's address": (
        cell("print(object())", printed("<object object at 0x0>\n")),
        False,
    ),
    "warning": (
        cell(
            "import warnings\nwarnings.warn('look')",
            new_output(
                "stream",
                name="stderr",
                text="<cell>:2: UserWarning: look\n  warnings.warn('look')\n",
            ),
        ),
        False,
    ),
    "twice the same": (cell("c = [1]"), False),
    "another result the second time": (cell("c.append(2)\nprint(len(c))", printed("2\n")), True),
    "fails the second time": (cell("c = c.pop()"), True),
    "long, so not repeated": (
        cell("print(d) if 'd' in dir() else None\nd = 1", metadata={"tags": ["long"]}),
        False,
    ),
    "ignored output": (
        cell("print(4)", printed("5\n"), metadata={"tags": ["nbval-ignore-output"]}),
        False,
    ),
}


def failures(folder, figures):
    """Run pytest, as the project sets it up, on a notebook of all these cells; say which failed."""
    (folder / "tests").mkdir()
    for name in (
        "conftest.py",
        "pyproject.toml",
        "requirements.txt",
        "tests/nbval_sanitize.cfg",
        "tests/times.py",
    ):
        shutil.copy(ROOT / name, folder / name)
    nbformat.write(new_notebook(cells=[stored for stored, _ in CELLS.values()]), folder / "a.ipynb")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "a.ipynb",
        f"--figures={figures}",
        "--junitxml=a.xml",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    said = "compared exactly" if figures == "compare" else "not compared"
    assert f"figures: {said}" in done.stdout, done.stdout + done.stderr
    cases = ElementTree.parse(folder / "a.xml").iter("testcase")
    return dict(zip(CELLS, [len(case) > 0 for case in cases], strict=True))


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    return failures(tmp_path_factory.mktemp("guard"), "compare")


@pytest.mark.slow  # the same cells once more
def test_without_figures_their_texts_and_all_else_are_compared(failed, tmp_path):
    skipped = failures(tmp_path, "skip")
    differ = {name for name in CELLS if skipped[name] != failed[name]}
    assert differ == {"changed figure", "changed figure in the older form"}


class Item:
    """A notebook's cell with these tags, in a run with this option."""

    def __init__(self, tags, twice):
        self.cell = new_code_cell("1", metadata={"tags": tags})
        self.config = self
        self.getoption = {"--twice": twice}.__getitem__


@pytest.mark.parametrize(
    ("twice", "expected"), [("no", [0, 0]), ("quick", [1, 0]), ("all", [1, 1])]
)
def test_long_cells_are_repeated_where_all_are(twice, expected):
    items = Item([], twice), Item(["nbval-ignore-output", "long"], twice)
    assert [is_repeated(item) for item in items] == expected


@pytest.mark.parametrize("name", CELLS)
def test_cell_fails_where_it_must_and_only_there(name, failed):
    assert failed[name] == CELLS[name][1]


LOCKED = {"numpy": "2.4.6", "matplotlib": "3.11.2"}
LOCK_TEXT = "matplotlib==3.11.2 \\\n    --hash=x\nnumpy==2.4.6 ; python_version > '3'\n"


@pytest.mark.parametrize(
    ("installed", "system", "expected"),
    [
        (LOCKED, ("Linux", "x86_64"), []),
        (LOCKED, ("Darwin", "arm64"), ["Darwin arm64"]),
        (
            {**LOCKED, "numpy": "1.26.4"},
            ("Linux", "x86_64"),
            ["numpy 1.26.4 instead of 2.4.6"],
        ),
        (
            {**LOCKED, "matplotlib": None},
            ("Linux", "x86_64"),
            ["matplotlib None instead of 3.11.2"],
        ),
    ],
)
def test_figures_are_compared_only_where_they_were_drawn(installed, system, expected):
    assert differences_from_lock(LOCK_TEXT, installed, system) == expected


def test_lock_names_the_packages_that_draw():
    lock = LOCK.read_text(encoding="utf-8")
    assert len(differences_from_lock(lock, dict.fromkeys(LOCKED, "0"), ("Linux", "x86_64"))) == 2


def test_option_decides_before_the_platform(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "abacus")
    assert figure_policy("compare")[0]
    assert not figure_policy("skip")[0]
    assert figure_policy("auto")[1].startswith(f"{platform.system()} abacus")


def test_difference_of_figures_is_told_by_its_first_line():
    lines = pytest_assertrepr_compare("==", "<svg>\nsame\nold", "<svg>\nsame\nnew")
    assert lines == ["figures differ, first in line 3 of the SVG:", "old", "new"]
    encoded = [f"%3Csvg%3E%0Asame%0A{end}" for end in ("old", "new")]
    assert pytest_assertrepr_compare("==", *encoded) == lines
    assert pytest_assertrepr_compare("==", "plain", "text") is None
