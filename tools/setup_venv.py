"""Bring the virtual environment up to date, then run its Python with the arguments behind ``--``.

    python3 tools/setup_venv.py                      only set up
    python3 tools/setup_venv.py -- -m pytest         set up if need be, then run the tests

Packages come from requirements.txt, locked with hashes, through uv if it is on PATH and pip if not;
bnlib itself is installed editable. A stamp inside the environment, written last, hashes all that
decides its contents. So an interrupted set-up is redone, a second call does nothing, and a changed
lock is installed. A working environment is upgraded in place: what you added to it stays.

With --browser, what drives a browser is installed too, from requirements-browser.txt, with a stamp
of its own.

With --numpy VERSION the packages are not locked: pip or uv picks them to go with that NumPy.

Standard library only, and no syntax newer than Python 3.6, so that an old Python can say what it
needs instead of showing a SyntaxError.
"""

import argparse
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST_PYTHON = (3, 11)
STAMP, BROWSER_STAMP = "bnlib-setup.sha256", "bnlib-browser.sha256"
SOURCES = ("requirements.txt", "pyproject.toml")
BROWSER_LOCK = "requirements-browser.txt"
EVERYTHING = ".[notebooks,speed,test]"


class SetupError(Exception):
    """What went wrong and what to try."""


def venv_python(venv):
    """Return the path of the environment's interpreter on this platform."""
    if os.name == "nt":
        return os.path.join(venv, "Scripts", "python.exe")
    return os.path.join(venv, "bin", "python")


def fingerprint(root, version, numpy=None, sources=SOURCES):
    """Hash what decides the contents: lock, pyproject, Python's version, a chosen NumPy."""
    digest = hashlib.sha256(f"{version[0]}.{version[1]} numpy={numpy}".encode())
    for name in sources:
        with open(os.path.join(root, name), "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


def is_up_to_date(venv, wanted, stamp=STAMP):
    """Tell whether a finished set-up left this fingerprint, and the interpreter is still there."""
    try:
        with open(os.path.join(venv, stamp)) as file:
            return file.read() == wanted and os.path.exists(venv_python(venv))
    except OSError:
        return False


def runs(python, code):
    """Tell whether this interpreter starts and the code exits with 0."""
    try:
        return subprocess.run([python, "-c", code], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def is_healthy(venv, version):
    """Tell whether the environment's interpreter runs and has this major and minor version."""
    code = f"import sys; sys.exit(sys.version_info[:2] != {tuple(version[:2])})"
    return runs(venv_python(venv), code)


def run(command):
    """Run a command in the project's folder; turn a failure into a SetupError."""
    # With a user-wide `pip config set install.user true`, pip would refuse to fill an environment.
    environment = dict(os.environ, PIP_USER="0")
    code = subprocess.run(command, cwd=ROOT, env=environment).returncode
    if code:
        raise SetupError(
            f"`{' '.join(command)}` exited with {code}; its message is above. Check the network "
            "and the free disk space, then call the same target again."
        )


def create(venv, uv):
    """Make an empty environment with pip in it, in place of a broken one."""
    if os.path.lexists(venv):
        print(f"{venv} is broken or made with another Python version; making it anew.", flush=True)
        os.remove(venv) if os.path.islink(venv) else shutil.rmtree(venv)
    if uv:
        run([uv, "venv", "--quiet", "--seed", "--python", sys.executable, venv])
    elif runs(sys.executable, "import venv, ensurepip"):
        run([sys.executable, "-m", "venv", venv])
    else:
        raise SetupError(
            f"{sys.executable} lacks the venv module. Install it (Debian and Ubuntu: "
            "apt install python3-venv) or install uv, then call the same target again."
        )


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


def set_up(venv, numpy=None, version=sys.version_info):
    """Bring the environment up to date; return whether anything had to be done."""
    wanted = fingerprint(ROOT, version, numpy)
    if numpy != "newest" and is_up_to_date(venv, wanted):
        return False
    uv = shutil.which("uv")
    how = "uv, some seconds" if uv else "pip, up to a minute"
    print(f"Setting up {os.path.basename(venv)} (with {how})", flush=True)
    stamp = os.path.join(venv, STAMP)
    if os.path.exists(stamp):
        os.remove(stamp)
    if not is_healthy(venv, version):
        create(venv, uv)
    python = venv_python(venv)
    if not uv and not runs(python, "import pip"):
        run([python, "-m", "ensurepip"])
    for command in install_commands(python, uv, numpy):
        run(command)
    with open(stamp, "w") as file:
        file.write(wanted)
    return True


def add_browser(venv, version=sys.version_info):
    """Install what drives a browser into a finished environment; return whether it was missing."""
    wanted = fingerprint(ROOT, version, sources=(*SOURCES, BROWSER_LOCK))
    if is_up_to_date(venv, wanted, BROWSER_STAMP):
        return False
    print(f"Adding what drives a browser to {os.path.basename(venv)}", flush=True)
    install = installer(venv_python(venv), shutil.which("uv"))
    run([*install, "--require-hashes", "--requirement", BROWSER_LOCK])
    with open(os.path.join(venv, BROWSER_STAMP), "w") as file:
        file.write(wanted)
    return True


def hand_over(command):
    """Let this process become the command; on Windows, wait for it and pass on its exit code."""
    if os.name != "nt":
        os.execv(command[0], command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command to handle
    sys.exit(subprocess.call(command))


def main(arguments):
    """Set up, then run what stands behind ``--``."""
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(
            f"bnlib needs Python 3.11 or newer; {sys.executable} is {found}. "
            "Name a newer one, for example: make setup PYTHON=python3.12"
        )
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--numpy", metavar="VERSION", help="a NumPy version, or: newest")
    parser.add_argument("--browser", action="store_true", help="with what drives a browser")
    options = parser.parse_args(arguments[:cut])
    if options.numpy is not None and not re.fullmatch(r"newest|\d+(\.\d+)+", options.numpy):
        parser.error("name a NumPy version: make test-numpy NUMPY=1.26.4, or NUMPY=newest")
    venv = os.path.join(ROOT, f".venv-numpy-{options.numpy}" if options.numpy else ".venv")
    try:
        set_up(venv, options.numpy)
        if options.browser:
            add_browser(venv)
    except SetupError as error:
        sys.exit(f"Set-up failed: {error}")
    except KeyboardInterrupt:
        sys.exit("\nSet-up interrupted. Call the same target again, and it goes on.")
    if arguments[cut + 1 :]:
        hand_over([venv_python(venv), *arguments[cut + 1 :]])


if __name__ == "__main__":
    main(sys.argv[1:])
