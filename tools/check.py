"""Check style, then run tests and notebooks: what make test does, and make test-all with --all.

All other arguments go to pytest.
"""

import os
import subprocess
import sys
import time

STYLE = (["ruff", "check", "--quiet"], ["ruff", "format", "--check", "--quiet"])
TYPES = ["mypy", "--no-error-summary"]
# A file is never split: the cells of a notebook share a kernel. The longest come first.
PYTEST = ["pytest", "--numprocesses=auto", "--dist=loadfile", "--no-loadscope-reorder"]
EVERYTHING = ["-m", "slow or not slow", "--twice=all"]


def run(module):
    """Run a module of this environment with its arguments; return its exit code."""
    return subprocess.call([sys.executable, "-m", *module])


def main(arguments):
    """Run the parts until one fails; return its exit code."""
    everything = arguments[:1] == ["--all"]
    rest = arguments[everything:]
    start = time.perf_counter()
    for command in (*STYLE, TYPES) if everything else STYLE:
        if code := run(command):
            return code
    # A worker for each core: a second thread in a matrix product only waits for the other worker.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Workers, kernels and the next run compile each module of ours once, not each for itself.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["BNLIB_STYLE_SECONDS"] = f"{time.perf_counter() - start:.1f}"
    os.environ["BNLIB_COMMAND"] = "make test-all" if everything else "make test"
    return run([*PYTEST, *(EVERYTHING if everything else ()), *rest])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
