"""The figures of time and traffic, predicted and measured: arrays and an Axes in, the Axes out."""

import numpy as np

from bnlib.plotting.style import COLORS, LINES, MARKERS, SERIES


def predicted_and_measured(ax, names, predicted, measured):
    """Draw two marks for each name on a logarithmic axis, joined by a line, with their values.

    Parameters
    ----------
    ax : matplotlib Axes
    names : list of str
    predicted, measured : array
        Seconds, one for each name.
    """
    rows = np.arange(len(names))
    predicted, measured = 1e3 * np.array([predicted, measured])
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

    A label stands above the line, or below where the line rises after it.

    Parameters
    ----------
    ax : matplotlib Axes
    shapes : list of tuple
        From the smallest batch to the largest.
    seconds : array
        For the whole batch, one for each shape.
    """
    numbers = np.array([np.prod(shape) for shape in shapes])
    cost = 1e9 * np.asarray(seconds) / numbers
    ax.loglog(numbers, cost, "o-", color=COLORS["value"])
    rises = [*(np.diff(cost) > 0), False]
    for shape, x, y, rise in zip(shapes, numbers, cost, rises, strict=True):
        place = {"xytext": (5, -6), "va": "top"} if rise else {"xytext": (5, 6), "va": "bottom"}
        ax.annotate(f"{shape}\n{y:,.0f} ns", (x, y), textcoords="offset points", **place)
    ax.set(xlabel="numbers in the batch", ylabel="ns for each number")
    ax.set(xlim=(numbers.min() / 2, numbers.max() * 12), ylim=(cost.min() / 5, cost.max() * 5))
    return ax


def scaling(ax, numbers, predicted, measured, ylabel):
    """Draw what each way costs over the number of machines: a line predicted, marks measured.

    Both axes are logarithmic, so a cost of 0 is left out.

    Parameters
    ----------
    ax : matplotlib Axes
    numbers : sequence of int
        Of machines; they are the ticks.
    predicted, measured : mapping from str to sequence of float
        By the way's name, one cost for each number.
    ylabel : str
    """
    handles = []
    for k, name in enumerate(predicted):
        costs = np.array([predicted[name], measured[name]], float)
        costs[costs == 0] = np.nan
        line = ax.plot(numbers, costs[0], LINES[k], color=SERIES[k])
        marks = ax.plot(numbers, costs[1], MARKERS[k], color=SERIES[k])
        handles.append((*line, *marks))
    ax.set(xscale="log", yscale="log", xlabel="machines, one shard each", ylabel=ylabel)
    ax.set_xticks(numbers, [f"{number:,}" for number in numbers])
    ax.xaxis.minorticks_off()
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.legend(handles, predicted, title="line: predicted\nmarks: measured")
    return ax
