"""Figures of one quantity against another: lines, points, and a fit."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from bnlib.plotting.style import COLORS, LINES, MARKERS, SERIES


def curves(ax, x, ys, xlabel, ylabel, *, log="", markers=True, lines=True):
    """Draw one line for each entry of ys, a mapping from label to values.

    Values are rounded to six significant digits: the last ones differ between processors.

    Parameters
    ----------
    ax : matplotlib Axes
    x : sequence of float
        Where there are few, they are the ticks.
    ys : mapping from str to sequence of float
    xlabel, ylabel : str
    log : str, optional
        The logarithmic axes: "x", "y" or "xy".
    markers : bool, optional
        Mark every value; without, the lines differ in style.
    lines : bool, optional
        Join the values, which says that they have an order.
    """
    for number, (label, y) in enumerate(ys.items()):
        y = [float(f"{value:.6g}") for value in y]
        looks = {"marker": MARKERS[number % 4]} if markers else {"linestyle": LINES[number % 4]}
        if not lines:
            looks["linestyle"] = "none"
        ax.plot(x, y, markersize=4, color=SERIES[number % 4], label=label, **looks)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    if len(x) <= 8:
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.xaxis.minorticks_off()
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()
    return ax


def eps_curve(ax, var, eps, stds, number):
    """Draw the output's standard deviation against eps: sqrt(var / (var + eps)), and dots.

    Parameters
    ----------
    ax : matplotlib Axes
    var : float
        Of the channel.
    eps, stds : sequence of float
        Where it was measured, and what was seen.
    number : int
        Which line of the figure this is.
    """
    fine = np.logspace(np.log10(min(eps)), np.log10(max(eps)), 200)
    color, marker = SERIES[number % 4], MARKERS[number % 4]
    ax.plot(fine, np.sqrt(var / (var + fine)), color=color)
    ax.plot(eps, stds, marker, markersize=5, color=color, label=f"variance {var:g}")
    ax.set(xlabel="eps", ylabel="standard deviation of y", xscale="log")
    ax.legend()
    return ax


def line_and_residuals(ax, x, values, slope, intercept):
    """Draw points, a straight line, and the vertical segments between them."""
    fitted = intercept + slope * np.asarray(x)
    ends = np.array([min(x), max(x)])
    ax.plot(ends, intercept + slope * ends, color=COLORS["muted"], label="least-squares line")
    ax.vlines(x, fitted, values, color=COLORS["gradient"], linewidth=3, label="residuals")
    ax.plot(x, values, "o", color="black", markersize=5, label="the numbers of the channel")
    ax.legend()
    return ax
