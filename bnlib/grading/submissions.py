"""Find the notebooks of a class, in folders and zip files as a learning platform exports them.

Nothing is unpacked: what is in a zip is read where it lies, so that no name in it leads elsewhere.
"""

import lzma
import os
import re
import shutil
import stat
import tempfile
import unicodedata
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from bnlib.grading.cells import LARGEST, UnreadableError

LARGEST_ZIP = 2**29  # bytes of a zip inside another one, which is copied to a temporary file
IN_MEMORY = 2**24
NOBODY = "(no name)"
IGNORED = (".ipynb_checkpoints", "__MACOSX")
# What platforms add to a student's name.
PLATFORMS = (
    re.compile(r"(?P<student>.+?)_assignsubmission_[a-z]+_?", re.DOTALL),  # Moodle
    re.compile(r"[^/]*_(?P<student>[^/_]+)_attempt_\d{4}-\d\d-\d\d-[\d-]+_"),  # Blackboard
    re.compile(
        r"(?:^|/)(?P<student>[^/_]+(?:_LATE)?_\d{3,})_\d{3,}_[^/]+$", re.IGNORECASE
    ),  # Canvas
)


UNREADABLE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(KeyError, RuntimeError, NotImplementedError, ValueError),
)


class Submission(NamedTuple):
    """A file of a student's: where it lies, and whose it is.

    path leads through zip files: ("class.zip", "ana/02.ipynb").
    """

    path: tuple[str, ...]
    student: str

    @property
    def file(self):
        """Its name for people."""
        return shown("/".join(part for part in self.path if part))


def shown(name):
    """Return a name as text that can be written: composed letters, no control characters."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = unicodedata.normalize("NFC", text)
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


def find(root, pattern=None):
    """Return the submissions below a folder or in a zip file, in the order of their names.

    Parameters
    ----------
    root : path
        A folder, or a zip file.
    pattern : str, optional
        A regular expression with a group ``student``, searched for in each path below root.

    Raises
    ------
    FileNotFoundError
        If root is neither.
    """
    root = Path(root)
    if root.is_dir():
        paths = set(_in_folder(root))
    elif zipfile.is_zipfile(root):
        paths = {("", *inner) for inner in _in_zip(root)}
    else:
        raise FileNotFoundError(f"{root} is neither a folder nor a zip file")
    common = _common(paths)
    return [Submission(path, student_of(path, pattern, common)) for path in sorted(paths)]


def _parts(path):
    """Return the folders, zip files and the name that a path leads through."""
    whole = shown("/".join(part for part in path if part))
    return [part for part in re.split(r"[/\\]", whole) if part not in ("", ".", "..")]


def _common(paths):
    """Return how many folders lie around the whole class, such as that of the assignment."""
    split, common = [_parts(path) for path in paths], 0
    while (
        split
        and len({tuple(parts[: common + 1]) for parts in split}) == 1
        and len({parts[common + 1] for parts in split if len(parts) > common + 2}) > 1
        and all(len(parts) > common + 1 for parts in split)
    ):
        common += 1
    return common


def student_of(path, pattern=None, common=0):
    """Return whose a file is: what the platform or the pattern says, or the first folder's name."""
    parts = _parts(path)[common:]
    for one in [re.compile(pattern)] if pattern else PLATFORMS:
        if found := one.search("/".join(parts)):
            return found["student"].strip() or NOBODY
    first = parts[0] if parts else ""
    return re.sub(r"\.(ipynb|zip)$", "", first, flags=re.IGNORECASE).strip() or NOBODY


def _is_notebook(name):
    parts = re.split(r"[/\\]", name)
    ignored = any(part in IGNORED for part in parts) or parts[-1].startswith("._")
    return parts[-1].lower().endswith(".ipynb") and not ignored


def _in_folder(root):
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            inside = str(path.relative_to(root))
            if _is_notebook(inside):
                yield (inside,)
            elif name.lower().endswith(".zip"):
                yield from ((inside, *inner) for inner in _in_zip(path))


def _in_zip(file, deeper=True):
    """Yield the paths of notebooks in a zip, and in zips inside it; () for one that is damaged."""
    try:
        with zipfile.ZipFile(file) as opened:
            for name in opened.namelist():
                if _is_notebook(name):
                    yield (name,)
                elif deeper and name.lower().endswith(".zip"):
                    with _copied(opened, name) as inner:
                        yield from ((name, *path) for path in _in_zip(inner, deeper=False))
    except UNREADABLE:
        yield ()


def read(root, submission):
    """Return the bytes of a submission.

    Raises
    ------
    UnreadableError
        If it cannot be read, or is too large.
    """
    first, *inner = submission.path
    path = Path(root, first) if first else Path(root)
    if submission.path[-1].lower().endswith(".zip"):
        raise UnreadableError("damaged zip file")
    try:
        return _through(path, inner) if inner else _file(path)
    except UNREADABLE as error:
        why = "encrypted, or of an unknown kind" if isinstance(error, RuntimeError) else error
        raise UnreadableError(f"cannot be read: {why}") from error


def _file(path):
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableError("not a file, but a link, a pipe or the like")
    if found.st_size > LARGEST:
        raise UnreadableError(f"huge: {found.st_size / 2**20:.0f} MB")
    return path.read_bytes()


def _through(file, names):
    with zipfile.ZipFile(file) as opened:
        if len(names) == 1:
            with opened.open(names[0]) as member:
                return _all_of(member)
        with _copied(opened, names[0]) as inner:
            return _through(inner, names[1:])


def _all_of(member):
    """Return what a member of a zip holds; no more is unpacked than is allowed."""
    data = member.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise UnreadableError(f"huge: more than {LARGEST / 2**20:.0f} MB")
    return data


def _copied(opened, name):
    """Return a copy of a zip inside a zip, as an open file."""
    if opened.getinfo(name).file_size > LARGEST_ZIP:
        raise zipfile.BadZipFile("a huge zip inside a zip")
    inner = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (the caller closes it)
    with opened.open(name) as member:
        shutil.copyfileobj(member, inner)
    inner.seek(0)
    return inner
