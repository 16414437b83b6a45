"""Find, read and write the notebooks."""

import contextlib
import json
import os
import tempfile
from pathlib import Path, PureWindowsPath

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"


def find(name, folder=NOTEBOOKS):
    """Return the notebooks whose name starts so: ``02`` is enough, ``""`` is all of them.

    A path to one will do, with slashes or backslashes.

    Raises
    ------
    LookupError
        If none does; the message lists those there are.
    """
    stem = PureWindowsPath(name).name.removesuffix(".ipynb")
    every = sorted(folder.glob("*.ipynb"))
    found = [path for path in every if path.stem.startswith(stem)]
    if name and not (stem and found):
        names = ", ".join(path.stem for path in every) or "none at all"
        raise LookupError(f"no notebook is called {name}; there are: {names}")
    return found


def read(path):
    """Read a notebook file as plain dicts and lists."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def show(path):
    """Return a path as a person would write it: from the project's folder, if it is in there."""
    path = Path(os.path.abspath(path))
    return (path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).as_posix()


def explain(error):
    """Return what the system says about a failure with a file, and which file it was."""
    if error.filename is None:
        return error.strerror or str(error)
    return f"{error.strerror}: {show(error.filename)}"


def write_atomically(path, text):
    """Write a text file so that it is there as a whole or not at all.

    Raises
    ------
    OSError
        If that fails, as on a full disk. Its filename is the path, and what was there stays.
    """
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"
        )
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)  # mkstemp lets only the owner read
        os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
