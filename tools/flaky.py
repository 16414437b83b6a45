"""Look for tests that fail now and then: property tests with fresh seeds, notebooks repeated.

    python -m tools.flaky                   five seeds, ten runs of all notebooks
    python -m tools.flaky --seeds 20 --notebooks 0

A failing run is named with the seed that repeats it. Not a part of continuous integration.
"""

import argparse
import secrets
import subprocess
import sys

from tools.check import PYTEST

PROPERTIES = ["tests", "-m", "hypothesis", "--hypothesis-profile=fresh"]
NOTEBOOKS = ["notebooks", "--twice=no"]


def runs(seeds, notebooks):
    """Yield what to call each run, and its arguments for pytest."""
    for _ in range(seeds):
        seed = secrets.randbelow(2**32)
        yield f"properties, --hypothesis-seed={seed}", [*PROPERTIES, f"--hypothesis-seed={seed}"]
    for number in range(1, notebooks + 1):
        yield f"notebooks, run {number}", NOTEBOOKS


def main(arguments=None):
    """Make all runs, print a line for each, and return 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="runs of the property tests")
    parser.add_argument("--notebooks", type=int, default=10, help="runs of all notebooks")
    options = parser.parse_args(arguments)
    failed = []
    for name, command in runs(options.seeds, options.notebooks):
        print(f"== {name}", flush=True)
        if subprocess.call([sys.executable, "-m", *PYTEST, "--quiet", *command]):
            failed.append(name)
    count = options.seeds + options.notebooks
    print(f"{count - len(failed)} of {count} runs passed", *failed, sep="\nfailed: ")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
