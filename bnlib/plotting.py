"""The figures of the notebooks: arrays and an Axes in, the Axes out.

The look of all figures and `show` from `bnlib.figures`, and the figures of `bnlib.error_plots`, are
here too, so that a notebook imports one module.
"""

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from bnlib.error_plots import offset_errors, secants, step_errors
from bnlib.figures import COLORS, GROUPS, LINES, MARKERS, SERIES, show, use_style

__all__ = [
    "COLORS",
    "GROUPS",
    "LINES",
    "MARKERS",
    "SERIES",
    "averaged_together",
    "channel_densities",
    "channel_rows",
    "curves",
    "eps_curve",
    "histogram",
    "line_and_residuals",
    "numbered",
    "offset_errors",
    "secants",
    "show",
    "step_errors",
    "use_style",
]


def averaged_together(ax, shape, axes, groups=None):
    """Draw an (N, C) or (N, C, H, W) block; numbers averaged together share colour and label.

    A row is a channel, a column is an image, a small square is one number. The label is the
    index of the mean that the numbers share.

    Parameters
    ----------
    ax : matplotlib Axes
    shape : tuple
    axes : tuple of int
        The axes averaged over, such as (0, 2, 3).
    groups : int, optional
        How many groups of neighbouring channels are averaged together; each channel alone if None.
    """
    n_images, n_channels, height, width = (*shape, 1, 1)[:4]
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    for n, c in np.ndindex(n_images, n_channels):
        left, top = n * (width + 0.6), c * (height + 0.6)
        squares = [Rectangle((left + w, top + h), 1, 1) for h, w in np.ndindex(height, width)]
        place = (n, c if groups is None else c * groups // n_channels)
        index = [place[axis] for axis in kept if axis < 2]
        group = np.ravel_multi_index(index, [shape[axis] for axis in kept if axis < 2])
        color = GROUPS[int(group) % len(GROUPS)]
        ax.add_collection(PatchCollection(squares, facecolor=color, edgecolor="white", linewidth=1))
        label = rf"$\mu_{{{','.join(map(str, index))}}}$"
        ax.text(left + width / 2, top + height / 2, label, ha="center", va="center", fontsize=11)
    ax.set(
        xlim=(-0.1, n_images * (width + 0.6)),
        ylim=(n_channels * (height + 0.6), -0.1),
        aspect="equal",
        xticks=[n * (width + 0.6) + width / 2 for n in range(n_images)],
        xticklabels=[f"image {n}" if len(shape) > 2 else f"{n}" for n in range(n_images)],
        yticks=[c * (height + 0.6) + height / 2 for c in range(n_channels)],
        yticklabels=[
            f"channel {c}" if len(shape) > 2 else f"feature {c}" for c in range(n_channels)
        ],
    )
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def numbered(ax, numbers, groups, names=()):
    """Draw a table of numbered squares, (rows, columns), in the colour of each number's group.

    names of the groups are written to the left of their rows.
    """
    for (row, column), number in np.ndenumerate(numbers):
        color = GROUPS[groups[row, column] % len(GROUPS)]
        ax.add_patch(Rectangle((column, row), 1, 1, facecolor=color, edgecolor="white"))
        ax.text(column + 0.5, row + 0.5, number, ha="center", va="center", fontsize=9)
    for group, name in enumerate(names):
        middle = np.mean(np.nonzero(groups == group)[0]) + 0.5
        ax.text(-0.2, middle, name, ha="right", va="center", fontsize=10)
    rows, columns = np.shape(numbers)
    ax.set(xlim=(-0.05, columns + 0.05), ylim=(rows + 0.05, -0.05), aspect="equal")
    ax.axis("off")
    return ax


def channel_rows(axes, x, names):
    """Draw a batch (N, C, H, W), a row for each channel: its images, then all its numbers.

    Parameters
    ----------
    axes : array of matplotlib Axes, (C, N + 1)
    x : array, (N, C, H, W)
    names : sequence of str
        Of the channels.
    """
    bins = np.linspace(x.min(), x.max(), 41)
    for c, row in enumerate(axes):
        for ax, image in zip(row, x[:, c], strict=False):
            ax.imshow(image, vmin=x.min(), vmax=x.max())
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(names[c])
        histogram(row[-1], x[:, c], bins)
        row[-1].set_yticks([])
    axes[-1, -1].set_xlabel("value")
    return axes


def histogram(ax, values, bins, label=None, color=COLORS["value"]):
    """Draw the density of some numbers, their mean as a line, mean +- std as a bar below."""
    values = np.ravel(values)
    mean, std = values.mean(), values.std()
    ax.hist(values, bins, density=True, color=color, alpha=0.35, label=label)
    top = ax.get_ylim()[1]
    ax.axvline(mean, color=COLORS["mean"], linewidth=2)
    ax.plot([mean - std, mean + std], [-0.06 * top] * 2, color=COLORS["var"], linewidth=4)
    ax.set_ylim(-0.12 * top, top)
    return ax


def channel_densities(ax, x, names, bins):
    """Draw one density curve for each channel of a batch (N, C, H, W), with its own line style.

    Parameters
    ----------
    ax : matplotlib Axes
    x : array, (N, C, H, W)
    names : sequence of str
        Of the channels.
    bins : array, (K,) or (C, K)
        The edges of the bins, for all channels or for each.
    """
    bins = np.broadcast_to(bins, (len(names), np.shape(bins)[-1]))
    for c, (name, edges) in enumerate(zip(names, bins, strict=True)):
        density, _ = np.histogram(x[:, c], edges, density=True)
        centres = (edges[1:] + edges[:-1]) / 2
        ax.plot(centres, density, LINES[c % 4], color=SERIES[c % 4], label=name)
    ax.set(xlabel="value", ylabel="density")
    ax.legend()
    return ax


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
