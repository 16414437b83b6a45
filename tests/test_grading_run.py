"""A run goes on where it stopped, in shards, with a worker killed, and with the same seeds."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

if not hasattr(os, "fork"):
    pytest.skip("grading needs fork", allow_module_level=True)

from bnlib.grading import command, judge, run
from bnlib.grading.submissions import Submission, find

CELLS = {
    "ana": "def channel_mean(x):\n    return x.mean(axis=(0, 2, 3))",
    "bob": "def channel_mean(x):\n    return x.mean(axis=0)",
    "eve": "def channel_mean(x):\n    return None",
}
CHECK = "exercises.channel_mean.check(channel_mean)"


def notebook(source):
    cell = {"cell_type": "code", "source": f"{source}\n\n{CHECK}"}
    return json.dumps({"cells": [cell]})


@pytest.fixture
def folder(tmp_path):
    """Write the notebooks of a small class; return their folder."""
    for name, source in CELLS.items():
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "01.ipynb").write_text(notebook(source))
    return tmp_path / "class"


@pytest.fixture
def here(monkeypatch):
    """Grade in this process, and not really: count what is graded."""
    asked = []

    def grade(cells, file, seeds, bubblewrap):
        asked.append(file)
        return [judge.Row("01", "channel_mean", "correct")]

    def graded(settings, submissions, workers):
        for one in submissions:
            run.grade_one(settings, one)
            yield one

    monkeypatch.setattr(run, "grade", grade)
    monkeypatch.setattr(run, "_graded", graded)
    return asked


def settings(folder, output, seeds=(1,)):
    return run.Settings(str(folder), str(output), seeds, False)


def go(folder, output, **more):
    run.run(settings(folder, output, **more), find(folder), 1, lambda done: None)


def test_second_run_grades_what_is_new_or_changed(folder, tmp_path, here):
    go(folder, tmp_path)
    assert len(here) == 3
    go(folder, tmp_path)
    assert len(here) == 3
    (folder / "bob" / "01.ipynb").write_text(notebook(CELLS["ana"]))
    (folder / "dan.ipynb").write_text(notebook(CELLS["ana"]))
    go(folder, tmp_path)
    assert here[3:] == ["bob/01.ipynb", "dan.ipynb"]
    go(folder, tmp_path, seeds=(2,))
    assert len(here) == 9


def test_row_file_that_is_damaged_is_graded_again(folder, tmp_path, here):
    go(folder, tmp_path)
    next(tmp_path.glob("rows/*.json")).write_text("{")
    go(folder, tmp_path)
    assert len(here) == 4


def test_submission_in_which_runs_end_is_left_out_after_three(folder, tmp_path, here):
    one, chosen = find(folder)[0], settings(folder, tmp_path)
    (tmp_path / "rows").mkdir()
    chosen.file(one, "begun").write_bytes(b"..")
    run.grade_one(chosen, one)
    assert len(here) == 1
    chosen.file(one).unlink()
    chosen.file(one, "begun").write_bytes(b"...")
    run.grade_one(chosen, one)
    assert len(here) == 1
    (row,) = run.kept(chosen.file(one))["rows"]
    assert row[2] == "stopped"
    assert not chosen.file(one, "begun").exists()


def test_what_a_run_ended_in_is_graded_alone_and_first(folder, tmp_path, here, monkeypatch):
    batches, graded = [], run._graded
    monkeypatch.setattr(run, "_graded", lambda *a: batches.append((a[1], a[2])) or graded(*a))
    (tmp_path / "rows").mkdir()
    suspect = find(folder)[1]
    settings(folder, tmp_path).file(suspect, "begun").write_bytes(b".")
    run.run(settings(folder, tmp_path), find(folder), 5, lambda done: None)
    assert batches[0] == ([suspect], 1)
    assert batches[1][1] == 5


def test_workers_that_always_end_are_an_error(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_graded", lambda *a: iter(()))
    with pytest.raises(RuntimeError, match="again and again"):
        go(folder, tmp_path)


@pytest.mark.parametrize("n", [1, 2, 10])
def test_shards_are_the_whole_and_share_nothing(n):
    every = [Submission((f"student {k}", "01.ipynb"), "") for k in range(100)]
    parts = [[one for one in every if run.in_shard(one, (k, n))] for k in range(1, n + 1)]
    assert sorted(one for part in parts for one in part) == sorted(every)
    assert all(parts)


def test_seeds_are_drawn_once_for_a_folder(tmp_path):
    seeds = run.seeds_of(tmp_path)
    assert len(set(seeds)) == run.SEEDS
    assert run.seeds_of(tmp_path) == seeds
    with pytest.raises(ValueError, match="was graded with the seeds"):
        run.seeds_of(tmp_path, [0])
    assert os.listdir(tmp_path) == ["seeds.json"]


def test_seeds_that_are_wanted_are_taken(tmp_path):
    assert run.seeds_of(tmp_path, [4, 5]) == run.seeds_of(tmp_path, [4, 5]) == (4, 5)


def verdicts(output):
    rows = csv.DictReader(io.StringIO((output / "grades.csv").read_text(encoding="utf-8")))
    return {r["student"]: r["verdict"] for r in rows if r["exercise"] == "channel_mean"}


TRUE = {"ana": "correct", "bob": "wrong", "eve": "not written"}


@pytest.mark.slow
def test_shards_are_merged_by_the_same_command(folder, tmp_path, capsys):
    usual = [str(folder), "--output", str(tmp_path / "out"), "--jobs", "1"]
    for part in ("1/2", "2/2"):
        command.main([*usual, "--shard", part])
        assert not (tmp_path / "out" / "grades.csv").exists()
    assert len(list((tmp_path / "out").glob("rows/*.json"))) == 3
    command.main(usual)
    assert verdicts(tmp_path / "out") == TRUE
    assert len(list((tmp_path / "out" / "feedback").iterdir())) == 3
    assert "ana" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert list((tmp_path / "out").glob("rows/*")) == list((tmp_path / "out").glob("rows/*.json"))


@pytest.mark.slow
def test_run_whose_processes_are_killed_ends_whole_and_leaves_none(folder, tmp_path):
    (folder / "zed.ipynb").write_text(
        notebook("import time\ndef channel_mean(x):\n    time.sleep(99)")
    )
    line = [sys.executable, "-m", "bnlib.grading", str(folder), "--output", str(tmp_path / "out")]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "out").glob("rows/*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.kill()
    process.wait()
    time.sleep(1)
    if sys.platform == "linux":
        left = subprocess.run(
            ["pgrep", "-f", "bnlib.grading.child"], capture_output=True, text=True
        )
        mine = [pid for pid in left.stdout.split() if str(tmp_path) in environment(pid)]
        assert mine == []
    subprocess.run(line, check=True, capture_output=True)
    assert verdicts(tmp_path / "out") == {**TRUE, "zed": "stopped"}


def environment(pid):
    try:
        return open(f"/proc/{pid}/environ").read()
    except OSError:
        return ""


@pytest.mark.slow
def test_worker_that_is_killed_is_replaced(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    line = [sys.executable, "-m", "bnlib.grading", str(folder), "--output", str(tmp_path / "out")]
    process = subprocess.Popen([*line, "--jobs", "1"], stdout=subprocess.DEVNULL)
    killed = False
    while process.poll() is None and not killed:
        begun = list((tmp_path / "out").glob("rows/*.begun"))
        workers = subprocess.run(
            ["pgrep", "-P", str(process.pid), "-f", "spawn_main"], capture_output=True, text=True
        ).stdout.split()
        if begun and workers:
            os.kill(int(workers[-1]), signal.SIGKILL)
            killed = True
        time.sleep(0.02)
    assert process.wait(120) == 0
    assert verdicts(tmp_path / "out") == TRUE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the folder"),
        (["x"], "say where the results go"),
        (["x", "--output", "y", "--shard", "11/10"], "such as 3/10; got 11/10"),
        (["x", "--output", "y", "--shard", "a"], "such as 3/10; got a"),
        (["x", "--output", "y", "--jobs", "0"], "from 1 up; got 0"),
        (["x", "--output", "y", "--seed", "-1"], "0 or more; got -1"),
        (["--export", "otter", "x"], "knows nbgrader; got otter"),
    ],
)
def test_wrong_command_says_what_was_expected(arguments, said, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert said in capsys.readouterr().err


def test_folder_without_notebooks_is_an_error(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SystemExit, match="holds no notebook"):
        command.main([str(tmp_path), "--output", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="neither a folder nor a zip"):
        command.main([str(tmp_path / "missing"), "--output", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_missing_progress_bar_is_named_with_its_cure(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(SystemExit, match=r'pip install "bnlib\[grading\]"'):
        command.main([str(folder), "--output", str(tmp_path / "out")])


def test_notebooks_are_exported_and_nothing_graded_where_nothing_can_be_limited(folder, tmp_path):
    code = (
        "import os, sys; sys.modules['resource'] = None; del os.fork\n"
        "from bnlib.grading.command import main; main(sys.argv[1:])"
    )
    line = [sys.executable, "-c", code]
    export = ["--export", "nbgrader", str(tmp_path / "course")]
    assert subprocess.run([*line, *export], capture_output=True).returncode == 0
    assert (tmp_path / "course" / "nbgrader_config.py").exists()
    grading = [str(folder), "--output", str(tmp_path / "out")]
    done = subprocess.run([*line, *grading], capture_output=True, text=True)
    assert "docs/teaching.md" in done.stderr


def test_where_right_answers_are_not_found_right_nothing_is_graded(monkeypatch):
    monkeypatch.setattr(command, "FIRST", CELLS["bob"])
    with pytest.raises(RuntimeError, match="A right answer was not found right"):
        command.try_one(False)


def test_text_that_is_no_text_is_written_nevertheless(tmp_path):
    row = judge.Row("01", "undo", "error", "\ud800", said="\ud800\0", sentence="\udfff")
    command.write(tmp_path, [{"student": "a", "file": "\ud800", "rows": [row]}])
    assert "01,undo,error,?," in (tmp_path / "grades.csv").read_text(encoding="utf-8")


def test_mark_for_excel_is_written_when_asked_for(tmp_path):
    row = judge.Row("01", "undo", "correct")
    found = [{"student": "Zoë", "file": "f", "rows": [row]}]
    for excel, begins in ((False, b"student"), (True, b"\xef\xbb\xbfstudent")):
        command.write(tmp_path, found, excel)
        assert (tmp_path / "grades.csv").read_bytes().startswith(begins)
