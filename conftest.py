"""What pytest and nbval leave open for this project: guards for notebooks, and fixed settings.

nbval runs a cell without an execution count but does not compare it, and never compares
bitmaps: both would let a wrong result pass, so both fail here. Figures are compared exactly where
the locked versions draw them; --figures chooses. Their alternative texts are compared everywhere.
Tests and kernels have settings of their own, so that none of the user's reaches them.

Students run a cell again and again. So each cell is run twice in a row, and must say the same both
times. Cells tagged "long", which train for many seconds, are repeated by make test-all alone; the
notebooks on training, on speed and on a cluster are run by it alone.
"""

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import unquote

import hypothesis
import pytest
from nbval.plugin import IPyNbCell, NbCellError

from bnlib import exercises
from bnlib.exercises.checker import record
from tools import settings
from tools.figures import ENCODED_SVG, bitmaps

settings.use_own()  # before anything imports matplotlib

LOCK = Path(__file__).parent / "requirements.txt"
SVG = "image/svg+xml"
# These train, measure time, and start a cluster: make test-all.
LONG = ("09_training.ipynb", "10_speed.ipynb", "12_many_machines.ipynb")
FIGURES = pytest.StashKey[tuple[bool, str]]()

# The same examples in every run: a failure in CI is a failure at home.
hypothesis.settings.register_profile("bnlib", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("fresh", deadline=None, derandomize=False, print_blob=True)
hypothesis.settings.load_profile("bnlib")

pytest_plugins = ["tests.times"]


def pytest_addoption(parser):
    parser.addoption(
        "--figures",
        choices=("auto", "compare", "skip"),
        default="auto",
        help="compare SVG figures exactly; auto: only on Linux x86_64 with the locked versions",
    )
    parser.addoption(
        "--twice",
        choices=("no", "quick", "all"),
        default="quick",
        help="run the cells of notebooks twice in a row; quick: all but those tagged long",
    )


def differences_from_lock(lock, installed, system):
    """List in what this machine differs from the one that figures are compared on."""
    found = [] if system == ("Linux", "x86_64") else [" ".join(system)]
    locked = dict(re.findall(r"^([\w-]+)==([^\s;]+)", lock, flags=re.MULTILINE))
    for name, present in installed.items():
        if present != locked.get(name):
            found.append(f"{name} {present} instead of {locked.get(name)}")
    return found


def installed_version(name):
    """Return a package's version without importing it, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def figure_policy(option):
    """Return whether figures are compared, and why."""
    if option != "auto":
        return option == "compare", "as --figures says"
    installed = {name: installed_version(name) for name in ("numpy", "matplotlib")}
    system = (platform.system(), platform.machine())
    found = differences_from_lock(LOCK.read_text(encoding="utf-8"), installed, system)
    return not found, ", ".join(found) or "the platform and versions they were drawn with"


def pytest_configure(config):
    config.stash[FIGURES] = figure_policy(config.getoption("--figures"))


def pytest_report_header(config):
    compared, reason = config.stash[FIGURES]
    return f"figures: {'compared exactly' if compared else 'not compared'} ({reason})"


@pytest.hookimpl(tryfirst=True)  # before the marks decide what runs
def pytest_collection_modifyitems(config, items):
    compared, _ = config.stash[FIGURES]
    for item in items:
        if item.path.name in LONG:
            item.add_marker(pytest.mark.slow)
        if isinstance(item, IPyNbCell) and not compared and SVG not in item.parent.skip_compare:
            item.parent.skip_compare += (SVG,)
            item.parent.sanitize_patterns[ENCODED_SVG] = ""


def why_uncompared(cell):
    """Say why nbval would not compare this cell's stored outputs, or return None."""
    if cell.source.strip() and cell.execution_count is None:
        return "the stored notebook has not run this cell: make refresh"
    if any(bitmaps(output.get("data", {})) for output in cell.outputs):
        return "a stored figure is a bitmap, which is not compared: use bnlib.plotting.show"
    return None


def is_repeated(item):
    """Tell whether a cell is run twice in a row."""
    wanted = item.config.getoption("--twice")
    return wanted == "all" or (
        wanted == "quick" and "long" not in item.cell.metadata.get("tags", ())
    )


def run_again(item):
    """Run a cell once more, and compare it once more; say that it is the second time."""
    try:
        item.runtest()
    except NbCellError as error:
        said = f"Run twice in a row, the second time: {error}"
        item.raise_cell_error(said, error.inner_traceback)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield  # the cell runs first, since later cells need what it defines
    if isinstance(item, IPyNbCell):
        if reason := why_uncompared(item.cell):
            item.raise_cell_error(reason)
        if is_repeated(item):
            run_again(item)
    return result


def pytest_assertrepr_compare(op, left, right):
    """Say where two figures part; the line-by-line diff of long SVG takes minutes."""
    drawn = [
        isinstance(text, str) and ("<svg" in text or "%3Csvg" in text) for text in (left, right)
    ]
    if op != "==" or not all(drawn):
        return None
    lines = (unquote(text).splitlines() for text in (left, right))
    pairs = enumerate(zip(*lines, strict=False))
    line, (old, new) = next(((k, pair) for k, pair in pairs if pair[0] != pair[1]), (-1, ("", "")))
    return [f"figures differ, first in line {line + 1} of the SVG:", old[:200], new[:200]]


@pytest.fixture(autouse=True)
def first_miss(request):
    """Let each doctest meet exercises as a student does, whatever was tried before."""
    if isinstance(request.node, pytest.DoctestItem):
        for exercise in exercises.ALL.values():
            exercise.forget()
        record.forget()
