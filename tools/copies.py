"""Make the student's copies of the notebooks, and tell what has become of them.

A copy is made where none is, and never overwritten. It starts without outputs, so that a student
can predict a result before seeing it, and it records which original it was made from.
"""

import copy
import hashlib
import json
import os
from pathlib import Path

from bnlib.exercises.checker import record
from tools.nbfiles import ROOT, read, write_atomically

PAGES = ("docs/glossary.md",)  # what notebooks link to outside their folder: copied, too
IGNORE_ALL = "# Made by make lab. Under whatever name, git leaves this folder alone.\n*\n"


def digest(notebook):
    """Hash what a reader works with, cell types and sources: stored outputs are no change."""
    cells = [[cell["cell_type"], "".join(cell["source"])] for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def student_copy(original):
    """Return the notebook without outputs, with the original's digest in its metadata."""
    made = copy.deepcopy(original)
    for cell in made["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
        else:
            cell["source"] = [_beside(line) for line in cell["source"]]
    made["metadata"]["bnlib"] = {"original": digest(original)}
    return made


def _beside(line):
    """Return a line whose links to the pages lead to the copies beside a notebook."""
    for page in PAGES:
        line = line.replace(f"](../{page}", f"]({Path(page).name}")
    return line


def recorded_digest(path):
    """Return the digest of the original that a copy was made from, or None if it has none.

    Raises
    ------
    ValueError
        If the file cannot be read, or holds no notebook.
    """
    try:
        return read(path)["metadata"].get("bnlib", {}).get("original")
    except (OSError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read as a notebook") from error


def news_of(original, work):
    """Return a line if a copy cannot be read, or was made from another text, or None.

    A new copy of the present text, beside it, is enough.
    """
    present, states = digest(read(original)), []
    for path in [work / original.name, *work.glob(f"{original.stem}.new*.ipynb")]:
        try:
            states.append(recorded_digest(path))
        except ValueError:
            states.append("unreadable")
    if present in states or states[0] is None:
        return None
    what = (
        f"{work.name}/{original.name} cannot be read as a notebook"
        if states[0] == "unreadable"
        else f"{original.name} has changed since your copy was made"
    )
    return (
        f"{what}. Your copy stays as it is; "
        f"to get the new one beside it: make fresh NOTEBOOK={original.stem}"
    )


def make_folder(work):
    """Make the folder for the copies, if it is not there, so that git ignores it under any name.

    Raises
    ------
    NotADirectoryError
        If a file is there, or a link that leads nowhere.
    """
    if work.is_dir():
        return
    if os.path.lexists(work):
        what = "a link to a folder that is not there" if work.is_symlink() else "a file"
        raise NotADirectoryError(
            f"{work.name} is {what}. Your notebooks need a folder of that name: bring it back, or "
            f"rename {work.name}, then call the same target again"
        )
    work.mkdir()
    write_atomically(work / ".gitignore", IGNORE_ALL)


def write_copy(original, target):
    """Write a student's copy of a notebook to a path where nothing is."""
    text = json.dumps(student_copy(read(original)), indent=1, ensure_ascii=False, sort_keys=True)
    write_atomically(target, text + "\n")


def prepare(originals, work):
    """Make the copies that are missing, and the record; return a line for each outdated copy."""
    make_folder(work)
    if not os.path.lexists(work / record.FILE):
        write_atomically(work / record.FILE, "")  # checks are noted where this file is
    for page in PAGES:
        if not os.path.lexists(target := work / Path(page).name):
            write_atomically(target, (ROOT / page).read_text(encoding="utf-8"))
    lines = []
    for original in originals:
        target = work / original.name
        if not os.path.lexists(target):  # a link that leads nowhere is the student's, too
            write_copy(original, target)
        elif line := news_of(original, work):
            lines.append(line)
    return lines


def fresh(original, work):
    """Write a new copy beside the student's own ones; return its path."""
    make_folder(work)
    names = [original.name, f"{original.stem}.new.ipynb"]
    while os.path.lexists(work / names[-1]):
        names.append(f"{original.stem}.new{len(names)}.ipynb")
    target = next(work / name for name in names if not os.path.lexists(work / name))
    write_copy(original, target)
    return target
