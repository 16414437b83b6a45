"""How long the suite takes: the longest files first, a summary at the end, a record of one run.

A plugin of pytest. A file is run by one worker, so the last file to begin decides how long the
others wait; tests/times.json says how long each took when the record was made.
``make test ARGS=--record`` makes it anew, and tests/test_times.py compares the times that the
documents state with it. In a fresh clone Numba compiles for the better part of a minute; what
needs the kernels is run by one worker, so that the second does not compile the same.
"""

import json
import os
import platform
import time
from collections import Counter
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

RECORD = Path(__file__).with_name("times.json")
SHORT = 0.5  # seconds; a file that takes less is not worth a line
COMPILED = (
    "tests/test_kernels.py",  # first, since it compiles most
    "tests/test_benchmarks.py",
    "tests/test_contract.py",
    "tests/test_kernels_memory.py",
    "tests/test_layers_norms.py",
    "tests/test_reports.py",
    "tests/test_statistics_range.py",
    "bnlib/kernels/__init__.py",
)
BEFORE = {"set-up": "BNLIB_SETUP_SECONDS", "style": "BNLIB_STYLE_SECONDS"}


def recorded():
    """Return the record, or an empty one."""
    if not RECORD.exists():
        return {"commands": {}, "files": {}}
    return json.loads(RECORD.read_text(encoding="utf-8"))


def pytest_addoption(parser):
    parser.addoption(
        "--record", action="store_true", help="write tests/times.json anew from this run"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    seconds = Counter()
    for file, took in recorded()["files"].items():
        seconds[unit_of(file)] += took
    items.sort(key=lambda item: order(item.nodeid, seconds))  # equal ones stay in order


def order(nodeid, seconds):
    """Return a key: the longest units first, in the one that compiles its files as listed."""
    file = file_of(nodeid)
    return -seconds[unit_of(file)], COMPILED.index(file) if file in COMPILED else 0


def file_of(nodeid):
    """Return the file that a test or a cell is in."""
    return nodeid.partition("::")[0]


def unit_of(nodeid):
    """Return what is given to a worker as a whole: a file, or all files that compile."""
    file = file_of(nodeid)
    return COMPILED[0] if file in COMPILED else file


class ByUnit(LoadFileScheduling):
    """xdist's --dist=loadfile, with one unit for all files that compile."""

    def _split_scope(self, nodeid):
        return unit_of(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return ByUnit(config, log) if config.getvalue("dist") == "loadfile" else None


class Stopwatch:
    """Adds up the seconds of each file, over all workers."""

    def __init__(self):
        self.start = time.perf_counter()
        self.files = Counter()

    def pytest_runtest_logreport(self, report):
        self.files[file_of(report.nodeid)] += report.duration

    def pytest_terminal_summary(self, terminalreporter, config):
        wall = time.perf_counter() - self.start
        before = {name: float(os.environ.get(variable, 0)) for name, variable in BEFORE.items()}
        terminalreporter.write_line(summary(self.files, before, wall))
        if config.getoption("--record"):
            write_record(self.files, before, wall)


def summary(files, before, wall):
    """Say in a line how long the parts took, and how much work the tests and notebooks were."""
    notebooks = sum(seconds for name, seconds in files.items() if name.endswith(".ipynb"))
    tests = sum(files.values()) - notebooks
    parts = {**before, "tests and notebooks": wall}
    said = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in parts.items())
    return f"{said} (work of all workers: tests {tests:.0f} s, notebooks {notebooks:.0f} s)"


def write_record(files, before, wall):
    """Keep this run: its command with the time it took, and of make test each file's time."""
    record = recorded()
    command = os.environ.get("BNLIB_COMMAND", "make test")
    record["machine"] = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    record["commands"][command] = round(wall + before["style"])
    if before["set-up"] > 5:  # not where there was nothing to do
        record["commands"]["make setup"] = round(before["set-up"])
    long = {name: round(seconds, 1) for name, seconds in files.items() if seconds > SHORT}
    if command != "make test":
        long |= record["files"]  # of make test-all only the files that make test leaves out
    record["files"] = dict(sorted(long.items(), key=lambda pair: -pair[1]))
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # only where the reports of all workers arrive
        config.pluginmanager.register(Stopwatch(), "bnlib-stopwatch")
