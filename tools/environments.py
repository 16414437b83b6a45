"""Make a virtual environment that holds the locked packages and bnlib, or mend one.

A working environment is upgraded in place: what you added to it stays. It is made anew if its
set-up was interrupted, since files of a package may then be missing; if it was made in another
folder, since its programs hold that folder's path; and if its Python does not run or is another.

Standard library only, and no syntax newer than Python 3.6: tools/setup_venv.py imports it.
"""

import contextlib
import glob
import hashlib
import os
import shutil
import subprocess
import sys

from tools import settings

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STAMP, UNFINISHED = "bnlib-setup.sha256", "bnlib-unfinished"
SOURCES = ("requirements.txt", "pyproject.toml")
# What some targets add. A package that changes JupyterLab gets an environment of its own.
ADDITIONS = {
    "browser": "what drives a browser",
    "lite": "what makes notebooks that run in a browser",
    "nbgrader": "nbgrader",
    "site": "what makes pages",
}
APART = ("nbgrader",)
EVERYTHING = ".[notebooks,speed,cluster,mpi,test]"
# Exits with 0 if bnlib is this folder's, and what comes from the lock is there.
WORKS = """
import os, sys, bnlib, ipykernel, pytest
sys.exit(not os.path.samefile(os.path.join(bnlib.__path__[0], os.pardir), sys.argv[1]))
"""


class SetupError(Exception):
    """What went wrong and what to try."""


def venv_python(venv):
    """Return the path of the environment's interpreter on this platform."""
    if os.name == "nt":
        return os.path.join(venv, "Scripts", "python.exe")
    return os.path.join(venv, "bin", "python")


# What is there


