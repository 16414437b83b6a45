"""Notebooks are found under whatever names a platform gives them, and no further."""

import io
import os
import zipfile

import pytest

from bnlib.grading.cells import LARGEST, UnreadableError
from bnlib.grading.submissions import find, read, shown


def zipped(members):
    """Return the bytes of a zip with these members."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return held.getvalue()


def written(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def students(root, pattern=None):
    return [one.student for one in find(root, pattern)]


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("ana/01_concept.ipynb", "ana"),
        ("ana/work/deep/01.IPYNB", "ana"),
        ("ana.ipynb", "ana"),
        ("Ana Silva_12345_assignsubmission_file_/01.ipynb", "Ana Silva_12345"),  # Moodle
        ("Ana Silva_12345_assignsubmission_file_01_concept.ipynb", "Ana Silva_12345"),
        ("silvaana_12345_67890_01_concept.ipynb", "silvaana_12345"),  # Canvas
        ("silvaana_LATE_12345_67890_01_concept-2.ipynb", "silvaana_LATE_12345"),
        ("HW 1_asilva_attempt_2024-01-31-12-00-00_01.ipynb", "asilva"),  # Blackboard
        ("\u674e \u660e/01.ipynb", "\u674e \u660e"),
        ("Zoe\u0308/01.ipynb", "Zo\u00eb"),  # as macOS writes it
        ("=1+1/01.ipynb", "=1+1"),
        (" /01.ipynb", "(no name)"),
        (".ipynb", "(no name)"),
    ],
)
def test_student_is_whom_the_path_names(tmp_path, path, student):
    written(tmp_path, {path: b"{}"})
    assert students(tmp_path) == [student]


def test_pattern_of_the_teachers_own_decides(tmp_path):
    written(tmp_path, {"group 3/ana-x/01.ipynb": b"{}"})
    assert students(tmp_path, r"/(?P<student>\w+)-x") == ["ana"]


def test_folder_around_the_whole_class_is_no_student(tmp_path):
    written(tmp_path, {f"week 1/{name}/01.ipynb": b"{}" for name in ("ana", "bob")})
    assert students(tmp_path) == ["ana", "bob"]
    (tmp_path / "class.zip").write_bytes(
        zipped({f"hw/{name}/01.ipynb": "{}" for name in ("eve", "dan")})
    )
    assert students(tmp_path / "class.zip") == ["dan", "eve"]


def test_student_who_hands_in_folders_alone_stays_one(tmp_path):
    written(tmp_path, {"ana/01.ipynb": b"{}", "ana/02.ipynb": b"{}"})
    assert students(tmp_path) == ["ana", "ana"]


def test_zips_are_read_where_they_lie_also_in_zips(tmp_path):
    inner = zipped({"work/01.ipynb": b"ana's"})
    written(tmp_path, {"ana.zip": inner, "class/bob.zip": zipped({"x/bob.zip": inner})})
    found = find(tmp_path)
    assert [read(tmp_path, one) for one in found] == [b"ana's"] * 2
    assert found[0].student == "ana"
    assert sorted(os.listdir(tmp_path)) == ["ana.zip", "class"]


def test_names_that_lead_out_of_a_zip_lead_nowhere(tmp_path):
    names = ("../../evil.ipynb", "/abs/evil.ipynb", "..\\win.ipynb", "C:\\a\\b.ipynb")
    (tmp_path / "all.zip").write_bytes(zipped(dict.fromkeys(names, b"{}")))
    found = find(tmp_path / "all.zip")
    assert len(found) == 4
    assert all(read(tmp_path / "all.zip", one) == b"{}" for one in found)
    assert not any(".." in one.student or "/" in one.student for one in found)
    assert os.listdir(tmp_path) == ["all.zip"]


def test_what_systems_and_jupyter_leave_is_no_submission(tmp_path):
    left = ("a/.ipynb_checkpoints/01-checkpoint.ipynb", "__MACOSX/a/._01.ipynb", "a/._01.ipynb")
    written(tmp_path, dict.fromkeys((*left, "a/01.ipynb", "a/notes.txt"), b"{}"))
    assert [one.file for one in find(tmp_path)] == ["a/01.ipynb"]


def refused(root):
    (one,) = find(root)
    with pytest.raises(UnreadableError) as error:
        read(root, one)
    return str(error.value)


def test_huge_file_is_not_read(tmp_path):
    with open(tmp_path / "a.ipynb", "wb") as file:
        file.truncate(100 * 2**20)
    assert refused(tmp_path) == "huge: 100 MB"


def test_zip_bomb_is_not_unpacked(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"01.ipynb": bytes(LARGEST + 1)}))
    assert refused(tmp_path).startswith("huge: more than")


def test_damaged_zip_is_a_submission_with_a_reason(tmp_path):
    data = zipped({"01.ipynb": os.urandom(1000)})
    (tmp_path / "a.zip").write_bytes(data[:-40])
    assert refused(tmp_path) == "damaged zip file"
    (tmp_path / "a.zip").write_bytes(data[:200] + b"\1" * 100 + data[300:])
    assert refused(tmp_path).startswith("cannot be read")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_links_and_pipes_are_not_followed(tmp_path):
    os.mkfifo(tmp_path / "a.ipynb")
    assert refused(tmp_path).startswith("not a file")
    os.remove(tmp_path / "a.ipynb")
    os.symlink("/etc/hostname", tmp_path / "b.ipynb")
    assert refused(tmp_path).startswith("not a file")


def test_name_that_is_no_text_can_be_written():
    assert shown(os.fsdecode(b"\xff.ipynb")) == "\ufffd.ipynb"
    assert shown("a\nb\x1b[31m") == "a\ufffdb\ufffd[31m"


def test_root_that_is_neither_folder_nor_zip_is_named(tmp_path):
    (tmp_path / "x.txt").write_text("x")
    for name in ("x.txt", "missing"):
        with pytest.raises(FileNotFoundError, match="neither a folder nor a zip"):
            find(tmp_path / name)
