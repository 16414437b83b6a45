"""Notebooks are found by any name a user may type, and written whole or not at all."""

import errno
import os

import pytest

from tools import nbfiles

NAMES = (
    "",
    "02",
    "02_add",
    "02_add.ipynb",
    "notebooks/02_add.ipynb",
    r"C:\notebooks\02_add.ipynb",
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "02_add.ipynb").write_text("before")
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_found_by_the_start_of_its_name(name, folder):
    assert nbfiles.find(name, folder) == [folder / "02_add.ipynb"]


def test_unknown_notebook_is_told_with_those_there_are(folder):
    with pytest.raises(LookupError, match="no notebook is called 03; there are: 02_add"):
        nbfiles.find("03", folder)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
@pytest.mark.parametrize("step", ["replace", "chmod"])
def test_failed_write_names_the_file_and_leaves_it(number, step, folder, monkeypatch):
    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="02_add") as failure:
        nbfiles.write_atomically(folder / "02_add.ipynb", "after")
    assert nbfiles.explain(failure.value).startswith(f"{os.strerror(number)}: ")
    assert [path.read_text() for path in folder.iterdir()] == ["before"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_full_disk_leaves_the_file(folder, monkeypatch):
    def full(**options):
        (folder / "temporary").symlink_to("/dev/full")
        return os.open("/dev/full", os.O_WRONLY), str(folder / "temporary")

    monkeypatch.setattr(nbfiles.tempfile, "mkstemp", full)
    with pytest.raises(OSError, match="No space left"):
        nbfiles.write_atomically(folder / "02_add.ipynb", "after")
    assert [path.read_text() for path in folder.iterdir()] == ["before"]


def test_path_is_shown_from_the_projects_folder_if_it_is_in_there(tmp_path):
    assert nbfiles.show(nbfiles.ROOT / "work" / "a.ipynb") == "work/a.ipynb"
    assert nbfiles.show(tmp_path / "a.ipynb") == (tmp_path / "a.ipynb").as_posix()