def fingerprint(root, version, numpy=None, sources=SOURCES):
    """Hash what decides the contents: lock, pyproject, Python's version, a chosen NumPy."""
    digest = hashlib.sha256(f"{version[0]}.{version[1]} numpy={numpy}".encode())
    for name in sources:
        with open(os.path.join(root, name), "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


def read_stamp(venv, stamp=STAMP):
    """Return the fingerprint and the folder that a finished set-up left, or two empty strings."""
    try:
        with open(os.path.join(venv, stamp), "rb") as file:
            wanted, _, folder = file.read().partition(b"\n")
    except OSError:
        return "", ""
    return wanted.decode(), os.fsdecode(folder)


def write_stamp(venv, wanted, stamp=STAMP):
    """Note that a set-up is finished: what it was for, and in which folder."""
    with open(os.path.join(venv, stamp), "wb") as file:
        file.write(wanted.encode() + b"\n" + os.fsencode(venv))


def is_made_here(venv):
    """Tell whether a finished set-up worked in this folder: it was not moved, and is no copy."""
    _, folder = read_stamp(venv)
    try:
        return os.path.samefile(folder, venv)
    except OSError:
        return False


def is_up_to_date(venv, wanted, stamp=STAMP):
    """Tell whether a finished set-up left this fingerprint here, and nothing happened since."""
    finished = not os.path.exists(os.path.join(venv, UNFINISHED))
    there = os.path.exists(venv_python(venv))
    return finished and there and read_stamp(venv, stamp)[0] == wanted and is_made_here(venv)


def runs(python, code, *arguments):
    """Tell whether this interpreter, without the user's settings, exits from the code with 0."""
    command = [python, "-I", "-c", code, *arguments]
    try:
        return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def why_anew(venv, version):
    """Say why an environment cannot be brought up to date in place; an empty string if it can."""
    if os.path.exists(os.path.join(venv, UNFINISHED)):
        return "its set-up was interrupted"
    _, folder = read_stamp(venv)
    if folder and not is_made_here(venv):
        return f"it was made in another folder, {os.path.dirname(folder)}"
    code = f"import sys; sys.exit(sys.version_info[:2] != {tuple(version[:2])})"
    if not runs(venv_python(venv), code):
        return "it is broken, or made with another Python version"
    return ""


# What is made


def run(command):
    """Run a command in the project's folder; turn a failure into a SetupError."""
    environment = settings.for_every_target(os.environ)
    # With the lock of tools/locking.py: it holds until the command ends, even if this process dies.
    code = subprocess.run(command, cwd=ROOT, env=environment, close_fds=False).returncode
    if code:
        raise SetupError(
            f"`{' '.join(command)}` exited with {code}; its message is above. Check the network "
            "and the free disk space, then call the same target again."
        )


def discard(venv):
    """Remove an environment. First it gets out of the way: no half of it can be taken for whole."""
    if os.path.islink(venv) or not os.path.isdir(venv):
        os.remove(venv)
        return
    aside = venv + "-discarded"
    if os.path.lexists(aside):
        shutil.rmtree(aside)
    os.rename(venv, aside)
    shutil.rmtree(aside)


def create(venv, uv):
    """Make an empty environment with pip in it."""
    if uv:
        made = [uv, "venv", "--quiet", "--seed", "--allow-existing", "--python", sys.executable]
    elif runs(sys.executable, "import venv, ensurepip"):
        made = [sys.executable, "-m", "venv"]
    else:
        raise SetupError(
            f"{sys.executable} lacks the venv module. Install it (Debian and Ubuntu: "
            "apt install python3-venv) or install uv, then call the same target again."
        )
    run([*made, venv])


@contextlib.contextmanager
def unfinished(venv):
    """Mark an environment while it is worked on. An interruption or an error leaves the mark."""
    mark = os.path.join(venv, UNFINISHED)
    os.makedirs(venv, exist_ok=True)
    with open(mark, "w"):
        pass
    yield
    os.remove(mark)


def installer(python, uv):
    """Return the command that installs into the environment, but for what."""
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", python]
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def install_commands(python, uv, numpy=None):
    """List the commands that fill the environment: the packages, then bnlib itself."""
    install = installer(python, uv)
    if numpy is None:
        return [
            [*install, "--require-hashes", "--requirement", "requirements.txt"],
            [*install, "--no-deps", "--no-build-isolation", "--editable", "."],
        ]
    chosen = ["--upgrade", "numpy"] if numpy == "newest" else [f"numpy=={numpy}"]
    return [[*install, *chosen, "--editable", EVERYTHING]]


def link_relatively(venv):
    """Let the environment find bnlib by a relative path.

    Python reads bnlib.pth in the locale's encoding. An absolute path with an umlaut in it keeps
    the interpreter from starting under LC_ALL=C, or is misread. And a copy would find the original.
    """
    inside = glob.escape(venv)
    for pattern in ("lib/python*/site-packages/bnlib.pth", "Lib/site-packages/bnlib.pth"):
        for link in glob.glob(os.path.join(inside, *pattern.split("/"))):
            with open(link, "w", encoding="ascii") as file:
                file.write(os.path.relpath(os.path.dirname(venv), os.path.dirname(link)) + "\n")


def fill(venv, uv, numpy=None):
    """Install what belongs into the environment, and see that it arrived there."""
    python = venv_python(venv)
    if not uv and not runs(python, "import pip"):
        run([python, "-m", "ensurepip"])
    for command in install_commands(python, uv, numpy):
        run(command)
    link_relatively(venv)
    if not runs(python, WORKS, ROOT):
        raise SetupError(
            f"the packages are not all in {venv}, though their installation reported no error. "
            "A setting may send them elsewhere: look for target, prefix or root in "
            "`pip config list`, then call the same target again."
        )


def bring_up_to_date(venv, wanted, numpy=None, version=sys.version_info):
    """Make or mend the environment, and leave its stamp."""
    uv = shutil.which("uv")
    how = "uv, some seconds" if uv else "pip, up to a minute"
    print(f"Setting up {os.path.basename(venv)} (with {how})", flush=True)
    reason = why_anew(venv, version) if os.path.lexists(venv) else ""
    if reason:
        print(f"{venv} is made anew: {reason}.", flush=True)
        discard(venv)
    is_new = not os.path.lexists(venv)
    with unfinished(venv):
        if is_new:
            create(venv, uv)
        fill(venv, uv, numpy)
        write_stamp(venv, wanted)


def lock_of(addition):
    """Return the name of the lock that holds what a target adds."""
    return f"requirements-{addition}.txt"


def stamp_of(addition):
    """Return the name of the stamp that says that it is there."""
    return f"bnlib-{addition}.sha256"


def add(venv, addition, wanted):
    """Install what a target adds into a finished environment, and leave its stamp."""
    print(f"Adding {ADDITIONS[addition]} to {os.path.basename(venv)}", flush=True)
    install = installer(venv_python(venv), shutil.which("uv"))
    with unfinished(venv):
        run([*install, "--require-hashes", "--requirement", lock_of(addition)])
        write_stamp(venv, wanted, stamp_of(addition))
