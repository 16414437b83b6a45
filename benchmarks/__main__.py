"""Run the layer against its peers: ``make bench``, or ``python -m benchmarks --help``.

Every peer that is installed is checked and timed in turn, in one process for each number of
threads. Writes results.md, results.json and results.svg. The machine should do nothing else.
Peers beyond the locked environment: pip install torch==2.13.0 jax onnxruntime
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from math import prod
from pathlib import Path

from benchmarks import report

SHAPES = (
    (64, 64, 56, 56),
    (32, 256, 14, 14),
    (128, 512, 7, 7),
    (64, 32, 8, 8),
    (2, 3, 4, 5),
    (256, 1024),
)
ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "build" / "benchmarks"


def shape(text):
    """Return a shape from 64,64,56,56."""
    numbers = tuple(int(part) for part in text.split(","))
    if len(numbers) not in (2, 4) or min(numbers) < 1 or prod(numbers) < 2 * numbers[1]:
        raise ValueError(text)
    return numbers


def thread_count(text):
    """Return a number of threads that this machine has cores for."""
    if not 1 <= int(text) <= os.cpu_count():
        raise ValueError(text)
    return int(text)


def in_own_process(threads, seconds, shapes):
    """Measure with this number of threads, in a process whose libraries all use it."""
    limits = dict.fromkeys(
        ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
        str(threads),
    )
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "measured.json"
        command = [sys.executable, "-m", "benchmarks.measure"]
        command += ["--threads", str(threads), "--seconds", str(seconds), "--output", str(output)]
        command += [json.dumps(s) for s in shapes]
        subprocess.run(command, cwd=ROOT, env=os.environ | limits, check=True)
        return json.loads(output.read_text(encoding="utf-8"))


def main():
    """Measure, print the tables, and write them down."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--threads",
        type=thread_count,
        nargs="+",
        default=sorted({1, min(2, os.cpu_count()), os.cpu_count()}),
        help="one process for each; default: 1, 2 and as many as there are cores",
    )
    parser.add_argument(
        "--seconds", type=float, default=15, help="for each shape, training and inference (15)"
    )
    parser.add_argument(
        "--shapes", type=shape, nargs="+", default=SHAPES, metavar="N,C,H,W", help="or N,D"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder (build/benchmarks)")
    given = parser.parse_args()
    results = [in_own_process(n, given.seconds, given.shapes) for n in given.threads]
    given.output.mkdir(parents=True, exist_ok=True)
    text = report.text(results)
    print(text)
    (given.output / "results.md").write_text(text, encoding="utf-8")
    (given.output / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    metadata = {"Date": None}
    report.figure(results[-1]).savefig(given.output / "results.svg", metadata=metadata)
    print(f"written to {given.output}")


if __name__ == "__main__":
    main()
