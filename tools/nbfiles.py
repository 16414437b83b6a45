"""Find, read and write the notebooks."""

import json
import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"


def find(name, folder=NOTEBOOKS):
    """Return the notebooks whose name starts so: ``02`` is enough, ``""`` is all of them.

    Raises
    ------
    LookupError
        If none does; the message lists those there are.
    """
    stem = Path(name).name.removesuffix(".ipynb")
    every = sorted(folder.glob("*.ipynb"))
    found = [path for path in every if path.stem.startswith(stem)]
    if name and not (stem and found):
        names = ", ".join(path.stem for path in every) or "none at all"
        raise LookupError(f"no notebook is called {name}; there are: {names}")
    return found


def read(path):
    """Read a notebook file as plain dicts and lists."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_atomically(path, text):
    """Write a text file so that it is there as a whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)  # mkstemp lets only the owner read
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
