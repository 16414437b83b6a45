"""Draw the README's figure, docs/checks.svg, from what notebook 07 finds out.

    python -m tools.readme_figure

The notebook's cells are run here, so that the figure shows what its checks do, and no number is
written down twice. A test holds the stored figure to them.
"""

import io
import sys
from contextlib import redirect_stdout
from textwrap import fill
from unittest.mock import patch

import matplotlib as mpl
import nbformat
from matplotlib import pyplot as plt

from bnlib import figures, plotting
from tools.nbfiles import ROOT, find

TARGET = ROOT / "docs" / "checks.svg"


def notebook_names(stem):
    """Run a notebook's code cells in this process, without its figures; return what they define."""
    names = {}
    unseen = patch.object(plotting, "show", lambda fig, alt: plt.close(fig))
    with unseen, redirect_stdout(io.StringIO()):
        for cell in nbformat.read(find(stem)[0], as_version=4).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, stem, "exec"), names)
    return names


def let_past(found):
    """Map each check, and the smallest set that catches all, to how many mistakes it lets past.

    Parameters
    ----------
    found : dict
        What notebook 07 defines: ``table`` (mistakes, checks) of truth values, ``names`` of the
        checks, and ``chosen``, the columns of the smallest set.
    """
    table, chosen = found["table"], list(found["chosen"])
    missed = {name: int((~table[:, k]).sum()) for k, name in enumerate(found["names"])}
    ranked = dict(sorted(missed.items(), key=lambda pair: -pair[1]))
    together = " + ".join(found["names"][k] for k in chosen)
    return {**ranked, together: int((~table[:, chosen].any(axis=1)).sum())}


def draw(counts, total):
    """Return the figure: a bar for each check, as long as what it lets past."""
    fig, ax = plt.subplots(figsize=(8.8, 0.32 * len(counts) + 0.9))
    bars = ax.barh(range(len(counts)), counts.values(), color=plotting.COLORS["muted"])
    ax.bar_label(bars, [f"{count}" for count in counts.values()], padding=4)
    ax.set_yticks(range(len(counts)), [fill(label, 40) for label in counts])
    ax.invert_yaxis()
    ax.set(title=f"Each check lets some of {total} wrong batch norms past; four together let none")
    ax.set_xlim(0, total)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelbottom=False)
    return fig


def alternative_text(counts, total):
    """Say the figure's message in words."""
    *single, (together, left) = counts.items()
    (worst, most), (best, least) = single[0], single[-1]
    names = together.replace(" + ", ", ")
    return (
        f"Bars: how many of {total} wrong batch norms get past each check, from {most} for "
        f"{worst} to {least} for {best}. Past four of them together, {names}: {left}."
    )


def svg():
    """Return the figure as SVG text, and its alternative text."""
    bundles = []
    kept = patch.object(figures, "display", lambda bundle, raw: bundles.append(bundle))
    with kept, mpl.rc_context():
        found = notebook_names("07")
        counts, total = let_past(found), len(found["table"])
        alt = alternative_text(counts, total)
        plotting.show(draw(counts, total), alt)
    return bundles[0]["image/svg+xml"], alt


def main():
    """Write the figure, and print its alternative text for the README."""
    text, alt = svg()
    TARGET.write_text(text, encoding="utf-8", newline="\n")
    print(alt)


if __name__ == "__main__":
    sys.exit(main())
