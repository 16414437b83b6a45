"""Make requirements.txt anew from pyproject.toml, with hashes, for every platform and Python.

One version of each package serves all of them, so that figures are the same everywhere. Packages
that are locked already keep their version unless --upgrade is given:  make lock ARGS=--upgrade
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMAND = (
    *("pip", "compile", "pyproject.toml", "--output-file", "requirements.txt", "--quiet"),
    *("--all-extras", "--universal", "--python-version", "3.11", "--fork-strategy", "fewest"),
    *("--generate-hashes", "--no-annotate", "--custom-compile-command", "make lock"),
)


def main(arguments):
    """Run uv, or say how to get it."""
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("make lock needs uv on PATH: install it, for example with `pipx install uv`.")
    sys.exit(subprocess.call([uv, *COMMAND, *arguments], cwd=ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
