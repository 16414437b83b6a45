"""Make the locks anew from pyproject.toml, with hashes, for every platform and Python.

requirements.txt holds what every target needs; the others what a few targets add, in the same
versions. One version of each package serves all platforms, so
that figures are the same everywhere. Packages that are locked already keep their version unless
--upgrade is given:  make lock ARGS=--upgrade
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = {
    "requirements.txt": tuple(
        f"--extra={name}" for name in ("notebooks", "speed", "cluster", "mpi", "test")
    ),
    **{
        f"requirements-{extra}.txt": (f"--extra={extra}", "--constraint=requirements.txt")
        for extra in ("browser", "lite", "nbgrader", "site")
    },
}
COMMAND = (
    *("pip", "compile", "pyproject.toml", "--quiet"),
    *("--universal", "--python-version", "3.11", "--fork-strategy", "fewest"),
    *("--generate-hashes", "--no-annotate", "--custom-compile-command", "make lock"),
)


def main(arguments):
    """Run uv for each lock, or say how to get it."""
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("make lock needs uv on PATH: install it, for example with `pipx install uv`.")
    for lock, options in LOCKS.items():
        command = [uv, *COMMAND, *options, "--output-file", lock, *arguments]
        if code := subprocess.call(command, cwd=ROOT):
            sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
