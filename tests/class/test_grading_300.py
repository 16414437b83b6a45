"""300 submissions: quick enough on two cores, right in every row, in flat memory, after a kill."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import synthetic_class
from test_grading import graded, grading

from bnlib import exercises

STUDENTS = 300
SECONDS = 600
GROWTH = 1.25  # of memory, from the time when every exercise has been met
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@pytest.fixture(scope="module")
def large_class(tmp_path_factory):
    """Write all copies of all notebooks with exercises; return their folder and the truth."""
    folder = tmp_path_factory.mktemp("class")
    numbers = dict.fromkeys(one.notebook for one in exercises.ALL.values())
    asking = [number for number in numbers if synthetic_class.functions(number)]
    listed = {number: synthetic_class.plans(number) for number in numbers}
    for number in asking:
        listed[number] += synthetic_class.behaviours(number)
    number, name = asking[0], synthetic_class.functions(asking[0])[0]
    sleeper = synthetic_class.behaving(name, *synthetic_class.SLEEPING)
    listed[number].append({name: sleeper})
    return folder, synthetic_class.write(folder, listed, STUDENTS)


class Watched:
    """A run of the grading whose memory is looked at: that of the parent and of its workers."""

    def __init__(self, command):
        self.process, self.sizes = subprocess.Popen(command), []
        self.started = time.perf_counter()

    def until(self, done):
        """Look twice a second until it has ended, or something is done."""
        while self.process.poll() is None and not done():
            self.sizes.append(self._sizes())
            time.sleep(0.5)
        self.seconds = time.perf_counter() - self.started

    def _sizes(self):
        """Return the megabytes of the parent, and of all workers together."""
        pid, children = self.process.pid, Path(f"/proc/{self.process.pid}/task")
        try:
            listed = [p.read_text() for p in children.glob("*/children")]
        except OSError:
            listed = []
        return resident(pid), sum(resident(int(child)) for text in listed for child in text.split())


def resident(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(found[0]) // 1024 if found else 0


@linux_only
def test_class_is_graded_in_time_in_flat_memory_and_right(large_class, tmp_path):
    folder, truth = large_class
    run = Watched(grading(folder, tmp_path, "--jobs", "2"))
    run.until(lambda: False)
    assert run.process.returncode == 0
    parents, workers = zip(*run.sizes, strict=True)
    half, notebooks = len(parents) // 2, len(list(folder.rglob("*.ipynb")))
    print(
        f"{notebooks} notebooks of {STUDENTS} students, {len(truth)} rows in "
        f"{run.seconds:.0f} s; the parent had {max(parents)} MB at most, {max(parents[:half])} in "
        f"the first half; its workers {max(workers)} MB and {max(workers[:half])}"
    )
    print(Counter(row[3] for row in truth))
    assert graded(tmp_path) == sorted(truth)
    assert run.seconds < SECONDS
    assert max(parents) < GROWTH * max(parents[:half])
    assert max(workers) < GROWTH * max(workers[:half])


def test_run_killed_in_the_middle_goes_on_to_the_same_table(large_class, tmp_path):
    folder, truth = large_class
    command = grading(folder, tmp_path, "--jobs", "2")
    run = Watched(command)
    run.until(lambda: len(list(tmp_path.glob("rows/*.json"))) > len(truth) // 10)
    run.process.kill()
    run.process.wait()
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("rows/*.json")}
    subprocess.run(command, check=True)
    assert graded(tmp_path) == sorted(truth)
    after = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("rows/*.json")}
    assert {name: after[name] for name in before} == before  # graded once
