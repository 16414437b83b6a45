"""Make build/lite: JupyterLab and the notebooks, run by a reader's browser alone (JupyterLite).

The pages are made offline. When a reader opens them, the browser fetches Python, NumPy and
matplotlib from Pyodide's public address, in the versions that the kernel's package pins. bnlib
comes from here, as a wheel. There is no Numba.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from tools.nbfiles import ROOT, find

INSTALL = (
    "%pip install -q bnlib ipywidgets matplotlib tqdm  # into this page, each time it is opened"
)


def wheel(folder):
    """Build bnlib's wheel in a folder; return its path."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True)
    return next(folder.glob("bnlib-*.whl"))


def copy_notebooks(folder):
    """Copy the notebooks, each with a first cell that installs what it imports."""
    folder.mkdir(parents=True)
    for path in find(""):
        notebook = nbformat.read(path, as_version=4)
        first = nbformat.v4.new_code_cell(INSTALL, id="install")
        notebook.cells.insert(0, first)
        nbformat.write(notebook, folder / path.name)


def main(arguments=None):
    """Make the pages, in build/lite or in another folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", type=Path, default=ROOT / "build" / "lite")
    target = parser.parse_args(arguments).into.resolve()
    work = ROOT / "build" / "lite-sources"
    for folder in (work, target):
        shutil.rmtree(folder, ignore_errors=True)
    copy_notebooks(work / "notebooks")
    command = [sys.executable, "-m", "jupyter", "lite", "build", "--apps=lab", "--apps=notebooks"]
    command += [f"--contents={work / 'notebooks'}", f"--piplite-wheels={wheel(work)}"]
    return subprocess.call([*command, f"--output-dir={target}"], cwd=work)


if __name__ == "__main__":
    sys.exit(main())
