"""What became of an exercise is kept in a file that is there already; nothing breaks a check."""

import subprocess
import sys

import pytest

from bnlib import exercises
from bnlib.exercises.checker import record
from tools import copies
from tools.nbfiles import ROOT, find

RIGHT = exercises.shape_of_mu.answer()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Give an empty folder in which a kernel runs that has seen nothing."""
    monkeypatch.chdir(tmp_path)
    record.forget()
    yield tmp_path
    record.forget()


@pytest.fixture
def file(folder):
    path = folder / record.FILE
    path.touch()
    return path


def state(name="shape_of_mu"):
    return record.known().get(name, "open")


def another_kernel():
    record.forget()


def test_state_goes_from_open_to_tried_to_solved_and_stays(file):
    assert state() == "open"
    exercises.shape_of_mu.check(...)
    assert state() == "open"
    exercises.shape_of_mu.check((6,))
    assert state() == "tried"
    exercises.shape_of_mu.check(RIGHT)
    assert state() == "solved"
    exercises.shape_of_mu.check((6,))
    assert state() == "solved"


def test_another_kernel_knows_what_the_file_holds(file):
    exercises.shape_of_mu.check(RIGHT)
    another_kernel()
    assert state() == "solved"
    assert file.read_text() == "solved shape_of_mu\n"


def test_a_function_is_noted_as_a_value_is(file):
    exercises.channel_mean.check(lambda x: x.mean(axis=(0, 1)))
    exercises.channel_mean.check(lambda x: x.mean(axis=(0, 2, 3)))
    assert file.read_text() == "tried channel_mean\nsolved channel_mean\n"


def test_nothing_new_writes_nothing(file):
    for _ in range(3):
        exercises.shape_of_mu.check(RIGHT)
    assert file.read_text() == "solved shape_of_mu\n"


def test_without_the_file_nothing_is_written_and_the_kernel_remembers(folder):
    exercises.shape_of_mu.check(RIGHT)
    assert list(folder.iterdir()) == []
    assert state() == "solved"
    another_kernel()
    assert state() == "open"


def test_notebooks_own_folder_has_no_such_file():
    assert not (ROOT / "notebooks" / record.FILE).exists()
    assert not (ROOT / record.FILE).exists()


def test_make_lab_puts_the_file_beside_the_copies_and_leaves_it_alone(tmp_path):
    work = tmp_path / "work"
    copies.prepare(find("01"), work)
    assert (work / record.FILE).read_text() == ""
    (work / record.FILE).write_text("solved count_m\n")
    copies.prepare(find("01"), work)
    assert (work / record.FILE).read_text() == "solved count_m\n"


@pytest.mark.parametrize(
    "damage", [b"\xff\xfe\x00garbage", b"{}\n[", b"solved\nhalf a li", b"flying shape_of_mu\n"]
)
def test_damaged_file_breaks_no_check_and_goes_on(file, damage):
    file.write_bytes(damage)
    assert exercises.shape_of_mu.check(RIGHT).correct is True
    another_kernel()
    assert state() == "solved"
    assert file.read_bytes().startswith(damage)


def test_line_that_was_cut_off_costs_only_itself(file):
    file.write_text("solved count_m\nsolv")
    exercises.shape_of_mu.check(RIGHT)
    another_kernel()
    assert (state("count_m"), state()) == ("solved", "solved")


def test_folder_in_the_files_place_breaks_no_check(folder):
    (folder / record.FILE).mkdir()
    assert exercises.shape_of_mu.check(RIGHT).correct is True
    assert state() == "solved"


def test_file_that_cannot_be_written_breaks_no_check(file, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(record.os, "open", refuse)
    assert exercises.shape_of_mu.check(RIGHT).correct is True
    assert file.read_text() == ""


def test_two_kernels_at_once_lose_nothing(file):
    code = (
        "import sys; from bnlib.exercises.checker import record\n"
        "for k in range(300): record.note(f'{sys.argv[1]}{k}', True)"
    )
    kernels = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [kernel.wait(60) for kernel in kernels] == [0, 0]
    expected = {f"{name}{k}": "solved" for name in "ab" for k in range(300)}
    assert record.known() == expected
