"""Of two processes, one works and the other waits, however the first one ends."""

import subprocess
import sys
import time

import pytest

from tools import locking
from tools.nbfiles import ROOT

HOLD = """
import sys, time
from tools.locking import alone
with alone(sys.argv[1], "waits"):
    print("holds", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Start a process that holds the lock on a file; give both."""
    path = tmp_path / "locked"
    path.write_text("text")
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "holds\n"
        yield process, path
        process.kill()


def test_second_waits_until_the_first_is_killed(holder, monkeypatch, capsys):
    process, path = holder
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            process.kill()
            process.wait()

    monkeypatch.setattr(time, "sleep", sleep)
    with locking.alone(path, "waits"):
        assert len(slept) >= 3
    assert capsys.readouterr().out == "waits\n"


def test_locked_file_can_be_read(holder):
    assert holder[1].read_text() == "text"


def test_lock_is_given_back(tmp_path, capsys):
    path = tmp_path / "locked"
    path.touch()
    for _ in range(2):
        with locking.alone(path, "waits"):
            pass
    assert capsys.readouterr().out == ""


def test_file_system_without_locks_is_no_obstacle(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(locking, "try_lock", refuse)
    (tmp_path / "locked").touch()
    with locking.alone(tmp_path / "locked", "waits"):
        pass
