"""The figures of the notebook on speed: arrays and an Axes in, the Axes out."""

import numpy as np

from bnlib.plotting import COLORS


def paired_dots(ax, names, predicted, measured):
    """Draw two dots for each name on a logarithmic axis, joined by a line: the ratio is its length.

    Parameters
    ----------
    ax : matplotlib Axes
    names : list of str
    predicted, measured : array
        Seconds, one for each name.
    """
    rows = np.arange(len(names))
    predicted, measured = 1e3 * np.asarray(predicted), 1e3 * np.asarray(measured)
    ax.hlines(rows, predicted, measured, color=COLORS["muted"], linewidth=1)
    looks = {"markersize": 8, "linestyle": "none"}
    ax.plot(predicted, rows, "D", color=COLORS["gradient"], label="predicted from sweeps", **looks)
    ax.plot(measured, rows, "o", color=COLORS["value"], label="measured", **looks)
    for row, value in zip(rows, measured, strict=True):
        ax.annotate(
            f"{value:.3g} ms", (value, row), (0, 8), textcoords="offset points", ha="center"
        )
    ax.set(xscale="log", yticks=rows, yticklabels=names, xlabel="forward and backward, ms")
    ax.set(ylim=(len(names) - 0.5, -0.7))
    ax.grid(axis="x", which="both", linewidth=0.3)
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
