"""Run the layer against its peers: ``make bench``, or ``python -m benchmarks --help``.

Every way has a process of its own and takes its turn while all others wait. Its results are
checked. Writes results.md, results.json and results.svg. The machine must do nothing else: where
others worked, the tables are no ranking, and say so.
Peers beyond the locked environment: pip install torch==2.13.0 jax onnxruntime
"""

import argparse
import json
import os
from math import prod
from pathlib import Path

from benchmarks import machine, report, turns
from benchmarks.peers import WAYS

SHAPES = (
    (64, 64, 56, 56),
    (32, 256, 14, 14),
    (128, 512, 7, 7),
    (64, 32, 8, 8),
    (2, 3, 4, 5),
    (256, 1024),
)
OUTPUT = turns.ROOT / "build" / "benchmarks"


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


def everything(given, threads):
    """Measure all shapes with this number of threads; return it ready for JSON."""
    shapes = [
        {
            "shape": list(shape),
            "kinds": {
                kind: turns.measured(kind, shape, threads, given.turns, given.seconds)
                for kind in given.kinds
            },
        }
        for shape in given.shapes
    ]
    return {
        "threads": threads,
        "processor": machine.processor(),
        "huge pages": machine.huge_pages(),
        "versions": machine.versions(),
        "shapes": shapes,
    }


def main():
    """Measure, print the tables, and write them down."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--threads",
        type=thread_count,
        nargs="+",
        default=[min(2, os.cpu_count())],
        help="a table for each number (2)",
    )
    parser.add_argument("--seconds", type=float, default=0.4, help="of one turn (0.4)")
    parser.add_argument("--turns", type=int, default=7, help="of each way (7)")
    parser.add_argument("--kinds", nargs="+", choices=WAYS, default=list(WAYS), help="(all)")
    parser.add_argument(
        "--shapes", type=shape, nargs="+", default=SHAPES, metavar="N,C,H,W", help="or N,D"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder (build/benchmarks)")
    given = parser.parse_args()
    results = [everything(given, threads) for threads in given.threads]
    given.output.mkdir(parents=True, exist_ok=True)
    text = report.text(results)
    print(text)
    (given.output / "results.md").write_text(text, encoding="utf-8")
    (given.output / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    metadata = {"Date": None}
    if "training" in given.kinds:
        report.figure(results[-1]).savefig(given.output / "results.svg", metadata=metadata)
    print(f"written to {given.output}")


if __name__ == "__main__":
    main()
