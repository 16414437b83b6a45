"""Make the zip that students get: notebooks without outputs, bnlib, and a set-up of one command.

    python -m tools.handout

It holds what make lab needs and nothing of the tests. Its files carry the date of the last commit,
so that the same project gives the same zip.
"""

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from tools.copies import student_copy
from tools.nbfiles import NOTEBOOKS, ROOT, read, show

TARGET = ROOT / "build" / "handout" / "bnlib-handout.zip"
TOP = "batch-normalization"
FILES = ("LICENSE", "CITATION.cff", "Makefile", "pyproject.toml", "requirements.txt")
FOLDERS = {"bnlib": "*", "tools": "*", "notebooks/figures": "*"}
LEFT_OUT = ("__pycache__", ".ipynb_checkpoints", ".DS_Store")
START = """\
# Batch normalization by hand

You need Python 3.11 or newer. In this folder, type

    python3 start.py

On Windows it is `python start.py`. The first time, this installs what is needed into the folder
`.venv`, which takes a minute or two and a network. Then JupyterLab opens, on your own copies of
the notebooks in the folder `work`. What you write there is kept; the same command opens it again.

Hand in the notebooks from `work`, under the names they have. Keep the cells with
`exercises.NAME.check(NAME)`: they say which exercise an answer belongs to. Of several definitions
of a name the last one counts. An answer may use everything that the notebook defines or imports
above it.
"""
START_PY = '''\
"""Set up what is needed, the first time, and open JupyterLab on your copies of the notebooks."""

from tools.setup_venv import main

if __name__ == "__main__":
    main(["--", "-m", "tools.lab"])
'''


def contents(root=ROOT):
    """Yield (name in the zip, bytes) of everything that students get."""
    yield "START.md", START.encode()
    yield "start.py", START_PY.encode()
    for name in FILES:
        yield name, (root / name).read_bytes()
    for folder, pattern in FOLDERS.items():
        for path in sorted((root / folder).rglob(pattern)):
            if path.is_file() and not any(part in LEFT_OUT for part in path.parts):
                yield path.relative_to(root).as_posix(), path.read_bytes()
    for path in sorted((root / NOTEBOOKS.name).glob("*.ipynb")):
        text = json.dumps(student_copy(read(path)), indent=1, ensure_ascii=False, sort_keys=True)
        yield f"{NOTEBOOKS.name}/{path.name}", f"{text}\n".encode()


def date(root=ROOT):
    """Return the date of the last commit, or of today where git knows none."""
    command = ["git", "log", "-1", "--format=%ct"]
    try:
        said = subprocess.run(command, cwd=root, capture_output=True, text=True).stdout
    except OSError:
        said = ""
    return time.gmtime(int(said) if said.strip() else None)[:6]


def make(target=TARGET, root=ROOT):
    """Write the zip; return its path."""
    target.parent.mkdir(parents=True, exist_ok=True)
    when = date(root)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in contents(root):
            entry = zipfile.ZipInfo(f"{TOP}/{name}", when)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            opened.writestr(entry, data)
    return target


def main(arguments):
    """Make the zip, and say where it is."""
    target = make(Path(arguments[0]) if arguments else TARGET)
    print(f"{show(target)}: {target.stat().st_size / 2**20:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
