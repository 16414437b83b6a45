"""Open JupyterLab on the student's own copies of the notebooks, in work/.

Copies are made where none are; ``--fresh NAME`` puts a new one beside the old one, and stops. All
other arguments go to JupyterLab, whose own settings stay the student's: they are kept in
build/settings only where the usual folder cannot be written.
"""

import argparse
import os
import sys
import tempfile

from tools import settings
from tools.copies import fresh, prepare
from tools.nbfiles import ROOT, explain, find, show

WORK = ROOT / "work"
FIRST = "00_start.ipynb"  # what a browser opens
CONFIG = ROOT / "tools" / "jupyter"


def has_desktop(platform, environment):
    """Tell whether a browser window could open here."""
    if platform in ("win32", "darwin"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def server_arguments(work, desktop, root_user):
    """List JupyterLab's arguments; its token and the search for a free port are its defaults."""
    arguments = [
        f"--ServerApp.root_dir={work}",
        "--ServerApp.ip=127.0.0.1",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
    ]
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


def can_write(folder):
    """Tell whether files can be made in a folder, which is made if it is not there."""
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError:
        return False
    return True


def usual_folders(environment):
    """Map the variables that name a settings folder to where it is without them."""
    from jupyter_core import paths  # reads the environment when called

    home = os.path.expanduser("~")
    return {
        "JUPYTER_CONFIG_DIR": paths.jupyter_config_dir(),
        "JUPYTER_DATA_DIR": paths.jupyter_data_dir(),
        "JUPYTER_RUNTIME_DIR": paths.jupyter_runtime_dir(),
        "IPYTHONDIR": environment.get("IPYTHONDIR", home),
        "MPLCONFIGDIR": environment.get("MPLCONFIGDIR", home),
    }


def replaced_folders(usual, own):
    """Return the project's own folder for each usual one that cannot be written.

    Raises
    ------
    OSError
        If that cannot be written either.
    """
    replaced = {name: own[name] for name, folder in usual.items() if not can_write(folder)}
    for folder in replaced.values():
        if not can_write(folder):
            raise OSError(f"neither your home folder nor {show(folder)} can be written")
    return replaced


def serve(arguments):
    """Run JupyterLab in this process until it is ended."""
    replaced = replaced_folders(usual_folders(os.environ), settings.folders(settings.OWN))
    if replaced:
        print(
            "Your home folder cannot be written, so JupyterLab keeps its settings in "
            f"{show(settings.OWN)}/, until you call make clean.",
            flush=True,
        )
    os.environ.update(replaced, **server_environment(os.environ))
    root_user = hasattr(os, "geteuid") and os.geteuid() == 0
    desktop = has_desktop(sys.platform, os.environ)
    from jupyterlab.labapp import main as run_lab  # reads the environment when imported

    return run_lab([*server_arguments(WORK, desktop, root_user), *arguments])


def parse(arguments):
    """Return the originals to copy anew, or None to open JupyterLab, and JupyterLab's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--fresh", metavar="NAME", help="put a new copy beside yours, and stop")
    options, rest = parser.parse_known_args(arguments)
    if options.fresh is None:
        return None, rest
    if not options.fresh:
        parser.error("name the notebook, for example: make fresh NOTEBOOK=02_forward_pass")
    try:
        return find(options.fresh), rest
    except LookupError as error:
        parser.error(str(error))


def open_lab(arguments):
    """Make the copies that are missing, say what to know, and run JupyterLab."""
    for line in prepare(find(""), WORK):
        print(line)
    print(
        f"Your notebooks are in {show(WORK)}/. To end JupyterLab, press Ctrl-C here twice.",
        flush=True,
    )
    return serve(arguments)


def main(arguments=None):
    """Make copies, then open JupyterLab; or, with --fresh, only make one more copy."""
    originals, rest = parse(arguments)
    try:
        if originals is None:
            return open_lab(rest)
        for original in originals:
            print("new copy:", show(fresh(original, WORK)))
    except OSError as error:  # a full disk, a folder that cannot be written
        sys.exit(f"{explain(error)}.\nNothing that you wrote was changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
