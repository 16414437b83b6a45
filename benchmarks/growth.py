"""Draw how a training step grows with N, with C and with H*W: ``python -m benchmarks.growth``.

Each of the three grows over four orders of magnitude, while the other two stay. The ways and the
memory limit are measured as in the benchmark. Writes growth.md, growth.json and growth.svg.
"""

import argparse
import json
from math import prod
from pathlib import Path

from tqdm import tqdm

from benchmarks import machine, report, turns
from benchmarks.__main__ import OUTPUT, thread_count
from benchmarks.peers import LIMIT

STEPS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)
PLACES = {1: (3, 4), 3: (6, 6), 10: (10, 12), 30: (18, 20), 100: (30, 40)}
PLACES |= {300: (60, 60), 1000: (100, 120), 3000: (180, 200), 10000: (300, 400)}  # H, W of 12 k
AXES = {
    "N": lambda k: (k, 16, 14, 14),
    "C": lambda k: (16, k, 14, 14),
    "H W": lambda k: (16, 16, *PLACES[k]),
}
TITLES = {"N": "(N, 16, 14, 14)", "C": "(16, C, 14, 14)", "H W": "(16, 16, H, W)"}
NAMES = ("bnlib.kernels", "bnlib.kernels, out=", "PyTorch", "bnlib.layers")
LOWEST = [f"{LIMIT}, {sweep}, old memory" for sweep in ("NumPy", "compiled", "past the cache")]


def measured(threads, number, seconds):
    """Return for each axis and each size what the ways took."""
    found = []
    for axis, shape in AXES.items():
        for k in tqdm(STEPS, desc=f"{axis} grows", unit="shape", leave=False):
            ways = turns.measured(
                "training", shape(k), threads, number, seconds, names=(*NAMES, *LOWEST)
            )
            found.append({"axis": axis, "size": k, "shape": shape(k), **ways})
    return {
        "threads": threads,
        "processor": machine.processor(),
        "versions": machine.versions(),
        "found": found,
    }


def nanoseconds(row, name):
    """Return what a number of the batch costs in this way, or in the quickest sweep, or None."""
    if name == LIMIT:
        return min(filter(None, (nanoseconds(row, sweep) for sweep in LOWEST)), default=None)
    way = row["ways"].get(name)
    return way and 1e9 * way["median"] / prod(row["shape"])


def text(result):
    """Return a table for each axis, of what a number costs in each way, and of peak memory."""
    names = [*NAMES, LIMIT]
    parts = [f"# A training step as it grows\n\n{result['processor']}, {result['threads']} threads"]
    parts.append("Nanoseconds for each number of the batch; peak memory in arrays of x's size.")
    for axis in AXES:
        rows = [row for row in result["found"] if row["axis"] == axis]
        quiet = all(turns.was_quiet(row["ways"]) for row in rows)
        head = [axis, *names, *(f"{name}, arrays" for name in NAMES)]
        lines = [f"## {axis} grows" + ("" if quiet else ": other work was done meanwhile"), ""]
        lines += [f"| {' | '.join(head)} |", f"| {' | '.join(['---:'] * len(head))} |"]
        lines += [f"| {' | '.join(_cells(row, names))} |" for row in rows]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _cells(row, names):
    costs = (nanoseconds(row, name) for name in names)
    array = 4 * prod(row["shape"])
    peaks = (row["ways"].get(name, {}).get("peak") for name in NAMES)
    return [
        str(row["shape"]),
        *("" if cost is None else f"{cost:.3g}" for cost in costs),
        *(f"{p / array:.1f}" if p is not None and array > report.LARGE else "" for p in peaks),
    ]


def figure(result):
    """Draw what a number costs against how many there are, for each axis, with the limit."""
    import matplotlib.pyplot as plt

    from bnlib.plotting import COLORS, use_style

    use_style()
    drawn = {
        "bnlib.kernels": ("gradient", "s-"),
        "PyTorch": ("value", "o-"),
        "bnlib.layers": ("mean", "^-"),
        LIMIT: ("muted", "--"),
    }
    fig, axes = plt.subplots(1, len(AXES), figsize=(11, 4), sharey=True, layout="constrained")
    for ax, axis in zip(axes, AXES, strict=True):
        rows = [row for row in result["found"] if row["axis"] == axis]
        for name, (color, style) in drawn.items():
            points = [(prod(row["shape"]), nanoseconds(row, name)) for row in rows]
            points = [point for point in points if point[1] is not None]
            ax.plot(
                *zip(*points, strict=True), style, color=COLORS[color], markersize=4, label=name
            )
        ax.set(xscale="log", yscale="log", xlabel="numbers in the batch", title=TITLES[axis])
    axes[0].set_ylabel("nanoseconds for each number")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return fig


def main():
    """Measure, print the tables, and write them down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--threads", type=thread_count, default=2, help="(2)")
    parser.add_argument("--seconds", type=float, default=0.1, help="of one turn (0.1)")
    parser.add_argument("--turns", type=int, default=3, help="of each way (3)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder (build/benchmarks)")
    given = parser.parse_args()
    result = measured(given.threads, given.turns, given.seconds)
    given.output.mkdir(parents=True, exist_ok=True)
    print(text(result))
    (given.output / "growth.md").write_text(text(result), encoding="utf-8")
    (given.output / "growth.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    figure(result).savefig(given.output / "growth.svg", metadata={"Date": None})
    print(f"written to {given.output}")


if __name__ == "__main__":
    main()
