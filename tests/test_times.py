"""The suite's times: what is summed up, what comes first, and what the documents state."""

import json
import re
from types import SimpleNamespace

import pytest

from tests import times
from tools.nbfiles import ROOT

STATED = re.compile(r"^\| `(make [\w-]+)` .*\| (\d+) s \|$", flags=re.MULTILINE)
FACTOR = 2  # between machines, and between a quiet and a busy hour


def stated():
    """Return command -> seconds, as the table in CONTRIBUTING has them."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return {command: int(seconds) for command, seconds in STATED.findall(text)}


def test_stated_times_are_within_a_factor_of_the_recorded_run():
    commands = times.recorded()["commands"]
    assert {"make setup", "make test", "make test-all"} <= stated().keys()
    far = {
        command: (seconds, commands[command])
        for command, seconds in stated().items()
        if not commands[command] / FACTOR <= seconds <= commands[command] * FACTOR
    }
    assert far == {}


def test_make_test_was_recorded_within_two_minutes():
    assert times.recorded()["commands"]["make test"] <= 120


def test_longest_files_come_first_and_stay_whole(monkeypatch, tmp_path):
    record = tmp_path / "times.json"
    record.write_text(json.dumps({"files": {"b.ipynb": 30.0, "c.py": 40.0}}))
    monkeypatch.setattr(times, "RECORD", record)
    names = ["a.py::1", "b.ipynb::Cell 0", "a.py::2", "b.ipynb::Cell 1", "c.py::1"]
    items = [SimpleNamespace(nodeid=name) for name in names]
    times.pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == [names[k] for k in (4, 1, 3, 0, 2)]


def test_files_that_compile_are_one_unit_and_the_longest_together(monkeypatch, tmp_path):
    record = tmp_path / "times.json"
    record.write_text(json.dumps({"files": {"a.py": 5.0, times.COMPILED[2]: 6.0}}))
    monkeypatch.setattr(times, "RECORD", record)
    names = ["a.py::1", f"{times.COMPILED[-1]}::Cell 0", f"{times.COMPILED[0]}::1", "b.py::1"]
    items = [SimpleNamespace(nodeid=name) for name in names]
    times.pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == [names[k] for k in (2, 1, 0, 3)]
    assert len({times.unit_of(name) for name in names}) == 3


def test_every_test_file_that_imports_the_kernels_is_in_the_unit_that_compiles():
    imports = re.compile(r"^ *from bnlib import .*\bkernels\b", flags=re.MULTILINE)
    found = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "tests").glob("test_*.py")
        if imports.search(file.read_text(encoding="utf-8"))
    }
    assert found <= set(times.COMPILED)
    assert all((ROOT / file).exists() for file in times.COMPILED)


def test_summary_tells_the_parts():
    said = times.summary({"a.py": 61, "b.ipynb": 30.4}, {"set-up": 0.2, "style": 2}, 48.6)
    assert said == (
        "set-up 0 s, style 2 s, tests and notebooks 49 s "
        "(work of all workers: tests 61 s, notebooks 30 s)"
    )


@pytest.mark.parametrize(
    ("command", "kept"), [("make test", ["a.py"]), ("make test-all", ["a.py", "z.py"])]
)
def test_record_keeps_each_commands_time_and_the_files_of_make_test(
    monkeypatch, tmp_path, command, kept
):
    record = tmp_path / "times.json"
    record.write_text(json.dumps({"commands": {"make test-browser": 9}, "files": {"z.py": 1}}))
    monkeypatch.setattr(times, "RECORD", record)
    monkeypatch.setenv("BNLIB_COMMAND", command)
    times.write_record({"a.py": 7.04, "short.py": 0.1}, {"set-up": 40, "style": 3}, 50)
    written = times.recorded()
    assert written["commands"] == {"make test-browser": 9, command: 53, "make setup": 40}
    assert [*written["files"]] == kept
