"""A student's copies: made once, never overwritten, and told about only what is true."""

import json
import os
import shutil
import subprocess

import nbformat
import pytest

from bnlib.exercises.checker import record
from tests.notebook_samples import complete_notebook, printed
from tools import copies, nbfiles


@pytest.fixture
def folders(tmp_path):
    """Give a folder with one original, and the folder for the copies, which does not exist yet."""
    originals = tmp_path / "project" / "notebooks"
    originals.mkdir(parents=True)
    nbformat.write(complete_notebook(), originals / "02_add.ipynb")
    return originals, tmp_path / "project" / "work"


def prepare(folders):
    originals, work = folders
    return copies.prepare(nbfiles.find("", originals), work)


def change(path, edit):
    notebook = nbfiles.read(path)
    edit(notebook["cells"][2])
    path.write_text(json.dumps(notebook))


def test_copy_has_the_sources_but_no_results(folders):
    assert prepare(folders) == []
    copy = nbformat.read(folders[1] / "02_add.ipynb", as_version=4)
    nbformat.validate(copy)
    original = complete_notebook()
    assert [cell.source for cell in copy.cells] == [cell.source for cell in original.cells]
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * 2
    assert copy.metadata.bnlib.original == copies.digest(original)


def test_existing_copy_is_never_overwritten(folders):
    prepare(folders)
    mine = folders[1] / "02_add.ipynb"
    mine.write_text("what a student wrote")
    change(folders[0] / "02_add.ipynb", lambda cell: cell.update(source="a = 3"))
    prepare(folders)
    assert mine.read_text() == "what a student wrote"


def test_changed_original_is_told_until_a_new_copy_is_there(folders):
    prepare(folders)
    original = folders[0] / "02_add.ipynb"
    change(original, lambda cell: cell.update(source="a = 3"))
    (line,) = prepare(folders)
    assert line.startswith("02_add.ipynb has changed")
    assert line.endswith("make fresh NOTEBOOK=02_add")
    copies.fresh(original, folders[1])
    assert prepare(folders) == []


def test_refreshed_outputs_are_no_change(folders):
    prepare(folders)
    outputs = [printed("4.0\n")]
    change(folders[0] / "02_add.ipynb", lambda cell: cell.update(outputs=outputs))
    assert prepare(folders) == []


def test_fresh_copies_stand_beside_each_other(folders):
    original = folders[0] / "02_add.ipynb"
    names = [copies.fresh(original, folders[1]).name for _ in range(4)]
    assert names == ["02_add.ipynb", *(f"02_add.new{k}.ipynb" for k in ("", 2, 3))]


@pytest.mark.parametrize("text", ["{", "[]", "[1, {}]", '"a"', "{}", '{"metadata": 3}', ""])
def test_unreadable_copy_is_told_as_such_and_stops_no_other(text, folders):
    folders[1].mkdir()
    (folders[1] / "02_add.ipynb").write_text(text)
    nbformat.write(complete_notebook(), folders[0] / "03_more.ipynb")
    (line,) = prepare(folders)
    assert line.startswith("work/02_add.ipynb cannot be read as a notebook. Your copy stays")
    assert (folders[1] / "02_add.ipynb").read_text() == text
    assert (folders[1] / "03_more.ipynb").exists()
    copies.fresh(folders[0] / "02_add.ipynb", folders[1])
    assert prepare(folders) == []


def test_copy_without_a_record_is_not_called_changed(folders):
    folders[1].mkdir()
    nbformat.write(complete_notebook(), folders[1] / "02_add.ipynb")
    change(folders[0] / "02_add.ipynb", lambda cell: cell.update(source="a = 3"))
    assert prepare(folders) == []


def test_interrupted_copy_leaves_nothing_behind(folders, monkeypatch):
    folders[1].mkdir()
    monkeypatch.setattr(os, "replace", lambda *paths: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prepare(folders)
    assert list(folders[1].iterdir()) == []


# The folder


@pytest.fixture
def linked(folders):
    """Give the folder for the copies as a link to one elsewhere that is not there."""
    try:
        folders[1].symlink_to(folders[1].with_name("elsewhere"))
    except OSError:
        pytest.skip("no links here")
    return folders


def test_link_that_leads_nowhere_is_told(linked):
    with pytest.raises(NotADirectoryError, match="work is a link to a folder that is not there"):
        prepare(linked)
    assert linked[1].is_symlink()


def test_link_to_the_glossary_leads_to_the_copy_beside(folders):
    link = "the [spread](../docs/glossary.md#spread)"
    original = nbformat.read(folders[0] / "02_add.ipynb", as_version=4)
    original.cells[1].source = link
    nbformat.write(original, folders[0] / "02_add.ipynb")
    prepare(folders)
    copy = nbformat.read(folders[1] / "02_add.ipynb", as_version=4)
    assert "the [spread](glossary.md#spread)" in [cell.source for cell in copy.cells]
    glossary = folders[1] / "glossary.md"
    assert glossary.read_bytes() == (nbfiles.ROOT / "docs" / "glossary.md").read_bytes()
    glossary.write_text("my own words")
    prepare(folders)
    assert glossary.read_text() == "my own words"


def test_link_to_a_folder_is_followed_and_no_gitignore_is_put_there(linked):
    linked[1].with_name("elsewhere").mkdir()
    prepare(linked)
    assert {path.name for path in linked[1].iterdir()} == {
        "02_add.ipynb",
        "glossary.md",
        record.FILE,
    }


def test_file_in_place_of_the_folder_is_told(folders):
    folders[1].touch()
    with pytest.raises(NotADirectoryError, match="work is a file"):
        copies.fresh(folders[0] / "02_add.ipynb", folders[1])


def test_copy_that_is_a_link_leading_nowhere_stays(folders):
    folders[1].mkdir()
    mine = folders[1] / "02_add.ipynb"
    try:
        mine.symlink_to("unmounted")
    except OSError:
        pytest.skip("no links here")
    assert len(prepare(folders)) == 1
    assert copies.fresh(folders[0] / "02_add.ipynb", folders[1]).name == "02_add.new.ipynb"
    assert mine.is_symlink()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not on PATH")
@pytest.mark.parametrize("name", ["work", "renamed", "linked"])
def test_git_does_not_list_the_copies(name, folders):
    root = folders[0].parent
    shutil.copy(nbfiles.ROOT / ".gitignore", root)
    prepare(folders)
    if name == "renamed":
        folders[1].rename(root / "my work, 2026")
    if name == "linked":
        folders[1].rename(root.with_name("elsewhere"))
        folders[1].symlink_to(root.with_name("elsewhere"))
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["?? .gitignore", "?? notebooks/02_add.ipynb"]
