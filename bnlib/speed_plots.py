"""The figures of the notebook on speed: arrays and an Axes in, the Axes out."""

import numpy as np

from bnlib.plotting import COLORS


def paired_bars(ax, names, predicted, measured):
    """Draw two horizontal bars for each name, on a logarithmic axis, with their values in ms.

    Parameters
    ----------
    ax : matplotlib Axes
    names : list of str
    predicted, measured : array
        Seconds, one for each name.
    """
    rows = np.arange(len(names))
    for shift, seconds, color, hatch, label in (
        (-0.2, predicted, COLORS["muted"], None, "predicted from sweeps"),
        (0.2, measured, COLORS["value"], "//", "measured"),
    ):
        bars = ax.barh(rows + shift, 1e3 * np.asarray(seconds), 0.38, hatch=hatch, label=label)
        for bar in bars:
            bar.set(facecolor=color, edgecolor="white")
        ax.bar_label(bars, fmt=" %.3g ms")
    ax.set(xscale="log", yticks=rows, yticklabels=names, xlabel="forward and backward, ms")
    ax.set_xlim(right=2 * ax.get_xlim()[1])
    ax.invert_yaxis()
    ax.legend(loc="lower right")
    return ax


def cost_by_size(ax, shapes, seconds):
    """Draw the nanoseconds for each number of a batch over the batch's size, both logarithmic.

    Parameters
    ----------
    ax : matplotlib Axes
    shapes : list of tuple
    seconds : array
        For the whole batch, one for each shape.
    """
    numbers = np.array([np.prod(shape) for shape in shapes])
    cost = 1e9 * np.asarray(seconds) / numbers
    ax.loglog(numbers, cost, "o-", color=COLORS["value"])
    for shape, place in zip(shapes, zip(numbers, cost, strict=True), strict=True):
        text = f"{shape}\n{place[1]:,.0f} ns"
        ax.annotate(text, place, (5, 6), textcoords="offset points")
    ax.set(xlabel="numbers in the batch", ylabel="ns for each number")
    ax.set(xlim=(numbers.min() / 2, numbers.max() * 12), ylim=(cost.min() / 2, cost.max() * 5))
    return ax
