"""The figures of the notebook on speed: arrays and an Axes in, the Axes out."""

import numpy as np

from bnlib.plotting import COLORS


def predicted_and_measured(ax, names, predicted, measured):
    """Draw two marks for each name on a logarithmic axis, joined by a line, with their values.

    Parameters
    ----------
    ax : matplotlib Axes
    names : list of str
    predicted, measured : array
        Seconds, one for each name.
    """
    rows, predicted, measured = np.arange(len(names)), *1e3 * np.array([predicted, measured])
    ax.hlines(rows, predicted, measured, color=COLORS["muted"], linewidth=1)
    ax.plot(predicted, rows, "D", color=COLORS["muted"], label="predicted from sweeps")
    ax.plot(measured, rows, "o", color=COLORS["value"], markersize=8, label="measured")
    right = measured >= predicted
    for values, at_right in ((predicted, ~right), (measured, right)):
        for row, value in enumerate(values):
            shift, side = (9, "left") if at_right[row] else (-9, "right")
            looks = {"ha": side, "va": "center", "textcoords": "offset points"}
            ax.annotate(f"{value:.3g} ms", (value, row), (shift, 0), **looks)
    low, high = min(*predicted, *measured), max(*predicted, *measured)
    ax.set(xscale="log", xlim=(low / 3, high * 3), yticks=rows, yticklabels=names)
    ax.set(xlabel="forward and backward, ms", ylim=(len(names) - 0.5, -0.5))
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
