"""Open JupyterLab on the student's own copies of the notebooks, in work/.

A copy is made where none is, and never overwritten. It starts without outputs, so that a student
can predict a result before seeing it, and it records which original it was made from. Where the
original has changed since, a line says so, and ``--fresh NAME`` puts a new copy beside the old one.
All other arguments go to JupyterLab.
"""

import argparse
import copy
import hashlib
import json
import os
import sys
from pathlib import Path

from tools.nbfiles import ROOT, find, read, write_atomically

WORK = ROOT / "work"
CONFIG = ROOT / "tools" / "jupyter"


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
    made["metadata"]["bnlib"] = {"original": digest(original)}
    return made


def recorded_digest(path):
    """Return the digest of the original that a copy was made from, or None if it has none."""
    try:
        return read(path)["metadata"]["bnlib"]["original"]
    except (OSError, ValueError, LookupError, TypeError):
        return None


def is_outdated(original, work):
    """Tell whether no copy of this notebook in work/, old or new, is of its present text."""
    copies = [work / original.name, *work.glob(f"{original.stem}.new*.ipynb")]
    return digest(read(original)) not in map(recorded_digest, copies)


def write_copy(original, target):
    """Write a student's copy of a notebook to a path where nothing is."""
    text = json.dumps(student_copy(read(original)), indent=1, ensure_ascii=False, sort_keys=True)
    write_atomically(target, text + "\n")


def prepare(originals, work):
    """Make the copies that are missing; return a line for each outdated one."""
    work.mkdir(exist_ok=True)
    lines = []
    for original in originals:
        target = work / original.name
        if not target.exists():
            write_copy(original, target)
        elif is_outdated(original, work):
            lines.append(
                f"{original.name} has changed since your copy was made. Your copy stays as it is; "
                f"to get the new one beside it: make fresh NOTEBOOK={original.stem}"
            )
    return lines


def fresh(original, work):
    """Write a new copy beside the student's own ones; return its path."""
    work.mkdir(exist_ok=True)
    names = [original.name, f"{original.stem}.new.ipynb"]
    while (work / names[-1]).exists():
        names.append(f"{original.stem}.new{len(names)}.ipynb")
    target = next(work / name for name in names if not (work / name).exists())
    write_copy(original, target)
    return target


def has_desktop(platform, environment):
    """Tell whether a browser window could open here."""
    if platform in ("win32", "darwin"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def server_arguments(work, desktop, root_user):
    """List JupyterLab's arguments; its token and the search for a free port are its defaults."""
    arguments = [f"--ServerApp.root_dir={work}", "--ServerApp.ip=127.0.0.1"]
    if not desktop:
        arguments.append("--no-browser")
    if root_user:
        arguments.append("--allow-root")
    return arguments


def server_environment(environment):
    """Return what to set so that this environment's kernel and programs win over others'."""
    programs = os.path.dirname(sys.executable)
    paths = [str(CONFIG), environment.get("JUPYTER_CONFIG_PATH")]
    return {
        "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths)),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PATH": os.pathsep.join([programs, environment.get("PATH", "")]),
        "VIRTUAL_ENV": sys.prefix,
    }


def serve(arguments):
    """Run JupyterLab in this process until it is ended."""
    os.environ.update(server_environment(os.environ))
    root_user = hasattr(os, "geteuid") and os.geteuid() == 0
    desktop = has_desktop(sys.platform, os.environ)
    from jupyterlab.labapp import main as run_lab  # reads the environment when imported

    return run_lab([*server_arguments(WORK, desktop, root_user), *arguments])


def show(path):
    """Return a path as a person would write it, from the project's folder."""
    return Path(os.path.relpath(path, ROOT)).as_posix()


def main(arguments=None):
    """Make copies, then open JupyterLab; or, with --fresh, only make one more copy."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--fresh", metavar="NAME", help="put a new copy beside yours, and stop")
    options, rest = parser.parse_known_args(arguments)
    if options.fresh is not None:
        if not options.fresh:
            parser.error("name the notebook, for example: make fresh NOTEBOOK=02_forward_pass")
        try:
            originals = find(options.fresh)
        except LookupError as error:
            parser.error(str(error))
        for original in originals:
            print("new copy:", show(fresh(original, WORK)))
        return 0
    for line in prepare(find(""), WORK):
        print(line)
    print(
        f"Your notebooks are in {show(WORK)}/. To end JupyterLab, press Ctrl-C here twice.",
        flush=True,
    )
    return serve(rest)


if __name__ == "__main__":
    sys.exit(main())
