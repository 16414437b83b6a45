"""The figures of the notebooks: arrays and an Axes in, the Axes out.

One colour for one quantity, in every notebook. The palettes are Okabe and Ito's for quantities
and Tol's for what is merely told apart; both are made for every kind of colour vision, and a
label, a marker or a line style always says the same.
"""

from html import escape
from io import StringIO

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

COLORS = {
    "value": "#0072B2",
    "gradient": "#D55E00",
    "mean": "#009E73",
    "var": "#CC79A7",
    "muted": "#767676",
}
SERIES = ("#332288", "#44AA99", "#882255", "#999933")  # lines that are compared
GROUPS = ("#77AADD", "#EEDD88", "#FFAABB", "#44BB99", "#99DDFF", "#EE8866", "#BBCC33", "#DDDDDD")
MARKERS = "osD^"
LINES = ("-", "--", ":", "-.")


def use_style():
    """Set matplotlib so that a figure's SVG text depends on nothing but its data."""
    plt.rcParams.update(
        {
            "svg.hashsalt": "bnlib",  # otherwise the ids in the SVG are random
            "svg.fonttype": "none",  # text stays text
            "figure.figsize": (9, 3.2),
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",  # legible on a dark page too
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "image.cmap": "gray",
        }
    )


def show(fig, alt):
    """Display a figure as SVG with alternative text, and close it.

    The text goes into the SVG for screen readers, and stands beside it as the plain-text form of
    the output.

    Parameters
    ----------
    fig : matplotlib Figure
    alt : str
        What the figure tells, in a sentence or two.

    Raises
    ------
    ValueError
        If alt is shorter than 40 characters.
    """
    if len(alt) < 40:
        raise ValueError(f"alt must tell what the figure shows, in 40 characters or more: {alt!r}")
    buffer = StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(fig)
    _, tag, rest = buffer.getvalue().partition("<svg ")
    label = escape(alt, quote=True)
    svg = f'{tag}role="img" aria-label="{label}" {rest}'
    display({"image/svg+xml": svg, "text/plain": f"Figure: {alt}"}, raw=True)


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


def numbered(ax, numbers, groups):
    """Draw a table of numbered squares, (rows, columns), in the colour of each number's group."""
    for (row, column), number in np.ndenumerate(numbers):
        color = GROUPS[groups[row, column] % len(GROUPS)]
        ax.add_patch(Rectangle((column, row), 1, 1, facecolor=color, edgecolor="white"))
        ax.text(column + 0.5, row + 0.5, number, ha="center", va="center", fontsize=9)
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
    ax.set(xlabel=r"$\varepsilon$", ylabel="standard deviation of y", xscale="log")
    ax.legend()
    return ax


def secants(ax, f, slope, x, h):
    """Draw f with its tangent at x, and the secants of a forward and a central difference."""
    near = np.linspace(x - 1.3 * h, x + 1.3 * h, 200)
    ax.plot(near, f(near), color="black", label="f")
    rows = {
        "tangent": (slope, f(x), "-", COLORS["gradient"]),
        "forward": ((f(x + h) - f(x)) / h, f(x), "--", SERIES[0]),
        "central": (
            (f(x + h) - f(x - h)) / (2 * h),
            (f(x + h) + f(x - h)) / 2,
            "-.",
            SERIES[1],
        ),
    }
    for label, (rise, height, style, color) in rows.items():
        ax.plot(near, height + rise * (near - x), style, color=color, label=label)
    ax.plot([x - h, x, x + h], f(np.array([x - h, x, x + h])), "o", color="black")
    ax.set(xticks=[x - h, x, x + h], xticklabels=["x - h", "x", "x + h"])
    ax.legend()
    return ax


def step_errors(ax, steps, errors):
    """Draw errors, a mapping from label to values, against the step h on logarithmic axes.

    An error of exactly 0 has no place on a logarithmic axis and is left out.
    """
    for number, (label, values) in enumerate(errors.items()):
        values = [float(f"{value:.4g}") or np.nan for value in values]
        ax.plot(steps, values, MARKERS[number], markersize=4, color=SERIES[number], label=label)
    ax.set(xlabel="step h", ylabel="error", xscale="log", yscale="log")
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


def offset_errors(ax, offsets, errors):
    """Draw errors, a mapping from label to values, against the offset of the data.

    NaN and infinity are drawn at the top, hollow; an error of 0 at the bottom. Where there are
    fewer values than offsets, the rest of the axis is gray.

    Parameters
    ----------
    ax : matplotlib Axes
    offsets : sequence of float
        Evenly spaced on the axis, whatever they are.
    errors : mapping from str to sequence of float
    """
    top, bottom = 1e3, 1e-17
    for number, (label, values) in enumerate(errors.items()):
        color, marker, line = SERIES[number % 4], MARKERS[number % 4], LINES[number % 4]
        lost = ~np.isfinite(values)
        shown = np.clip(np.where(lost, top, values), bottom, top)
        shown = np.array([float(f"{value:.2g}") for value in shown])
        places = np.arange(len(shown))
        ax.plot(places, shown, line, color=color)
        ax.plot(places[~lost], shown[~lost], marker, color=color, markersize=5, label=label)
        ax.plot(places[lost], shown[lost], marker, color=color, markersize=6, fillstyle="none")
    held = max(map(len, errors.values()))
    if held < len(offsets):
        ax.axvspan(held - 0.5, len(offsets) - 0.5, color="#EEEEEE")
    labels = [f"{o:g}" if o < 100 else f"$10^{{{np.log10(o):.0f}}}$" for o in offsets]
    ax.set_xticks(range(len(offsets)), labels, fontsize=10 if len(offsets) <= 8 else 7.5)
    ax.set(xlabel="offset", ylabel="largest error", yscale="log")
    return ax
