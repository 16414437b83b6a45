"""Draw the README's figure, docs/checks.svg, from what notebook 07 finds out.

    python -m tools.readme_figure

The notebook's cells are run here, so that the figure shows what its checks do, and no number is
written down twice. A test holds the stored figure to them.
"""

import io
import sys
from contextlib import redirect_stdout
from unittest.mock import patch

import matplotlib as mpl
import nbformat
import numpy as np
from matplotlib import pyplot as plt

from bnlib import plotting
from bnlib.plotting import style
from tools.figures import figure_in
from tools.nbfiles import ROOT, find

TARGET = ROOT / "docs" / "checks.svg"
NOT_RUN, FOOLED = "#F1F1F1", "#F0C8AE"  # mistakes that a check never runs, and that fooled it
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
LABELS = {  # the notebook's names of its checks, for readers who have not met them
    "mean, std": "means and standard deviations",
    "ones upstream": "gradient check with ones",
    "random upstream": "gradient check with random numbers",
    "projection": "two laws that dx obeys",
    "running statistics": "running statistics",
    "shapes": "shapes",
    "axis coincidence": "shapes with two axes alike",
    "all values": "all values against plain loops",
    "golden values": "values that a framework printed",
    "large offset": "values near 1000 in 32 bits",
}


def notebook_names(stem):
    """Run a notebook's code cells in this process, without its figures; return what they define."""
    names = {}
    unseen = patch.object(plotting, "show", lambda fig, alt: plt.close(fig))
    with unseen, redirect_stdout(io.StringIO()):
        for cell in nbformat.read(find(stem)[0], as_version=4).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, stem, "exec"), names)
    return names


def caught(found):
    """Map each check, and the smallest set that catches all, to how many mistakes it catches.

    Parameters
    ----------
    found : dict
        What notebook 07 defines: ``table`` (mistakes, checks) of truth values, ``names`` of the
        checks, and ``chosen``, the columns of the smallest set.
    """
    table, chosen = found["table"], list(found["chosen"])
    counts = {name: int(table[:, k].sum()) for k, name in enumerate(found["names"])}
    ranked = dict(sorted(counts.items(), key=lambda pair: pair[1]))
    together = " + ".join(found["names"][k] for k in chosen)
    return {**ranked, together: int(table[:, chosen].any(axis=1).sum())}


def run(found):
    """Map each check, and all of the smallest set together, to how many mistakes it runs."""
    table = np.array(
        [[v is not None for v in found["results"][c].values()] for c in found["checks"]]
    )
    counts = {name: int(row.sum()) for name, row in zip(found["names"], table, strict=True)}
    together = " + ".join(found["names"][k] for k in found["chosen"])
    return {**counts, together: int(table[list(found["chosen"])].any(axis=0).sum())}


def draw(counts, runs, total):
    """Return the figure: for each check and for the set, what it caught, passed and never ran."""
    *single, together = counts
    chosen = together.split(" + ")
    labels = [LABELS[name] for name in single] + [f"the {NUMBERS[len(chosen)]} in bold together"]
    strong = [name in (*chosen, together) for name in counts]
    fig, ax = plt.subplots(figsize=(8.8, 0.3 * len(counts) + 0.6))
    ax.barh(range(len(counts)), total, color=NOT_RUN, label="never run")
    ax.barh(range(len(counts)), [runs[name] for name in counts], color=FOOLED, label="fooled by")
    colors = [plotting.COLORS["value" if bold else "muted"] for bold in strong]
    bars = ax.barh(range(len(counts)), counts.values(), color=colors, label="caught")
    words = [f"{count} of {runs[name]}" for name, count in counts.items()]
    ax.bar_label(bars, words, padding=4)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, -0.12), ncols=3, fontsize=9)
    ax.set_yticks(range(len(counts)), labels)
    for label, bold in zip(ax.get_yticklabels(), strong, strict=True):
        label.set_weight("bold" if bold else "normal")
    ax.set_ylim(len(counts) - 0.4, -0.6)
    fig.suptitle(
        f"None of {NUMBERS[len(single)]} checks catches all {total} wrong implementations; "
        f"{NUMBERS[len(chosen)]} together do",
        fontsize=11,
    )
    ax.set_xlim(0, 1.06 * total)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelbottom=False)
    return fig


def alternative_text(counts, runs, total):
    """Say the figure's message in words."""
    *single, (together, all_caught) = counts.items()
    bars = ", ".join(f"{LABELS[name]} {count} of {runs[name]}" for name, count in single)
    *some, last = [LABELS[name] for name in together.split(" + ")]
    return (
        f"Bars: of {total} wrong implementations, how many each check catches, of those that it "
        f"runs: {bars}. "
        f"Together, {', '.join(some)} and {last} catch {all_caught}."
    )


def svg():
    """Return the figure: its SVG and its alternative text."""
    bundles = []
    kept = patch.object(style, "display", lambda bundle, raw: bundles.append(bundle))
    with kept, mpl.rc_context():
        found = notebook_names("07")
        counts, runs, total = caught(found), run(found), len(found["table"])
        alt = alternative_text(counts, runs, total)
        plotting.show(draw(counts, runs, total), alt)
    return figure_in(bundles[0])


def main():
    """Write the figure, and print its alternative text for the README."""
    text, alt = svg()
    TARGET.write_text(text, encoding="utf-8", newline="\n")
    print(alt)


if __name__ == "__main__":
    sys.exit(main())
