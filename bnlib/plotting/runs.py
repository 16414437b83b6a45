"""Figures of training runs: several seeds as a band, never one lucky curve."""

import numpy as np

from bnlib.plotting.lines import curves
from bnlib.plotting.style import LINES, MARKERS, SERIES


def bands(ax, x, runs, xlabel, ylabel, *, log=""):
    """Draw the median of several runs as a line, and from worst to best as a band.

    Values are rounded to three significant digits.

    Parameters
    ----------
    ax : matplotlib Axes
    x : sequence of float
    runs : mapping from str to array, (seeds, len(x))
        By the norm that the network was trained with.
    xlabel, ylabel : str
    log : str, optional
        The logarithmic axes: "x", "y" or "xy".
    """
    medians = {label: np.median(values, axis=0) for label, values in runs.items()}
    curves(ax, x, medians, xlabel, ylabel, log=log)
    for number, values in enumerate(runs.values()):
        low, high = (
            [float(f"{value:.3g}") for value in edge(values, axis=0)] for edge in (np.min, np.max)
        )
        ax.fill_between(x, low, high, color=SERIES[number % 4], alpha=0.15, linewidth=0)
    for number, line in enumerate(ax.get_lines()):
        line.set(linestyle=LINES[number % 4], marker=MARKERS[number % 4])
    ax.legend(title="norm: median,\nband: worst to best")
    return ax
