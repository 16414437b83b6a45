"""Bring the virtual environment up to date, then run its Python with the arguments behind ``--``.

    python3 -m tools.setup_venv                      only set up
    python3 -m tools.setup_venv -- -m pytest         set up if need be, then run the tests

Packages come from requirements.txt, locked with hashes, through uv if it is on PATH and pip if not;
bnlib itself is installed editable. A stamp inside the environment, written last, holds its folder
and a hash of all that decides its contents. So a second call does nothing, and a changed lock is
installed. tools/environments.py says what is upgraded in place and what is made anew. Of two calls
at the same time, the second waits.

With --add browser, what drives a browser is installed too, from requirements-browser.txt, with a
stamp of its own; so with --add site and --add lite. --add nbgrader does the same in .venv-nbgrader,
since nbgrader changes JupyterLab.

With --numpy VERSION the packages are not locked: pip or uv picks them to go with that NumPy.

Standard library only, and no syntax newer than Python 3.6, so that an old Python can say what it
needs instead of showing a SyntaxError.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time

from tools import environments, settings
from tools.environments import ADDITIONS, APART, ROOT, SOURCES, SetupError
from tools.locking import alone

OLDEST_PYTHON = (3, 11)
OTHER_AT_WORK = "Another set-up is at work in this folder. Waiting for it."


def set_up(venv, numpy=None, version=sys.version_info):
    """Bring the environment up to date; return whether anything had to be done."""
    wanted = environments.fingerprint(ROOT, version, numpy)
    if numpy != "newest" and environments.is_up_to_date(venv, wanted):
        return False
    with alone(os.path.join(ROOT, SOURCES[0]), OTHER_AT_WORK):
        if numpy != "newest" and environments.is_up_to_date(venv, wanted):
            return False  # the other one has done it
        environments.bring_up_to_date(venv, wanted, numpy, version)
    return True


def add(venv, addition, version=sys.version_info):
    """Add what a target needs besides to the environment; return whether it was missing."""
    sources = (*SOURCES, environments.lock_of(addition))
    wanted = environments.fingerprint(ROOT, version, sources=sources)
    stamp = environments.stamp_of(addition)
    if environments.is_up_to_date(venv, wanted, stamp):
        return False
    with alone(os.path.join(ROOT, SOURCES[0]), OTHER_AT_WORK):
        if environments.is_up_to_date(venv, wanted, stamp):
            return False
        environments.add(venv, addition, wanted)
    return True


def folder_of(options):
    """Return the environment that is meant."""
    if options.numpy:
        return os.path.join(ROOT, f".venv-numpy-{options.numpy}")
    apart = [f".venv-{name}" for name in options.add if name in APART]
    return os.path.join(ROOT, *apart or [".venv"])


def hand_over(command):
    """Let this process become the command; on Windows, wait for it and pass on its exit code."""
    environment = settings.for_every_target(os.environ)
    if os.name != "nt":
        os.execve(command[0], command, environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command to handle
    sys.exit(subprocess.call(command, env=environment))


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
    parser.add_argument(
        "--add",
        action="append",
        choices=ADDITIONS,
        default=[],
        help="what some targets need besides",
    )
    options = parser.parse_args(arguments[:cut])
    if options.numpy is not None and not re.fullmatch(r"newest|\d+(\.\d+)+", options.numpy):
        parser.error("name a NumPy version: make test-numpy NUMPY=1.26.4, or NUMPY=newest")
    venv = folder_of(options)
    start = time.time()
    try:
        set_up(venv, options.numpy)
        for name in options.add:
            add(venv, name)
    except SetupError as error:
        sys.exit(f"Set-up failed: {error}")
    except OSError as error:  # a full disk, a folder that cannot be written
        sys.exit(f"Set-up failed: {error}. Mend that, then call the same target again.")
    except KeyboardInterrupt:
        sys.exit("\nSet-up interrupted. The same target, called again, makes it anew.")
    os.environ["BNLIB_SETUP_SECONDS"] = str(round(time.time() - start, 1))  # tests/times.py
    if arguments[cut + 1 :]:
        hand_over([environments.venv_python(venv), *arguments[cut + 1 :]])


if __name__ == "__main__":
    main(sys.argv[1:])
