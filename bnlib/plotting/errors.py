"""Figures of numerical error: difference quotients, and the digits that a large offset costs."""

import numpy as np

from bnlib.plotting.style import COLORS, LINES, MARKERS, SERIES

# Ways to a variance, and which of the series each is; the layers are named by their way.
METHODS = {
    "one pass": 0,
    "two passes": 1,
    "centred once": 1,
    "centred twice": 2,
    "bnlib": 2,
    "welford": 3,
}


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
    ax.set(xticks=[x - h, x, x + h], xticklabels=["x - h", "x", "x + h"], ylabel="f")
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
        A method of `METHODS` has the same colour in every figure; anything else is gray.
    """
    top, bottom = 1e3, 1e-17
    for number, (label, values) in enumerate(errors.items()):
        number = METHODS.get(label, number)
        color = SERIES[number] if label in METHODS else COLORS["muted"]
        marker, line = MARKERS[number % 4], LINES[number % 4]
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
    if len(labels) > 8:  # all would only fit in tiny letters
        labels[1::2] = [""] * len(labels[1::2])
    ax.set_xticks(range(len(offsets)), labels)
    ax.set(xlabel="offset", ylabel="largest error", yscale="log")
    return ax
